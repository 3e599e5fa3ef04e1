"""The edges of rows of time: quarters, hours, days, weeks and months in a time zone, as seconds since 1970. Pure."""

from __future__ import annotations

from datetime import date, datetime, timedelta

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import tzinfo

#: Length of a row → the granularity of periods that it is made of.
LENGTHS = {"15m": "15m", "hour": "hour", "day": "day", "week": "day", "month": "day"}
_SHORT = {"15m": 900, "hour": 3600}


def edges(per: str, zone: tzinfo, first: float, last: float) -> Iterator[int]:
    """Yield the edges of rows from the one that contains the time `first` on, up to the end of that with `last`."""
    if per in _SHORT:
        edge = _aligned(first, _SHORT[per], zone)
        yield edge
        while edge <= last:
            following = _aligned(edge + _SHORT[per], _SHORT[per], zone)
            edge = following if following > edge else edge + _SHORT[per]
            yield edge
        return
    begin, step = _STEPS[per]
    day = begin(datetime.fromtimestamp(first, zone).date())
    edge = _midnight(day, zone)
    yield edge
    while edge <= last:
        day = step(day)
        following = _midnight(day, zone)
        if following > edge:  # otherwise the clocks of the zone skipped the day before
            edge = following
            yield edge


def label(per: str, zone: tzinfo, start: int) -> str:
    """Return the name of the row that begins at an edge.

    >>> from datetime import UTC
    >>> label("day", UTC, 0), label("week", UTC, 0), label("month", UTC, 0), label("hour", UTC, 0)
    ('1970-01-01', '1970-W01', '1970-01', '1970-01-01T00:00Z')
    """
    here = datetime.fromtimestamp(start, zone)
    if per in _SHORT:
        return here.isoformat(timespec="minutes").replace("+00:00", "Z")
    if per == "week":
        return "{}-W{:02}".format(*here.isocalendar())
    return here.date().isoformat()[: 7 if per == "month" else 10]


def _aligned(when: float, length: int, zone: tzinfo) -> int:
    """Return the last time up to `when` that is a whole number of lengths on the clocks of a zone."""
    offset = datetime.fromtimestamp(when, zone).utcoffset() or timedelta()
    seconds = int(offset.total_seconds())
    return (int(when) + seconds) // length * length - seconds


def _midnight(day: date, zone: tzinfo) -> int:
    """Return the begin of a day. Where clocks skip midnight, the day begins with their next time."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp())


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _first(day: date) -> date:
    return day.replace(day=1)


_STEPS: dict[str, tuple[Callable[[date], date], Callable[[date], date]]] = {
    "day": (lambda day: day, lambda day: day + timedelta(days=1)),
    "week": (_monday, lambda day: day + timedelta(days=7)),
    "month": (_first, lambda day: _first(day + timedelta(days=31))),
}
