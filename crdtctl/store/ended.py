"""What a replica's files say of who has ended: it itself, and those whose counts somebody took over."""

from collections.abc import Collection
from dataclasses import replace

from crdtctl.codec.reader import Source
from crdtctl.crdt import membership
from crdtctl.crdt.base import Contributions
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.forks import Names
from crdtctl.crdt.membership import MEMBERSHIP, NAME, Roster, record_of, roster
from crdtctl.errors import RefusedError


def ended(own: Source, known: Source | None) -> Contributions:
    """Return what a replica's two files say of who has ended."""
    mine = said_by(own)
    return MEMBERSHIP.join_all(mine, said_by(known)) if known else mine


def said_by(source: Source) -> Contributions:
    """Return what one file says of who has ended."""
    return source.counter(NAME).get(MEMBERSHIP.tag, {})


def without_absorbed(everybody: Roster, clock: Clock) -> Names:
    """Return under which names a source with this clock is read: those whose counts were taken over, not at all."""
    return dict.fromkeys(everybody.absorbed(clock), ())


def hide_absorbed(own: Source, known: Source) -> Roster:
    """Let `known` be read as if what was absorbed were gone already, and return who has ended.

    ``own.json`` is written first when a replica absorbs another, and ``known.json`` after it.
    """
    everybody = roster(ended(own, known))
    gone = without_absorbed(everybody, known.head.clock)
    if gone:
        head = known.head
        clock = {author: seq for author, seq in head.clock.items() if author not in gone}
        known.names = {**known.names, **gone}
        known.head = replace(head, clock=clock, tags={a: text for a, text in head.tags.items() if a not in gone})
    return everybody


def doubled(everybody: Roster, settled: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return record → the replicas that absorbed one and the same, where that is not settled: it counts for each."""
    standing = {
        record: tuple(sorted(who for who in by if _settling(who, record) not in settled))
        for record, by in everybody.twice.items()
    }
    return {record: by for record, by in standing.items() if len(by) > 1}


def counts_twice(record: str, absorbers: Collection[str]) -> str:
    """Return in words that a sealed replica was absorbed several times."""
    return (
        f"the sealed replica whose id ends with {record} was absorbed by {' and '.join(absorbers)}, and counts for each"
    )


def absorbed_again(everybody: Roster, replica: str) -> dict[str, str]:
    """Return what settles that a replica, or its record, was absorbed several times: mark → absorber.

    The first absorber, by id, is left out: what it took is what counts. So all who settle take the same back.
    """
    record = record_of(replica) or replica
    return {_settling(who, record): who for who in sorted(everybody.twice.get(record, ()))[1:]}


def _settling(absorber: str, record: str) -> str:
    """Return what stands among the settled for what `absorber` took, and others had taken."""
    return f"{absorber}+{record}"


def is_sealed(own: Source) -> bool:
    """Return whether this replica has sealed itself."""
    row = said_by(own).get(own.head.replica)
    return row is not None and membership.is_sealed(row)


def refuse_sealed(own: Source) -> None:
    """Raise `RefusedError` if this replica has sealed itself."""
    if is_sealed(own):
        raise RefusedError(
            "this replica is sealed: it has ended",
            "'crdtctl export' still works, and 'crdtctl init --after-seal' goes on here under a new id",
        )
