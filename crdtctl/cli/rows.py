"""Periods of a counter → the rows that a user asks for. Pure."""

from __future__ import annotations

from bisect import bisect_right

from crdtctl.crdt.periods import QUARTER
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.crdt.timeline import Span


class Rows(NamedTuple):
    """The amount of each row, and the amounts in none: `before` the first, `after` the last, or `across` an edge."""

    values: list[int]
    before: int
    after: int
    across: int


def rows(periods: Mapping[Span, int], edges: Sequence[int]) -> Rows:
    """Sort periods into the rows between edges, which are seconds since 1970."""
    values = [0] * (len(edges) - 1)
    before = after = across = 0
    for (first, end), amount in periods.items():
        start, stop = first * QUARTER, end * QUARTER
        row = bisect_right(edges, start) - 1
        if stop <= edges[0]:
            before += amount
        elif start >= edges[-1]:
            after += amount
        elif row >= 0 and stop <= edges[row + 1]:
            values[row] += amount
        else:
            across += amount
    return Rows(values, before, after, across)
