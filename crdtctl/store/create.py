"""Make a replica, as a whole or not at all."""

from __future__ import annotations

import fcntl
import os
import stat

from crdtctl.contexts import ExitStack, contextmanager, suppress
from crdtctl.crdt.base import MAX_TIER
from crdtctl.crdt.names import entered
from crdtctl.crdt.names import fault as name_fault
from crdtctl.errors import AccessError, ExistsError, UsageError, printable
from crdtctl.store import binding, config, durable, identity, owner, places, which
from crdtctl.store.files import outcome_unknown, translating_os_errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_NAME = 100
#: What a new replica's directory holds beside ``own.json``.
_FILES = {
    "config.toml": config.TEMPLATE.encode(),
    ".gitignore": b"*\n",
    f"{durable.OWN}.lock": b"",
    f"{durable.KNOWN}.lock": b"",
}
_OWN = f"{durable.OWN}.json"
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def create(path: str, name: str | None, tier: int, *, is_noted: bool = True) -> str:
    """Make a replica whose directory is `path`, and return that path; see `crdtctl.Replica.init`.

    Unless `is_noted`, its place is not recorded in the user's state directory.
    """
    if not 0 <= tier <= MAX_TIER:
        raise UsageError(f"a tier is a whole number up to {MAX_TIER}", "0 is permanent, a client of it has 1")
    replica = identity.generate_id(_checked(name))
    path = os.path.abspath(which.expanded(path))
    with _refused(f"make a replica at {printable(path)}"):
        target = durable.followed(path)
        if os.path.isdir(target):
            _fill(target, replica, tier)
        elif os.path.lexists(target) or os.path.islink(path):
            raise _there(path)
        else:
            _build(target, replica, tier)
    if is_noted:
        places.note(target, replica)
    return target


def _checked(name: str | None) -> str:
    """Return the name at the beginning of an id, by default that of the machine. Raise `UsageError` for a wrong one."""
    if name is None:
        found = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "-" for c in os.uname().nodename)
        return found[:_MAX_NAME] or "replica"
    name = entered(name)
    fault = name_fault(name, "replica's name", limit=_MAX_NAME)
    if fault is not None:
        raise UsageError(f"{fault}: '{printable(name[:_MAX_NAME])}'")
    if any(c.isspace() for c in name):
        raise UsageError(
            f"a replica's name cannot hold white space: '{name}'", f"write it as '{'-'.join(name.split())}'"
        )
    return name


@contextmanager
def _refused(doing: str) -> Iterator[None]:
    with translating_os_errors(doing):
        try:
            yield
        except durable.ForeignLink:
            raise AccessError(f"cannot {doing}: it is a symbolic link that another user made") from None


def _build(target: str, replica: str, tier: int) -> None:
    """Make the directory under another name, and rename it when it is whole."""
    import shutil

    parent = os.path.dirname(target)
    with ExitStack() as undo:
        owner.make_directories(parent)
        draft = f"{parent}/.crdtctl-{os.urandom(8).hex()}.new"
        os.mkdir(draft)
        undo.callback(shutil.rmtree, draft, ignore_errors=True)
        with owner.opened(draft) as directory:
            with suppress(OSError), owner.opened(parent) as above:
                _share(directory, above)
            lock = durable.open_lock(directory, durable.OWN)
            try:
                _write(directory, lock, replica, tier, undo)
            finally:
                durable.close(lock)
        try:
            os.rename(draft, target)
        except OSError:
            if os.path.lexists(target):
                raise _there(target) from None
            raise
        undo.pop_all()
        try:
            with owner.opened(parent) as above:
                durable.sync_directory(above)
        except OSError as error:
            raise outcome_unknown(printable(target), error) from None


def _fill(target: str, replica: str, tier: int) -> None:
    """Make a replica in an empty directory, which keeps its owner and mode, and may be a mount point.

    The files of an attempt that was killed do not matter.
    """
    with owner.opened(target) as directory, ExitStack() as undo:
        while True:
            if any(name not in _FILES and not _is_draft(name) for name in os.listdir(directory)):
                raise _there(target)
            lock = durable.open_lock(directory, durable.OWN)
            fcntl.flock(lock, fcntl.LOCK_EX)  # another attempt is over in a moment
            if durable.is_same_file(directory, f"{durable.OWN}.lock", lock):
                break
            durable.close(lock)
        undo.callback(durable.close, lock)
        if os.path.lexists(f"{target}/{_OWN}"):
            raise _there(target)
        for name in _FILES:
            undo.callback(_delete, directory, name)
        _write(directory, lock, replica, tier, undo)
        undo.pop_all()
        durable.close(lock)


def _write(directory: int, lock: int, replica: str, tier: int, undo: ExitStack) -> None:
    """Write all files of a new replica, ``own.json`` last: with it, the directory is a replica."""
    for name, data in _FILES.items():
        if name == f"{durable.OWN}.lock":
            continue
        _delete(directory, name)
        fd = os.open(name, _NEW_FILE, 0o666, dir_fd=directory)
        try:
            owner.adopt(fd, directory)
            durable.write_all(fd, data)
            os.fsync(fd)
        finally:
            os.close(fd)
    witness = binding.create_witness(replica)
    undo.callback(binding.delete_witness, witness)
    draft = durable.Draft(directory, durable.OWN, lock)
    try:
        draft.write(identity.first(draft.fd, replica, witness, tier))
        draft.commit()
    except OSError:
        if draft.is_renamed:  # its id was not reported
            _delete(directory, _OWN)
        raise
    finally:
        draft.abandon()


def _there(target: str) -> ExistsError:
    """Return the error for a `target` that exists already."""
    shown = printable(target)
    if os.path.lexists(f"{target}/{_OWN}"):
        return ExistsError(f"there is a replica at {shown} already")
    return ExistsError(
        f"{shown} is there already, and not an empty directory", f"'crdtctl init {shown}' makes a replica below it"
    )


def _share(directory: int, above: int) -> None:
    """Give a new directory to the owner of the one above it, if root made it, and to a group that the latter is for."""
    status = os.fstat(above)
    if os.geteuid() == 0 and status.st_uid:
        owner.give(directory, status.st_uid, status.st_gid)
    if status.st_mode & stat.S_ISGID and status.st_mode & stat.S_IWGRP:
        owner.give(directory, -1, status.st_gid)
        os.fchmod(directory, stat.S_IMODE(os.fstat(directory).st_mode) | 0o070 | stat.S_ISGID)


def _is_draft(name: str) -> bool:
    return name.startswith(f"{_OWN}.") and name.endswith(durable.NEW)


def _delete(directory: int, name: str) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
