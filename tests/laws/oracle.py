"""What a replica must read, from the operations that it has seen and nothing else."""

import datetime as dt
from collections.abc import Iterable, Sequence
from decimal import Decimal

from tests.laws.world import DAY, Event
from tests.support import meters
from tests.support import oracle as of_counts
from tests.support.histories import HistoryEvent


def is_nothing(one: Event) -> bool:
    """Return whether an event leaves no trace in a counter: a meter that reads 0."""
    return one.operation.verb == "observe" and all(not reading for _, reading in one.operation.readings)


def keeps_periods(known: Iterable[Event]) -> bool:
    """Return whether those who have seen this count in periods."""
    return any(one.operation.every is not None for one in known)


def amount(known: Sequence[Event]) -> int:
    """Return the value of one series that counts amounts."""
    done = [
        HistoryEvent(one.number, one.author, one.operation, frozenset(_bits(one.saw, known)), one.number)
        for one in known
        if one.operation.verb in ("increment", "decrement", "observe", "reset")
    ]
    if any(one.verb in ("observe", "reset") for _, _, one, _, _ in done):
        return of_counts.plain(done) + sum(of_counts.once(done).values()) + meters.total(done)
    return of_counts.plain(done) + sum(of_counts.once(done).values())


def _bits(saw: int, known: Sequence[Event]) -> list[int]:
    return [one.number for one in known if saw >> one.number & 1]


def elements(known: Iterable[Event]) -> frozenset[str]:
    """Return the elements that were added."""
    return frozenset(element for one in known for element in one.operation.elements)


def numbers(known: Iterable[Event]) -> list[Decimal]:
    """Return the numbers that were added, in ascending order."""
    return sorted(Decimal(number) for one in known for number in one.operation.elements)


def rights(known: Iterable[Event], author: str) -> int:
    """Return how much of a bcounter an author may use."""
    total = 0
    for one in known:
        operation = one.operation
        sign = {"increment": 1, "decrement": -1, "transfer": -1}.get(operation.verb, 0)
        total += sign * operation.amount * (one.author == author)
        total += operation.amount * (operation.verb == "transfer" and operation.replica == author)
    return total


#: The rank of `every`, and `keep` in seconds → how many days an author surely keeps.
KEPT = {(1, None): 400, (2, None): 336, (3, None): 192, (1, 3 * DAY): 3, (3, DAY): 96}


def dated(known: Sequence[Event], settings: Sequence[Event]) -> tuple[dict[int, int], dict[int, int], bool]:
    """Return month → amount, day → amount, of counts in periods, and whether each day must be found by itself.

    `known` is what is known of some series of a name, and `settings` is what made this name keep periods. A count has a
    period if its author knew then that the counter keeps some. Days are folded into months by an author who has more of
    them than are kept.
    """
    months: dict[int, int] = {}
    days: dict[int, int] = {}
    of_author: dict[tuple[str, str, str], set[int]] = {}
    for one in known:
        knew = any(one.saw >> setting.number & 1 for setting in settings if setting.tag == one.tag)
        sign = {"increment": 1, "decrement": -1}.get(one.operation.verb, 0)
        if sign and knew and one.operation.once is None:
            day = int(one.when // DAY)
            month = month_of(day)
            months[month] = months.get(month, 0) + sign * one.operation.amount
            days[day] = days.get(day, 0) + sign * one.operation.amount
            of_author.setdefault((one.author.partition("/")[0], one.spelling, one.tag), set()).add(day)
    fewest = min((KEPT[one.operation.every or 0, one.operation.keep] for one in settings), default=0)
    return months, days, max(map(len, of_author.values()), default=0) <= fewest


def month_of(day: int) -> int:
    """Return the number of the month of a day since 1970."""
    date = dt.date(1970, 1, 1) + dt.timedelta(day)
    return date.year * 12 + date.month
