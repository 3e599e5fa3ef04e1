"""Totals: several counters of one type, read as one, and rows of them."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.crdt.series import parts, spelled
from crdtctl.records import Record
from crdtctl.store.reading import Reading, shares_by_replica
from crdtctl.store.validation import checked_quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Protocol, TypeVar

    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.distribution import Distribution
    from crdtctl.crdt.series import Labels
    from crdtctl.crdt.timeline import Timeline

    class Row(Protocol):
        """The properties of a row that determine its place."""

        @property
        def name(self) -> str:
            """The name of a counter, or a spelling."""

        @property
        def value(self) -> int:
            """The value."""

    _Row = TypeVar("_Row", bound=Row)


class Total(Record):
    """Counters of one name and type, read as one: amounts add up, and an element of several sets counts once.

    The `labels` are those that all of these counters have, as far as they were asked for: by a selector, or by groups.
    A label that is missing is the empty text. Their counts by period may be `known`.
    """

    name: str
    tag: str
    labels: Labels
    counters: tuple[Reading, ...]
    known: Timeline | None = None

    @property
    def spelling(self) -> str:
        """The name with the labels."""
        return spelled(self.name, self.labels)

    @property
    def value(self) -> int:
        """The value of these counters together."""
        if len(self.counters) == 1:  # by far the most common, and there may be a million
            return self.counters[0].value
        pooled, kind = self._pooled, TYPES[self.tag]
        return sum(one.value for one in self.counters) if pooled is None else kind.value(pooled)

    @property
    def shares(self) -> dict[str, int]:
        """Replica → its share of the value. An idempotency key is in the share of one replica. Sets may overlap."""
        pooled = self._pooled
        if pooled is None:
            return _added(one.shares for one in self.counters)
        return shares_by_replica(TYPES[self.tag].shares(pooled))

    @property
    def once(self) -> Mapping[str, int]:
        """Idempotency key → the amount that counts under it. One key may count once in each counter."""
        return _added(one.once for one in self.counters)

    @property
    def facts(self) -> Mapping[str, float]:
        """Further figures about the value, for example the relative ``standard_error`` of an estimate."""
        if len(self.counters) == 1:
            return self.counters[0].facts
        if TYPES[self.tag].adds_numbers:
            return {"relative_error": self.distribution.error}
        pooled = self._pooled
        return self.counters[0].facts if pooled is None else TYPES[self.tag].precision_info(pooled)

    @property
    def ups_and_downs(self) -> tuple[int, int]:
        """The amounts of increments and of decrements of these pncounters. Raise `RefusedError` for any other type."""
        up, down = zip(*[one.ups_and_downs for one in self.counters], strict=True)
        return sum(up), sum(down)

    @property
    def distribution(self) -> Distribution:
        """The numbers in these hists together. Raise `RefusedError` for any other type."""
        found = [one.distribution for one in self.counters]
        if len(found) == 1:
            return found[0]
        from crdtctl.crdt.distribution import together

        return together(found)

    def quantile(self, q: str | float) -> float | None:
        """Return a quantile of the numbers in these hists, see `Reading.quantile`."""
        found = self.distribution.quantile(checked_quantile(q))
        return None if found is None else float(found)

    @property
    def has_periods(self) -> bool:
        """Whether one of these counters keeps periods."""
        return any(one.has_periods for one in self.counters)

    @property
    def timeline(self) -> Timeline:
        """The counts by period of these counters together. Raise `RefusedError` if none of them keeps periods."""
        if self.known is not None:
            return self.known
        if len(self.counters) == 1 or not self.has_periods:
            return self.counters[0].timeline
        from crdtctl.crdt.timeline import together  # only here: few readings need it

        kind = TYPES[self.tag]
        without = [kind.amount(one.state) for one in self.counters if not one.has_periods]
        return together([one.timeline for one in self.counters if one.has_periods], without, kind.together)

    @property
    def members(self) -> tuple[str, ...]:
        """The elements of these sets together, sorted. Raise `RefusedError` for a type without members."""
        if len(self.counters) == 1:
            return self.counters[0].members
        return tuple(sorted({member for one in self.counters for member in one.members}))

    @property
    def _pooled(self) -> Entries | None:
        if len(self.counters) == 1:
            return None
        return TYPES[self.tag].pooled([one.state for one in self.counters])


def alone(one: Reading) -> Total:
    """Return the total of one counter."""
    name, labels = parts(one.name)
    return Total(name, one.tag, labels, (one,))


def grouped(readings: Iterable[Reading], shared: Mapping[str, str], by: Sequence[str]) -> list[Total]:
    """Return the totals of counters for each name, type and combination of values of the labels `by`.

    Every total has the `shared` labels as well. They are sorted by name, labels and type.
    """
    groups: dict[tuple[str, tuple[str, ...], str], list[Reading]] = {}
    for one in readings:
        name, labels = parts(one.name)
        values = tuple([labels.get(key, "") for key in by])
        groups.setdefault((name, values, one.tag), []).append(one)
    return [
        Total(name, tag, {**shared, **dict(zip(by, values, strict=True))}, tuple(groups[name, values, tag]))
        for name, values, tag in sorted(groups)
    ]


def ordered(rows: Iterable[_Row], order: str | None, top: int | None = None) -> Iterable[_Row]:
    """Return rows in the order of their "name" or "value" (the largest first), or as they are; at most `top` of them.

    With `top` alone, these are the largest. Rows are kept in memory only if they must be.
    """
    if top is not None:
        import heapq  # only here: most commands show all rows

        return heapq.nsmallest(top, rows, key=_key(order or "value"))
    return rows if order is None else sorted(rows, key=_key(order))


def _key(order: str) -> Callable[[Row], tuple[object, ...]]:
    if order == "value":
        return lambda row: (-row.value, *_name_of(row))
    return _name_of


def _name_of(row: Row) -> tuple[object, ...]:
    """Return the sort key of a row without its value."""
    return row.name, [*getattr(row, "labels", {}).items()], getattr(row, "tag", None) or ""


def _added(several: Iterable[Mapping[str, int]]) -> dict[str, int]:
    added: dict[str, int] = {}
    for one in several:
        for key, amount in one.items():
            added[key] = added.get(key, 0) + amount
    return dict(sorted(added.items()))
