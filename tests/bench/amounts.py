"""The amounts that the replicas of the bench count. They follow from a seed, and are the oracle of every check."""

import zlib
from dataclasses import dataclass

SEED = 20260101

#: If 1 % of the lines are to differ, every hundredth counter changes.
FEW = 100


def amount(*place: int) -> int:
    """Return the amount, 1 to 1,000, at an index. It is equal in every run."""
    return zlib.crc32(repr((SEED, *place)).encode()) % 1000 + 1


def name(counter: int) -> str:
    """Return the name of a counter."""
    return f"counter.{counter:06d}"


def own(counter: int) -> int:
    """Return the amount of an own counter before the first measurement."""
    return amount(0, counter)


@dataclass(frozen=True, slots=True)
class Author:
    """One of the replicas whose states are merged; it counted up, down, and later up again."""

    number: int
    is_last: bool

    def up(self, counter: int) -> int:
        """Return the first amount that it counted up."""
        return amount(1, self.number, counter)

    def down(self, counter: int) -> int:
        """Return the first amount that it counted down."""
        return amount(2, self.number, counter)

    def few(self, counter: int) -> int:
        """Return the amount that the last author then counted up on a few counters."""
        return amount(3, self.number, counter) if self.is_last and counter % FEW == 0 else 0

    def later(self, counter: int) -> int:
        """Return the last amount that it counted up, on all counters."""
        return amount(4, self.number, counter)

    def at_first(self, counter: int) -> int:
        """Return the value after the first two."""
        return self.up(counter) - self.down(counter)

    def at_last(self, counter: int) -> int:
        """Return the value after all three."""
        return self.at_first(counter) + self.few(counter) + self.later(counter)


# Small states -------------------------------------------------------------------------------------------

_SMALL_NAMES = 50
_SMALL_COUNTERS = 10


def small(state: int) -> dict[str, int]:
    """Return name → amount in one of the small states."""
    counters = ((state + 7 * place) % _SMALL_NAMES for place in range(_SMALL_COUNTERS))
    return {name(counter): amount(5, state, counter) for counter in counters}


def small_total(states: range) -> dict[str, int]:
    """Return name → value of several small states together."""
    total: dict[str, int] = {}
    for state in states:
        for counter, counted in small(state).items():
            total[counter] = total.get(counter, 0) + counted
    return total


# Batches ------------------------------------------------------------------------------------------------


def visitor(line: int) -> str:
    """Return the visitor on one line of a log. All visitors differ, and are not sorted."""
    return f"visitor-{line * 2654435761 % 2**32:08x}"


def duration(line: int) -> float:
    """Return the number on one line of a file of durations: from 0.03 to 30, short ones more often."""
    return 30 / (1 + zlib.crc32(repr((SEED, 7, line)).encode()) % 1_000_003 / 1000)


def batch_name(line: int, names: int) -> str:
    """Return the counter that one line of the batch counts."""
    return name((line * 7919 + amount(6, line)) % names)
