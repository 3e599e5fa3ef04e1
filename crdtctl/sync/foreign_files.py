"""Files that other programs keep at a remote, recognised by their names. Pure."""

from __future__ import annotations

from crdtctl.sync.transport import CHECK_PREFIX

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

#: Names of file managers' own files.
_THEIRS: Final = ("desktop.ini", "Thumbs.db", "Icon\r")
#: Suffix of a placeholder of iCloud, whose name has a leading dot: the file itself is only in the cloud.
_ICLOUD: Final = ".icloud"
#: Suffixes of placeholders of Nextcloud, ownCloud, Resilio Sync and odrive.
_STAND_INS: Final = (".nextcloud", ".owncloud", ".rsls", ".cloud")
_STATES: Final = (".json", ".toml", ".sealed")
#: Suffixes of unfinished transfers: browsers, rclone, WinSCP, FileZilla, aria2, Nextcloud, KDE, Resilio.
_UNFINISHED: Final = frozenset(
    (
        "partial",
        "part",
        "filepart",
        "crdownload",
        "download",
        "opdownload",
        "aria2",
        "tmp",
        "temp",
        "!sync",
        "!ut",
        "bts",
    )
)
#: Suffix of an unfinished transfer of Nextcloud, before its number.
_NUMBERED: Final = "octransferid"


def is_hidden(name: str) -> bool:
    """Return whether a file belongs to another program, or is an unfinished upload. It is neither read nor reported."""
    return name.startswith((".", "~", CHECK_PREFIX)) or name in _THEIRS


def placeholder_target(name: str) -> str:
    """Return the name of the file that a placeholder of a cloud drive represents; empty for other files.

    >>> [placeholder_target(name) for name in (".a.crdt.json.icloud", "a.crdt.json.nextcloud", "a.crdt.json")]
    ['a.crdt.json', 'a.crdt.json', '']
    """
    lower = name.lower()
    if lower.endswith(_ICLOUD) and name.startswith(".") and len(name) > len(_ICLOUD) + 1:
        return name[1 : -len(_ICLOUD)]
    if lower.endswith(_STAND_INS):
        target = name.rpartition(".")[0]
        return target if target.lower().endswith(_STATES) and len(target) > len(".json") else ""
    return ""


def is_unfinished(name: str) -> bool:
    """Return whether a file has the name of a transfer in progress.

    >>> is_unfinished("a.crdt.json.partial"), is_unfinished("a.crdt.json")
    (True, False)
    """
    before, _, ending = name.rpartition(".")
    ending = ending.lower()
    number = ending.removeprefix(_NUMBERED)
    is_numbered = number not in ("", ending) and number.replace("_", "0").isalnum()
    return bool(before) and (ending in _UNFINISHED or is_numbered)
