"""Replica ids that may have piled up: not heard of for long, or many of one name with few commits. Pure."""

from __future__ import annotations

import time

from crdtctl.crdt.branches import origin
from crdtctl.records import Record
from crdtctl.store.identity import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from crdtctl.crdt.clock import Clock

#: Number of days without a new commit after which a replica is silent.
LONG = 90
#: Number of replicas of one name, and the maximum number of commits of each, if each job makes a replica of its own.
MANY, FEW = 8, 2
#: Maximum number of silent replicas that are listed one by one.
_LISTED = 10


class Silent(Record):
    """A `replica` without a new commit for long, and the time in UTC when its last one arrived."""

    replica: str
    heard: str

    def __str__(self) -> str:
        return (
            f"{self.replica} was last heard of {self.heard}; if it is gone for good, 'crdtctl retire {self.replica}' "
            "ends it"
        )


class Pile(Record):
    """A `number` of replicas of one `name` with few commits each."""

    name: str
    number: int

    def __str__(self) -> str:
        return (
            f"{self.number} replicas named '{self.name}' have at most {FEW} commits each, and every id stays in every "
            "state: a job with a new or cached replica for each run should count with 'crdtctl run --seal-to', and "
            "another replica absorb that"
        )


def silent(heard: Mapping[str, str], clock: Clock, ended: Collection[str], now: float) -> list[Silent]:
    """Return the silent replicas, the one that was heard last at the end, without those that have `ended`.

    `heard` has times in UTC as text, and `now` is in seconds since 1970.
    """
    limit = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(max(0, now - LONG * 86_400)))
    found = [Silent(who, when) for who, when in heard.items() if when < limit and who in clock and who not in ended]
    return sorted(found, key=lambda one: (one.heard, one.replica))


def piles(clock: Clock, ended: Collection[str]) -> list[Pile]:
    """Return the names with many replicas that have few commits, without those that have `ended`."""
    names: dict[str, set[str]] = {}
    for who, commits in clock.items():
        if commits <= FEW and who not in ended:
            names.setdefault(name_of(origin(who)), set()).add(who)
    return [Pile(name, len(names[name])) for name in sorted(names) if len(names[name]) >= MANY]


def advice(found: Iterable[Silent | Pile]) -> list[str]:
    """Return a line for each, but for no more than a few silent replicas."""
    lines: list[str] = []
    left = _LISTED
    for one in found:
        left -= isinstance(one, Silent)
        if left >= 0 or isinstance(one, Pile):
            lines.append(str(one))
    return [*lines, f"{-left} more replicas were not heard of for {LONG} days"] if left < 0 else lines
