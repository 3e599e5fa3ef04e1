"""Files that other programs keep at a remote, recognised by their names. Pure."""

import re
from typing import Final

from crdtctl.sync.transport import CHECK_PREFIX

#: Names of file managers' own files.
_THEIRS: Final = ("desktop.ini", "Thumbs.db", "Icon\r")
#: A placeholder of iCloud: the file itself is only in the cloud.
_ICLOUD = re.compile(r"\.(?P<name>.+)\.icloud", re.IGNORECASE)
#: A placeholder of Nextcloud, ownCloud, Resilio Sync or odrive.
_STAND_IN = re.compile(r"(?P<name>.+\.(?:json|toml))\.(?:nextcloud|owncloud|rsls|cloud)", re.IGNORECASE)
#: Suffixes of unfinished transfers: browsers, rclone, WinSCP, FileZilla, aria2, Nextcloud, KDE, Resilio.
_UNFINISHED = re.compile(
    r".+\.(?:partial|part|filepart|crdownload|download|opdownload|aria2|tmp|temp|!sync|!ut|bts|ocTransferId\w+)",
    re.IGNORECASE,
)


def is_hidden(name: str) -> bool:
    """Return whether a file belongs to another program, or is an unfinished upload. It is neither read nor reported."""
    return name.startswith((".", "~", CHECK_PREFIX)) or name in _THEIRS


def placeholder_target(name: str) -> str:
    """Return the name of the file that a placeholder of a cloud drive represents; empty for other files.

    >>> [placeholder_target(name) for name in (".a.crdt.json.icloud", "a.crdt.json.nextcloud", "a.crdt.json")]
    ['a.crdt.json', 'a.crdt.json', '']
    """
    found = _ICLOUD.fullmatch(name) or _STAND_IN.fullmatch(name)
    return found["name"] if found else ""


def is_unfinished(name: str) -> bool:
    """Return whether a file has the name of a transfer in progress.

    >>> is_unfinished("a.crdt.json.partial"), is_unfinished("a.crdt.json")
    (True, False)
    """
    return _UNFINISHED.fullmatch(name) is not None
