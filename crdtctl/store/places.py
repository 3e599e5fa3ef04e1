"""The replicas that this user made, recorded in the user's state directory, outside of all of them.

There is one small file for each replica, with its id and its path. If the replica's directory is missing, no other
replica is used in its place without a message. A replica that cannot be recorded works all the same.
"""

from __future__ import annotations

from crdtctl.contexts import suppress
from crdtctl.errors import CrdtctlError
from crdtctl.store.files import Directory
from crdtctl.store.locate import in_user_state, record
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_BYTES = 2**16


def note(path: str, replica: str) -> None:
    """Record that the replica with an id is at `path`."""
    from crdtctl.store.owner import give_back, make_private

    path = os.path.abspath(path)
    state = in_user_state()
    if not state:
        return
    file = record(state, path)
    draft = f"{file}.{os.getpid()}-{os.urandom(4).hex()}.new"
    with suppress(OSError):
        make_private(state)
        make_private(os.path.dirname(file))
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            give_back(fd, os.path.dirname(file))
            os.write(fd, replica.encode() + b"\n" + os.fsencode(path))
        finally:
            os.close(fd)
        os.rename(draft, file)


def forget(path: str) -> None:
    """Delete the record of the replica at `path`."""
    file = record(in_user_state(), os.path.abspath(path))
    with suppress(OSError):
        os.unlink(file)
        os.rmdir(os.path.dirname(file))  # if it was the last one


def remembered(path: str) -> str:
    """Return the id of the replica that was made at `path`; empty without a record."""
    replica, there = _read(record(in_user_state(), path))
    return replica if there == path else ""


def everywhere() -> Iterator[tuple[str, str]]:
    """Yield the path and the id of each recorded replica, whether it exists or not."""
    directory = f"{in_user_state()}/places"
    try:
        names = sorted(os.listdir(directory))
    except OSError:
        return
    for name in names:
        replica, path = _read(f"{directory}/{name}")
        if replica and not name.endswith(".new"):
            yield path, replica


def id_at(path: str) -> str:
    """Return the id of the replica that is at `path` now; empty if it is missing or unreadable."""
    try:
        directory = Directory(path)
        try:
            with directory.own_source() as own:
                return own.head.replica
        finally:
            directory.close()
    except CrdtctlError:
        return ""


def _read(file: str) -> tuple[str, str]:
    """Return the id and the path in a file; empty strings if it is not such a record."""
    try:
        fd = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            replica, _, path = os.read(fd, _MAX_BYTES).partition(b"\n")
        finally:
            os.close(fd)
        return replica.decode(), os.fsdecode(path)
    except (OSError, UnicodeDecodeError):
        return "", ""
