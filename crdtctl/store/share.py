"""A replica's share of what is known: what it did itself, and what it carries for some others."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from crdtctl.codec.stream import Source, overlay
from crdtctl.codec.wire import Counter, Head, decode_own_line, encode_line
from crdtctl.crdt import LOCALLY_MERGED, forks
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import Roster

#: Whose lock is held by who carries a replica's state to and fro. It is of no state file.
SYNC = "sync"


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a replica stands: its id, what it knows, and who has ended.

    `mark` stands for what it did itself, and changes with it; it is empty if that is nothing. `has_left` says whether
    all of it has left before, and `is_idle` that it is a client that has handed over all of it. `settled` are the
    branches of forks that somebody has settled.
    """

    replica: str
    clock: Clock
    histories: Mapping[str, str]
    ended: Roster
    settled: tuple[str, ...] = ()
    mark: str = ""
    has_left: bool = True
    is_idle: bool = False

    def knows(self, clock: Clock, histories: Mapping[str, str]) -> bool:
        """Return whether all that a state holds is known; those who were absorbed are."""
        known = self.clock
        newer = [author for author, seq in clock.items() if author not in known or known[author] < seq]
        return all(
            self.ended.has_absorbed(author)
            or forks.covers(known, self.histories, author, clock[author], histories.get(author, ""))
            for author in newer
        )


def head_of_share(whole: Head, authors: Collection[str]) -> Head:
    """Return the header of a state that holds these authors, of all that the header `whole` speaks of."""
    clock = {author: seq for author, seq in whole.clock.items() if author in authors}
    return replace(whole, clock=clock, tags={a: text for a, text in whole.tags.items() if a in clock})


def lines_of_share(
    own: Source, known: Source | None, authors: Collection[str], news: Sequence[Source] = ()
) -> Iterator[tuple[bytes, int]]:
    """Yield the lines of what the `authors` did, each with how many contributions it holds. `own` is of one of them.

    What was learned to take part in merging does not leave. With `news`, as it would be once those were merged.
    """
    mine = own.head.replica
    if len(authors) < 2:
        known, news = None, ()
    for joined in overlay(known, [own, *news]):
        if joined.after is None:
            continue
        name, counter = decode_own_line(joined.after)
        kept: Counter = {}
        for tag, found in counter.items():
            rows = {
                who: row for who, row in found.items() if who == mine or (who in authors and tag not in LOCALLY_MERGED)
            }
            if rows:
                kept[tag] = rows
        if kept:
            yield joined.after if kept == counter else encode_line(name, kept), sum(map(len, kept.values()))
