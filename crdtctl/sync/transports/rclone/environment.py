"""The environment of rclone, without the variables that would change the operations of a sync.

Each option of rclone has a variable, ``RCLONE_`` and its name. Variables about access to a place, credentials and speed
are kept. Variables that select files, decide whether anything is done, or change the output are removed.
"""

import os
import re
from typing import Final

#: Options that select files by name, age, size or kind.
_FILES = (
    r"(EXCLUDE|INCLUDE|FILTER|FILES_FROM|HASH_FILTER|METADATA|IGNORE|DELETE|TRACK_RENAMES)(_\w+)?"
    r"|(MAX|MIN)_(AGE|SIZE|DEPTH|DELETE\w*|TRANSFER|DURATION)|CUTOFF_MODE|RECURSIVE|(DIRS|FILES)_ONLY|STAT"
    r"|(LOCAL_)?LINKS|COPY_LINKS|SKIP_LINKS|ONE_FILE_SYSTEM|ORDER_BY"
)
#: Options that change whether and how a file is copied.
_COPIES = (
    r"DRY_RUN|INTERACTIVE|AUTO_CONFIRM|IMMUTABLE|UPDATE|SIZE_ONLY|CHECKSUM|BACKUP_DIR|SUFFIX(_\w+)?|(COMPARE|COPY)_DEST"
    r"|NO_(CHECK_DEST|TRAVERSE|UPDATE_MODTIME|MODTIME)|MODIFY_WINDOW|REFRESH_TIMES|INPLACE|PARTIAL_SUFFIX"
    r"|ERROR_ON_NO_TRANSFER"
)
#: Options of the output and the log.
_PRINTS = (
    r"(LOG|STATS|PROGRESS|SYSLOG|DUMP|RC|METRICS)(_\w+)?|USE_JSON_LOG|VERBOSE|QUIET|HUMAN_READABLE|VERSION|HELP"
    r"|(CPU|MEM)PROFILE|HASH(_TYPE)?|ENCRYPTED|ORIGINAL|NO_MIMETYPE|DEFAULT_TIME"
)
_REMOVED: Final = re.compile(f"RCLONE_({_FILES}|{_COPIES}|{_PRINTS})")


def environment_changes() -> dict[str, str | None]:
    """Return the changes to this process's environment for rclone."""
    removed: dict[str, str | None] = {name: None for name in os.environ if _REMOVED.fullmatch(name)}
    # Since 1.63, rclone extends names while it writes, which makes some too long. Earlier versions ignore this.
    return {**removed, "RCLONE_INPLACE": "true"}
