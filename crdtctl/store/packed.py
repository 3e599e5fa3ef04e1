"""Inputs given by users (pipes, compressed files, several states in one file) → single states in files."""

from __future__ import annotations

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory
from crdtctl.contexts import ExitStack
from crdtctl.errors import CrdtctlError, DataError, from_os, printable
from crdtctl.records import replace
from crdtctl.store import streams
from crdtctl.store.durable import OnDisk, close
from crdtctl.store.encodings import UTF_16, utf8
from crdtctl.store.inputs import STDIN, Input, spool, unpacked
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

#: Seconds to wait for a writer of a named pipe. A pipe that matched a pattern by chance must not stop a job.
_PATIENCE = 5.0


def gathered(items: Iterable[Input], stack: ExitStack) -> list[Input]:
    """Return inputs that can be read twice. Pipes, sockets and devices are read to their end.

    An input that cannot be read is returned with its failure, because the others may be of use without it.
    """

    def readable(item: Input) -> Input:
        return _readable(item, lambda: _read_to_end(item, stack))

    return [readable(item) for item in items]


def standard_input(read: Callable[[int], bytes], stack: ExitStack) -> Input:
    """Return standard input as an input that can be read twice, or with its failure; `read` reads it."""
    return _readable(Input(STDIN), lambda: spool(read, stack))


def _readable(item: Input, read: Callable[[], Input]) -> Input:
    try:
        return read()
    except CrdtctlError as failure:
        return Input(item.label, failure=failure)


def _read_to_end(item: Input, stack: ExitStack) -> Input:
    if item.path is None or not streams.is_stream(item.path):
        return item
    try:
        fd = streams.open_to_read(item.path, waits=False)
        try:
            return spool(_reader(item.path, fd), stack, item.label)
        finally:
            close(fd)
    except streams.NoWriter:
        raise DataError(f"{printable(item.label)} is a pipe without a writer") from None
    except OSError as error:
        raise from_os(error, f"read {printable(item.label)}", "") from None


def _reader(path: str, fd: int) -> Callable[[int], bytes]:
    if streams.is_named_pipe(path):
        return streams.reader_with_timeout(fd, _PATIENCE)
    return lambda size: streams.read(fd, size)


def each_state(
    items: Iterable[Input],
    use: Callable[[Input], object],
    refuse: Callable[[Input, CrdtctlError], object],
    stack: ExitStack,
) -> None:
    """Call `use` with each state in the inputs, and `refuse` with each input that makes `use` raise an error.

    If an input given by a user turns out not to be a state, it is unpacked, and split if it contains several states.
    `use` is then called with each of them. `stack` removes unpacked files.
    """
    for item in items:
        try:
            use(item)
        except CrdtctlError as failure:
            parts: list[Input] = []
            if item.given and isinstance(failure, Invalid):
                try:
                    parts = _parts(item, stack)
                except CrdtctlError as why:
                    refuse(item, why)
                    continue
            for part in parts:
                try:
                    use(part)
                except CrdtctlError as why:
                    refuse(part, why)
            if not parts:
                refuse(item, failure)


def _parts(item: Input, stack: ExitStack) -> list[Input]:
    """Return the states inside an input that is not a state itself; an empty list if it contains none."""
    if item.data is not None:
        return _cut(item, InMemory(item.data), len(item.data), stack)
    try:
        fd = os.open(item.path or "", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        return _cut(item, OnDisk(fd), os.fstat(fd).st_size, stack)
    except OSError as error:
        raise from_os(error, f"read {printable(item.label)}", "") from None
    finally:
        close(fd)


def _is_compressed(item: Input) -> bool:
    from crdtctl.store.compression import LOOKED_AT, kind_of

    if item.data is not None:
        return bool(kind_of(item.data))
    with open(item.path or "", "rb") as file:
        return bool(kind_of(file.read(LOOKED_AT)))


def _fits(size: int) -> bool:
    """Return whether a file of this size may have another layout than the canonical one."""
    from crdtctl.codec import other_layouts

    return size <= other_layouts.MAX_BYTES


def _cut(item: Input, pages: InMemory | OnDisk, size: int, stack: ExitStack) -> list[Input]:
    from crdtctl.store.compression import LOOKED_AT, kind_of

    if compression := kind_of(pages.read(0, LOOKED_AT)):
        item = replace(item, compression=compression, given=False)
        with ExitStack() as passing:
            whole = unpacked(item, passing)
            within = [] if _is_compressed(whole) else _parts(whole, passing)
            if len(within) > 1:  # they are parts of the unpacked file, which must stay
                stack.enter_context(passing.pop_all())
                return within
        return [item]
    from crdtctl.codec import concatenated

    if pages.read(0, 2) in UTF_16 and _fits(size):
        data = b"".join(utf8([pages.read(0, size)]))
        item, pages, size = replace(item, path=None, data=data), InMemory(data), len(data)
    found = concatenated.parts(pages, size)
    if len(found) < 2:
        return []
    labels = [f"{item.label}, state {number} of {len(found)}" for number in range(1, len(found) + 1)]
    if isinstance(pages, InMemory):
        return [
            Input(label, data=pages.data[start : start + length])
            for label, (start, length) in zip(labels, found, strict=True)
        ]
    return [
        replace(item, label=label, start=start, size=length, given=False)
        for label, (start, length) in zip(labels, found, strict=True)
    ]
