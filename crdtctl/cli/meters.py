"""Readings of meters → a report."""

from __future__ import annotations

from crdtctl.cli.counter_rows import named, report
from crdtctl.cli.output import json_int
from crdtctl.cli.selection import existing
from crdtctl.crdt import TYPES
from crdtctl.crdt.dated_readings import period_of, when
from crdtctl.crdt.readings import left
from crdtctl.crdt.series import parts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from crdtctl.cli.output import Item, Report
    from crdtctl.cli.selection import Default
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total


def readings_report(now: Snapshot, rows: Iterable[Total | Default], *, are_named: bool) -> Report:
    """Return the report of readings; if the counters are not named, those without any are left out.

    The value is the part of a reading that counts: resets cancel the rest.
    """

    def items() -> Iterator[Item]:
        for one in (counter for total in existing(rows) for counter in total.counters):
            found = _items(one)
            if found or are_named:
                yield {**named(*parts(one.name)), "type": one.tag, "readings": found}

    def cells(item: Item) -> Iterable[Sequence[object]]:
        numbers = ("generation", "reading", "value")
        return [(one["source"], one.get("period", ""), *(int(one[key]) for key in numbers)) for one in item["readings"]]

    return report(now, ("type",), ("source", "period", "generation", "reading", "value"), (), items(), cells)


def _items(one: Reading) -> list[Item]:
    """Return source, period if it has one, generation, largest reading and what counts of it, in that order."""
    readings = TYPES[one.tag].readings(one.state)
    values = left(readings)
    items: list[Item] = []
    for text, generations in sorted(readings.items(), key=lambda item: _place(item[0])):
        dated = period_of(text)
        source: Item = {"source": text} if dated is None else {"source": dated[1], "period": when(dated[0])}
        for generation in sorted(generations, key=int):
            reading, value = generations[generation][0], values.get((text, generation), 0)
            number = {"generation": json_int(int(generation))}
            items.append({**source, **number, "reading": json_int(reading), "value": json_int(value)})
    return items


def _place(text: str) -> tuple[str, int, int]:
    """Return the sort key of a source: its name, and then its period."""
    dated = period_of(text)
    return (text, -1, 0) if dated is None else (dated[1], *dated[0])
