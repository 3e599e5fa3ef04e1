"""One named counter, which may have several types: joins, deltas, and its entries under other replica ids."""

from __future__ import annotations

from crdtctl.crdt import KINDS, TYPES
from crdtctl.crdt.base import Entry

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Names

#: The entries of one counter: type → replica → entry.
Counter: TypeAlias = dict[str, dict[str, Entry]]


class Numbers(dict[str, dict[str, Entry]]):
    """A `Counter` with entries of numbers up to 2^53 − 1 only. It is encoded without a check."""


def join_counters(a: Counter, b: Counter) -> Counter:
    """Return the join of two counters of one name: type by type, replica by replica."""
    joined: Counter = Numbers(a) if type(a) is Numbers and type(b) is Numbers else dict(a)
    for tag, authors in b.items():
        mine = joined.get(tag)
        joined[tag] = authors if mine is None else KINDS[tag].join_all(mine, authors)
    return joined


def without_forgotten(counter: Counter) -> Counter:
    """Return a joined counter without its forgotten types."""
    gone = [tag for tag, entries in counter.items() if TYPES[tag].is_forgotten(entries)]
    return {tag: entries for tag, entries in counter.items() if tag not in gone} if gone else counter


def delta_of(counter: Counter, since: Clock) -> Counter:
    """Return the delta of one counter: the entries that changed after the clock `since`."""
    kept = {tag: KINDS[tag].newer(authors, since) for tag, authors in counter.items()}
    return {tag: authors for tag, authors in kept.items() if authors}


def without_replica(counter: Counter, author: str) -> Counter:
    """Return a counter without the entries of one replica."""
    kept = {tag: {a: row for a, row in authors.items() if a != author} for tag, authors in counter.items()}
    return {tag: authors for tag, authors in kept.items() if authors}


def put_under(counter: Counter, names: Names) -> Counter:
    """Return a counter with its entries under other replica ids: of the branches of a fork, or of none."""
    put: Counter = {}
    for tag, authors in counter.items():
        join = KINDS[tag].join_all
        rows: dict[str, Entry] = {}
        for author, row in authors.items():
            for name in names.get(author, (author,)):
                rows = join(rows, {name: row})
        if rows:
            put[tag] = rows
    return put
