"""Readings of a past time: the period is part of their source. Pure.

A log that is added up day by day is a source for each day: a day that is added up again replaces its own reading. Such
a source is written `` d20454 SOURCE``: a space, as in no other name, then the letter and the number of the period, as
in `crdtctl.crdt.periods`, and the source.

The periods of a source are as fine as those of the counter when its first dated reading is made, and days for a counter
that keeps none. They stay so, because another period would be another source, which counts again.
"""

from __future__ import annotations

from crdtctl.crdt import period_names
from crdtctl.crdt.names import fault
from crdtctl.crdt.periods import QUARTER, period_at, start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crdtctl.crdt.periods import Period
    from crdtctl.crdt.readings import Readings

_DAY = 1


def dated_fault(text: str) -> str | None:
    """Return the fault of a text that begins with a space, as a source with a period, or None."""
    token, _, source = text[1:].partition(" ")
    if token[:1] == "m" or period_names.fault(token):
        return "the period of a source is malformed"
    return fault(source, "a source")


def period_of(text: str) -> tuple[Period, str] | None:
    """Return the period of a source and its name, or None if it has no period."""
    if text[:1] != " ":
        return None
    token, _, source = text[1:].partition(" ")
    return period_names.parsed(token), source


def shown(text: str) -> str:
    """Return a source with a period for a message.

    >>> shown(" d20513 project.log"), shown(" h492322 project.log")
    ("'project.log' of 2026-03-01", "'project.log' of 2026-03-01T10:00Z")
    """
    dated = period_of(text)
    assert dated
    return f"'{dated[1]}' of {when(dated[0])}"


def when(period: Period) -> str:
    """Return the begin of a period, in UTC, for a person."""
    from datetime import UTC, datetime  # only here: few periods are shown

    begin = datetime.fromtimestamp(start_of(period) * QUARTER, UTC)
    return f"{begin:%Y-%m-%d}" if period[0] == _DAY else f"{begin:%Y-%m-%dT%H:%MZ}"


def placed(
    readings: Sequence[tuple[str, int]], moments: Sequence[int | None], every: int, known: Iterable[Readings]
) -> list[tuple[str, int]]:
    """Return readings with the periods of their `moments`, seconds since 1970, in the sources.

    `every` is the granularity of the counter's periods, 0 for none, and `known` are the readings of all replicas.
    """
    used: dict[str, int] = {}
    for one in known:
        for text in one:
            dated = period_of(text)
            if dated is not None:
                (granularity, _), source = dated
                used[source] = min(granularity, used.get(source, granularity))
    found = []
    for (source, reading), moment in zip(readings, moments, strict=True):
        if moment is not None:
            period = period_at(used.setdefault(source, every or _DAY), moment // QUARTER)
            source = f" {period_names.name_of(period)} {source}"
        found.append((source, reading))
    return found


def finest(sources: Iterable[str]) -> int:
    """Return the finest granularity of the periods in some sources, 0 for none."""
    return max((dated[0][0] for dated in map(period_of, sources) if dated is not None), default=0)


def by_period(amounts: Mapping[tuple[str, str], int]) -> dict[Period, int]:
    """Return period → the sum of the amounts, (source, generation) → amount, of sources with a period."""
    found: dict[Period, int] = {}
    for (text, _), amount in amounts.items():
        dated = period_of(text)
        if dated is not None:
            found[dated[0]] = found.get(dated[0], 0) + amount
    return found
