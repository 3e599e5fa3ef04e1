"""Rows: a replica is copied, or an older version is restored, in every known way. Then all continue to write.

The user who restores an older version loses the increments that it lacks and that had not been sent. Nothing else may
be lost, and nothing may count twice.
"""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tests.torture.exchange import EXACT, REPORTED, Outcome
from tests.torture.harmless import LOUD, QUIET, Harmless
from tests.torture.report import Row, skipped
from tests.torture.ways import WAYS as PLAIN
from tests.torture.ways import Way
from tests.torture.ways_of_disks import WAYS as OF_DISKS

WAYS = (*PLAIN, *OF_DISKS)
WANTED = "all exact, or the fork is reported; silent loss 0"
QUIET_WANTED = "no alarm"
T = TypeVar("T")


def measure(part: float) -> list[Row]:
    """Return a row for the copies, one for the roll-backs, and one for harmless events."""
    rows = []
    for kind in ("copy", "roll-back", "move"):
        ways = [way for way in WAYS if way.name.startswith(f"{kind}:")]
        rows.append(_row(f"{kind}, and write on", _some(ways, part)))
    return [*rows, _quiet_row(part)]


def _some(everything: Sequence[T], part: float) -> Sequence[T]:
    """Return a number of them, evenly spread."""
    return everything[:: max(1, round(1 / part))]


def _row(what: str, ways: Sequence[Way]) -> Row:
    possible = [way for way in ways if not way.missing()]
    notes = [f"skipped, {why}: {way.name}" for way in ways if (why := way.missing())]
    if not possible:
        return skipped(what, WANTED, "; ".join(notes))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        outcomes = list(pool.map(_tried, possible))
    count = {verdict: sum(one.verdict == verdict for one in outcomes) for verdict in (EXACT, REPORTED)}
    bad = [(way, one) for way, one in zip(possible, outcomes, strict=True) if not one.holds]
    early = sum(one.verdict == EXACT and one.noticed for one in outcomes)
    seen = (
        f"{len(possible)} ways: {count[EXACT]} exact ({early} noticed at the next write), "
        f"{count[REPORTED]} reported, silent loss {len(bad)}"
    )
    notes += [f"reported: {way.name}" for way, one in zip(possible, outcomes, strict=True) if one.verdict == REPORTED]
    notes += [f"{one.verdict.upper()}: {way.name}: {'; '.join(one.said)}" for way, one in bad]
    return Row(what, WANTED, seen, not bad, notes)


def _tried(way: Way) -> Outcome:
    try:
        return way.tried(2 if way in OF_DISKS else 1)  # what is found by a merge only must hold after it as well
    except AssertionError as error:
        return Outcome("failed", False, [str(error)])


def _quiet_row(part: float) -> Row:
    def alarmed(events: Sequence[Harmless]) -> dict[str, bool]:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            said = pool.map(Harmless.said, events)
            return {event.name: bool(words) for event, words in zip(events, said, strict=True)}

    what = "no copy: moved within a file system, touched, backed up, mounted again"
    events = _some(QUIET, part)
    quiet = alarmed([event for event in events if not event.missing()])
    loud = alarmed([event for event in _some(LOUD, part) if not event.missing()])
    false = [name for name, spoke in quiet.items() if spoke]
    notes = [f"skipped, {why}: {event.name}" for event in events if (why := event.missing())]
    notes += [f"FALSE ALARM: {name}" for name in false]
    notes += [f"begins a new id, which costs an entry: {name}" for name, spoke in loud.items() if spoke]
    return Row(what, QUIET_WANTED, f"{len(quiet)} ways: {len(false)} alarms", not false, notes)
