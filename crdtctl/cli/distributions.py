"""The figures of distributions: quantiles, sums and extremes, in reports and in JSON."""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.output import Report, json_int
from crdtctl.cli.selection import counted, is_pattern, selected
from crdtctl.crdt import TYPES
from crdtctl.crdt.decimals import text
from crdtctl.errors import AnswerIsNo, UsageError
from crdtctl.store.reading import Reading
from crdtctl.store.validation import checked_quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.cli.output import Item
    from crdtctl.cli.selection import Default
    from crdtctl.store.snapshot import Snapshot

#: The quantiles of a report that does not choose any.
USUAL = "0.5,0.9,0.95,0.99"
#: Formats that show all figures of a distribution.
STRUCTURED = ("json", "ndjson", "toml")
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
    now: Snapshot, names: Sequence[str], tag: str | None, chosen: list[int], form: str | None, *, all_figures: bool
) -> None:
    """Print the chosen quantiles of distributions, or all figures.

    Of one distribution, a single quantile is printed alone. Raise `AnswerIsNo` if it has no numbers yet.
    """
    is_one = len(names) == 1 and not is_pattern(now, names[0])
    readings: list[Reading] = [*counted(selected(now, names, tag, None) if names else now.counters())]
    if not (names and all(not is_pattern(now, name) for name in names)):
        readings = [one for one in readings if tag in (None, one.tag) and _has(one)]
    head = {"replica": now.id}
    if all_figures:
        output.print_report(_figures_report(readings, chosen, head), output.resolve_format(form))
        return
    if is_one and not any(one.value for one in readings):
        readings[0].distribution  # noqa: B018  # raises for another type
        raise AnswerIsNo(f"'{readings[0].name}' has no numbers yet")
    default = "value" if is_one and len(chosen) == 1 else None
    output.print_report(_quantile_report(readings, chosen, head), output.resolve_format(form, default=default))


def with_figures(item: Item, reading: Reading | Default) -> Item:
    """Return the item of a counter, with all figures of a distribution."""
    return {**item, **_figures(reading, quantiles(None))} if isinstance(reading, Reading) and _has(reading) else item


def _has(reading: Reading) -> bool:
    """Return whether a reading is of a distribution."""
    return reading.tag in TYPES and TYPES[reading.tag].adds_numbers


def _figures(reading: Reading, chosen: list[int]) -> Item:
    """Return the figures of a distribution for JSON, with the chosen quantiles. Raise `RefusedError`."""
    found = reading.distribution
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
        "quantiles": {text(q): _number(found.quantile(q)) for q in chosen},
        "buckets": buckets,
    }


def _quantile_report(readings: Iterable[Reading], chosen: list[int], head: Item) -> Report:
    """Return the report of chosen quantiles."""

    def rows(item: Item) -> Iterator[tuple[object, ...]]:
        for q, value in item["quantiles"].items():
            yield item["name"], q, value

    items = (
        {
            "name": reading.name,
            "type": reading.tag,
            "quantiles": {text(q): _number(reading.distribution.quantile(q)) for q in chosen},
        }
        for reading in readings
    )
    return Report("counters", ("name", "quantile", "value"), items, rows, head=head)


def _figures_report(readings: Iterable[Reading], chosen: list[int], head: Item) -> Report:
    """Return the report of all figures, with the chosen quantiles."""

    def rows(item: Item) -> Iterator[tuple[object, ...]]:
        for figure in ("count", "sum", "mean", "min"):
            yield item["name"], figure, item[figure]
        for q, value in item["quantiles"].items():
            yield item["name"], q, value
        yield item["name"], "max", item["max"]

    items = ({"name": one.name, "type": one.tag, **_figures(one, chosen)} for one in readings)
    return Report("counters", ("name", "figure", "value"), items, rows, head=head)


def _number(decimal: str | None) -> int | float | str | None:
    """Return a decimal number for JSON: as a string if JSON readers would round it."""
    if decimal is None:
        return None
    if "." not in decimal:
        return json_int(int(decimal))
    return float(decimal) if len(decimal.replace(".", "").lstrip("-0")) <= _DIGITS else decimal
