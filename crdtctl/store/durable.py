"""Locks and durable writes: steps 0 to 6 of the write order.

This module is on the path of every increment, so it imports nothing that Python has not loaded already,
but fcntl.
"""

import fcntl

from crdtctl.store.locate import is_ours
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

OWN = "own"
KNOWN = "known"
#: What the name of the file with the latest changes of a large own.json ends with, see `crdtctl.store.recent`.
RECENT = ".recent.json"
#: The start of an own.json that has such a file.
_WITH_RECENT = b'{"crdtctl":1,"kind":"own","base":"'
_MAX_LINKS = 40
#: The number of times that both state files are opened to have them as they were at one moment.
_ROUNDS = 10_000

#: The largest own.json that is read into memory, or written.
MAX_OWN_BYTES = 2**30
#: A larger file is not summed up for the sake of showing one counter: only the lines that are read are looked
#: at. Whatever is written, exported or merged was summed up before.
VERIFY_BELOW = 4 * 2**20
#: Number of bytes of ``config.toml`` that may be about single settings. Tables, such as that of remotes, follow them.
_MAX_SETTINGS = 2**16
NEW = ".new"
#: Minimum size in bytes of an own.json that has an own.recent.json.
LARGE = 2**18


def open_standard_streams() -> None:
    """Make sure that descriptors 0 to 2 are open, so that no state file ever becomes one of them.

    Where one was closed, it is opened in the wrong direction: nothing can be read from it or written to it.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open("/dev/null", os.O_WRONLY if fd == 0 else os.O_RDONLY)  # takes the lowest free number


class ForeignLink(PermissionError):
    """A symbolic link that another user made stands where one of our own files or directories is expected."""


def open_directory(path: str) -> int:
    """Open the directory of a replica; everything after happens inside it. Raise `ForeignLink`."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        return os.open(path, flags)
    except OSError:
        if not os.path.islink(path):
            raise
    return os.open(followed(path), flags)


def followed(path: str) -> str:
    """Return the path behind symbolic links that this user or root made; raise `ForeignLink` for any other.

    Where others can write, a link may have been put to have us use a file of the wrong place.
    """
    for _ in range(_MAX_LINKS):
        if not os.path.islink(path):
            return path
        if not is_ours(os.lstat(path)):
            raise ForeignLink
        path = os.path.join(os.path.dirname(path), os.readlink(path)).rstrip("/")
    import errno  # only here, as above

    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))


def close(fd: int) -> None:
    """Close a descriptor that nothing was written to; if that fails, nothing is lost, and no error is raised."""
    try:
        os.close(fd)
    except OSError:
        pass


def sync_directory(fd: int) -> None:
    """Put the names in an open directory on disk.

    A file system that does not sync directories keeps names in its own way.
    """
    try:
        os.fsync(fd)
    except OSError as error:
        import errno  # only here: no increment needs it

        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def open_lock(directory: int, which: str) -> int:
    """Open a lock file; make it if it does not exist. A read-only one can be locked on most systems."""
    flags = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    name = f"{which}.lock"
    while True:
        try:
            return os.open(name, flags, dir_fd=directory)
        except PermissionError:
            return os.open(name, flags & ~os.O_RDWR, dir_fd=directory)
        except FileNotFoundError:
            pass
        try:
            lock = os.open(name, flags | os.O_CREAT | os.O_EXCL, 0o666, dir_fd=directory)
        except FileExistsError:  # another process was quicker
            continue
        adopt(lock, directory)
        return lock


def try_lock(lock: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        import errno  # only here, as above

        if error.errno == errno.EBADF:  # where a lock needs the right to write, as on NFS
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES)) from None
        raise
    return True


def is_same_file(directory: int, name: str, fd: int) -> bool:
    """Return whether `name` is still the name of the open file `fd`."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return False


def open_state(directory: int, name: str) -> int:
    """Open a state file to read: not through a symbolic link, and never waiting for a FIFO."""
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)


def opening(directory: int, name: str, size: int) -> bytes:
    """Return the first bytes of a state file; none if it does not exist, or is not a file that can be read."""
    try:
        fd = open_state(directory, name)
    except OSError:
        return b""
    try:
        return os.pread(fd, size, 0)
    except OSError:
        return b""
    finally:
        close(fd)


def may_set(directory: int, setting: bytes) -> bool:
    """Return whether a line of ``config.toml`` may be about a setting: it has its name, and is not a comment."""
    text = opening(directory, "config.toml", _MAX_SETTINGS)
    return setting in text and any(setting in line and line.lstrip()[:1] != b"#" for line in text.split(b"\n"))


def has_recent(own: int) -> bool:
    """Return whether the open ``own.json`` has an ``own.recent.json``, by its header."""
    try:
        return os.pread(own, len(_WITH_RECENT), 0) == _WITH_RECENT
    except OSError as error:
        import errno  # only here, as above

        if error.errno in (errno.EISDIR, errno.ESPIPE):
            return False  # not a regular file
        raise


def open_own(directory: int) -> "tuple[int, int | None]":
    """Open ``own.json`` and ``own.recent.json`` to read, see `open_all`."""
    own, recent, _ = open_all(directory, known=False)
    return own, recent


def open_all(directory: int, *, known: bool = True) -> "tuple[int, int | None, int | None]":
    """Open ``own.json``, ``own.recent.json`` and ``known.json`` to read, all as they were at one moment.

    The second is opened if the first has one. The last two may be missing, and None takes their place.
    State files are only ever replaced, so an open one stays as it is. The last file was opened at a moment when the
    names of the others still belonged to the open files, or else all are opened again. Raise OSError if that never
    ends.
    """
    for _ in range(_ROUNDS):
        own = open_state(directory, f"{OWN}.json")
        recent = learned = None
        try:
            if has_recent(own):
                recent = _open_if_there(directory, f"{OWN}{RECENT}")
            if known:
                learned = _open_if_there(directory, f"{KNOWN}.json")
            if is_same_file(directory, f"{OWN}.json", own) and (
                recent is None or is_same_file(directory, f"{OWN}{RECENT}", recent)
            ):
                found, own, recent, learned = (own, recent, learned), -1, None, None
                return found
        finally:
            for fd in (own, recent, learned):
                if fd is not None and fd >= 0:
                    close(fd)
    import errno  # only here, as above

    raise OSError(errno.ESTALE, os.strerror(errno.ESTALE), f"{OWN}.json")


def _open_if_there(directory: int, name: str) -> "int | None":
    try:
        return open_state(directory, name)
    except FileNotFoundError:
        return None


def adopt(fd: int, directory: int) -> None:
    """Give a new file in a replica's directory to the owner and group of the directory."""
    from crdtctl.store import owner  # only here: files are new once

    owner.adopt(fd, directory)


def read_all(fd: int) -> bytes:
    """Return the content of a regular file."""
    size = os.fstat(fd).st_size
    data = os.read(fd, size + 1)
    while len(data) <= size:
        more = os.read(fd, size + 1 - len(data))
        if not more:
            break
        data += more
    return data


class OnDisk:
    """An open regular file, as pages. Readers do not disturb each other: it has no position."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start`."""
        return os.pread(self.fd, size, start)


def write_all(fd: int, data: "bytes | memoryview") -> None:
    """Write all of `data`."""
    done = os.write(fd, data)
    while done < len(data):
        done += os.write(fd, memoryview(data)[done:])


class NotApplied(Exception):
    """The lock was lost before the rename: nothing was changed."""


class Draft:
    """A new version of one state file, put in place as a whole by `commit`, or left without a trace.

    The file's `lock` must be held. After an exception while `is_renamed` is false, nothing was changed.
    """

    def __init__(self, directory: int, which: str, lock: int, ending: str = ".json") -> None:
        self.directory = directory
        self.which = which
        self.file = which + ending
        self.lock = lock
        self.is_renamed = False
        self.sweep()
        self.path = f"{self.file}.{os.getpid()}-{os.urandom(4).hex()}{NEW}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(self.path, flags, 0o666, dir_fd=directory)
        try:
            self._keep_owner_and_mode()
        except OSError:
            self.abandon()
            raise

    def sweep(self) -> None:
        """Delete the drafts of killed writers. They held the lock that this process holds now."""
        for name in os.listdir(self.directory):
            if name.endswith(NEW) and name.startswith(f"{self.file}."):
                try:
                    os.unlink(name, dir_fd=self.directory)
                except (IsADirectoryError, PermissionError):  # not of our making
                    pass

    def _keep_owner_and_mode(self) -> None:
        """Give the new file the owner and mode of the old one, so that root can write for a user."""
        try:
            old = self._old()
        except FileNotFoundError:
            adopt(self.fd, self.directory)
            return
        new = os.fstat(self.fd)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            from crdtctl.store.owner import give

            give(self.fd, old.st_uid, old.st_gid)
        if old.st_mode != new.st_mode:
            os.fchmod(self.fd, old.st_mode & 0o7777)

    def _old(self) -> "os.stat_result":
        """Return the status of the old file, or, for a new kind of file, of that beside it."""
        try:
            return os.stat(self.file, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            if self.file == f"{self.which}.json":
                raise
        return os.stat(f"{self.which}.json", dir_fd=self.directory, follow_symlinks=False)

    def write(self, data: "bytes | memoryview") -> None:
        """Add bytes to the new file."""
        write_all(self.fd, data)

    def write_all(self, pieces: "Iterable[bytes | memoryview]") -> None:
        """Add pieces to the new file, in one call where the system allows it."""
        pieces = list(pieces)
        if len(pieces) > 512:  # a system takes about 1,024 in one call
            pieces = [b"".join(pieces)]
        done = os.writev(self.fd, pieces)
        if done < sum(map(len, pieces)):
            self.write(b"".join(pieces)[done:])

    def commit(self) -> None:
        """Put the new file in place, on disk. Raise OSError with `is_renamed` set if that is not certain."""
        os.fsync(self.fd)
        fd, self.fd = self.fd, -1
        os.close(fd)
        if not is_same_file(self.directory, f"{self.which}.lock", self.lock):
            raise NotApplied
        os.rename(self.path, self.file, src_dir_fd=self.directory, dst_dir_fd=self.directory)
        self.is_renamed = True
        sync_directory(self.directory)

    def abandon(self) -> None:
        """Delete the new file, unless it is in place."""
        if self.fd >= 0:
            fd, self.fd = self.fd, -1
            close(fd)
        if not self.is_renamed:
            try:
                os.unlink(self.path, dir_fd=self.directory)
            except FileNotFoundError:
                pass
