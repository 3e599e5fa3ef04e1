"""Locks and durable writes: steps 0 to 6 of the write order.

This module is on the path of every increment, so it imports nothing that Python has not loaded already,
but fcntl.
"""

import fcntl
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

OWN = "own"
KNOWN = "known"

#: The largest own.json that is read into memory, or written.
MAX_OWN_BYTES = 2**30
#: A larger file is not summed up for the sake of showing one counter: only the lines that are read are looked
#: at. Whatever is written, exported or merged was summed up before.
VERIFY_BELOW = 4 * 2**20
NEW = ".new"


def open_standard_streams() -> None:
    """Make sure that descriptors 0 to 2 are open, so that no state file ever becomes one of them.

    Where one was closed, it is opened in the wrong direction: nothing can be read from it or written to it.
    """
    for fd in (0, 1, 2):
        try:
            os.fstat(fd)
        except OSError:
            os.open("/dev/null", os.O_WRONLY if fd == 0 else os.O_RDONLY)  # takes the lowest free number


def open_directory(path: str) -> int:
    """Open the directory of a replica; everything after happens inside it."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def close(fd: int) -> None:
    """Close a descriptor that nothing was written to; if that fails, nothing is lost, and nobody is told."""
    try:
        os.close(fd)
    except OSError:
        pass


def sync_directory(fd: int) -> None:
    """Put on disk which names are in an open directory.

    A file system that does not sync directories at all has its own way to keep names; nothing else can be done there.
    """
    try:
        os.fsync(fd)
    except OSError as error:
        import errno  # only here: no increment needs it

        if error.errno not in (errno.EINVAL, errno.EBADF, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP):
            raise


def open_lock(directory: int, which: str) -> int:
    """Open a lock file, making it if it is not there."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    return os.open(f"{which}.lock", flags, 0o666, dir_fd=directory)


def try_lock(lock: int) -> bool:
    """Take the lock if it is free."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_same_file(directory: int, name: str, fd: int) -> bool:
    """Return whether `name` still stands for the open file `fd`."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(name, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return False


def open_state(directory: int, name: str) -> int:
    """Open a state file to read: not through a symbolic link, and never waiting for a FIFO."""
    return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=directory)


def read_all(fd: int) -> bytes:
    """Return what a regular file holds."""
    size = os.fstat(fd).st_size
    data = os.read(fd, size + 1)
    while len(data) <= size:
        more = os.read(fd, size + 1 - len(data))
        if not more:
            break
        data += more
    return data


class OnDisk:
    """An open regular file, as pages: read where it is, whoever else reads it."""

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

    To be made and used with the file's lock, `lock`, held. Whatever is raised while `is_renamed` is false
    means that nothing was changed.
    """

    def __init__(self, directory: int, which: str, lock: int, ending: str = ".json") -> None:
        self.directory = directory
        self.which = which
        self.file = which + ending
        self.lock = lock
        self.is_renamed = False
        self._sweep()
        self.path = f"{self.file}.{os.getpid()}-{os.urandom(4).hex()}{NEW}"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self.fd = os.open(self.path, flags, 0o666, dir_fd=directory)
        try:
            self._keep_owner_and_mode()
        except OSError:
            self.abandon()
            raise

    def _sweep(self) -> None:
        """Delete what killed writers left behind; they held the lock that is now ours."""
        for name in os.listdir(self.directory):
            if name.endswith(NEW) and name.startswith(f"{self.file}."):
                try:
                    os.unlink(name, dir_fd=self.directory)
                except (IsADirectoryError, PermissionError):  # not of our making
                    pass

    def _keep_owner_and_mode(self) -> None:
        """Give the new file the owner and mode of the old one, so that root can write for a user."""
        try:
            old = os.stat(self.file, dir_fd=self.directory, follow_symlinks=False)
        except FileNotFoundError:
            return
        new = os.fstat(self.fd)
        if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
            try:
                os.fchown(self.fd, old.st_uid, old.st_gid)
            except PermissionError:
                pass
        if old.st_mode != new.st_mode:
            os.fchmod(self.fd, old.st_mode & 0o7777)

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
