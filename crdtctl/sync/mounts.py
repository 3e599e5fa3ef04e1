"""File systems that may hang, because another machine or program serves them."""

from __future__ import annotations

from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Final

_MOUNTS = "/proc/self/mountinfo"
#: File systems on a disk of this machine, or in its memory.
_LOCAL: Final = frozenset(
    ("bcachefs", "btrfs", "devtmpfs", "ext2", "ext3", "ext4", "f2fs", "overlay", "ramfs", "tmpfs", "xfs", "zfs")
)
#: Maximum number of symbolic links in a path.
_LINKS = 40


def kinds(text: str) -> dict[str, str]:
    """Return the type of the file system at each mount point, from ``/proc/self/mountinfo`` (proc(5)).

    >>> kinds("42 27 0:39 / /mnt/my\\\\040nas rw - nfs4 nas:/x rw")
    {'/mnt/my nas': 'nfs4'}
    """
    found = {}
    for line in text.splitlines():
        place, _, source = line.partition(" - ")
        if len(words := place.split(" ")) > 4 and source:
            found[_unescaped(words[4])] = source.split(" ")[0]
    return found


def _unescaped(path: str) -> str:
    """Return a path without the escapes of the kernel: a backslash and three octal digits."""
    plain, *escaped = path.split("\\")
    return plain + "".join([chr(int(part[:3], 8)) + part[3:] for part in escaped])


def may_hang(path: str, mounted: Mapping[str, str] | None = None) -> bool:
    """Return whether an absolute path leads into a file system that may hang, without accessing that file system.

    The root does not count: if it hangs, the whole machine does.
    """
    if mounted is None and (mounted := _mounted()) is None:
        return False
    at, left, links = "/", path.split("/")[::-1], 0
    while left:
        part = left.pop()
        if part in ("", "."):
            continue
        at = os.path.dirname(at) if part == ".." else os.path.join(at, part)
        if at != "/" and mounted.get(at, "ext4") not in _LOCAL:
            return True
        try:
            target = os.readlink(at)
        except OSError:  # not a symbolic link
            continue
        links += 1
        if links > _LINKS:
            return False
        at = "/" if target.startswith("/") else os.path.dirname(at)
        left += target.split("/")[::-1]
    return False


def is_local(path: str) -> bool:
    """Return whether an absolute path is known to lead into a file system that does not hang."""
    mounted = _mounted()
    return mounted is not None and not may_hang(path, mounted)


def _mounted() -> dict[str, str] | None:
    """Return the type of the file system at each mount point; None if this is not Linux, and they are unknown."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as file:
            return kinds(file.read())
    except OSError:
        return None
