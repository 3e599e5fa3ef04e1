"""`os` for the plainest commands: importing it would take a fifth of the time of an increment.

The installed script starts Python without `site`, and then no import loads `os` by itself. The system calls
are those of `posix`, where `os` has them from. The few functions on paths and variables that the plainest commands use
are written again here; any other name is that of `os`. If `os` is imported already, it is used itself.
"""

import posix
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os as os  # for other modules
    import stat as stat
    from collections.abc import Iterator
    from typing import Any


class Paths:
    """Functions of `os.path`."""

    @staticmethod
    def exists(path: str) -> bool:
        """Return whether a path, behind links, is there."""
        try:
            posix.stat(path)
        except (OSError, ValueError):
            return False
        return True

    @staticmethod
    def lexists(path: str) -> bool:
        """Return whether a path is there, perhaps a link to nowhere."""
        try:
            posix.lstat(path)
        except (OSError, ValueError):
            return False
        return True

    @staticmethod
    def islink(path: str) -> bool:
        """Return whether a path is a symbolic link."""
        try:
            return posix.lstat(path).st_mode & 0o170000 == 0o120000
        except (OSError, ValueError):
            return False

    @staticmethod
    def isdir(path: str) -> bool:
        """Return whether a path, behind links, is a directory."""
        try:
            return posix.stat(path).st_mode & 0o170000 == 0o040000
        except (OSError, ValueError):
            return False

    @staticmethod
    def isabs(path: str) -> bool:
        """Return whether a path begins at the root."""
        return path[:1] == "/"

    @staticmethod
    def dirname(path: str) -> str:
        """Return the directory of a path."""
        head = path[: path.rfind("/") + 1]
        return head.rstrip("/") or head

    @staticmethod
    def join(path: str, other: str) -> str:
        """Return a path below another one, or itself if it is absolute."""
        if other[:1] == "/" or not path:
            return other
        return path + other if path[-1] == "/" else f"{path}/{other}"

    @staticmethod
    def samestat(one: "posix.stat_result", other: "posix.stat_result") -> bool:
        """Return whether two results of a stat are of one file."""
        return one.st_ino == other.st_ino and one.st_dev == other.st_dev

    def __getattr__(self, name: str) -> "Any":
        """Return any other function."""
        from crdtctl import more_paths

        found = getattr(more_paths, name, None)
        if found is None:
            import os

            found = getattr(os.path, name)
        return found


class Variables:
    """The environment variables, as text."""

    def get(self, name: str, default: "str | None" = None) -> "str | None":
        """Return the value of a variable."""
        value = posix.environ.get(_bytes(name))
        return default if value is None else value.decode("utf-8", "surrogateescape")

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __iter__(self) -> "Iterator[str]":
        return (name.decode("utf-8", "surrogateescape") for name in posix.environ)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(name: "Any") -> str:
    if isinstance(name, str):
        return name
    import os

    return os.fsdecode(name)


class _System(type(sys)):  # type: ignore[misc]  # a module
    """A module in the place of `os`."""

    def __init__(self) -> None:
        super().__init__("os")
        self.__dict__.update(vars(posix))
        self.path = Paths()
        self.environ = Variables()
        self.fsencode = _bytes
        self.SEEK_SET, self.SEEK_CUR, self.SEEK_END = 0, 1, 2
        self.fsdecode = _text

    def __getattr__(self, name: str) -> "Any":
        import os

        return getattr(os, name)


if not TYPE_CHECKING:
    import _stat as stat  # noqa: F401 - for other modules; `stat` has from it what they use

    if "os" in sys.modules:
        import os
    else:
        os = _System()
