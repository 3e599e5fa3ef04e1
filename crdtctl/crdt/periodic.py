"""The base of the types with periods other than sums of totals: `bcounter`, `hll` and `hist`.

Three parts of a row are its settings `every` and `keep`, and its periods. What is counted in a period is an *amount*:
a pair of totals, a sketch, a distribution. A type adds amounts of one writer (`add_amounts`), and puts those of several
together for a reader (`together`). The rest is the same for all types: where a period begins, how old
periods are folded, and that a replica counts with periods as soon as it has heard of the settings.
"""

from __future__ import annotations

from crdtctl.crdt.base import CounterType, Refused
from crdtctl.records import abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, ClassVar

    from crdtctl.crdt import lattice
    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext
    from crdtctl.crdt.dated import Dated
    from crdtctl.crdt.periods import Period
    from crdtctl.crdt.timeline import Span, Timeline


class Periodic(CounterType):
    """A type whose rows have the parts `every`, `keep` and periods, in this order."""

    record: ClassVar[lattice.Dated]

    @abstractmethod
    def add_amounts(self, a: Any, b: Any) -> Any:
        """Return two amounts of one writer together, as an entry keeps them."""

    @abstractmethod
    def beyond(self, whole: Any, part: Any) -> Any:
        """Return the rest of an amount without a part of it. The rest and the part together are the whole."""

    def read_periods(self, kept: Any) -> dict[Period, Any]:
        """Return the periods that an entry keeps."""
        from crdtctl.crdt import period_names  # only here and below: few counters have periods

        return period_names.read(kept)

    def periods_kept(self, periods: Mapping[Period, Any]) -> Any:
        """Return periods as an entry keeps them."""
        from crdtctl.crdt import period_names

        return period_names.named(periods)

    def shown(self, kept: Any) -> Any:
        """Return an amount of an entry as readers use it."""
        return kept

    @final
    def has_periods(self, row: Entry) -> bool:
        return any(row[self.record.dated - 2 : self.record.dated + 1])

    @final
    def dated(self, row: Entry) -> Dated:
        """Return the parts of a row with its settings of periods, and its periods."""
        first = self.record.dated - 2
        every, keep, kept = (self.record.at(row, first + number) for number in range(3))
        return every, keep, kept

    def settings_of(self, row: Entry) -> Mapping[str, Any]:
        if not self.has_periods(row):
            return {}
        from crdtctl.crdt import dated

        every, keep, _ = dated.agreed((0, 0, None), [self.dated(row)])
        return {field: value for field, value in (("every", every), ("keep", keep)) if value}

    @final
    def with_settings(self, row: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return a row after ``create``, with the settings of periods that it asks for. Raise `Refused`."""
        if (operation.every, operation.keep) == (None, None):
            return row
        from crdtctl.crdt import dated

        others = [self.dated(one) for one in context.others().values()]
        return self._with_dated(row, dated.created(self.dated(row), others, operation))

    @final
    def in_period(self, row: Entry, amount: Any | None, operation: Operation, context: OperationContext) -> Entry:
        """Return a row with an amount, or none, in the period of the operation, if the counter has any."""
        heard = context.heard()
        if not (heard or self.has_periods(row) or operation.every or operation.at is not None):
            return row
        from crdtctl.crdt import dated

        others = [self.dated(one) for one in heard.values()]
        found = dated.counted(self, self.dated(row), others, operation, amount, context.now)
        return row if found is None else self._with_dated(row, found)

    @final
    def with_periods_of(self, row: Entry, theirs: Entry) -> Entry:
        """Return a row with the settings and periods of an absorbed one as well."""
        if not self.has_periods(theirs):
            return row
        from crdtctl.crdt import dated

        return self._with_dated(row, dated.joined(self, self.dated(row), self.dated(theirs)))

    def _with_dated(self, row: Entry, found: Dated) -> Entry:
        parts = [self.record.at(row, index) for index in range(len(self.record.parts))]
        last = self.record.dated
        return self.record.make(*parts[: last - 2], *found, *parts[last + 1 :])

    @final
    def timeline(self, entries: Entries) -> Timeline:
        from crdtctl.crdt import dated
        from crdtctl.crdt.periods import NAMES, end_of, start_of
        from crdtctl.crdt.timeline import Timeline

        merged = self.merged(entries)
        rows = [self.dated(row) for row in merged.values()]
        every, keep, _ = dated.agreed((0, 0, None), rows)
        if not every:
            raise Refused(dated.NO_PERIODS)
        found: dict[Span, list[Any]] = {}
        for _, _, kept in rows:
            for period, amount in self.read_periods(kept).items():
                found.setdefault((start_of(period), end_of(period)), []).append(self.shown(amount))
        periods = {span: self.together(found[span]) for span in sorted(found)}
        unknown = self.beyond(self.amount(merged), self.together(periods.values()))
        return Timeline(NAMES[every], keep, periods, unknown)
