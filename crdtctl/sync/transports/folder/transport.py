"""A folder on this machine, on a mount, on a stick, or kept in sync by another program."""

from __future__ import annotations

import errno

from crdtctl.contexts import suppress
from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    ExistsError,
    MissingError,
    TransientError,
    UnavailableError,
    from_os,
    printable,
    reason_of,
)
from crdtctl.store.owner import make_directories
from crdtctl.sync.transport import (
    REPLICA_FILES,
    STALE_SECONDS,
    ListedObject,
    Transport,
    checked_name,
    is_draft,
    new_draft,
    refuse_unprintable,
)
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from crdtctl.sync.schemes import Endpoint

_READ_SIZE = 2**18
#: Transient errors of network file systems.
_TRANSIENT = (
    errno.EIO,
    errno.ESTALE,
    errno.ETIMEDOUT,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENOTCONN,
    errno.EAGAIN,
)
#: Errors of file systems that do not support fsync.
_NO_FSYNC = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOTTY)


class Folder(Transport):
    """A folder. Files are written under a temporary name, fsynced and renamed. Symbolic links are not followed."""

    is_consistent = True

    def __init__(self, place: Endpoint) -> None:
        self._path = place.address
        self._deadline = place.deadline
        self._shown = printable(place.address)
        self._atomic: bool | None = None

    def list(self) -> Sequence[ListedObject]:
        self._deadline.remaining()
        self._refuse_replica()
        self.is_absent = False
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            self._find_parent()
            self.is_absent = True
            return []
        except NotADirectoryError:
            raise UnavailableError(f"{self._shown} is not a folder", "use an existing folder, or a new name") from None
        except OSError as error:
            raise self._folder_error(error, f"list {self._shown}") from None
        try:
            with os.scandir(fd) as listing:
                entries = [entry for found in listing if (entry := _entry(found)) is not None]
            if not self._is_still(fd):
                raise TransientError(f"{self._shown} was replaced or removed while it was listed", "try again")
        except OSError as error:
            raise self._folder_error(error, f"list {self._shown}") from None
        finally:
            os.close(fd)
        return entries

    def _is_still(self, fd: int) -> bool:
        """Return whether the open folder is still at the path. The listing of a removed folder may end early."""
        try:
            return os.path.samestat(os.fstat(fd), os.stat(self._path))
        except FileNotFoundError:
            return False

    def _refuse_replica(self) -> None:
        """Raise `ExistsError` below the directory of a replica. In the directory itself, `download` does that."""
        above = os.path.realpath(self._path)
        while above != "/":
            if all(os.path.exists(f"{above}/{name}") for name in REPLICA_FILES):
                raise ExistsError(
                    f"{self._shown} is inside a replica's directory", "name a folder outside of any replica"
                )
            above = os.path.dirname(above)

    def _find_parent(self) -> None:
        """Raise `UnavailableError` unless the folder can be made. An unmounted stick has no parent folder."""
        parent = os.path.dirname(self._path.rstrip("/"))
        if not os.path.isdir(parent) or os.path.islink(self._path):
            raise UnavailableError(
                f"the folder {self._shown} does not exist", "check that it is mounted, or make its parent folder"
            )

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        refuse_unprintable(name)
        path = self._file(name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise DataError(f"{printable(path)} is a symbolic link, which is not followed") from None
            if error.errno in (errno.ENXIO, errno.ENODEV):  # a socket, or a missing device
                raise DataError(f"{printable(path)} is not a regular file") from None
            raise self._unread(error, path) from None
        try:
            try:
                status = os.fstat(fd)
                left = status.st_size
                if not stat.S_ISREG(status.st_mode):
                    raise DataError(f"{printable(path)} is not a regular file")
                while block := os.read(fd, min(left + 1, _READ_SIZE)):  # no more memory than a small file needs
                    left = max(left - len(block), 0)
                    write(block)
                    self._deadline.remaining()
            except OSError as error:
                raise self._unread(error, path) from None
        finally:
            os.close(fd)

    def put(self, name: str, path: str) -> None:
        target = self._file(name)
        try:
            self._make()
            if self.atomic:
                self._put_whole(path, target)
            else:
                self._write(path, target, os.O_TRUNC)
        except FileNotFoundError as error:
            raise TransientError(f"cannot write {printable(target)}: {reason_of(error)}", "try again") from None
        except OSError as error:
            raise self._folder_error(error, f"write {printable(target)}") from None
        _sync_directory(self._path)

    @property
    def atomic(self) -> bool:
        """Whether files can be renamed here. Some folders allow new files, but neither renaming nor deleting them.

        One empty draft with a fixed name finds that out. If it cannot be deleted, it stays, and no other is left.
        """
        if self._atomic is None:
            self._atomic = self._can_rename()
        return self._atomic

    def _can_rename(self) -> bool:
        draft = f"{self._path}/{new_draft(0)}"
        try:
            try:
                os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666))
            finally:  # also after a signal
                os.unlink(draft)
        except OSError as error:
            return error.errno not in (errno.EPERM, errno.EACCES) or not os.path.lexists(draft)
        return True

    def _put_whole(self, path: str, target: str) -> None:
        draft = f"{self._path}/{new_draft()}"
        try:
            now = self._write(path, draft, os.O_EXCL)
            os.rename(draft, target)
        except BaseException:
            with suppress(OSError):
                os.unlink(draft)
            raise
        self._sweep(now)

    def _write(self, path: str, target: str, how: int) -> float:
        """Copy the local file `path` to `target`; return the time of the copy by the folder's own clock."""
        from crdtctl.sync.transports.folder.permissions import share

        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | how, 0o666)
        with open(path, "rb") as source, os.fdopen(fd, "wb") as file:
            share(fd, self._path)
            while block := source.read(_READ_SIZE):
                file.write(block)
                self._deadline.remaining()
            file.flush()
            try:
                os.fsync(fd)
            except OSError as error:
                if error.errno not in _NO_FSYNC:
                    raise
            return os.fstat(fd).st_mtime

    def delete(self, name: str) -> None:
        try:
            os.unlink(self._file(name))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._folder_error(error, f"delete {printable(self._file(name))}") from None

    def _sweep(self, now: float) -> None:
        """Delete drafts that killed syncs left behind, by the folder's own clock."""
        with suppress(OSError), os.scandir(self._path) as listing:
            for found in listing:
                if is_draft(found.name):
                    with suppress(OSError):
                        if found.stat(follow_symlinks=False).st_mtime < now - STALE_SECONDS:
                            os.unlink(found.path)

    def _make(self) -> None:
        if not os.path.isdir(self._path):
            self._find_parent()
            parent = os.path.dirname(self._path.rstrip("/"))
            make_directories(self._path)
            self.made = self._shown
            _sync_directory(parent)

    def _file(self, name: str) -> str:
        return f"{self._path}/{checked_name(name)}"

    @staticmethod
    def _unread(error: OSError, path: str) -> CrdtctlError:
        """Return the error for one file that cannot be read. Other files may be readable."""
        message = f"cannot read {printable(path)}: {reason_of(error)}"
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.ESTALE):
            return MissingError(message)
        if error.errno in _TRANSIENT:
            return TransientError(message, "try again")
        if error.errno in (errno.EACCES, errno.EPERM):
            return AccessError(message, "check the owner and mode of the file")
        return UnavailableError(message, "check its file system")

    @staticmethod
    def _folder_error(error: OSError, doing: str) -> CrdtctlError:
        if error.errno in _TRANSIENT:
            return TransientError(f"cannot {doing}: {reason_of(error)}", "try again")
        return from_os(error, doing)


def _entry(found: os.DirEntry[str]) -> ListedObject | None:
    """Return the entry of a file in a folder; None for a subfolder, and for a file that was deleted during the listing.

    A file whose status cannot be read is listed, and reading it reports the reason.
    """
    try:
        status = found.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    except OSError:
        return ListedObject(found.name, 0)
    if stat.S_ISDIR(status.st_mode):  # other kinds are listed, so that the failed read is reported
        return None
    return ListedObject(found.name, status.st_size, f"{status.st_mtime_ns}.{status.st_ino}.{status.st_ctime_ns}")


def _sync_directory(path: str) -> None:
    """Make the names in a folder durable, if its file system supports that.

    Failure is ignored: the file is in place, and if a power cut removes it, the next sync puts it again.
    """
    with suppress(OSError):
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
