"""More inputs than may be open at once: joined in groups, into temporary files, before the pass."""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.merge_join import merged_blocks
from crdtctl.codec.reader import Source
from crdtctl.codec.writer import Writer
from crdtctl.contexts import ExitStack, contextmanager
from crdtctl.crdt import clock as clocks
from crdtctl.errors import CrdtctlError, from_os
from crdtctl.store.durable import OnDisk
from crdtctl.store.inputs import SMALL, Stamp, open_input
from crdtctl.store.merge import limits
from crdtctl.store.merge.opening import BadInput, OpenedInput
from crdtctl.store.merge.room import Room
from crdtctl.store.temporary import temporary_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from crdtctl.store.spill import SpillBuffer

    #: Groups of inputs, each with a temporary file to join it into.
    _Work = Sequence[tuple[Sequence[OpenedInput], IO[bytes]]]


class FailedInChild(Exception):
    """The other process could not join its inputs. This process repeats the work to find the reason."""


def sources_to_join(taken: Sequence[OpenedInput], stack: ExitStack, buffers: Sequence[SpillBuffer]) -> list[Source]:
    """Return the sources of one pass: the inputs, or temporary files with groups of them.

    With several `buffers`, as many processes join a share of the groups each.
    """
    from crdtctl.store.parallel import in_children

    sources = [one.source for one in taken if one.source is not None]
    for one in taken:
        if one.source is not None:
            one.source.names = one.names
    if len(sources) == len(taken):
        return sources
    groups = _groups(taken)
    files = [stack.enter_context(temporary_file(buffers[0].scratch)) for _ in groups]
    work = list(zip(groups, files, strict=True))
    each = -(-len(work) // len(buffers))
    shares = [(work[i * each : (i + 1) * each], buffer) for i, buffer in enumerate(buffers) if work[i * each :]]
    with in_children(_join_in_child, shares[1:]) as results:
        sizes = _join_groups(*shares[0])
        for (_, buffer), result in zip(shares[1:], results, strict=True):
            done = result()
            if done is None:
                raise FailedInChild
            more, buffer.count = done
            sizes += more
    return [Source(OnDisk(file.fileno()), size, ours=True) for file, size in zip(files, sizes, strict=True)]


def _groups(taken: Sequence[OpenedInput]) -> list[list[OpenedInput]]:
    """Return the inputs in groups that may be open at once."""
    groups: list[list[OpenedInput]] = []
    room = Room()
    for one in taken:
        in_memory = one.size <= SMALL or one.item.data is not None
        if not groups or not room.takes(one.size, in_memory=in_memory):
            groups.append([])
            room = Room()
            room.takes(one.size, in_memory=in_memory)
        groups[-1].append(one)
    return groups


def _join_groups(work: _Work, buffer: SpillBuffer) -> list[int]:
    return [join_group(group, file, buffer) for group, file in work]


def _join_in_child(work: _Work, buffer: SpillBuffer) -> tuple[list[int], int] | None:
    """Return the sizes of the files, and the number of entries for local merges; None if an input is bad."""
    try:
        sizes = _join_groups(work, buffer)
    except (BadInput, CrdtctlError):
        return None
    buffer.flush()
    return sizes, buffer.count


def join_group(group: Sequence[OpenedInput], file: IO[bytes], buffer: SpillBuffer) -> int:
    """Join a group of inputs into a temporary file, without entries for local merges; return its size."""
    with ExitStack() as stack:
        again = [_reopened(one, stack) for one in group]
        clock = clocks.join_all(one.head.clock for one in group)
        with _naming_the_bad(group, again):
            writer = Writer(file.write, Head("state", "condensed", clock))
            sources = [one.source for one in again if one.source is not None]
            many = sum(one.size for one in sources) >= limits.BLOCKS_FROM_BYTES
            for block in merged_blocks(None, sources, many=many, on_handoff=buffer.put):
                writer.line(block.text)
            writer.close()
            file.flush()
            for old, new in zip(group, again, strict=True):
                if new.source is not None and Stamp.of(new.source) != new.stamp:
                    raise BadInput(old, new.source.invalid("it was changed while it was read"))
            return file.tell()


def _reopened(one: OpenedInput, stack: ExitStack) -> OpenedInput:
    """Return an input that is open. Raise `BadInput` if it is not the one that was verified."""
    try:
        source = one.source or open_input(one.item, stack, {one.mark: one.head})
    except CrdtctlError as reason:
        raise BadInput(one, reason) from None
    if source.mark != one.mark:
        raise BadInput(one, source.invalid("it was changed while it was read"))
    source.names = one.names
    return OpenedInput(one.item, one.head, one.mark, one.size, source, one.stamp or Stamp.of(source))


@contextmanager
def _naming_the_bad(group: Sequence[OpenedInput], again: Sequence[OpenedInput]) -> Iterator[None]:
    """Turn `Invalid` into `BadInput` of the input at fault, and OSError into our own error."""
    try:
        yield
    except Invalid as reason:
        for old, new in zip(group, again, strict=True):
            if new.source is reason.source:
                raise BadInput(old, reason) from None
        raise
    except OSError as error:
        raise from_os(error, "join files in a temporary file") from None
