"""The settings that a new counter takes from the others of its name: of periods, precision and error level. Pure."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.crdt.series import name_of
from crdtctl.records import replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any, TypeAlias

    from crdtctl.crdt.base import Entries, Entry, Operation
    from crdtctl.crdt.counter import Counter

    #: Field of an operation → value.
    Settings: TypeAlias = Mapping[str, Any]

#: Field → choice of one of several values: that of the entries of one counter.
_JOINS: Mapping[str, Callable[..., Any]] = {"every": max, "keep": max, "precision": min, "level": min}

#: Fields of settings that have nothing to do with periods.
_WITHOUT_PERIODS = ("precision", "level")


class NameSettings:
    """The settings of each name and type.

    `of_name` returns all counters of a name, in both files. Without `periods`, none of them has settings of periods.
    """

    def __init__(self, of_name: Callable[[str], Iterable[tuple[str, Counter]]], *, periods: bool) -> None:
        self._of_name = of_name
        self._periods = periods
        self._bare: dict[tuple[str, str], Settings] = {}
        self._all: dict[tuple[str, str], Settings] = {}

    def given(self, operation: Operation, name: str, tag: str) -> Operation:
        """Return an operation that makes a counter, with the settings of its name that the operation leaves open.

        They are the ones of the counter without labels, or else those of all series of the name together.
        """
        if TYPES[tag].settings.isdisjoint(_JOINS):
            return operation
        key = name_of(name), tag
        self._read(*key)
        found = self._bare.get(key) or self._all.get(key) or {}
        missing = {field: value for field, value in found.items() if getattr(operation, field) in (None, "")}
        if operation.every is not None:
            missing.pop("keep", None)
        return replace(operation, **missing) if missing else operation

    def changed(self, name: str, tag: str, row: Entry) -> None:
        """Record the settings of an entry that the commit changes."""
        if found := TYPES[tag].settings_of(row):
            key = name_of(name), tag
            self._read(*key)
            self._add(name, tag, found)

    def _read(self, name: str, tag: str) -> None:
        if (name, tag) not in self._all:
            self._all[name, tag] = {}
            if not self._periods and TYPES[tag].settings.isdisjoint(_WITHOUT_PERIODS):
                return
            for called, counter in self._of_name(name):
                for row in counter.get(tag, {}).values():
                    self._add(called, tag, TYPES[tag].settings_of(row))

    def _add(self, called: str, tag: str, found: Settings) -> None:
        name = name_of(called)
        self._all[name, tag] = _together(self._all.get((name, tag), {}), found)
        if called == name:
            self._bare[name, tag] = _together(self._bare.get((name, tag), {}), found)


def dated(tag: str, counters: Iterable[Counter]) -> Entries:
    """Return the entries that have settings of periods, under keys of their own."""
    kind = TYPES[tag]
    return {
        f"{place} {author}": row
        for place, counter in enumerate(counters)
        for author, row in counter.get(tag, {}).items()
        if kind.has_periods(row)
    }


def _together(a: Settings, b: Settings) -> Settings:
    both = {field: _JOINS[field](a[field], b[field]) for field in a.keys() & b.keys()}
    return {**a, **b, **both}
