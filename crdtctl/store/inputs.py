"""Input files with states: opened, verified, and watched for changes while they are read."""

from __future__ import annotations

import stat

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import HEAD_START, InMemory
from crdtctl.codec.reader import Source
from crdtctl.contexts import ExitStack
from crdtctl.errors import DataError, MissingError, UsageError, from_os, printable
from crdtctl.records import Record
from crdtctl.store.durable import OnDisk, close
from crdtctl.store.encodings import utf8
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from typing import TypeAlias

    from crdtctl.codec.reader import Heads
    from crdtctl.errors import CrdtctlError
else:
    pass

#: Maximum size of a file that is read into memory, so that its descriptor can be closed.
SMALL = 2**16
#: Maximum size of a stream kept in a temporary file. Larger states have to be given as files.
MAX_STREAM = 2**30
#: Maximum ratio of the contents of a compressed file to its size, if they are large.
_MAX_RATIO = 100
_STATE = rb'(?:\xef\xbb\xbf)?\s*(?:\{\s*"crdtctl"\s*:|crdtctl\s*=)'
_URL = r"[A-Za-z][A-Za-z0-9+.-]*://"
#: ``[USER@]HOST:PATH``
_REMOTE_PATH = r"((?:[\w.-]+@)?[A-Za-z0-9][\w.-]+):([^:]+)$"
_BLOCK = 2**18
#: What standard input is called in messages.
STDIN = "standard input"
_NOT_REGULAR = "give it a file made by 'crdtctl export', or '-' for a pipe"


class Input(Record):
    """A state given as the path of a file or as bytes, with a label for messages.

    It is `size` bytes of the file from `start` on (None: all). A file with a `compression` is unpacked first. An input
    that was `given` by a user may be compressed and may contain several states, see `crdtctl.store.packed`. `failure`
    is the error of a stream that could not be read to its end. It is raised when the input is opened, like that of any
    file.
    """

    label: str
    path: str | None = None
    data: bytes | None = None
    start: int = 0
    size: int | None = None
    compression: str = ""
    given: bool = False
    failure: CrdtctlError | None = None


class PartOfFile(OnDisk):
    """Some bytes of an open file, from `start` on, as pages."""

    def __init__(self, fd: int, start: int) -> None:
        super().__init__(fd)
        self._start = start

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start` of the part."""
        return super().read(self._start + start, size)


if TYPE_CHECKING:
    #: A state in calls of the library: the path of a file, the bytes of a state, or an `Input`.
    State: TypeAlias = str | os.PathLike[str] | bytes | Input


def looks_like_state(head: bytes) -> bool:
    """Return whether a file that begins with `head` looks like a state, in any layout or compressed."""
    if head.startswith(HEAD_START):
        return True
    import re  # only here: most states are in canonical layout

    from crdtctl.store.compression import kind_of

    return bool(kind_of(head) or re.match(_STATE, head))


def as_inputs(states: Iterable[State | Iterable[State]]) -> list[Input]:
    """Return the inputs for `states`, each a state or an iterable of states.

    A string or path names a file, and bytes are a state in memory. Raise `UsageError` for anything else.
    """
    return [_as_input(one, number) for number, one in enumerate(_flattened(states), 1)]


def _flattened(states: Iterable[State | Iterable[State]]) -> Iterator[State]:
    for one in states:
        if isinstance(one, str | bytes | Input) or isinstance(one, os.PathLike):  # noqa: SIM101  # the last imports os
            yield one
        elif hasattr(one, "__iter__"):
            yield from _flattened(one)
        else:
            raise UsageError(f"a state is a path or bytes, not {type(one).__name__}")


def _as_input(state: State, number: int) -> Input:
    if isinstance(state, Input):
        return state
    if isinstance(state, bytes):
        return Input(f"state {number}", data=state, given=True)
    path = os.fspath(state)
    return Input(path, path=path, given=True)


def open_input(item: Input, stack: ExitStack, heads: Heads | None = None) -> Source:
    """Open and verify one input. `stack` closes it. Raise an error with the label of the input.

    `heads` are headers that need not be decoded again, see `Source`.
    """
    source = _opened(item, stack, heads)
    if source.head.kind == "recent":  # its clock covers commits whose entries are in own.json
        raise Invalid("it holds only the latest changes of a replica", source.label, hint="export the replica")
    return source


def _opened(item: Input, stack: ExitStack, heads: Heads | None) -> Source:
    label = printable(item.label)
    if item.failure is not None:
        raise item.failure
    if item.compression:
        return open_input(unpacked(item, stack), stack, heads)
    if item.data is not None:
        return _source(label, InMemory(item.data), len(item.data), heads)
    with ExitStack() as failing:
        try:
            fd = os.open(item.path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            failing.callback(close, fd)
            status = os.fstat(fd)
            if not stat.S_ISREG(status.st_mode):
                raise _not_a_file(item.path or "", label, stat.S_ISDIR(status.st_mode))
            pages = PartOfFile(fd, item.start) if item.start else OnDisk(fd)
            size = status.st_size - item.start if item.size is None else item.size
            if size <= SMALL:
                data = pages.read(0, SMALL + 1 if item.size is None else size)
                return _source(label, InMemory(data), len(data), heads)
            source = _source(label, pages, size, heads)
        except OSError as error:
            raise _unopened(error, item.path or "", label) from None
        if isinstance(source.pages, OnDisk):
            stack.enter_context(failing.pop_all())
        return source


def _not_a_file(path: str, label: str, is_directory: bool) -> DataError:
    """Return the error for a path that is not a regular file."""
    from shlex import quote

    if not is_directory:
        return DataError(f"{label} is not a regular file", _NOT_REGULAR)
    if os.path.exists(f"{path}/own.json") or os.path.exists(f"{path}/.crdtctl/own.json"):
        return DataError(f"{label} is a replica's directory", f"type: crdtctl exchange {quote(label)}")
    return DataError(f"{label} is a directory", f"name the files in it, or sync with it: crdtctl sync {quote(label)}")


def _unopened(error: OSError, path: str, label: str) -> CrdtctlError:
    """Return the error for a file that cannot be opened or read."""
    import errno
    import re
    from shlex import quote

    if error.errno == errno.ENXIO:  # a socket, or a missing device
        return DataError(f"{label} is not a regular file", _NOT_REGULAR)
    if error.errno not in (errno.ENOENT, errno.ENOTDIR):
        return from_os(error, f"read {label}", "")
    failure = MissingError(f"cannot read {label}: {os.strerror(error.errno)}")
    if re.match(_URL, path):
        failure.hint = f"sync with a URL: crdtctl sync {quote(label)}"
        if path.startswith("http"):
            failure.hint += f"; merge a single file from it: curl -sSfL {quote(label)} | crdtctl merge -"
    elif found := re.match(_REMOTE_PATH, path):
        there = f"ssh {quote(found[1])} cat {quote(found[2])}"
        failure.hint = f"for a file on another machine, type: {there} | crdtctl merge -"
    elif "*" in path or "?" in path:
        failure.hint = "no file matches"
    return failure


def _source(label: str, pages: InMemory | OnDisk, size: int, heads: Heads | None) -> Source:
    """Return the source of a state in canonical layout, or in another one; raise `Invalid`."""
    try:
        source = Source(pages, size, label=label, heads=heads)
    except Invalid as found:
        from crdtctl.codec import other_layouts
        from crdtctl.store.other_files import LOOKED_AT, recognize

        if size > other_layouts.MAX_BYTES:
            if other := recognize(pages.read(0, LOOKED_AT), label):
                raise Invalid(other.kind, label, hint=other.hint) from None
            raise
        fault = found
    else:
        try:
            source.verify()
        except Invalid:
            from crdtctl.store.other_files import LOOKED_AT, recognize

            if other := recognize(pages.read(0, LOOKED_AT), label):
                raise Invalid(other.kind, label, hint=other.hint) from None
            raise
        return source
    data = b"".join(utf8([pages.read(0, size)]))
    try:
        whole = other_layouts.canonical(data)
    except Invalid as found:
        if other := recognize(data, label):
            raise Invalid(other.kind, label, hint=other.hint) from None
        # A file that begins like a canonical one gets the message for canonical files.
        raise fault if data.startswith(HEAD_START) else Invalid(found.reason, label) from None
    return Source(InMemory(whole), len(whole), label=label, heads=heads)


class Stamp(Record):
    """Size and times of an open file, which change when it is written to."""

    size: int
    modified: int
    changed: int

    @classmethod
    def of(cls, source: Source) -> Stamp | None:
        """Return the stamp of a source that is read from its file while it is used; None for one in memory."""
        if not isinstance(source.pages, OnDisk):
            return None
        status = os.fstat(source.pages.fd)
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def spool(read: Callable[[int], bytes], stack: ExitStack, label: str = STDIN) -> Input:
    """Return a stream as an input that can be read twice. `read(size)` returns up to `size` bytes.

    A small stream stays in memory; a larger one goes to a temporary file, which `stack` closes.
    """
    head = b""
    while len(head) <= SMALL:
        block = read(SMALL)
        if not block:
            return Input(label, data=head, given=True)
        head += block
    from crdtctl.codec import other_layouts
    from crdtctl.store.compression import kind_of
    from crdtctl.store.temporary import temporary_file

    shown = printable(label)
    is_canonical = head.startswith(HEAD_START) or bool(kind_of(head))
    has_lines = b"\n" in head
    file = stack.enter_context(temporary_file())
    try:
        size = file.write(head)
        while block := read(_BLOCK):
            size += file.write(block)
            has_lines = has_lines or b"\n" in block
            if size > other_layouts.MAX_BYTES and not (is_canonical and has_lines):
                raise Invalid(
                    f"it is not in canonical layout, and larger than {other_layouts.MAX_BYTES // 2**20} MiB", shown
                )
            if size > MAX_STREAM:
                raise DataError(f"{shown} is larger than {MAX_STREAM // 2**20} MiB", "save it to a file and give that")
        file.flush()
    except OSError as error:
        raise from_os(error, f"keep {shown} in a temporary file") from None
    return Input(label, path=f"/dev/fd/{file.fileno()}", given=True)


def unpacked(item: Input, stack: ExitStack) -> Input:
    """Return the contents of a compressed file as an input; raise `Invalid` if it is damaged, or far too large."""
    import io

    from crdtctl.codec import other_layouts
    from crdtctl.store.compression import Unpacked

    shown = printable(item.label)
    with ExitStack() as passing:
        try:
            packed = io.BytesIO(item.data) if item.data is not None else open(item.path or "", "rb")  # noqa: SIM115
            passing.callback(packed.close)
            limit = max(other_layouts.MAX_BYTES, _MAX_RATIO * packed.seek(0, os.SEEK_END))
            packed.seek(0)
        except OSError as error:
            raise _unopened(error, item.path or "", shown) from None
        contents = Unpacked(item.compression, packed, shown)
        size = 0

        def read(wanted: int) -> bytes:
            nonlocal size
            data = contents.read(wanted)
            size += len(data)
            if size > limit:
                raise Invalid(f"it unpacks to more than {_MAX_RATIO} times its size", shown)
            return data

        return spool(read, stack, item.label)
