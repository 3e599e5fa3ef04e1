"""Names of periods in files: ``d20454``, the letter of the granularity and the number since 1970. Pure.

Amounts that are more than totals, such as sketches, are kept in a map from these names. It is canonical: its keys are
sorted as all keys of maps, no amount is empty, and no period contains another one.
"""

from __future__ import annotations

from itertools import pairwise

from crdtctl.crdt.periods import END, Period, end_of, start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

_LETTERS = "mdhq"
_MAX_DIGITS = 7


def name_of(period: Period) -> str:
    """Return the name of a period."""
    return f"{_LETTERS[period[0]]}{period[1]}"


def parsed(name: str) -> Period:
    """Return the period of a name without a fault."""
    return _LETTERS.index(name[0]), int(name[1:])


def fault(name: str) -> str | None:
    """Return the fault of a text as the name of a period, or None."""
    letter, digits = name[:1], name[1:]
    if not letter or letter not in _LETTERS or not (digits.isascii() and digits.isdigit()):
        return "the name of a period is malformed"
    if len(digits) > _MAX_DIGITS or (digits[0] == "0" and digits != "0"):
        return "the name of a period is malformed"
    return None if start_of(parsed(name)) < END else "a period is before 1970 or after 2199"


def overlap(names: Iterable[str]) -> bool:
    """Return whether one of several periods, by their names, contains another one."""
    return any(end_of(a) > start_of(b) for a, b in pairwise(sorted(map(parsed, names), key=start_of)))


def read(kept: Mapping[str, Any]) -> dict[Period, Any]:
    """Return the periods of a map from names."""
    return {parsed(name): amount for name, amount in kept.items()}


def named(periods: Mapping[Period, Any]) -> dict[str, Any]:
    """Return a map from the names of periods."""
    return {name_of(period): amount for period, amount in periods.items()}
