"""Attempts of jobs: of a job that ran several times, only the latest attempt counts.

A replica may be marked as an attempt of a job, with a *key* and a number that grows from attempt to attempt. Of all
replicas with one key, those with the largest number count. Several may have it, because a copied replica continues
under a new id. The entries of the other attempts stay in the states, are exchanged, and can be shown; values leave them
out. So a value is a function of the joined state, and all replicas with the same state read the same.

A replica that absorbs an attempt records its job and number. Absorbed counts cannot be taken back, so from then on that
attempt is the one that counts. A later attempt is left out as well, and is reported where it arrives. The records are
kept under the day when the absorbed replica was made, and are dropped with the records of absorbed replicas from
before the cutoff. A job that runs again after that counts again.
"""

from __future__ import annotations

from crdtctl.crdt.base import RowType
from crdtctl.crdt.lattice import Latest, MapOf, Nat
from crdtctl.crdt.membership import day_fault, day_of, minted, number_of
from crdtctl.crdt.names import ATTEMPTS_LINE, key_fault
from crdtctl.records import Record, field, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry

#: Reserved name of the line of attempts. Counter names cannot contain ``=``.
NAME = ATTEMPTS_LINE


@final
class Attempts(RowType):
    """Row ``(seq, job, absorbed)``.

    `job` maps the key of the replica's job to its attempt; `absorbed` maps a day to key → the attempt that it absorbed.
    """

    tag = "attempts"
    record = Latest(Nat(), MapOf(key_fault, Nat()), MapOf(day_fault, MapOf(key_fault, Nat())), required=1)
    summary = "attempts of jobs, by replica"


ATTEMPTS = Attempts()


class Attempt(Record):
    """One run of the job `key`, with its `number` among the runs of this job."""

    key: str
    number: int


class Jobs(Record):
    """The jobs in a state: the attempt of each replica, and key → the attempt that was absorbed."""

    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    absorbed: Mapping[str, int] = field(default_factory=dict)

    def counting(self, key: str) -> int:
        """Return the number of the attempt that counts for a job; 0 if no attempt is known."""
        if key in self.absorbed:
            return self.absorbed[key]
        return max((one.number for one in self.attempts.values() if one.key == key), default=0)

    def _latest(self) -> dict[str, int]:
        latest: dict[str, int] = {}
        for one in self.attempts.values():
            latest[one.key] = max(one.number, latest.get(one.key, 0))
        return {**latest, **self.absorbed}

    @property
    def left_out(self) -> frozenset[str]:
        """The replicas whose attempts do not count."""
        latest = self._latest()
        return frozenset(author for author, one in self.attempts.items() if one.number != latest[one.key])

    @property
    def late(self) -> frozenset[str]:
        """The replicas with a later attempt than the absorbed one of their job."""
        return frozenset(
            author for author, one in self.attempts.items() if one.number > self.absorbed.get(one.key, one.number)
        )


def jobs(entries: Entries) -> Jobs:
    """Return the jobs in the rows of several replicas."""
    attempts: dict[str, Attempt] = {}
    absorbed: dict[str, int] = {}
    for author, row in entries.items():
        for key, number in _part(row, 1).items():
            attempts[author] = Attempt(key, number)
        for keys in _part(row, 2).values():
            for key, number in keys.items():
                absorbed[key] = max(number, absorbed.get(key, 0))
    return Jobs(attempts, absorbed)


def beginning(seq: int, attempt: Attempt) -> Entry:
    """Return my row as an attempt that begins in my commit `seq`."""
    return ATTEMPTS.record.make(seq, {attempt.key: attempt.number})


def own_attempt(row: Entry) -> Attempt | None:
    """Return the attempt in a row, or None."""
    return next((Attempt(key, number) for key, number in _part(row, 1).items()), None)


def absorbing(row: Entry, seq: int, absorbed: Mapping[str, Attempt], rows: Iterable[Entry]) -> Entry:
    """Return my row after my commit `seq` absorbed replicas that were attempts (replica id → attempt).

    The records in the `rows` of the absorbed replicas become mine.
    """
    days: dict[str, dict[str, int]] = {day: dict(keys) for day, keys in _part(row, 2).items()}
    found = [(day_of(minted(replica)), one.key, one.number) for replica, one in absorbed.items()]
    for theirs in rows:
        found += [(day, key, number) for day, keys in _part(theirs, 2).items() for key, number in keys.items()]
    for day, key, number in found:
        keys = days.setdefault(day, {})
        keys[key] = max(number, keys.get(key, 0))
    return row if not found else _row(seq, _part(row, 1), days)


def raise_cutoff(row: Entry, seq: int, cutoff: int) -> Entry:
    """Return my row after my commit `seq` dropped the records from before the day `cutoff`."""
    kept = {day: keys for day, keys in _part(row, 2).items() if number_of(day) >= cutoff}
    return row if len(kept) == len(_part(row, 2)) else _row(seq, _part(row, 1), kept)


def _part(row: Entry, index: int) -> Any:
    return ATTEMPTS.record.at(row, index)


def _row(seq: int, job: Mapping[str, int], absorbed: Mapping[str, Mapping[str, int]]) -> Entry:
    return ATTEMPTS.record.make(seq, job, {day: dict(sorted(absorbed[day].items())) for day in sorted(absorbed)})
