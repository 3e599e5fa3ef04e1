"""Write the state of a replica, or a part of it, for other replicas to merge."""

from __future__ import annotations

from crdtctl.codec.layout import InMemory
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import Source
from crdtctl.codec.writer import Writer
from crdtctl.contexts import ExitStack, contextmanager, suppress
from crdtctl.crdt.counter import delta_of
from crdtctl.errors import AccessError, OutcomeUnknownError, RefusedError, StorageError
from crdtctl.store.owner import may_write
from crdtctl.store.snapshot import snapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

    from crdtctl.crdt.clock import Clock
    from crdtctl.store.inputs import Input
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.transaction import Transaction

    Write = Callable[[bytes], object]


@contextmanager
def exported(tx: Transaction) -> Iterator[Snapshot]:
    """Open the verified snapshot that is about to leave, and record in ``own.json`` that its commits do.

    Where the record cannot be written, on a full or read-only disk, the state leaves all the same. A fork is then
    found later.
    """
    with ExitStack() as stack:
        now = stack.enter_context(snapshot(tx.directory))
        if not now.has_left and may_write(tx.directory.fd):
            stack.close()
            with ExitStack() as locked:
                with suppress(StorageError, OutcomeUnknownError, AccessError):
                    locked.enter_context(tx.mark_exported())
                now = stack.enter_context(snapshot(tx.directory))
        yield now.verified()


def write_state(now: Snapshot, write: Write, since: Clock | None = None) -> None:
    """Write the state, piece by piece, in constant memory. With `since`, write the delta of newer commits."""
    from crdtctl.codec.lines import decode_own_line, encode_line
    from crdtctl.store.handoffs import without_former

    writer = Writer(write, now.head(since))
    for joined in merge_join(now.known, [now.own]):
        line = joined.after
        if line is not None and now.known and now.known.head.past:
            line = without_former(line, now.id)
        if line is not None and since is not None:
            name, counter = decode_own_line(line)
            counter = delta_of(counter, since)
            line = encode_line(name, counter) if counter else None
        if line is not None:
            writer.line(line)
    writer.close()


def write_partial(now: Snapshot, write: Write, replicas: Collection[str], news: Sequence[Source] = ()) -> int:
    """Write the entries of this replica and of some other `replicas`; return the number of entries.

    With `news`, write them as they would be after merging those.
    """
    return _write_entries(now, write, {now.id, *replicas}, news)


def write_others(now: Snapshot, write: Write) -> None:
    """Write the entries of all other replicas, without those of this one."""
    _write_entries(now, write, set(now.clock()) - {now.id}, ())


def _write_entries(now: Snapshot, write: Write, wanted: set[str], news: Sequence[Source]) -> int:
    """Write the entries of some replicas; return the number of entries."""
    from crdtctl.store.knowledge import partial_head, partial_lines

    writer = Writer(write, partial_head(now.head(), wanted))
    entries = 0
    for line, number in partial_lines(now.own, now.known, wanted, news):
        writer.line(line)
        entries += number
    writer.close()
    return entries


def size_of_partial(now: Snapshot, replicas: Collection[str], news: Iterable[Input]) -> tuple[int, int]:
    """Return the number of entries, and about the number of bytes, of a partial state after the `news` are merged."""
    from crdtctl.store.inputs import open_input

    size = 0

    def count(data: bytes) -> None:
        nonlocal size
        size += len(data)

    with ExitStack() as stack:
        entries = write_partial(now.verified(), count, replicas, [open_input(item, stack) for item in news])
    return entries, size


def as_toml(data: bytes) -> bytes:
    """Return a state as TOML. Raise `RefusedError` for a large one, because it is in memory as a whole."""
    from crdtctl.codec import other_layouts
    from crdtctl.codec.lines import decode_own_line

    if len(data) > other_layouts.MAX_BYTES // 2:
        raise RefusedError("the state is too large for TOML", "export it as json")
    source = Source(InMemory(data), len(data), ours=True)
    counters = (decode_own_line(line) for _, line in source.lines())
    return other_layouts.to_toml(source.head, counters, source.checksum).encode()
