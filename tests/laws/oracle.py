"""What a replica must read, from the operations that it has seen and nothing else."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

from tests.laws.world import DAY, RENAME, Event
from tests.support import meters, restarts
from tests.support import oracle as of_counts
from tests.support.histories import HistoryEvent
from tests.support.oracle import RESETS
from tests.support.renames import Rename, targets


def renames(known: Iterable[Event]) -> list[Rename]:
    """Return the renames among events."""
    return [
        Rename(
            one.operation.replica, one.name, one.operation.source, one.operation.amount, frozenset(one.operation.clock)
        )
        for one in known
        if one.tag == RENAME
    ]


def under_targets(known: Sequence[Event]) -> list[Event]:
    """Return all events but renames, under the names that their names lead to."""
    found = targets(renames(known))
    return [one._replace(name=found.get(one.name, one.name)) for one in known if one.tag != RENAME]


def is_nothing(one: Event) -> bool:
    """Return whether an event alone leaves no trace in a counter: a meter that reads 0, unless it read more before."""
    return one.operation.verb == "observe" and all(not reading for _, reading in one.operation.readings)


def keeps_periods(known: Iterable[Event]) -> bool:
    """Return whether those who have seen this count in periods."""
    return any(one.operation.every is not None for one in known)


def amount(known: Sequence[Event]) -> int:
    """Return the value of one series that counts amounts."""
    done = [one for one in _done(known) if one.operation.verb in ("increment", "decrement", "observe", *RESETS)]
    if any(one.verb in ("observe", *RESETS) for _, _, one, *_ in done):
        return of_counts.plain(done) + sum(of_counts.once(done).values()) + meters.total(done)
    return of_counts.plain(done) + sum(of_counts.once(done).values())


def _bits(saw: int, known: Sequence[Event]) -> list[int]:
    return [one.number for one in known if saw >> one.number & 1]


def elements(known: Sequence[Event]) -> frozenset[str]:
    """Return the elements that were added to some series, and not forgotten."""
    if all(one.operation.verb == "add" for one in known):
        return frozenset(element for one in known for element in one.operation.elements)
    found = frozenset[str]()
    for of_one in _by_series(known):
        if of_one[0].tag == "hll":
            found |= frozenset(element for one in _left(of_one) for element in one.operation.elements)
        else:
            found |= of_counts.elements(_done(of_one))
    return found


def _by_series(known: Sequence[Event]) -> list[list[Event]]:
    """Return the events of each series."""
    return [[one for one in known if one.spelling == spelling] for spelling in {one.spelling for one in known}]


def _done(known: Sequence[Event]) -> list[HistoryEvent]:
    return [
        HistoryEvent(one.number, one.author, one.operation, frozenset(_bits(one.saw, known)), one.number)
        for one in known
    ]


def _left(known: Sequence[Event]) -> list[Event]:
    """Return the events of one series of an hll or a hist that were not forgotten."""
    done = [restarts.Done(*one[:4]) for one in _done(known)]
    numbers = restarts.left(done, has_keys=known[0].tag == "hist")
    return [one for one in known if one.number in numbers]


def may_be_forgotten(known: Iterable[Event]) -> bool:
    """Return whether a counter may not exist, since a replica forgot it."""
    return any(one.operation.verb == "forget" for one in known)


def numbers(known: Sequence[Event]) -> list[Decimal]:
    """Return the numbers that were added, and not forgotten, in ascending order."""
    if may_be_forgotten(known):
        known = [one for of_one in _by_series(known) for one in _left(of_one)]
    return sorted(Decimal(number) for one in known for number in one.operation.elements)


def rights(known: Iterable[Event], author: str) -> int:
    """Return how much of a bcounter an author may use. Who forgets one holds all that it knows of."""
    known, total = list(known), 0
    gone = of_counts.cancelled(_done(known))
    for one in known:
        if one.number in gone:
            continue
        operation = one.operation
        sign = {"increment": 1, "decrement": -1, "transfer": -1}.get(operation.verb, 0)
        total += sign * operation.amount * (one.author == author)
        total += operation.amount * (operation.verb == "transfer" and operation.replica == author)
    return total


#: The rank of `every`, and `keep` in seconds → how many days an author surely keeps.
KEPT = {(1, None): 400, (2, None): 336, (3, None): 192, (1, 5 * DAY): 5, (3, DAY): 96}


class Dated(NamedTuple):
    """Amounts in periods by day and by month, and how far they must be found there.

    Days are folded into months by an author who has more of them than are kept, and then the oldest months are dropped.
    """

    days: dict[int, int]
    months: dict[int, int]
    has_all_days: bool
    has_all_months: bool


def dated(known: Sequence[Event], settings: Sequence[Event]) -> Dated:
    """Return the amounts in periods of some series of a name, of which `settings` made it keep periods.

    A count has a period if its author knew then that the counter keeps some. Of the counts of one author that a reset
    had seen, it cancels those without a period first, and then as much of the oldest periods.
    """
    gone = {
        number for one in known if one.operation.verb == "reset" for number in _bits(one.saw, of_series(one, known))
    }
    by_author: dict[tuple[str, str, str], dict[int, int]] = {}
    cancelled: dict[tuple[str, str, str], int] = {}
    for one in known:
        sign = {"increment": 1, "decrement": -1}.get(one.operation.verb, 0) * (one.operation.once is None)
        if not sign:
            continue
        key = one.author, one.spelling, one.tag
        knew = any(one.saw >> setting.number & 1 for setting in settings if setting.tag == one.tag)
        days = by_author.setdefault(key, {})
        cancelled[key] = cancelled.get(key, 0) + one.operation.amount * (one.number in gone)
        if knew:
            day = int(one.when // DAY)
            days[day] = days.get(day, 0) + sign * one.operation.amount
        else:
            cancelled[key] -= one.operation.amount
    left: dict[int, int] = {}
    for key, days in by_author.items():
        rest = max(cancelled[key], 0) if gone else 0
        for day in sorted(days):
            taken = min(rest, max(days[day], 0))
            rest -= taken
            left[day] = left.get(day, 0) + days[day] - taken
    months: dict[int, int] = {}
    for day, amount in left.items():
        months[month_of(day)] = months.get(month_of(day), 0) + amount
    fewest = min((KEPT[one.operation.every or 0, one.operation.keep] for one in settings), default=0)
    most = max(map(len, by_author.values()), default=0)
    most_months = max((len(set(map(month_of, days))) for days in by_author.values()), default=0)
    return Dated(without_zeros(left), without_zeros(months), most <= fewest, most_months <= fewest)


def of_series(one: Event, known: Iterable[Event]) -> list[Event]:
    """Return the events of the series of one of them."""
    return [other for other in known if (other.spelling, other.tag) == (one.spelling, one.tag)]


def without_zeros(amounts: Mapping[int, int]) -> dict[int, int]:
    """Return the amounts that are not 0."""
    return {key: amount for key, amount in amounts.items() if amount}


def month_of(day: int) -> int:
    """Return the number of the month of a day since 1970."""
    date = dt.date(1970, 1, 1) + dt.timedelta(day)
    return date.year * 12 + date.month
