"""The counts of a counter by period: those of all replicas together, without the counts that resets cancelled."""

from __future__ import annotations

from crdtctl.crdt.periods import NAMES, RANKS, end_of, read, start_of
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, TypeAlias

    from crdtctl.crdt.periods import Period, Totals

    #: First quarter of an hour since 1970, and the first one after the end.
    Span: TypeAlias = tuple[int, int]
    #: Totals of one replica, the part of them that resets cancelled, and its periods as text.
    Counted: TypeAlias = tuple[Totals, Totals, str]
else:  # for modules whose annotations are evaluated
    Span = tuple


class Timeline(Record):
    """Part of a value by `periods`, and the part without one, `unknown`. Together they are the value.

    An amount is a number; of an hll it is a sketch (text), of a hist a `Distribution`, and of a bcounter a pair, the
    amounts that were created and used.

    `every` names the finest granularity that is counted with, and `keep` is the time that it is kept, in quarters of an
    hour. A period is its first quarter of an hour since 1970 and the first one after it. Periods of different replicas
    may overlap.
    """

    every: str
    keep: int
    periods: dict[Span, Any]
    unknown: Any


def timeline(
    settings: tuple[int, int],
    rows: Iterable[Counted],
    undated: int,
    weigh: Callable[[Totals], int],
    by_period: Mapping[Period, int],
) -> Timeline:
    """Return the periods of several replicas together, with these `settings`.

    `by_period` are amounts of all replicas together, and `undated` is counted without a period.
    """
    periods = {(start_of(period), end_of(period)): amount for period, amount in by_period.items()}
    unknown = undated
    for totals, cancelled, text in rows:
        found = read(text, len(totals))
        remaining = left(found, totals, cancelled)
        for period, amount in remaining.items():
            span = start_of(period), end_of(period)
            periods[span] = periods.get(span, 0) + weigh(amount)
        dated = [sum(amount[column] for amount in remaining.values()) for column in range(len(totals))]
        unknown += weigh(tuple([max(a - b, 0) - c for a, b, c in zip(totals, cancelled, dated, strict=True)]))
    return Timeline(NAMES[settings[0]], settings[1], dict(sorted(periods.items())), unknown)


def together(several: Sequence[Timeline], undated: Iterable[Any], add: Callable[[Iterable[Any]], Any]) -> Timeline:
    """Return the counts of several counters together, and amounts that are counted without a period."""
    periods: dict[Span, list[Any]] = {}
    for one in several:
        for span, amount in one.periods.items():
            periods.setdefault(span, []).append(amount)
    unknown = add([*undated, *(one.unknown for one in several)])
    coarsest = min(several, key=lambda one: (RANKS[one.every], one.keep))
    found = {span: add(periods[span]) for span in sorted(periods)}
    return Timeline(coarsest.every, coarsest.keep, found, unknown)


def left(periods: Mapping[Period, Totals], totals: Totals, cancelled: Totals) -> Mapping[Period, Totals]:
    """Return the periods that resets leave: they cancel the counts without a period first, then the oldest periods."""
    if not any(cancelled):
        return periods
    open_ = [b - (a - sum(c)) for a, b, c in zip(totals, cancelled, _columns(periods, totals), strict=True)]
    result: dict[Period, Totals] = {}
    for period in sorted(periods, key=start_of):
        amount = periods[period]
        gone = [min(max(rest, 0), total) for rest, total in zip(open_, amount, strict=True)]
        open_ = [rest - one for rest, one in zip(open_, gone, strict=True)]
        if amount != tuple(gone):
            result[period] = tuple([total - one for total, one in zip(amount, gone, strict=True)])
    return result


def _columns(periods: Mapping[Period, Totals], totals: Totals) -> list[list[int]]:
    return [[amount[column] for amount in periods.values()] for column in range(len(totals))]
