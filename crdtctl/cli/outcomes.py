"""Cases of tests → requests that count them."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation

from crdtctl.errors import RefusedError
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.crdt.distribution import Distribution
    from crdtctl.store.commit import Request

#: Maximum number of series of one counter that one command counts, and of characters of a label's value.
MAX_SERIES = 10_000
MAX_VALUE = 200
#: What is counted in series of its own, beside the time.
FIGURES = ("runs", "failures", "errors", "skipped", "flaky")
#: The largest time of one case in seconds, and the number of its digits after the point.
_MOST_SECONDS = 10**9
_DIGITS = 6
#: Number of times that wait for being added to the distribution of a series.
_WAITING = 1000
_GROUPED = re.compile(r"[1-9]\d{0,2}(,\d{3})+")


class Case(NamedTuple):
    """A test that ran: its suite, its name, its outcome, and its time in seconds as a decimal number, or None.

    The outcome is ``failures``, ``errors``, ``skipped``, or empty for success. It is flaky if it failed before it
    succeeded.
    """

    suite: str
    test: str
    outcome: str
    is_flaky: bool
    seconds: str | None


def seconds(typed: str) -> str | None:
    """Return a time as a plain decimal number, None for a missing or wrong one.

    >>> seconds("1,234.5"), seconds("0,25"), seconds("1,234"), seconds("NaN")
    ('1234.5', '0.25', '1234', None)
    """
    text = typed.strip()
    if len(text) > 40:
        return None
    if "," in text:
        is_grouped = "." in text or _GROUPED.fullmatch(text)
        text = text.replace(",", "" if is_grouped else ".")
    try:
        number = Decimal(text)
    except InvalidOperation:
        return None
    if not number.is_finite() or not 0 <= number < _MOST_SECONDS:
        return None
    plain = f"{number:.{_DIGITS}f}"
    return plain.rstrip("0").rstrip(".")


class _Sum:
    """The figures of one series, and the distribution of its times; few times wait for being added to that."""

    def __init__(self) -> None:
        self.figures = dict.fromkeys(FIGURES, 0)
        self._waiting: list[int] = []
        self._added: Distribution | None = None

    def add_time(self, seconds: str) -> None:
        """Add the time of a case."""
        from crdtctl.crdt.decimals import read

        self._waiting.append(read(seconds))
        if len(self._waiting) == _WAITING:
            self._added = self.times

    @property
    def times(self) -> Distribution | None:
        """The distribution of all times, None without one."""
        if self._waiting:
            from crdtctl.crdt import distribution

            several = [distribution.of(self._waiting), *([self._added] if self._added else [])]
            self._added = distribution.together(several)
            self._waiting = []
        return self._added


def requests_of(cases: Iterable[Case], name: str, by: str, once: str | None) -> list[Request]:
    """Return the requests that count cases in counters whose names begin with `name`.

    `by` is ``none``, ``suite``, or ``test`` for labels suite and test. Raise `RefusedError` for too many series.
    """
    from crdtctl.store.requests import add_numbers, increment

    sums: dict[tuple[str, str], _Sum] = {}
    known: dict[tuple[str, str], _Sum] = {}
    for case in cases:
        key = (case.suite if by != "none" else "", case.test if by == "test" else "")
        found = known.get(key)
        if found is None:
            if len(known) == MAX_SERIES:
                fewer = "--by suite" if by == "test" else "--by none"
                raise RefusedError(f"the results have more than {MAX_SERIES} series", f"count fewer labels: {fewer}")
            found = known[key] = sums.setdefault((label_value(key[0]), label_value(key[1])), _Sum())
        found.figures["runs"] += 1
        if case.outcome:
            found.figures[case.outcome] += 1
        found.figures["flaky"] += case.is_flaky
        if case.seconds is not None:
            found.add_time(case.seconds)
    made = []
    for (suite, test), sum_ in sums.items():
        labels = {label: text for label, text in (("suite", suite), ("test", test)) if text}
        for figure, amount in sum_.figures.items():
            made.append(increment(f"{name}.{figure}", amount, once=once, labels=labels))
        if sum_.times:
            made.append(add_numbers(f"{name}.seconds", sum_.times, once=once, labels=labels))
    return made


def label_value(text: str) -> str:
    """Return a text of a stranger as the value of a label: printable, and of a bounded size.

    A long text keeps its beginning, and ends with its hash, so two texts stay two values.
    """
    from crdtctl.crdt.names import entered

    if not text.isascii() or not text.isprintable():
        text = entered("".join([one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text]))
    if len(text) <= MAX_VALUE:
        return text
    from hashlib import sha256

    return f"{text[:MAX_VALUE]}…{sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"
