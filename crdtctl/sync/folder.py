"""A folder: on this machine, mounted, on a stick, or kept in step with others by another program."""

import errno
import os
import stat
from collections.abc import Callable, Sequence
from contextlib import suppress

from crdtctl.errors import (
    CrdtctlError,
    DataError,
    ExistsError,
    TransientError,
    UnavailableError,
    from_os,
    printable,
    reason_of,
)
from crdtctl.sync.schemes import Place
from crdtctl.sync.transport import OWN, STALE, Entry, Transport, file_name, is_draft, new_draft

_BLOCK = 2**18
#: What a file system over a network says when it is away for a while.
_PASSING = (errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENOTCONN, errno.EAGAIN)


class Folder(Transport):
    """Files are put under a temporary name, fsynced and renamed; links are not followed, and nothing is waited for."""

    def __init__(self, place: Place) -> None:
        self._path = place.address
        self._deadline = place.deadline
        self._shown = printable(place.address)

    def list(self) -> Sequence[Entry]:
        entries = []
        self._deadline.remaining()
        self._refuse_replica()
        try:
            for found in os.scandir(self._path):
                status = found.stat(follow_symlinks=False)
                if not stat.S_ISDIR(status.st_mode):  # what is no regular file cannot be read, which is to be told
                    version = f"{status.st_mtime_ns}.{status.st_ino}.{status.st_ctime_ns}"
                    entries.append(Entry(found.name, status.st_size, version))
        except FileNotFoundError:
            self._find_parent()
            return []
        except NotADirectoryError:
            raise UnavailableError(f"{self._shown} is not a folder", "name one that is, or is to be made") from None
        except OSError as error:
            raise self._told(error, f"list {self._shown}") from None
        return entries

    def _refuse_replica(self) -> None:
        """Raise `ExistsError` below the directory of a replica; in it, a listing shows that of any remote."""
        above = os.path.realpath(self._path)
        while above != "/":
            if all(os.path.exists(f"{above}/{name}") for name in OWN):
                raise ExistsError(f"{self._shown} is inside a replica's directory", "name a folder elsewhere")
            above = os.path.dirname(above)

    def _find_parent(self) -> None:
        """Raise `UnavailableError` unless the folder can be made: a stick that is not there has no folder either."""
        parent = os.path.dirname(self._path.rstrip("/"))
        if not os.path.isdir(parent) or os.path.islink(self._path):
            raise UnavailableError(f"there is no folder {self._shown}", "is it mounted? make the folder that it is in")

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        if not name.isprintable():  # which is there all the same, and to be told
            raise DataError(f"'{printable(name)}' is no name that is read")
        path = self._file(name)
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.ELOOP:
                raise DataError(f"{printable(path)} is a link, which is not followed") from None
            raise self._told(error, f"read {printable(path)}") from None
        with os.fdopen(fd, "rb") as file:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                raise DataError(f"{printable(path)} is not a regular file")
            try:
                while block := file.read(_BLOCK):
                    write(block)
                    self._deadline.remaining()
            except OSError as error:
                raise self._told(error, f"read {printable(path)}") from None

    def put(self, name: str, path: str) -> None:
        target = self._file(name)
        draft = f"{self._path}/{new_draft()}"
        try:
            self._make()
            try:
                fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
                with open(path, "rb") as source, os.fdopen(fd, "wb") as file:
                    while block := source.read(_BLOCK):
                        file.write(block)
                        self._deadline.remaining()
                    file.flush()
                    os.fsync(fd)
                    now = os.fstat(fd).st_mtime
                os.rename(draft, target)
            except BaseException:
                if os.path.lexists(draft):
                    os.unlink(draft)
                raise
            self._fsync(self._path)
            self._sweep(now)
        except OSError as error:
            raise self._told(error, f"write {printable(target)}") from None

    def delete(self, name: str) -> None:
        try:
            os.unlink(self._file(name))
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._told(error, f"delete {printable(self._file(name))}") from None

    def _sweep(self, now: float) -> None:
        """Delete what syncs that were killed have left here, however long ago, by the folder's own clock."""
        for found in os.scandir(self._path):
            if is_draft(found.name):
                with suppress(OSError):
                    if found.stat(follow_symlinks=False).st_mtime < now - STALE:
                        os.unlink(found.path)

    def _make(self) -> None:
        if not os.path.isdir(self._path):
            self._find_parent()
            os.makedirs(self._path, exist_ok=True)
            self._fsync(os.path.dirname(self._path.rstrip("/")))

    @staticmethod
    def _fsync(path: str) -> None:
        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(fd)
        except OSError as error:
            if error.errno != errno.EINVAL:  # some file systems do not do that to directories
                raise
        finally:
            os.close(fd)

    def _file(self, name: str) -> str:
        return f"{self._path}/{file_name(name)}"

    @staticmethod
    def _told(error: OSError, doing: str) -> CrdtctlError:
        if error.errno in _PASSING:
            return TransientError(f"cannot {doing}: {reason_of(error)}", "try again")
        return from_os(error, doing)
