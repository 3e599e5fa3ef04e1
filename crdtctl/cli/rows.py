"""Periods of a counter → the rows that a user asks for. Pure."""

from __future__ import annotations

from bisect import bisect_right

from crdtctl.crdt.periods import QUARTER
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from crdtctl.crdt.timeline import Span


class Rows(NamedTuple):
    """The amount of each row, and the amounts in none: `before` the first, `after` the last, or `across` an edge."""

    values: list[Any]
    before: Any
    after: Any
    across: Any


def rows(periods: Mapping[Span, Any], edges: Sequence[int], together: Callable[[Iterable[Any]], Any] = sum) -> Rows:
    """Sort periods into the rows between edges, which are seconds since 1970; put those of a row together."""
    values: list[list[Any]] = [[] for _ in edges[1:]]
    before: list[Any] = []
    after: list[Any] = []
    across: list[Any] = []
    for (first, end), amount in periods.items():
        start, stop = first * QUARTER, end * QUARTER
        row = bisect_right(edges, start) - 1
        if stop <= edges[0]:
            before.append(amount)
        elif start >= edges[-1]:
            after.append(amount)
        elif row >= 0 and stop <= edges[row + 1]:
            values[row].append(amount)
        else:
            across.append(amount)
    return Rows([*map(together, values)], together(before), together(after), together(across))
