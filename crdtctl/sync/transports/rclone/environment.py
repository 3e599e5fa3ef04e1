"""Which of rclone's variables are kept from it.

Each option of rclone has a variable, ``RCLONE_`` and its name. Those that say how a place is reached, with which
credentials and how fast, are the user's. Those that say which files are meant, whether anything is done, or what is
printed, were set for something else.
"""

import os
import re
from typing import Final

#: Which files are meant, by name, age, size or kind.
_FILES = (
    r"(EXCLUDE|INCLUDE|FILTER|FILES_FROM|HASH_FILTER|METADATA|IGNORE|DELETE|TRACK_RENAMES)(_\w+)?"
    r"|(MAX|MIN)_(AGE|SIZE|DEPTH|DELETE\w*|TRANSFER|DURATION)|CUTOFF_MODE|RECURSIVE|(DIRS|FILES)_ONLY|STAT"
    r"|(LOCAL_)?LINKS|COPY_LINKS|SKIP_LINKS|ONE_FILE_SYSTEM|ORDER_BY"
)
#: Whether and how a file is copied.
_COPIES = (
    r"DRY_RUN|INTERACTIVE|AUTO_CONFIRM|IMMUTABLE|UPDATE|SIZE_ONLY|CHECKSUM|BACKUP_DIR|SUFFIX(_\w+)?|(COMPARE|COPY)_DEST"
    r"|NO_(CHECK_DEST|TRAVERSE|UPDATE_MODTIME|MODTIME)|MODIFY_WINDOW|REFRESH_TIMES|INPLACE|PARTIAL_SUFFIX"
    r"|ERROR_ON_NO_TRANSFER"
)
#: What is printed and logged, and where.
_PRINTS = (
    r"(LOG|STATS|PROGRESS|SYSLOG|DUMP|RC|METRICS)(_\w+)?|USE_JSON_LOG|VERBOSE|QUIET|HUMAN_READABLE|VERSION|HELP"
    r"|(CPU|MEM)PROFILE|HASH(_TYPE)?|ENCRYPTED|ORIGINAL|NO_MIMETYPE|DEFAULT_TIME"
)
_STRANGE: Final = re.compile(f"RCLONE_({_FILES}|{_COPIES}|{_PRINTS})")


def environment_changes() -> dict[str, str | None]:
    """Return how the environment of rclone differs from ours."""
    strange: dict[str, str | None] = {name: None for name in os.environ if _STRANGE.fullmatch(name)}
    # Since 1.63 it adds to a name while it writes, for which some are too long; before, it ignores the variable.
    return {**strange, "RCLONE_INPLACE": "true"}
