"""A replica's share of what is known: what it did itself, and what it carries for some others."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from crdtctl.codec.stream import Source, overlay
from crdtctl.codec.wire import Head, decode_own_line, encode_line
from crdtctl.crdt import forks
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import Roster


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a replica stands: its id, what it knows, and who has ended.

    `mark` stands for what it did itself, and changes with it; it is empty if that is nothing. `has_left` says whether
    all of it has left before. `settled` are the branches of forks that somebody has settled.
    """

    replica: str
    clock: Clock
    histories: Mapping[str, str]
    ended: Roster
    settled: tuple[str, ...] = ()
    mark: str = ""
    has_left: bool = True

    def knows(self, clock: Clock, histories: Mapping[str, str]) -> bool:
        """Return whether all that a state holds is known; those who were absorbed are."""
        return all(
            forks.covers(self.clock, self.histories, author, seq, histories.get(author, ""))
            or self.ended.has_absorbed(author)
            for author, seq in clock.items()
        )


def head_of_share(whole: Head, authors: Collection[str]) -> Head:
    """Return the header of a state that holds these authors, of all that the header `whole` speaks of."""
    clock = {author: seq for author, seq in whole.clock.items() if author in authors}
    return replace(whole, clock=clock, tags={a: text for a, text in whole.tags.items() if a in clock})


def lines_of_share(own: Source, known: Source | None, authors: Collection[str]) -> Iterable[bytes]:
    """Yield the lines of what `own` holds, and of what `known` holds of these authors."""
    if known is None or not authors:
        return (joined.after for joined in overlay(None, [own]) if joined.after is not None)
    return _joined(own, known, authors)


def _joined(own: Source, known: Source, authors: Collection[str]) -> Iterable[bytes]:
    mine = own.head.replica
    for joined in overlay(known, [own]):
        if joined.after is None:
            continue
        name, counter = decode_own_line(joined.after)
        kept = {
            tag: rows
            for tag, found in counter.items()
            if (rows := {a: row for a, row in found.items() if a in authors or (a == mine)})
        }
        if kept:
            yield joined.after if kept == counter else encode_line(name, kept)
