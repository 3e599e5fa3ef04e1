"""The file identity of an ``own.json``, which distinguishes the file that was written last from every copy of it.

A copied replica has two writers under one id. A restored one would reuse commit numbers that it has exported.
So each ``own.json`` records its own identity: its inode and the generation of that inode, the number of its file
system if it has one, and the machine. A copy has another identity. In the user's state directory, a *witness* records
the number of times that the file was written. A file with fewer writes than its witness is a restored backup.

This module is on the path of every increment, so it imports nothing that Python has not loaded already,
but fcntl and zlib.
"""

import fcntl
import sys
import zlib

from crdtctl.store.durable import close, sync_directory
from crdtctl.store.locate import in_user_state
from crdtctl.system import os

#: Request to a Linux file system for the generation of an inode, which changes when its number is used again.
_GET_GENERATION = 0x80087601
_MACHINE = "/etc/machine-id"
#: Errors of the storage, or of the moment. Any other means that a system has no such property, now and later.
_TRANSIENT = ("EIO", "ENOMEM", "EMFILE", "ENFILE", "ESTALE", "ETIMEDOUT", "ENOSPC", "EDQUOT", "EROFS")
#: File systems that give a file another inode number when they are mounted again.
_FLEETING = ("vfat", "msdos", "exfat", "fuse", "cifs", "smb3", "9p")
_WITNESS_SIZE = 17


def of(fd: int, *, lasting: bool) -> str:
    """Return the identity of the open file `fd`. `lasting`: its file system keeps inode numbers.

    Raise OSError if a part of the identity cannot be read now: without it, this file would be taken for a copy.
    """
    status = os.fstat(fd)
    inode = f"{status.st_ino}.{_generation(fd)}" if lasting else "-.-"
    # File systems without a device have a number of their own: subvolumes and their snapshots, overlays.
    system = os.fstatvfs(fd).f_fsid if os.major(status.st_dev) == 0 else 0
    return f"{inode}.{system:x}.{_machine():08x}"


def fault(fd: int, bound: str, witness: str, writes: int) -> str:
    """Return why the open ``own.json`` may not be the file that this replica wrote last; empty if it is that file.

    The header of the file names the identity `bound` and the path of its witness; `writes` is the number of times
    that the file was written. The reason is a key of `crdtctl.store.identity.REASONS`.
    """
    if not bound:
        return "unbound"
    if os.fstat(fd).st_nlink > 1:
        return "linked"
    actual = of(fd, lasting=is_lasting(bound))
    if actual != bound:
        return "moved" if actual.rpartition(".")[2] != bound.rpartition(".")[2] else "copied"
    if witness:
        seen = read_witness(witness)
        if seen is None:
            return "unwitnessed"
        if seen > writes:
            return "restored"
    return ""


def is_lasting(binding: str) -> bool:
    """Return whether an identity was recorded on a file system that keeps inode numbers."""
    return not binding.startswith("-")


def inodes_last(fd: int) -> bool:
    """Return whether the file system of `fd` keeps inode numbers when it is mounted again."""
    status = os.fstat(fd)
    device = f"{os.major(status.st_dev)}:{os.minor(status.st_dev)}"
    try:
        with open("/proc/self/mountinfo", encoding="utf-8", errors="replace") as mounts:
            kinds = [line.partition(" - ")[2].split(" ")[0] for line in mounts if line.split(" ")[2] == device]
    except (OSError, IndexError):
        return True
    return not any(kind.split(".")[0] in _FLEETING for kind in kinds)


def _generation(fd: int) -> int:
    if sys.platform != "linux":
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(fd, _GET_GENERATION, bytes(8))[:4], sys.byteorder)
    except OSError as error:
        return _absent(error)


def _machine() -> int:
    try:
        fd = os.open(_MACHINE, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        return _absent(error)
    try:
        return zlib.crc32(os.read(fd, 64))
    except OSError as error:
        return _absent(error)
    finally:
        close(fd)


def _absent(error: OSError) -> int:
    """Return 0 for a property that the system does not have. Raise the error if the system may have it."""
    import errno  # only here: most systems have both

    if errno.errorcode.get(error.errno or 0) in _TRANSIENT:
        raise error
    return 0


# The witness -------------------------------------------------------------------------------------------


def read_witness(path: str) -> int | None:
    """Return the number of recorded writes of the witness at `path`; None if it is missing, −1 if it is unreadable."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return -1
    try:
        said = os.read(fd, _WITNESS_SIZE)
    except OSError:
        return -1
    finally:
        close(fd)
    return int(said) if len(said) == _WITNESS_SIZE and said[:-1].isdigit() else None


def departed(path: str) -> int:
    """Return the number of exports that the witness at `path` recorded; 0 if it did not record any."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        said = os.pread(fd, _WITNESS_SIZE, _WITNESS_SIZE)
    except OSError:
        return 0
    finally:
        close(fd)
    return int(said) if len(said) == _WITNESS_SIZE and said[:-1].isdigit() else 0


def write_witness(path: str, writes: int, departures: int | None = None) -> None:
    """Record the number of writes in the witness, in place, and the number of exports if it is new.

    If that fails, the witness keeps smaller numbers, which does no harm.
    """
    if not path:
        return
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return
    try:
        os.pwrite(fd, b"%016d\n" % writes, 0)
        if departures is not None:
            os.pwrite(fd, b"%016d\n" % departures, _WITNESS_SIZE)
    except OSError:
        pass
    finally:
        close(fd)


def create_witness(replica: str) -> str:
    """Make the witness of a new id, on disk. Return its path, or an empty string if it cannot be made."""
    from crdtctl.store.owner import give_back, make_private  # only here: ids are new once

    state = in_user_state()
    path = f"{state}/{replica.replace('/', '-')}"
    try:
        if not state or not path.isprintable():
            return ""
        make_private(os.path.dirname(path))
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            give_back(fd, os.path.dirname(path))
            os.pwrite(fd, b"%016d\n" % 0, 0)
            os.fsync(fd)
        finally:
            os.close(fd)
        directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            sync_directory(directory)
        finally:
            os.close(directory)
    except (OSError, UnicodeError):
        return ""
    return path


def delete_witness(path: str) -> None:
    """Delete the witness of an id that has ended."""
    if path:
        try:
            os.unlink(path)
        except OSError:
            pass
