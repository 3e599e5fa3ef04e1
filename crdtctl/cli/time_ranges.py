"""The range of times of ``log --since --until``, compared with the texts of times in a journal."""

from __future__ import annotations

import time

from crdtctl.cli import times
from crdtctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")


def within(
    entries: Sequence[T], at: Callable[[T], str], since: str | None, until: str | None, now: float
) -> Sequence[T]:
    """Return the entries of a journal from a time on, and before another one (None: all). Days are in UTC.

    `at` returns the time of an entry in UTC, as text. Raise `UsageError` for a wrong time or an empty range.
    """
    if since is None and until is None:
        return entries
    zone = times.zone_of(None)
    begin = None if since is None else times.since(since, "--since", zone, now)
    end = None if until is None else times.until(until, "--until", zone, now)
    if begin is not None and begin >= (now if end is None else end):
        raise UsageError("the range ends before it begins", "exchange --since and --until, or correct the year")
    first, last = (None if one is None else _text(one) for one in (begin, end))
    return [one for one in entries if (first is None or at(one) >= first) and (last is None or at(one) < last)]


def _text(moment: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
