"""Owner, group and mode of new files. They are as usable for other users as their directory.

If root works in a user's directory once, the user can use all files that are made there. A group that may write in a
directory may write the new files in it, independently of the umask. Ownership is changed through descriptors, because a
path could become a link to another file in between.
"""

from __future__ import annotations

import errno

from crdtctl.contexts import contextmanager, suppress
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def give(fd: int, user: int, group: int) -> None:
    """Change owner and group, or the group alone, as far as that is allowed."""
    try:
        os.fchown(fd, user, group)
    except OSError:
        with suppress(OSError):
            os.fchown(fd, -1, group)


def adopt(fd: int, directory: int) -> None:
    """Give a new file to the owner of its directory, if root made it, and to the group that may write there.

    If that is not permitted, the file stays as it was made.
    """
    with suppress(OSError):
        above, made = os.fstat(directory), os.fstat(fd)
        if os.geteuid() == 0 and made.st_uid != above.st_uid:
            give(fd, above.st_uid, above.st_gid)
        elif above.st_mode & stat.S_IWGRP and made.st_gid != above.st_gid:
            give(fd, -1, above.st_gid)
        mode = _opened(os.fstat(fd), above)
        if mode != stat.S_IMODE(made.st_mode):
            os.fchmod(fd, mode)


def _opened(made: os.stat_result, above: os.stat_result) -> int:
    """Return the mode of a new file or directory: as the umask left it, and writable like its directory."""
    mode = stat.S_IMODE(made.st_mode)
    is_directory = stat.S_ISDIR(made.st_mode)
    if above.st_mode & stat.S_IWGRP and made.st_gid == above.st_gid:
        mode |= 0o070 | above.st_mode & stat.S_ISGID if is_directory else 0o060
    if above.st_mode & stat.S_IWOTH:
        mode |= 0o007 if is_directory else 0o006
    return mode


def make_directories(path: str, *, shared: bool = False) -> None:
    """Make a directory, and those above it that are missing; each belongs to the owner of the one above it.

    A `shared` one is adopted by the one above it, see `adopt`.
    """
    if os.path.isdir(path):
        return
    above = os.path.dirname(os.path.abspath(path))
    make_directories(above, shared=shared)
    try:
        os.mkdir(path)
    except FileExistsError:
        if not os.path.isdir(path):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)) from None
        return
    with suppress(OSError), opened(above) as parent, opened(path) as made:
        if shared:
            adopt(made, parent)
        elif os.geteuid() == 0 and (user := os.fstat(parent).st_uid):
            give(made, user, os.fstat(parent).st_gid)


def make_private(path: str) -> None:
    """Make a directory for the user's own files."""
    if not os.path.isdir(path):
        make_directories(path)
        with opened(path) as made:
            os.fchmod(made, 0o700)


def give_back(fd: int, directory: str) -> None:
    """Give a file that root made in a user's own directory to that user."""
    if os.geteuid() == 0 and (user := os.stat(directory).st_uid):
        give(fd, user, os.stat(directory).st_gid)


def give_all_back(path: str) -> None:
    """Give all files that other programs made as root in a directory to its owner. Links are left alone."""
    if os.geteuid() != 0:
        return
    with suppress(OSError):
        above = os.stat(path)
        for _, directories, files, fd in os.fwalk(path) if above.st_uid else ():
            for name in (*directories, *files):
                found = os.stat(name, dir_fd=fd, follow_symlinks=False)
                is_alone = found.st_nlink == 1 or stat.S_ISDIR(found.st_mode)  # it may have a name outside
                if found.st_uid == 0 and is_alone:
                    os.chown(name, above.st_uid, above.st_gid, dir_fd=fd, follow_symlinks=False)


@contextmanager
def opened(path: str) -> Iterator[int]:
    """Open a directory, not through a symbolic link, and close it in the end."""
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


def may_write(directory: int) -> bool:
    """Return whether this process may make files in an open directory."""
    return os.access(".", os.W_OK, dir_fd=directory, effective_ids=os.access in os.supports_effective_ids)
