"""Retired replicas: those that are sealed, and those whose counts another replica absorbed."""

from __future__ import annotations

from crdtctl.codec.lines import encode_line
from crdtctl.crdt import TYPES, membership
from crdtctl.crdt.membership import MEMBERSHIP, NAME, record_of, roster, sealing
from crdtctl.errors import RefusedError
from crdtctl.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Names
    from crdtctl.crdt.membership import Roster
    from crdtctl.store.own_file import OwnFile
    from crdtctl.store.transaction import Transaction


def membership_of(own: Source, known: Source | None) -> Entries:
    """Return the membership entries in a replica's two files."""
    mine = membership_in(own)
    return MEMBERSHIP.join_all(mine, membership_in(known)) if known else mine


def membership_in(source: Source) -> Entries:
    """Return the membership entries in one file."""
    return source.counter(NAME).get(MEMBERSHIP.tag, {})


# Sealing -----------------------------------------------------------------------------------------------


def seal(transaction: Transaction, own: OwnFile) -> bool:
    """Make the last commit of a replica; return False if it is sealed already.

    The lock of ``own.json`` is held. Raise `RefusedError` if the replica must hand something over first.
    """
    row = membership_in(own.source).get(own.id, MEMBERSHIP.record.bottom)
    if membership.is_sealed(row):
        return False
    with transaction.known() as known:
        for _, line in own.source.lines():
            name, counter = own.source.decode(line)
            for tag in counter.keys() & TYPES.keys():
                learned = known.counter(name).get(tag, {}) if known else {}
                keeps = TYPES[tag].seal_blocker(own.id, TYPES[tag].join_all(learned, counter[tag]))
                if keeps:
                    raise RefusedError(f"cannot seal: '{name}' {keeps[0]}", keeps[1])
    line = encode_line(NAME, {MEMBERSHIP.tag: {own.id: sealing(row, own.seq + 1)}})
    transaction.note("sealed", commits=transaction.write_own(own, {NAME: line}))
    return True


def is_sealed(own: Source) -> bool:
    """Return whether this replica has sealed itself."""
    row = membership_in(own).get(own.head.replica)
    return row is not None and membership.is_sealed(row)


def refuse_sealed(own: Source) -> None:
    """Raise `RefusedError` if this replica has sealed itself."""
    if is_sealed(own):
        raise RefusedError(
            "this replica is sealed and takes no more commits",
            "'crdtctl export' still works; 'crdtctl init --after-seal' continues in this directory under a new id",
        )


# Absorbed replicas -------------------------------------------------------------------------------------


def without_absorbed(members: Roster, clock: Clock) -> Names:
    """Return the names for entries of a source with this clock: those of absorbed replicas are left out."""
    return dict.fromkeys(members.absorbed(clock), ())


def hide_absorbed(own: Source, known: Source) -> Roster:
    """Leave absorbed replicas out of `known` while it is read, and return the retired replicas.

    When a replica absorbs another one, ``own.json`` is written before ``known.json``. Between the two writes the counts
    are in both.
    """
    members = roster(membership_of(own, known))
    absorbed = without_absorbed(members, known.head.clock)
    if absorbed:
        head = known.head
        clock = {author: seq for author, seq in head.clock.items() if author not in absorbed}
        histories = {author: text for author, text in head.histories.items() if author not in absorbed}
        known.names = {**known.names, **absorbed}
        known.head = replace(head, clock=clock, histories=histories)
    return members


# Double absorption -------------------------------------------------------------------------------------


def absorbed_twice(members: Roster, settled: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Return record → the several replicas that absorbed the same one, unless that is settled. It counts for each."""
    unsettled = {
        record: tuple(sorted(absorber for absorber in absorbers if _mark(absorber, record) not in settled))
        for record, absorbers in members.absorbed_twice.items()
    }
    return {record: absorbers for record, absorbers in unsettled.items() if len(absorbers) > 1}


def double_absorption(record: str, absorbers: Collection[str]) -> str:
    """Return the message that a sealed replica was absorbed several times."""
    return (
        f"the sealed replica whose id ends with {record} was absorbed by {' and '.join(absorbers)}, and counts for each"
    )


def settling_marks(members: Roster, replica: str) -> dict[str, str]:
    """Return the marks that settle the double absorption of a replica, given by its id or record: mark → absorber.

    The first absorber by id is left out, because its counts stay. So all replicas that settle take the same counts
    back.
    """
    record = record_of(replica) or replica
    return {_mark(absorber, record): absorber for absorber in sorted(members.absorbed_twice.get(record, ()))[1:]}


def _mark(absorber: str, record: str) -> str:
    """Return the mark that settles the counts which `absorber` took, and another replica as well."""
    return f"{absorber}+{record}"
