"""The file that an export writes: checked before, and replaced as a whole or not at all."""

from __future__ import annotations

from crdtctl.codec.layout import HEAD_START
from crdtctl.contexts import ExitStack, contextmanager, suppress
from crdtctl.errors import AccessError, DataError, ExistsError, printable
from crdtctl.store import durable, handoffs
from crdtctl.store.files import outcome_unknown, translating_os_errors
from crdtctl.store.inputs import Input, open_input
from crdtctl.store.packed import each_state
from crdtctl.store.snapshot import snapshot
from crdtctl.store.spill import SpillBuffer
from crdtctl.store.temporary import of_replica
from crdtctl.system import os, stat

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import BinaryIO

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.clock import Clock
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.files import Directory
    from crdtctl.store.snapshot import Snapshot

    Path = str | os.PathLike[str]
    #: Raises `ExistsError` if the file at a path, shown in messages as a text, must not be replaced.
    Refusal = Callable[[str, str], object]

#: Beginnings of the files that an export writes.
_STATES = (HEAD_START + b"state", HEAD_START + b"delta", b"crdtctl = 1\n")


def write_to(path: Path, directory: Directory, fill: Callable[[BinaryIO], object], *, overwrite: bool = False) -> None:
    """Write a file by `fill`, as a whole or not at all; it is on disk when this returns. Raise `ExistsError`."""
    _write(path, fill, lambda target, shown: _refuse_to_replace(target, shown, directory, overwrite))


def write_report(path: Path, data: bytes, *marks: bytes, noun: str = "report", mode: int | None = None) -> None:
    """Write a file, as a whole or not at all; it is on disk when this returns. It has a `mode`, or the usual one.

    Raise `ExistsError` if a file is there that is neither empty nor begins with one of the `marks` of its kind.
    """

    def refuse(target: str, shown: str) -> None:
        if not _starts_with(target, marks):
            raise ExistsError(f"{shown} is there, and is not a {noun}", "name another file, or delete it first")

    _write(path, lambda file: file.write(data), refuse, mode)


def write_new(path: Path, fill: Callable[[BinaryIO], object], *marks: bytes) -> None:
    """Write a file piece by piece, as a whole or not at all. It replaces only files that begin with one of `marks`."""

    def refuse(target: str, shown: str) -> None:
        if not _starts_with(target, marks):
            raise ExistsError(f"{shown} is there, and is another file", "name another file, or delete it first")

    _write(path, fill, refuse)


def _write(path: Path, fill: Callable[[BinaryIO], object], refuse: Refusal, mode: int | None = None) -> None:
    shown = printable(os.fspath(path))
    with translating_os_errors(f"write {shown}"):
        target = _checked(path, shown, refuse)
        if _is_special(path):
            with open(_open_device(path, shown), "wb") as device:  # or a pipe: it is not replaced
                fill(device)
            return
        with _draft_of(target) as (draft, fd):
            with open(fd, "wb", closefd=False) as file:
                fill(file)
            if mode is not None:
                os.fchmod(fd, mode)
            os.fsync(fd)
            os.rename(draft, target)
        try:
            _fsync_directory(os.path.dirname(target))
        except OSError as error:
            raise outcome_unknown(shown, error) from None


def check(path: Path, directory: Directory, *, overwrite: bool = False) -> None:
    """Raise the error that `write_to` would raise now. A file is made beside the target for it, and removed."""
    shown = printable(os.fspath(path))
    with translating_os_errors(f"write {shown}"):
        target = _checked(path, shown, lambda target, shown: _refuse_to_replace(target, shown, directory, overwrite))
        if not _is_special(path):
            with _draft_of(target):
                pass
        elif not os.access(path, os.W_OK):
            raise AccessError(f"cannot write {shown}: it is not writable")


def _is_special(path: Path) -> bool:
    """Return whether the path is a device, a pipe or anything else that is not a regular file."""
    return os.path.exists(path) and not os.path.isfile(path)


def _checked(path: Path, shown: str, refuse: Refusal) -> str:
    """Return the path of the file to write. Raise `ExistsError` if it must not be replaced."""
    target = _followed(os.fspath(path), shown)
    if os.path.isdir(target):
        raise ExistsError(f"{shown} is a directory", "name a file in it")
    if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
        raise ExistsError(f"{shown} is a socket", "name a file")
    if not _is_special(path):
        _refuse_inside_replica(target, shown)
        if os.path.exists(target) and os.stat(target).st_size:
            refuse(target, shown)
    return target


def _followed(path: str, shown: str) -> str:
    """Return the path of the file behind symbolic links. Raise `ExistsError` for a link that another user made.

    In a folder that others can write to, such a link may be where one of our files is expected.
    """
    try:
        path = durable.followed(path)
    except durable.ForeignLink:
        raise ExistsError(f"{shown} is a symbolic link that another user made", "name the file itself") from None
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


def _refuse_inside_replica(target: str, shown: str) -> None:
    parent = os.path.dirname(target)
    if os.path.exists(f"{parent}/own.json") and os.path.exists(f"{parent}/own.lock"):
        raise ExistsError(f"{shown} is inside a replica's directory", "name a file outside of it")


def _starts_with(target: str, starts: tuple[bytes, ...]) -> bool:
    with open(target, "rb") as file:
        return file.read(64).startswith(starts)


def _refuse_to_replace(target: str, shown: str, directory: Directory, overwrite: bool) -> None:
    """Raise `ExistsError` unless the file may be replaced: it is a state, and this replica knows all of it."""
    if not _starts_with(target, _STATES):
        raise ExistsError(f"{shown} is there, and is not an exported state", "name another file, or delete it first")
    if overwrite:
        return

    def refuse(_: Input, reason: CrdtctlError) -> None:
        if not isinstance(reason, DataError):  # a damaged state may be replaced
            raise reason

    with ExitStack() as stack:
        now = stack.enter_context(snapshot(directory))

        def look(item: Input) -> None:
            with ExitStack() as passing:
                there = open_input(item, passing)
                lacking = now.missing(there.head.clock)
                if lacking or _would_merge_handoffs(directory, there):
                    raise ExistsError(
                        f"{shown} is there, and holds what is not known here{_in_words(lacking, now)}", "merge it first"
                    )

        each_state([Input(shown, path=target, given=True)], look, refuse, stack)


def _in_words(lacking: Clock, now: Snapshot) -> str:
    """Return the commits that this replica lacks, in words."""
    if not lacking:
        return ""
    replica, seq = next(iter(sorted(lacking.items())))
    number = seq - now.clock().get(replica, 0)
    others = f" and of {len(lacking) - 1} more" if len(lacking) > 1 else ""
    return f": {number} commit{'' if number == 1 else 's'} of {replica}{others}"


def _would_merge_handoffs(directory: Directory, there: Source) -> bool:
    """Return whether merging a state would change this replica's own locally merged entries."""
    if next(handoffs.locally_merged(there), None) is None:
        return False
    with ExitStack() as stack:
        buffer = SpillBuffer(stack, of_replica(directory.path))
        for name, counter in handoffs.locally_merged(there):
            buffer.put(name, counter)
        return bool(handoffs.merge_handoffs(directory.read_own(), [buffer], lambda _: {}).lines)


@contextmanager
def _draft_of(target: str) -> Iterator[tuple[str, int]]:
    """Make an empty file beside the target. Remove it in the end, unless it was renamed.

    A failure to remove it does not undo the export.
    """
    draft = f"{target}.{os.getpid()}-{os.urandom(4).hex()}{durable.NEW}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield draft, fd
    finally:
        durable.close(fd)
        with suppress(OSError):
            os.unlink(draft)


def _open_device(path: Path, shown: str) -> int:
    """Open a special file to write to it. If a regular file has taken its place, leave that alone."""
    device = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(device).st_mode):
        os.close(device)
        raise ExistsError(f"{shown} was replaced by a file", "try again")
    return device


def _fsync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        durable.sync_directory(fd)
    finally:
        durable.close(fd)
