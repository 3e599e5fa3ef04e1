"""The counts of one replica by period: their text, and the arithmetic of periods. Pure, in UTC.

Periods of totals are a text. Those of sketches and distributions are a map, see `crdtctl.crdt.period_names`. The
arithmetic is the same: an amount is anything that can be added to another one.

A period is a month, a day, an hour or a quarter of an hour. It is named by its granularity and its number since 1970:
``(1, 0)`` is 1 January 1970, ``(2, 25)`` the second hour of the next day. Times are whole quarters of an hour since
1970, which are edges of all periods. Every offset from UTC in use is a whole number of them.

The text has the periods in order, in runs: ``d20454:3,,1-2 q1963776:7``. A run is the letter of a granularity, the
number of its first period, and the amounts of this period and the next ones. An amount is its totals, with ``-``
between them; zeros are left out, at the end with their ``-``. A run continues over up to `_GAP` empty periods. So each
set of periods has one text. No period contains another one.

**Folding.** A replica keeps the newest N periods of the finest granularity. Older ones become periods of the next
coarser one. It keeps N of them as well, and so on; months beyond N are dropped. N is `keep`, the time that the finest
ones are kept, divided by their length. Only periods with counts are periods here. So no clock decides which ones are
folded: a wrong one makes wrong periods, and each of them displaces one right one into a coarser one.
"""

from __future__ import annotations

from itertools import pairwise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias, TypeVar

    #: Granularity and number since 1970.
    Period: TypeAlias = tuple[int, int]
    Totals: TypeAlias = tuple[int, ...]
    #: What is counted in a period: totals, or another amount that can be added up, such as a sketch.
    Amount = TypeVar("Amount")
    Add: TypeAlias = Callable[[Any, Any], Any]
else:  # for modules whose annotations are evaluated
    Period = tuple

#: Granularities that a counter may keep, by name → rank. The rank 0 is the month, which is only folded into.
RANKS = {"day": 1, "hour": 2, "15m": 3}
FINEST = 3
NAMES = ("month", "day", "hour", "15m")
_LETTERS = "mdhq"
#: Granularity → its length in quarters of an hour; a month has none.
LENGTHS = (0, 96, 4, 1)
#: Granularity → N, if no setting decides how long periods are kept.
_USUAL = (0, 400, 336, 192)
#: The largest N.
MAX_KEPT = 10_000
#: Seconds in a quarter of an hour.
QUARTER = 900
_GAP = 7
_TOO_EMPTY = "," * (_GAP + 2)
_MAX_TEXT = 2**24
#: Maximum number of characters of a text that is checked with others, or whose fault is looked for.
_SHORT = 2**16
_MAX_AMOUNTS = 4 * (_GAP + 1) * (MAX_KEPT + 96)
_MAX_DIGITS = 100
#: Days from 1 March of the year 0 to 1970-01-01.
_FROM_MARCH_OF_YEAR_0 = 719_468
_LAST_YEAR = 2199


def first_day(month: int) -> int:
    """Return the first day of a month, both as numbers since 1970."""
    years, number = divmod(month, 12)
    year = 1970 + years - (number < 2)  # a year from March on, so that the day that only some years have is its last
    leap_days = year // 4 - year // 100 + year // 400
    return 365 * year + leap_days + (153 * ((number - 2) % 12) + 2) // 5 - _FROM_MARCH_OF_YEAR_0


def month_of(day: int) -> int:
    """Return the month of a day, both as numbers since 1970."""
    month = day * 12 // 365 + 1
    while first_day(month) > day:
        month -= 1
    return month


#: The quarter of an hour that no period reaches.
END = first_day(12 * (_LAST_YEAR + 1 - 1970)) * LENGTHS[1]


def start_of(period: Period) -> int:
    """Return the first quarter of an hour of a period."""
    granularity, number = period
    return LENGTHS[granularity] * number if granularity else first_day(number) * LENGTHS[1]


def end_of(period: Period) -> int:
    """Return the first quarter of an hour after a period."""
    return start_of((period[0], period[1] + 1))


def period_at(granularity: int, quarter: int) -> Period:
    """Return the period of a granularity that contains a quarter of an hour."""
    return granularity, quarter // LENGTHS[granularity] if granularity else month_of(quarter // LENGTHS[1])


# Text --------------------------------------------------------------------------------------------------


def text(periods: Mapping[Period, Totals]) -> str:
    """Return the text of periods."""
    pieces: list[str] = []
    before = (-1, 0)
    for period in sorted(periods, key=start_of):
        granularity, number = period
        amount = "-".join([str(total) if total else "" for total in periods[period]]).rstrip("-")
        gap = number - before[1] - 1
        if granularity == before[0] and gap <= _GAP:
            pieces.append("," * (gap + 1) + amount)
        else:
            pieces.append(f"{' ' if pieces else ''}{_LETTERS[granularity]}{number}:{amount}")
        before = period
    return "".join(pieces)


def read(found: str, width: int) -> dict[Period, Totals]:
    """Return the periods in a text that `text` made, of `width` totals each."""
    periods: dict[Period, Totals] = {}
    for run in found.split(" ") if found else ():
        granularity = _LETTERS.index(run[:1])
        first, _, amounts = run[1:].partition(":")
        for number, amount in enumerate(amounts.split(","), int(first)):
            if amount:
                totals = [int(digits or 0) for digits in amount.split("-")]
                periods[granularity, number] = (*totals, *(0,) * (width - len(totals)))
    return periods


def of_all(quarter: int) -> tuple[int, ...]:
    """Return the number of the period of each granularity that contains a quarter of an hour."""
    return tuple([period_at(granularity, quarter)[1] for granularity in range(len(NAMES))])


def newest(found: str, width: int, oldest: Sequence[int]) -> list[tuple[Period, Totals]]:
    """Return the periods in a text from the `oldest` one of their granularity on, the last run first.

    Earlier ones are not read. Raise ValueError for a text that has not the form of periods.
    """
    periods: list[tuple[Period, Totals]] = []
    none = (0,) * (width - 1)
    end = len(found)
    while end > 0:
        start = found.rfind(" ", 0, end) + 1
        granularity = _LETTERS.index(found[start])
        first, _, amounts = found[start + 1 : end].partition(":")
        number = int(first) + amounts.count(",")
        wanted = number - oldest[granularity] + 1
        if wanted < 1:
            break
        for amount in amounts.rsplit(",", wanted)[: -wanted - 1 : -1]:
            if "-" in amount:
                totals = [int(digits or 0) for digits in amount.split("-")]
                periods.append(((granularity, number), (*totals, *(0,) * (width - len(totals)))))
            elif amount:
                periods.append(((granularity, number), (int(amount), *none)))
            number -= 1
        end = start - 1
    return periods


def fault(found: str, width: int) -> str | None:
    """Return the fault of a text as periods with `width` totals each, or None."""
    if len(found) > _MAX_TEXT or _TOO_EMPTY in found or found.count(",") + found.count(" ") > _MAX_AMOUNTS:
        return "periods are too many, or too far apart for one run"
    if found and are_sound([found], width, _MAX_TEXT):
        return None
    if len(found) > _SHORT:  # to find out which would take long
        return "periods are malformed, not canonical, or overlap"
    if not found.isascii() or found.strip("mdhq0123456789:,- ") or any(map(_is_long, _numbers(found))):
        return "periods are malformed"
    try:
        periods = read(found, width)
    except ValueError:
        return "periods are malformed"
    if any(len(totals) != width for totals in periods.values()):
        return "a period has too many totals"
    if any(not 0 <= start_of(period) < END for period in periods):
        return "a period is before 1970 or after 2199"
    if text(periods) != found:
        return "periods are not canonical"
    order = sorted(periods, key=start_of)
    if any(end_of(a) > start_of(b) for a, b in pairwise(order)):
        return "periods overlap"
    return None


def are_sound(texts: Sequence[str], width: int, longest: int = _SHORT) -> bool:
    """Return whether all texts, none of them empty or above the `longest`, are periods with `width` totals each.

    Their spelling is checked for all together, with a few searches. Only the order of the runs is checked for each.
    """
    together = " ".join(texts).encode()
    runs = together.count(b" ") + 1
    if len(together.translate(None, _IN_RUNS)) != 3 * runs - 1 or _LONG in together.translate(_AS_ZEROS):
        return False
    if b"--" in together.translate(None, _DIGITS) or (width < 2 and b"-" in together):
        return False
    if together[-1:] in b",-:" or any(wrong in together for wrong in _MISSPELLED):
        return False
    return max(map(len, texts)) <= longest and all(map(_are_in_order, texts))


def _are_in_order(found: str) -> bool:
    """Return whether each run has a granularity and a first period, and begins after the one before it."""
    before, last, end = -1, 0, 0
    for run in found.split(" "):
        granularity = _LETTERS.find(run[:1])
        first, colon, amounts = run[1:].partition(":")
        if granularity < 0 or not colon or not first.isdecimal() or (first[0] == "0" and first != "0"):
            return False
        number = int(first)
        if start_of((granularity, number)) < end or (granularity == before and number <= last + 1 + _GAP):
            return False
        before, last = granularity, number + amounts.count(",")
        end = start_of((granularity, last + 1))
    return end <= END


def _numbers(found: str) -> Sequence[str]:
    return found.translate(_SEPARATORS).split(" ")


def _is_long(digits: str) -> bool:
    return len(digits) > _MAX_DIGITS


_DIGITS = b"0123456789"
#: The characters of a run but for its first one and the colon, and those that are never together.
_IN_RUNS = _DIGITS + b",-"
_MISSPELLED = (b",0", b":0", b"-0", b"-,", b"- ", b":,", b", ", b": ", _TOO_EMPTY.encode())
_AS_ZEROS = bytes(0x30 if byte in _DIGITS else byte for byte in range(256))
_LONG = b"0" * (_MAX_DIGITS + 1)
_SEPARATORS = str.maketrans(":,-mdhq", "       ")


# Counting ----------------------------------------------------------------------------------------------


def kept(every: int, keep: int) -> int:
    """Return the number of periods of one granularity to keep: see Folding above. `keep` 0 is the usual one."""
    return min(-(-keep // LENGTHS[every]), MAX_KEPT) if keep else _USUAL[every]


def sums(a: Totals, b: Totals) -> Totals:
    """Return totals together."""
    return tuple([x + y for x, y in zip(a, b, strict=True)])


def added(periods: Mapping[Period, Amount], more: Mapping[Period, Amount], add: Add = sums) -> dict[Period, Amount]:
    """Return two sets of periods together. Where one contains periods of the other, it takes in their amounts."""
    result: dict[Period, Amount] = {}
    for granularity in range(len(NAMES)):
        for found in (periods, more):
            for period, amount in found.items():
                if period[0] == granularity:
                    _put(result, period, amount, add)
    return result


def counted(
    periods: Mapping[Period, Amount], every: int, seconds: int, amount: Amount, add: Add = sums
) -> dict[Period, Amount]:
    """Return periods with an amount at a time, in seconds since 1970. A time that has no period is left out."""
    quarter = seconds // QUARTER
    result = dict(periods)
    if 0 <= quarter < END:
        _put(result, period_at(every, quarter), amount, add)
    return result


def _put(periods: dict[Period, Amount], period: Period, amount: Amount, add: Add) -> None:
    """Count an amount in a period, or in a coarser one that contains it."""
    quarter = start_of(period)
    for granularity in range(period[0]):
        coarser = period_at(granularity, quarter)
        if coarser in periods:
            period = coarser
            break
    before = periods.get(period)
    periods[period] = amount if before is None else add(before, amount)


def folded(periods: Mapping[Period, Amount], limit: int, add: Add = sums) -> dict[Period, Amount]:
    """Return periods with the oldest ones folded into coarser ones, so that about `limit` are left of each."""
    result = dict(periods)
    for granularity in (3, 2, 1):
        numbers = sorted([number for rank, number in result if rank == granularity])
        if len(numbers) > limit:
            coarser = granularity - 1
            edge = start_of(period_at(coarser, start_of((granularity, numbers[-limit]))))
            old = [one for one in result if one[0] >= granularity and start_of(one) < edge]
            moved = [(period_at(coarser, start_of(one)), result.pop(one)) for one in old]
            for period, amount in moved:
                _put(result, period, amount, add)
    months = sorted([number for rank, number in result if rank == 0])
    for number in months[:-limit]:
        del result[0, number]
    return result
