"""Periods for tests: random ones, as text."""

from crdtctl.crdt import periods
from tests.support.tape import Tape

#: Quarters of an hour since 1970: the first and the last one, leap days, ends of years, and some that are close.
QUARTERS = (0, 95, 96, 5_664, 1_059_264, 1_963_776, 1_963_777, 1_963_790, 1_964_000, 1_999_999, periods.END - 1)


def periods_from(tape: Tape, totals: int) -> str:
    """Return the text of some periods, often of none."""
    found: dict[periods.Period, tuple[int, ...]] = {}
    for _ in range(tape.choose((0, 0, 1, 2, 5))):
        period = periods.period_at(tape.below(4), tape.choose(QUARTERS))
        amount = tuple(tape.choose((0, 1, 2, 7, 10**15, 10**16, 2**64)) for _ in range(totals))
        if any(amount):
            found = periods.added(found, {period: amount})
    return periods.text(found)


def days_from(tape: Tape) -> set[periods.Period]:
    """Return some days, or quarters of an hour, often none."""
    granularity = tape.choose((1, 3))
    return {periods.period_at(granularity, tape.choose(QUARTERS)) for _ in range(tape.choose((0, 0, 1, 2, 5)))}
