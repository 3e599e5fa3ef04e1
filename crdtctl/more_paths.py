"""Functions of `os.path` that commands with folders use, written again as those in `system` are."""

from __future__ import annotations

import posix

#: Maximum number of symbolic links that are followed. A path with more, perhaps a circle, is left to `os.path`.
_LINKS = 40


def basename(path: str) -> str:
    """Return the last part of a path."""
    return path[path.rfind("/") + 1 :]


def isfile(path: str) -> bool:
    """Return whether a path, behind links, is a regular file."""
    try:
        return posix.stat(path).st_mode & 0o170000 == 0o100000
    except (OSError, ValueError):
        return False


def abspath(path: str) -> str:
    """Return an absolute path without ``.``, ``..`` and empty parts. Links are not followed."""
    if path[:1] != "/":
        path = f"{posix.getcwd()}/{path}"
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    root = "//" if path[:2] == "//" and path[2:3] != "/" else "/"  # POSIX lets two slashes mean something else
    return root + "/".join(parts)


def expanduser(path: str) -> str:
    """Return a path with the home directory in the place of ``~``."""
    if path[:1] != "~":
        return path
    home = posix.environ.get(b"HOME")
    if not home or path[1:2] not in ("", "/"):
        import os

        return os.path.expanduser(path)
    return home.decode("utf-8", "surrogateescape").rstrip("/") + path[1:] or "/"


def realpath(path: str) -> str:
    """Return an absolute path without symbolic links. Parts that do not exist stay as they are."""
    left = (path if path[:1] == "/" else f"{posix.getcwd()}/{path}").split("/")[::-1]
    at, links = "", 0
    while left:
        part = left.pop()
        if part == "..":
            at = at[: max(at.rfind("/"), 0)]
        elif part not in ("", "."):
            try:
                target = posix.readlink(f"{at}/{part}")
            except OSError:  # not a symbolic link
                at = f"{at}/{part}"
                continue
            links += 1
            if links > _LINKS:
                import os

                return os.path.realpath(path)
            if target[:1] == "/":
                at = ""
            left += target.split("/")[::-1]
    return at or "/"
