"""Attempts of jobs: of a job that was run several times, the result of the latest attempt counts, and it alone.

A replica may be marked as an attempt of a job: a *key*, and a number that grows from attempt to attempt. Of all
replicas that carry one key, those with the largest number count; several may carry it, for a replica that was copied
goes on under a new id. What the others contributed stays in the states, travels, and can be looked at; it is left out
of values. So a value is a function of the joined state, and all who know the same read the same.

One who absorbs such a replica notes its job and its attempt. What was absorbed cannot be taken back, so from then on
that attempt is the one that counts. A later one is left out as well, and is reported where it arrives. The notes stand
below the day on which the absorbed replica was made, and are dropped with the records of absorbed replicas from before
a fence. A job that is run again after that counts again.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, final

from crdtctl.crdt.base import Contribution, Contributions, RowType
from crdtctl.crdt.lattice import Latest, MapOf, Nat
from crdtctl.crdt.membership import day_fault, day_of, minted, number_of
from crdtctl.crdt.names import key_fault

#: What stands in the place of a counter's name, and is none: those have no ``=``.
NAME = "=jobs"


@final
class Attempts(RowType):
    """Row ``(seq, job, absorbed)``.

    `job` maps the key of the author's job to its attempt; `absorbed` maps a day to key → the attempt that it absorbed.
    """

    tag = "attempts"
    record = Latest(Nat(), MapOf(key_fault, Nat()), MapOf(day_fault, MapOf(key_fault, Nat())), required=1)
    summary = "which replicas are attempts of which jobs"


ATTEMPTS = Attempts()


@dataclass(frozen=True, slots=True)
class Attempt:
    """A run of the job `key`: its `number` among those of this job."""

    key: str
    number: int


@dataclass(frozen=True, slots=True)
class Jobs:
    """What a state says of jobs: the attempt that each author is, and key → the attempt that was absorbed."""

    attempts: Mapping[str, Attempt] = field(default_factory=dict)
    absorbed: Mapping[str, int] = field(default_factory=dict)

    def counting(self, key: str) -> int:
        """Return the number of the attempt of a job that counts; 0 if none is known."""
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
        """The authors who are attempts that do not count."""
        latest = self._latest()
        return frozenset(author for author, one in self.attempts.items() if one.number != latest[one.key])

    @property
    def late(self) -> frozenset[str]:
        """The authors who are attempts of jobs of which an earlier attempt was absorbed."""
        return frozenset(
            author for author, one in self.attempts.items() if one.number > self.absorbed.get(one.key, one.number)
        )


def jobs(contributions: Contributions) -> Jobs:
    """Return what the rows of several replicas say together."""
    attempts: dict[str, Attempt] = {}
    absorbed: dict[str, int] = {}
    for author, row in contributions.items():
        for key, number in _part(row, 1).items():
            attempts[author] = Attempt(key, number)
        for keys in _part(row, 2).values():
            for key, number in keys.items():
                absorbed[key] = max(number, absorbed.get(key, 0))
    return Jobs(attempts, absorbed)


def beginning(seq: int, attempt: Attempt) -> Contribution:
    """Return my row after I began as an attempt in my commit `seq`."""
    return ATTEMPTS.record.make(seq, {attempt.key: attempt.number})


def own_attempt(row: Contribution) -> Attempt | None:
    """Return the attempt that the author of a row is, if any."""
    return next((Attempt(key, number) for key, number in _part(row, 1).items()), None)


def absorbing(
    row: Contribution, seq: int, absorbed: Mapping[str, Attempt], rows: Iterable[Contribution]
) -> Contribution:
    """Return my row after I absorbed in my commit `seq` replicas that were attempts: replica → attempt.

    What those whom I absorb noted in their `rows` goes over to me.
    """
    days: dict[str, dict[str, int]] = {day: dict(keys) for day, keys in _part(row, 2).items()}
    found = [(day_of(minted(replica)), one.key, one.number) for replica, one in absorbed.items()]
    for theirs in rows:
        found += [(day, key, number) for day, keys in _part(theirs, 2).items() for key, number in keys.items()]
    for day, key, number in found:
        keys = days.setdefault(day, {})
        keys[key] = max(number, keys.get(key, 0))
    return row if not found else _row(seq, _part(row, 1), days)


def fencing(row: Contribution, seq: int, fence: int) -> Contribution:
    """Return my row after I forgot in my commit `seq` the jobs of replicas from before the day `fence`."""
    kept = {day: keys for day, keys in _part(row, 2).items() if number_of(day) >= fence}
    return row if len(kept) == len(_part(row, 2)) else _row(seq, _part(row, 1), kept)


def _part(row: Contribution, index: int) -> Any:
    return ATTEMPTS.record.at(row, index)


def _row(seq: int, job: Mapping[str, int], absorbed: Mapping[str, Mapping[str, int]]) -> Contribution:
    return ATTEMPTS.record.make(seq, job, {day: dict(sorted(absorbed[day].items())) for day in sorted(absorbed)})
