"""Totals and attempts of counters → reports."""

from __future__ import annotations

from crdtctl.cli.output import Report, json_int
from crdtctl.cli.selection import existing
from crdtctl.cli.workflow import escape_json
from crdtctl.crdt.series import parts, spelled
from crdtctl.errors import RefusedError
from crdtctl.store.totals import ordered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crdtctl.cli.output import Item
    from crdtctl.cli.selection import Default
    from crdtctl.store.jobs import AttemptReading
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

#: Columns of reports of counters. The column of a label has a longer name if its key is one of these.
_COLUMNS = frozenset({"name", "type", "replica", "member", "quantile", "figure", "value"})


def values(
    now: Snapshot,
    rows: Iterable[Total | Default],
    by: Sequence[str],
    completed: Callable[[Item, Total | Default], Item] | None = None,
) -> Report:
    """Return the report of values. `completed` returns an item with further figures for JSON."""
    items = (completed(_item(one), one) for one in rows) if completed else map(_item, rows)
    return report(now, ("type",), ("value",), by, items, lambda item: [(_number(item["value"]),)])


def shares(
    now: Snapshot, rows: Iterable[Total | Default], by: Sequence[str], order: str | None, top: int | None
) -> Report:
    """Return the report of the share of each replica; those of one counter are in an order, at most `top` of them."""

    def items() -> Iterator[Item]:
        for total in existing(rows):
            found = [_Share(*share) for share in total.shares.items()]
            kept = [{"replica": one.name, "value": json_int(one.value)} for one in ordered(found, order, top)]
            once = {key: json_int(value) for key, value in sorted(total.once.items())}
            yield {**_item(total), "replicas": kept, "once": once}

    def cells(item: Item) -> Iterable[Sequence[object]]:
        return [(share["replica"], _number(share["value"])) for share in item["replicas"]]

    return report(now, ("type",), ("replica", "value"), by, items(), cells, ids=now.clock)


def members(now: Snapshot, rows: Iterable[Total | Default], by: Sequence[str], *, named: bool) -> Report:
    """Return the report of the elements of sets. If these are not `named`, counters without elements are left out."""
    sets = (total for total in existing(rows) if named or _has_members(total))
    items = ({**_item(total), "members": total.members} for total in sets)
    return report(now, (), ("member",), by, items, lambda item: [(member,) for member in item["members"]])


def attempts(now: Snapshot, found: Iterable[AttemptReading]) -> Report:
    """Return the report of attempts of jobs."""
    items = []
    for one in found:
        name, labels = parts(one.name)
        items.append(
            {
                **named(name, labels),
                "type": one.tag,
                "job": one.attempt.key,
                "attempt": json_int(one.attempt.number),
                "value": json_int(one.value),
                "counts": one.counts,
            }
        )

    def cells(item: Item) -> list[Sequence[object]]:
        counts = "yes" if item["counts"] else "no"
        return [(item["job"], item["attempt"], _number(item["value"]), counts)]

    return report(now, ("type",), ("job", "attempt", "value", "counts"), (), items, cells, key="attempts")


def print_states(write: Callable[[bytes], object], readings: Iterable[Reading]) -> None:
    """Print the raw states of counters, sorted by name, as JSON."""
    from itertools import groupby

    separator = b"{\n"
    for _, types in groupby(readings, key=lambda reading: reading.name):
        lines = {reading.tag: reading.line for reading in types}
        write(separator + escape_json(_joined([*lines.values()])))
        separator = b",\n"
    write(b"\n}\n" if separator == b",\n" else b"{}\n")


def _joined(lines: Sequence[bytes]) -> bytes:
    """Return the lines of all types of one name as one line, because a JSON reader keeps the last of two equal keys."""
    first, *others = lines
    bodies = [line[line.index(b'":{"') + 3 : -1] for line in others]  # a quote in a name is written with a backslash
    return b"".join([first[:-1], *(b"," + body for body in bodies), b"}"])


def report(
    now: Snapshot,
    first: Sequence[str],
    last: Sequence[str],
    by: Sequence[str],
    items: Iterable[Item],
    cells: Callable[[Item], Iterable[Sequence[object]]],
    *,
    key: str = "counters",
    ids: Callable[[], Iterable[str]] = tuple,
) -> Report:
    """Return a report with columns for the name and for the labels `by`, after the `first` columns.

    `cells` returns the cells of the `last` columns of each row of an item.
    """

    def rows(item: Item) -> Iterator[Sequence[object]]:
        labels = item.get("labels", {})
        left = {key: value for key, value in labels.items() if key not in by} if labels else labels
        name = spelled(item["name"], left) if left else item["name"]
        start = [name, *(item[column] for column in first), *(labels.get(key, "") for key in by)]
        for row in cells(item):
            yield [*start, *row]

    keys = [f"label {key}" if key in _COLUMNS else key for key in by]
    columns = ("name", *first, *keys, *last)
    return Report(key, columns, items, rows, head={"replica": now.id}, ids=ids, words=keys)


class _Share:
    """The share of one replica, to be sorted."""

    def __init__(self, name: str, value: int) -> None:
        self.name = name
        self.value = value


def _item(one: Total | Default) -> Item:
    return {**named(one.name, one.labels), "type": one.tag, "value": json_int(one.value), **one.facts}


def named(name: str, labels: dict[str, str]) -> Item:
    """Return the beginning of the item of a counter: its name, and its labels if it has some."""
    return {"name": name, "labels": labels} if labels else {"name": name}


def _has_members(total: Total) -> bool:
    try:
        return total.members is not None
    except RefusedError:
        return False


def _number(value: int | str) -> int:
    return int(value)
