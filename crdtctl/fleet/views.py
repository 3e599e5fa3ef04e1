"""Tables of a fleet: rows that are made from joined counters. Their numbers are never computed from raw entries.

The sums of ``shares`` are the totals of counters and bounded counters. For sets, estimates and hand-offs, only
``totals`` has the right value.
"""

from __future__ import annotations

from crdtctl.crdt.series import parts
from crdtctl.errors import UsageError, printable
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any, TypeAlias

    from crdtctl.fleet.observation import Observation
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot

    #: The values of a row, by the kinds of its columns: text, a dict of labels, a whole number of any size, a number.
    Row: TypeAlias = tuple[Any, ...]

#: Kinds of columns.
TEXT, LABELS, WHOLE, NUMBER, TIME = "text", "labels", "whole", "number", "time"
_QUARTER = 900


class View(NamedTuple):
    """A table: its columns, name → kind, and the function that yields its rows."""

    columns: dict[str, str]
    rows: Callable[[Observation, Snapshot], Iterator[Row]]


def view(name: str) -> View:
    """Return the view with a name; raise `UsageError` for an unknown one."""
    if name not in VIEWS:
        raise UsageError(f"'{printable(name[:80])}' is not a view of a fleet", f"the views are {', '.join(VIEWS)}")
    return VIEWS[name]


def _totals(_: Observation, now: Snapshot) -> Iterator[Row]:
    for one in now.counters():
        yield (*_series(one), one.tag, one.value, one.facts.get("standard_error"))


def _shares(_: Observation, now: Snapshot) -> Iterator[Row]:
    for one in now.counters():
        for replica, value in one.shares.items():
            yield (*_series(one), one.tag, replica, value)


def _once(_: Observation, now: Snapshot) -> Iterator[Row]:
    for one in now.counters():
        for key, value in sorted(one.once.items()):
            yield (*_series(one), one.tag, key, value)


def _members(_: Observation, now: Snapshot) -> Iterator[Row]:
    for one in now.counters():
        if one.tag == "gset":
            for element in one.members:
                yield (*_series(one), element)


def _periods(_: Observation, now: Snapshot) -> Iterator[Row]:
    for one in now.counters():
        if one.has_periods:
            for (start, end), value in one.values_by_period.items():
                yield (*_series(one), one.tag, start * _QUARTER, end * _QUARTER, value)


def _replicas(seen: Observation, now: Snapshot) -> Iterator[Row]:
    clock, retired = now.clock(), now.retired()
    for replica in seen.replicas:
        state = "absorbed" if retired.has_absorbed(replica) else "sealed" if replica in retired.sealed else "active"
        yield replica, clock[replica], state


def _files(seen: Observation, _: Snapshot) -> Iterator[Row]:
    for one in seen.files:
        yield one.name, one.size, one.fault


def _forks(_: Observation, now: Snapshot) -> Iterator[Row]:
    for fork in now.forks():
        for branch in fork.branches:
            yield fork.replica, branch, fork.since


def _series(one: Reading) -> tuple[str, dict[str, str]]:
    name, labels = parts(one.name)
    return name, dict(labels)


_NAMED = {"name": TEXT, "labels": LABELS}
VIEWS = {
    "totals": View({**_NAMED, "type": TEXT, "value": WHOLE, "standard_error": NUMBER}, _totals),
    "shares": View({**_NAMED, "type": TEXT, "replica": TEXT, "value": WHOLE}, _shares),
    "once": View({**_NAMED, "type": TEXT, "key": TEXT, "value": WHOLE}, _once),
    "members": View({**_NAMED, "element": TEXT}, _members),
    "periods": View({**_NAMED, "type": TEXT, "start": TIME, "end": TIME, "value": WHOLE}, _periods),
    "replicas": View({"replica": TEXT, "commits": WHOLE, "state": TEXT}, _replicas),
    "files": View({"file": TEXT, "bytes": WHOLE, "fault": TEXT}, _files),
    "forks": View({"replica": TEXT, "branch": TEXT, "since": WHOLE}, _forks),
}
