"""The values of counters as they are seen again and again → changes, rates and sparklines. Pure."""

from __future__ import annotations

from itertools import pairwise

from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    #: The spelling of a counter, and its type.
    Key: TypeAlias = tuple[str, str]

#: Number of seconds that rates and sparklines are about, and the number of parts of a sparkline.
WINDOW = 60
PARTS = 20
_BARS = "▁▂▃▄▅▆▇█"


class Row(NamedTuple):
    """A counter: its value, the change since the start, the rate per second, and the change in parts of the window."""

    key: Key
    value: int
    change: int
    rate: float
    parts: list[int]


class Watch:
    """The values of counters since a start. Times are seconds that never go back."""

    def __init__(self, values: Mapping[Key, int], at: float) -> None:
        """Begin with the values of the counters that exist at the time `at`."""
        self._start = at
        self._first = dict(values)
        self._steps: dict[Key, list[tuple[float, int]]] = {key: [(at, value)] for key, value in values.items()}

    def take(self, values: Mapping[Key, int], at: float) -> list[Key]:
        """Note the values at a time; return the counters that changed. A new one has changed from 0."""
        changed = []
        for key, value in values.items():
            steps = self._steps.setdefault(key, [(self._start, 0)])
            if steps[-1][1] != value or key not in self._first:
                self._first.setdefault(key, 0)
                steps.append((at, value))
                changed.append(key)
            while len(steps) > 1 and steps[1][0] <= at - WINDOW:
                del steps[0]
        for key in self._steps.keys() - values.keys():
            del self._steps[key]
        return changed

    def latest(self, room: int) -> list[Key]:
        """Return the keys of all counters by name, or, without `room` for them, of those that changed last."""
        keys = sorted(self._steps)
        return keys if len(keys) <= room else sorted(keys, key=lambda key: -self._steps[key][-1][0])[:room]

    def rows(self, keys: Iterable[Key], at: float) -> list[Row]:
        """Return the rows of counters that exist, at a time."""
        return [self._row(key, at) for key in keys if key in self._steps]

    def __len__(self) -> int:
        return len(self._steps)

    def _row(self, key: Key, at: float) -> Row:
        steps = self._steps[key]
        value = steps[-1][1]
        edges = [at - WINDOW + WINDOW * part / PARTS for part in range(PARTS + 1)]
        levels = [_level(steps, edge) for edge in edges]
        passed = min(WINDOW, at - self._start)
        rate = (value - levels[0]) / passed if passed > 0 else 0.0
        parts = [after - before for before, after in pairwise(levels)]
        return Row(key, value, value - self._first[key], rate, parts)


def sparkline(amounts: Sequence[int]) -> str:
    """Return amounts as bars of a line of text.

    >>> sparkline([0, 1, 4, 8])
    '▁▁▄█'
    >>> sparkline([0, 0]), sparkline([-4, 0])
    ('▁▁', '▁█')
    """
    lowest = min(0, *amounts)
    height = max(0, *amounts) - lowest
    return "".join(_BARS[(one - lowest) * (len(_BARS) - 1) // height if height else 0] for one in amounts)


def _level(steps: Sequence[tuple[float, int]], at: float) -> int:
    """Return the value at a time: that of the last step before it, or of the first step."""
    found = steps[0][1]
    for when, value in steps:
        if when > at:
            break
        found = value
    return found
