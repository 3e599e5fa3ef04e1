"""Files at a remote that other programs keep there, by their names. Pure."""

import re
from typing import Final

from crdtctl.sync.transport import CHECK_PREFIX

#: Names that file managers use for their own purposes.
_THEIRS: Final = ("desktop.ini", "Thumbs.db", "Icon\r")
#: A file of iCloud that stands for one that is in the cloud only.
_ICLOUD = re.compile(r"\.(?P<name>.+)\.icloud", re.IGNORECASE)
#: The same of Nextcloud, ownCloud, Resilio Sync and odrive.
_STAND_IN = re.compile(r"(?P<name>.+\.(?:json|toml))\.(?:nextcloud|owncloud|rsls|cloud)", re.IGNORECASE)
#: What the names of transfers under way end with: browsers, rclone, WinSCP, FileZilla, aria2, Nextcloud, KDE, Resilio.
_UNFINISHED = re.compile(
    r".+\.(?:partial|part|filepart|crdownload|download|opdownload|aria2|tmp|temp|!sync|!ut|bts|ocTransferId\w+)",
    re.IGNORECASE,
)


def is_hidden(name: str) -> bool:
    """Return whether a file is another program's own business, or a draft of ours: it is neither read nor reported."""
    return name.startswith((".", "~", CHECK_PREFIX)) or name in _THEIRS


def placeholder_target(name: str) -> str:
    """Return the name of the file for which a cloud drive keeps a stand-in here; empty if the file is no stand-in.

    >>> [placeholder_target(name) for name in (".a.crdt.json.icloud", "a.crdt.json.nextcloud", "a.crdt.json")]
    ['a.crdt.json', 'a.crdt.json', '']
    """
    found = _ICLOUD.fullmatch(name) or _STAND_IN.fullmatch(name)
    return found["name"] if found else ""


def is_unfinished(name: str) -> bool:
    """Return whether a file is named like one of a transfer under way.

    >>> is_unfinished("a.crdt.json.partial"), is_unfinished("a.crdt.json")
    (True, False)
    """
    return _UNFINISHED.fullmatch(name) is not None
