"""The knowledge of a replica, and partial states of it: its own entries, and those that it relays for others."""

from __future__ import annotations

from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.crdt import LOCALLY_MERGED, forks
from crdtctl.records import Record, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from crdtctl.codec.header import Head
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.membership import Roster

#: Name of the lock that is held during a sync. It guards no state file.
SYNC_LOCK = "sync"


class Knowledge(Record):
    """The knowledge of a replica: its id, its clock and export markers, and the retired replicas.

    `own_checksum` changes with the replica's own changes; it is empty if the replica has made none. `has_left` is true
    if the present own file was exported or synced before. `is_idle` is true for a client that has handed off all that
    it counted. `settled` are the branches of resolved forks, and `received` the notices that it has
    (`crdtctl.store.receipts`).
    """

    replica: str
    clock: Clock
    histories: Mapping[str, str]
    retired: Roster
    settled: tuple[str, ...] = ()
    own_checksum: str = ""
    has_left: bool = True
    is_idle: bool = False
    received: Clock = field(default_factory=dict)

    def knows(self, clock: Clock, histories: Mapping[str, str]) -> bool:
        """Return whether a state with this clock and these markers holds nothing new; absorbed replicas are known."""
        known = self.clock
        newer = [author for author, seq in clock.items() if author not in known or known[author] < seq]
        return all(
            self.retired.has_absorbed(author)
            or forks.covers(known, self.histories, author, clock[author], histories.get(author, ""))
            for author in newer
        )


def partial_head(whole: Head, authors: Collection[str]) -> Head:
    """Return the header of a partial state with entries of these authors only, given the header of the whole state."""
    clock = {author: seq for author, seq in whole.clock.items() if author in authors}
    return replace(whole, clock=clock, histories={a: text for a, text in whole.histories.items() if a in clock})


def partial_lines(
    own: Source, known: Source | None, authors: Collection[str], news: Sequence[Source] = ()
) -> Iterator[tuple[bytes, int]]:
    """Yield the lines of a partial state with entries of the `authors`, each with its number of entries.

    The author of `own` is one of them. Other replicas' entries of locally merged types are left out. With `news`, the
    lines are as they would be after a merge of those sources.
    """
    from crdtctl.codec.merge_join import merge_join

    mine = own.head.replica
    if len(authors) < 2:
        known, news = None, ()
    for joined in merge_join(known, [own, *news]):
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
