"""Counters of several names, read as one: each entry counts as that of a writer of its own.

So amounts add up, an element of several sets counts once, and an idempotency key or the reading of a meter counts once
for all names together. Such entries are only read: no file contains these writers.
"""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.crdt.lattice import MapOf
from crdtctl.crdt.names import replica_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from crdtctl.crdt import lattice
    from crdtctl.crdt.base import Entries, Entry
    from crdtctl.crdt.counter import Counter

#: Separates the name of a counter from a replica id. Neither can contain it.
SEPARATOR = "\0"


def together(several: Iterable[tuple[str, Counter]], name: str) -> Counter:
    """Return the entries of several counters, given with their names, as those of the counter `name`.

    Types whose counters cannot be renamed are left out.
    """
    found: Counter = {}
    for called, counter in several:
        for tag, entries in counter.items():
            if TYPES[tag].can_be_renamed:
                rows = entries if called == name else under(TYPES[tag].record, called, entries)
                found[tag] = {**found.get(tag, {}), **rows}
    return found


def under(record: lattice.Record, name: str, entries: Entries) -> dict[str, Entry]:
    """Return the entries of the counter `name` as those of other writers.

    Marks of resets and other items about replicas are about these writers as well.
    """
    about = [at for at, part in enumerate(record.parts) if isinstance(part, MapOf) and part.fault is replica_fault]

    def put(found: Mapping[str, Any]) -> dict[str, Any]:
        return {f"{name}{SEPARATOR}{author}": value for author, value in found.items()}

    return {
        author: tuple([put(part) if at in about else part for at, part in enumerate(row)])
        for author, row in put(entries).items()
    }


def replica_of(author: str) -> str:
    """Return the replica id of a writer; any other id as it is."""
    return author.rpartition(SEPARATOR)[2]


def by_replica(shares: Mapping[str, int]) -> dict[str, int]:
    """Return the shares of writers as those of replicas, sorted."""
    added: dict[str, int] = {}
    for author, share in shares.items():
        replica = replica_of(author)
        added[replica] = added.get(replica, 0) + share
    return dict(sorted(added.items()))
