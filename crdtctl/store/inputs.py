"""State files from outside: opened, verified, and kept an eye on while they are read."""

import errno
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from crdtctl.codec import strict
from crdtctl.codec.stream import Source
from crdtctl.codec.text import HEAD_START, InMemory
from crdtctl.codec.wire import Invalid
from crdtctl.errors import DataError, UsageError, from_os, printable
from crdtctl.store.durable import OnDisk, close
from crdtctl.store.temporary import temporary_file

#: A file up to this size is read into memory, and its descriptor given back.
SMALL = 2**16
#: The largest stream that is kept in a temporary file; what is larger comes as a file.
MAX_STREAM = 2**30
_BLOCK = 2**18
_STDIN = "standard input"
_NOT_REGULAR = "give it a file made by 'crdtctl export', or '-' for a pipe"


@dataclass(frozen=True, slots=True)
class Input:
    """A state from outside: the path of a file, or bytes, and what to call it in messages."""

    label: str
    path: str | None = None
    data: bytes | None = None


#: A state from outside, as programs give it: the path of a file, the bytes of a state, or an `Input`.
State = str | os.PathLike[str] | bytes | Input


def as_inputs(states: Iterable[State | Iterable[State]]) -> list[Input]:
    """Return the inputs that `states` are, each one a state or an iterable of states.

    A string or path names a file, and bytes are a state in memory. Raise `UsageError` for anything else.
    """
    return [_as_input(one, number) for number, one in enumerate(_flattened(states), 1)]


def _flattened(states: Iterable[State | Iterable[State]]) -> Iterator[State]:
    for one in states:
        if isinstance(one, str | os.PathLike | bytes | Input):
            yield one
        elif isinstance(one, Iterable):
            yield from _flattened(one)
        else:
            raise UsageError(f"a state is a path or bytes, not {type(one).__name__}")


def _as_input(state: State, number: int) -> Input:
    if isinstance(state, Input):
        return state
    if isinstance(state, bytes):
        return Input(f"state {number}", data=state)
    path = os.fspath(state)
    return Input(path, path=path)


def open_input(item: Input, stack: ExitStack) -> Source:
    """Open and verify one input; what stays open is closed by `stack`. Raise what is to be told of it."""
    label = printable(item.label)
    if item.data is not None:
        return _source(label, InMemory(item.data), len(item.data))
    with ExitStack() as failing:
        try:
            fd = os.open(item.path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            failing.callback(close, fd)
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                what = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
                raise DataError(f"{label} is {what}", _NOT_REGULAR)
            pages = OnDisk(fd)
            if status.st_size <= SMALL:
                data = pages.read(0, SMALL + 1)
                return _source(label, InMemory(data), len(data))
            source = _source(label, pages, status.st_size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # a socket, or a device that is not there
                raise DataError(f"{label} is not a regular file", _NOT_REGULAR) from None
            raise from_os(error, f"read {label}") from None
        if isinstance(source.pages, OnDisk):
            stack.enter_context(failing.pop_all())
        return source


def _source(label: str, pages: InMemory | OnDisk, size: int) -> Source:
    """Return the source of a state in canonical layout, or in another one; raise `Invalid`."""
    try:
        source = Source(pages, size, label=label)
    except Invalid as found:
        if size > strict.MAX_BYTES:
            raise
        fault = found
    else:
        source.verify()
        return source
    try:
        whole = strict.canonical(pages.read(0, size))
    except Invalid as found:
        # What began like a canonical file is told what a canonical file lacks.
        is_like = pages.read(0, len(HEAD_START)) == HEAD_START
        raise fault if is_like else Invalid(found.reason, label) from None
    return Source(InMemory(whole), len(whole), label=label)


@dataclass(frozen=True, slots=True)
class Stamp:
    """What changes when a file that is open is written to."""

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, source: Source) -> "Stamp | None":
        """Return the stamp of a source that is read from its file while it is used; None for one in memory."""
        if not isinstance(source.pages, OnDisk):
            return None
        status = os.fstat(source.pages.fd)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def spool(read: Callable[[int], bytes], stack: ExitStack) -> Input:
    """Return a stream as an input that can be read twice; `read` returns up to so many bytes.

    A small stream stays in memory; a larger one goes to a temporary file, which `stack` closes.
    """
    head = b""
    while len(head) <= SMALL:
        block = read(SMALL)
        if not block:
            return Input(_STDIN, data=head)
        head += block
    is_canonical = head.startswith(HEAD_START)
    has_lines = b"\n" in head
    file = stack.enter_context(temporary_file())
    try:
        size = file.write(head)
        while block := read(_BLOCK):
            size += file.write(block)
            has_lines = has_lines or b"\n" in block
            if size > strict.MAX_BYTES and not (is_canonical and has_lines):
                raise Invalid(f"it is not in canonical layout, and larger than {strict.MAX_BYTES // 2**20} MiB", _STDIN)
            if size > MAX_STREAM:
                raise DataError(f"{_STDIN} is larger than {MAX_STREAM // 2**20} MiB", "put it into a file")
        file.flush()
    except OSError as error:
        raise from_os(error, f"keep {_STDIN} in a temporary file") from None
    return Input(_STDIN, path=f"/dev/fd/{file.fileno()}")
