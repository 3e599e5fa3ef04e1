"""Membership: replicas that sealed themselves, and replicas whose counts another replica has taken over.

A replica that is finished *seals* itself: its last commit carries a flag, and no commit follows. A permanent replica
may
*absorb* it. One commit adds the counts of the sealed replica to its own entries, and records the id here. A replica
that receives that commit leaves out the entries of the sealed one, and a stale file that still contains them changes
nothing. So the sealed replica counts exactly once, because its counts are final.

A replica that absorbed others may be sealed and absorbed in turn. Its records and its cutoff move along with its
counts, because its own row is dropped.

A record is the random bits of the id, under the day when the id was generated, which is part of the id. The
*cutoff* is a day. Records of older ids are dropped, and a file with an unknown older id is refused, because
that replica may have been absorbed and forgotten.
"""

from __future__ import annotations

from crdtctl.crdt.base import RowType
from crdtctl.crdt.branches import origin
from crdtctl.crdt.lattice import Elements, Latest, MapOf, Nat
from crdtctl.crdt.names import MEMBERSHIP_LINE
from crdtctl.records import Record, field, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry
    from crdtctl.crdt.clock import Clock

#: Reserved name of the membership line. Counter names cannot contain ``=``.
NAME = MEMBERSHIP_LINE

_HEXADECIMAL = "0123456789abcdef"
#: The end of an id that was generated: a hyphen, 12 digits of milliseconds, 20 random ones.
_TIME_DIGITS, _RANDOM_DIGITS = 12, 20
_MILLISECONDS = 86_400_000
#: Days from 1 March of the year 0 to 1970-01-01, and from there to the last day of the year 9999.
_FROM_MARCH_OF_YEAR_0, _LAST_DAY = 719_468, 2_932_896


def day_fault(text: str) -> str | None:
    """Return the fault of `text` as a day, or None."""
    year, month, day = text[:4], text[5:7], text[8:]
    digits = year + month + day
    is_day = len(text) == 10 and text[4] == text[7] == "-" and digits.isascii() and digits.isdigit()
    return None if is_day and month[0] in "01" and day[0] in "0123" else "a day is not YYYY-MM-DD"


def _record_fault(text: str) -> str | None:
    is_record = len(text) == _RANDOM_DIGITS and not text.strip(_HEXADECIMAL)
    return None if is_record else "a record of an absorbed replica is not 20 hexadecimal digits"


@final
class Membership(RowType):
    """Row ``(seq, sealed, cutoff, absorbed)``: 1 if the replica is sealed, the cutoff as YYYYMMDD, day → records."""

    tag = "membership"
    record = Latest(Nat(), Nat(), Nat(), MapOf(day_fault, Elements(_record_fault)), required=1)
    summary = "which replicas are retired"


MEMBERSHIP = Membership()


def minted(replica: str) -> int:
    """Return the day when an id was generated, as YYYYMMDD; 0 if the id does not contain it."""
    end = origin(replica)[-1 - _TIME_DIGITS - _RANDOM_DIGITS :]
    is_generated = len(end) == 1 + _TIME_DIGITS + _RANDOM_DIGITS and end[0] == "-" and not end[1:].strip(_HEXADECIMAL)
    days = int(end[1 : 1 + _TIME_DIGITS], 16) // _MILLISECONDS if is_generated else 0
    return number_of(_text_of(days)) if days else 0


def number_of(day: str) -> int:
    """Return the day ``YYYY-MM-DD`` as the number YYYYMMDD."""
    return int(day.replace("-", ""))


def day_of(number: int) -> str:
    """Return the day YYYYMMDD as ``YYYY-MM-DD``."""
    text = f"{number:08}"
    return f"{text[:4]}-{text[4:6]}-{text[6:]}"


def _text_of(days: int) -> str:
    """Return the day that is this number of days after 1970-01-01, as ``YYYY-MM-DD``; ``0`` beyond the year 9999.

    Eras of 400 years begin on 1 March, so that the day that only some years have is the last one of its year.
    """
    if days > _LAST_DAY:
        return "0"
    era, day = divmod(days + _FROM_MARCH_OF_YEAR_0, 146_097)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    year += 400 * era + (month > 9)
    return f"{year:04}-{month + 3 if month < 10 else month - 9:02}-{day + 1:02}"


def record_of(replica: str) -> str:
    """Return the record of an absorbed id: its 80 random bits, as 20 digits; empty for an id of another form."""
    return origin(replica)[-_RANDOM_DIGITS:] if minted(replica) else ""


class Roster(Record):
    """The retired replicas in a state. `absorbers` maps records to the replicas that absorbed the recorded one."""

    sealed: frozenset[str] = frozenset()
    absorbers: Mapping[str, frozenset[str]] = field(default_factory=dict)
    cutoff: int = 0

    def has_absorbed(self, replica: str) -> bool:
        """Return whether the counts of a replica have been taken over."""
        return bool(self.absorbers) and record_of(origin(replica)) in self.absorbers

    def absorbed(self, replicas: Iterable[str]) -> list[str]:
        """Return those of the `replicas` whose counts have been taken over."""
        return [one for one in replicas if self.has_absorbed(one)] if self.absorbers else []

    def forgotten(self, clock: Clock, other: Roster, other_clock: Clock) -> list[str]:
        """Return the replicas in only one of two states that the other state may have absorbed and forgotten.

        This is possible only if the states have different cutoffs, because a state with a cutoff has applied it to all
        replicas that it knows.
        """
        if self.cutoff < other.cutoff:
            return other.forgotten(other_clock, self, clock)
        if self.cutoff == other.cutoff:
            return []
        return [who for who in other_clock if who not in clock and self.may_have_forgotten(who)]

    def may_have_forgotten(self, replica: str) -> bool:
        """Return whether an unknown replica may have been absorbed before the cutoff."""
        return 0 < minted(replica) < self.cutoff and not self.has_absorbed(replica)

    @property
    def absorbed_twice(self) -> dict[str, frozenset[str]]:
        """Record → the replicas that absorbed the recorded one, if several did, so that it counts more than once.

        Absorbed replicas are not counted as absorbers: their records moved to their own absorber.
        """
        several = {record: by for record, by in self.absorbers.items() if len(by) > 1}
        standing = {record: by.difference(self.absorbed(by)) for record, by in several.items()}
        return {record: by for record, by in standing.items() if len(by) > 1}


_NOBODY = Roster()


def roster(entries: Entries) -> Roster:
    """Return the retired replicas in the rows of several replicas."""
    if not entries:
        return _NOBODY  # shared, because most of many files have no rows
    cutoff = max((_part(row, 2) for row in entries.values()), default=0)
    absorbers: dict[str, frozenset[str]] = {}
    for author, row in entries.items():
        by = frozenset({origin(author)})
        for day, records in _part(row, 3).items():
            if number_of(day) >= cutoff:
                for record in records:
                    absorbers[record] = absorbers[record] | by if record in absorbers else by
    return Roster(frozenset(author for author, row in entries.items() if _part(row, 1)), absorbers, cutoff)


def forgotten(states: Sequence[tuple[Roster, Clock]]) -> list[list[str]]:
    """Return for each of several states to be joined the replicas that the latest cutoff may have dropped.

    A new replica has no cutoff of its own: the latest cutoff among the states that it merges at once decides.
    """
    cutoff = max((said.cutoff for said, _ in states), default=0)
    latest = [(said, clock) for said, clock in states if said.cutoff == cutoff]
    known = set().union(*(clock for _, clock in latest))

    def is_forgotten(who: str) -> bool:
        return who not in known and all(said.may_have_forgotten(who) for said, _ in latest)

    return [[] if said.cutoff == cutoff else [who for who in clock if is_forgotten(who)] for said, clock in states]


def is_sealed(row: Entry) -> bool:
    """Return whether the replica of a row is sealed."""
    return bool(_part(row, 1))


def sealing(row: Entry, seq: int) -> Entry:
    """Return my row after my commit `seq` sealed this replica."""
    return _row(seq, 1, _part(row, 2), _part(row, 3))


def absorbing(row: Entry, seq: int, replicas: Iterable[str]) -> Entry:
    """Return my row after my commit `seq` absorbed `replicas`, whose ids contain the day they were generated."""
    days = {day: set(records) for day, records in _part(row, 3).items()}
    for replica in replicas:
        days.setdefault(day_of(minted(replica)), set()).add(record_of(replica))
    return _row(seq, _part(row, 1), _part(row, 2), {day: tuple(sorted(records)) for day, records in days.items()})


def inheriting(row: Entry, seq: int, rows: Iterable[Entry]) -> Entry:
    """Return my row after my commit `seq` took over the records in the `rows` of absorbed replicas."""
    days = {day: set(records) for day, records in _part(row, 3).items()}
    cutoff = 0
    for theirs in rows:
        cutoff = max(cutoff, _part(theirs, 2))
        for day, records in _part(theirs, 3).items():
            days.setdefault(day, set()).update(records)
    found = {day: tuple(sorted(records)) for day, records in days.items()}
    return raise_cutoff(_row(seq, _part(row, 1), _part(row, 2), found), seq, cutoff)


def raise_cutoff(row: Entry, seq: int, cutoff: int) -> Entry:
    """Return my row after my commit `seq` dropped the records from before the day `cutoff`."""
    cutoff = max(cutoff, _part(row, 2))
    kept = {day: records for day, records in _part(row, 3).items() if number_of(day) >= cutoff}
    return _row(seq, _part(row, 1), cutoff, kept)


def _part(row: Entry, index: int) -> Any:
    return MEMBERSHIP.record.at(row, index)


def _row(seq: int, sealed: int, cutoff: int, absorbed: Mapping[str, Any]) -> Entry:
    return MEMBERSHIP.record.make(seq, sealed, cutoff, dict(sorted(absorbed.items())))
