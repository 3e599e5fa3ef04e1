"""Join two state files into one, without a replica, and describe a state file in lines that can be compared.

The order of the two files does not change the result. If one of them holds everything that the other one holds, the
result is that file, byte for byte.
"""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import NO_NAMES
from crdtctl.codec.writer import Writer
from crdtctl.contexts import ExitStack
from crdtctl.crdt import LOCALLY_MERGED, TYPES, forks
from crdtctl.crdt.counter import put_under, without_forgotten
from crdtctl.crdt.gset import GSet
from crdtctl.crdt.membership import MEMBERSHIP, roster
from crdtctl.crdt.names import RENAMES_LINE
from crdtctl.errors import DataError, RefusedError, printable
from crdtctl.records import replace
from crdtctl.store import receipts
from crdtctl.store.hidden import hide_left_out
from crdtctl.store.inputs import looks_like_state, open_input
from crdtctl.store.merge.admission import refuse_forgotten
from crdtctl.store.merge.opening import open_all
from crdtctl.store.renamed import RenamedCounters
from crdtctl.store.retirement import without_absorbed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.forks import ForkResolution
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.inputs import Input
    from crdtctl.store.merge.opening import OpenedInput

#: Number of bytes that show whether a file is a state.
ENOUGH = 64


def is_state(path: str) -> bool:
    """Return whether a file begins like a state. Raise OSError if it cannot be read."""
    with open(path, "rb") as file:
        return looks_like_state(file.read(ENOUGH))


def join_files(ours: Input, theirs: Input) -> bytes:
    """Return the join of two state files, in the canonical layout, or in TOML if `ours` is TOML.

    Raise `DataError` for a file that is not one whole state, `MissingError` for one that is missing, and `RefusedError`
    for two that cannot be joined.
    """
    refused: dict[str, CrdtctlError] = {}
    with ExitStack() as stack:
        opened, _ = open_all([ours, theirs], refused, stack)
        if not refused:
            refuse_forgotten({}, {}, opened, refused)
        for failure in refused.values():
            raise failure
        if len(opened) != 2:
            raise DataError(f"{printable(ours.label)} and {printable(theirs.label)} are not one state each")
        sources = [one.source for one in opened if one.source is not None]
        assert len(sources) == 2  # two files always stay open
        _check(opened, sources)
        text = _joined(opened, sources)
    return _in_layout_of(ours, text)


def _check(opened: Sequence[OpenedInput], sources: Sequence[Source]) -> None:
    """Raise an error unless both are states that may be in one file."""
    for one in opened:
        if one.head.kind != "state":
            raise RefusedError(
                f"{printable(one.item.label)} is not a whole state, but of the kind {one.head.kind}",
                "commit whole states, as 'crdtctl export' writes them",
            )
    if len({one.head.replica for one in opened}) > 1 and any(
        next(source.names_of(tag), None) for source in sources for tag in LOCALLY_MERGED
    ):
        raise RefusedError(
            "a handoff counter is in the files of two replicas, and each replica needs its own file",
            "let each replica export to a file of its name",
        )


def _joined(opened: Sequence[OpenedInput], sources: Sequence[Source]) -> bytes:
    """Return the join in the canonical layout."""
    resolved = forks.join([(one.head.clock, one.head.histories) for one in opened])
    members = roster(MEMBERSHIP.join_several([one.members for one in opened]))
    for source, one, names in zip(sources, opened, resolved.names, strict=True):
        source.names = {**names, **without_absorbed(members, one.head.clock)}
    for author in members.absorbed(list(resolved.clock)):
        del resolved.clock[author]
        resolved.histories.pop(author, None)
    lines = [joined.after for joined in merge_join(None, sources) if joined.after is not None]
    heads = [one.head for one in opened]
    head = _head(heads, resolved)
    body = b",\n".join(lines)
    same = [
        one
        for one, source in zip(heads, sources, strict=True)
        if source.text().removesuffix(b"\n") == body
        and replace(head, replica=one.replica, received=one.received) == one
    ]
    return _written(max(same, key=lambda one: one.replica) if same else head, lines)


def _head(heads: Sequence[Head], resolved: ForkResolution) -> Head:
    """Return the header of the join. It has one writer, so its ``received`` is that of this writer."""
    writer = max(head.replica for head in heads)
    parts = [
        (head.received, names) for head, names in zip(heads, resolved.names, strict=True) if head.replica == writer
    ]
    return Head(
        "state",
        writer,
        resolved.clock,
        histories=resolved.histories,
        settled=tuple(sorted({mark for head in heads for mark in head.settled})),
        received=receipts.covered(receipts.received(parts), resolved.clock),
        periods=any(head.periods for head in heads),
    )


def _written(head: Head, lines: Sequence[bytes]) -> bytes:
    pieces: list[bytes] = []
    writer = Writer(pieces.append, head)
    for line in lines:
        writer.line(line)
    writer.close()
    return b"".join(pieces)


def _in_layout_of(item: Input, text: bytes) -> bytes:
    with open(item.path or "", "rb") as file:
        is_json = file.read(ENOUGH).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")
    if is_json:
        return text
    from crdtctl.store.export import as_toml

    return as_toml(text)


def described(item: Input) -> Iterator[str]:
    """Yield the lines that describe a state file: its replicas with their commits, then its counters with values.

    The elements of a set follow on lines of their own. Raise an error for a file that is not a state.
    """
    with ExitStack() as stack:
        source = open_input(item, stack)
        hide_left_out(source, None)
        for replica, commits in sorted(source.head.clock.items()):
            yield f"# {replica}: {commits} commit{'' if commits == 1 else 's'}"
        for name, counter in _counters(source):
            for tag, entries in sorted(without_forgotten(counter).items()):
                kind = TYPES[tag]
                yield f"{printable(name)}\t{kind.value(entries)}\t{tag}"
                if isinstance(kind, GSet):
                    yield from (f"  {printable(member)}" for member in kind.members(entries))


def _counters(source: Source) -> Iterator[tuple[str, Counter]]:
    """Yield the counters of a state under the names that they have after renames."""
    if source.has(RENAMES_LINE):
        yield from RenamedCounters([source]).counters()
        return
    for name, line in source.lines():
        if name not in NO_NAMES:
            text, counter = source.decode(line)
            yield text, put_under(counter, source.names) if source.names else counter
