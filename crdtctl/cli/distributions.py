"""The figures of distributions: quantiles, sums and extremes, in reports and in JSON."""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.counter_rows import named, report
from crdtctl.cli.options import SHOWN
from crdtctl.cli.output import json_int
from crdtctl.crdt import TYPES
from crdtctl.crdt.decimals import NotANumber, read, text, units
from crdtctl.errors import AnswerIsNo, UsageError, printable
from crdtctl.store.totals import Total
from crdtctl.store.validation import checked_quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.cli.output import Item, Report
    from crdtctl.cli.selection import Default
    from crdtctl.crdt.distribution import Distribution
    from crdtctl.store.snapshot import Snapshot

#: The quantiles of a report that does not choose any.
USUAL = "0.5,0.9,0.95,0.99"
_BEFORE_QUANTILES = ("count", "sum", "mean", "min")
#: Up to this number of digits, a float of JSON is exactly the decimal number.
_DIGITS = 15


def quantiles(words: str | None) -> list[int]:
    """Return the quantiles in a list such as ``0.5,p99``, or the usual ones; raise `UsageError`."""
    if words is None:
        words = USUAL
    if not words.strip():
        raise UsageError("--quantile is empty", "write for example --quantile 0.5,0.99")
    return [checked_quantile(word) for word in words.split(",")]


def show(
    now: Snapshot,
    rows: Iterable[Total],
    by: Sequence[str],
    chosen: list[int],
    form: str | None,
    *,
    is_one: bool,
    all_figures: bool,
    bounds: tuple[int | None, int | None] = (None, None),
) -> None:
    """Print the chosen quantiles of distributions, or all figures.

    Of one distribution, a single quantile is printed alone. Raise `AnswerIsNo` if it has no numbers yet, or if the
    quantile is outside of the `bounds`, in units of 10^-30.
    """
    if all_figures:
        output.print_report(_figures_report(now, rows, by, chosen), output.resolve_format(form, allowed=SHOWN))
        return
    if is_one:
        rows = list(rows)
        if not any(one.value for one in rows):
            check_type(rows[0])
            raise AnswerIsNo(f"'{rows[0].spelling}' has no numbers yet")
    default = "value" if is_one and len(chosen) == 1 else None
    failure, is_good = None, None
    if bounds != (None, None):
        rows = list(rows)
        failure = next(
            filter(None, (outside(one.distribution, chosen[0], f"'{one.spelling}'", *bounds) for one in rows)), None
        )
        is_good = failure is None
    made = _quantile_report(now, rows, by, chosen)
    made.is_good = is_good
    output.print_report(made, output.resolve_format(form, default=default, allowed=SHOWN))
    if failure is not None:
        raise failure


def bound(word: str, option: str) -> int:
    """Return the bound of a quantile, the value of `option`, in units of 10^-30; raise `UsageError`."""
    try:
        return read(word)
    except NotANumber as fault:
        raise UsageError(f"{option}: '{printable(word[:40])}': {fault}", fault.hint) from None


def with_figures(item: Item, one: Total | Default) -> Item:
    """Return the item of a counter, with all figures of a distribution."""
    return (
        {**item, **figures_of(one.distribution, quantiles(None))}
        if isinstance(one, Total) and is_distribution(one)
        else item
    )


def check_type(total: Total) -> None:
    """Raise `RefusedError` if a total has no quantiles."""
    if not is_distribution(total):
        total.distribution  # noqa: B018  # raises


def is_distribution(total: Total) -> bool:
    """Return whether a total is of distributions."""
    return TYPES[total.tag].adds_numbers


def figures_of(found: Distribution, chosen: Sequence[int]) -> Item:
    """Return the figures of a distribution for JSON, with the chosen quantiles."""
    buckets = [
        {"upper": _number(one.upper), "count": json_int(one.size), "cumulative": json_int(one.cumulative)}
        for one in found.buckets()
    ]
    return {
        "relative_error": found.error,
        "count": json_int(found.count),
        "sum": _number(found.total),
        "mean": _number(found.mean),
        "min": _number(found.smallest),
        "max": _number(found.largest),
        "quantiles": quantiles_of(found, chosen),
        "buckets": buckets,
    }


def figure_names(chosen: Sequence[int]) -> list[str]:
    """Return the names of all figures in a report, with the chosen quantiles."""
    return [*_BEFORE_QUANTILES, *map(text, chosen), "max"]


def figure_cells(item: Item) -> list[object]:
    """Return the figures in an item of `figures_of`, in the order of their names."""
    return [*(item[name] for name in _BEFORE_QUANTILES), *item["quantiles"].values(), item["max"]]


def quantiles_of(found: Distribution, chosen: Sequence[int]) -> Item:
    """Return the chosen quantiles of a distribution for JSON, by their names; None without a number."""
    return {text(q): _number(found.quantile(q)) for q in chosen}


def outside(found: Distribution, q: int, named: str, least: int | None, most: int | None) -> AnswerIsNo | None:
    """Return the failure for a quantile that is outside of the bounds, in units of 10^-30, or None."""
    number = found.quantile(q)
    called = f"the quantile {text(q)} of {named} is {number}"
    if number is not None and least is not None and units(number) < least:
        return AnswerIsNo(f"{called}, below {text(least)}")
    if number is not None and most is not None and units(number) > most:
        return AnswerIsNo(f"{called}, above {text(most)}")
    return None


def _quantile_report(now: Snapshot, rows: Iterable[Total], by: Sequence[str], chosen: list[int]) -> Report:
    """Return the report of chosen quantiles."""
    items = (
        {
            **named(one.name, one.labels),
            "type": one.tag,
            "relative_error": found.error,
            "quantiles": quantiles_of(found, chosen),
        }
        for one, found in ((one, one.distribution) for one in rows)
    )
    return report(now, (), ("quantile", "value"), by, items, lambda item: [*item["quantiles"].items()])


def _figures_report(now: Snapshot, rows: Iterable[Total], by: Sequence[str], chosen: list[int]) -> Report:
    """Return the report of all figures, with the chosen quantiles."""

    def cells(item: Item) -> Iterator[tuple[object, ...]]:
        return zip(figure_names(chosen), figure_cells(item), strict=True)

    items = ({**named(one.name, one.labels), "type": one.tag, **figures_of(one.distribution, chosen)} for one in rows)
    return report(now, (), ("figure", "value"), by, items, cells)


def _number(decimal: str | None) -> int | float | str | None:
    """Return a decimal number for JSON: as a string if JSON readers would round it."""
    if decimal is None:
        return None
    if "." not in decimal:
        return json_int(int(decimal))
    return float(decimal) if len(decimal.replace(".", "").lstrip("-0")) <= _DIGITS else decimal
