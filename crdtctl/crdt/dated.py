"""The last parts of an entry that keeps periods: its settings `every` and `keep`, and its periods. Pure."""

from __future__ import annotations

from crdtctl.crdt import periods
from crdtctl.crdt.base import Refused
from crdtctl.crdt.timeline import left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Protocol, TypeAlias

    from crdtctl.crdt.base import Operation
    from crdtctl.crdt.periods import Period, Totals

    #: `every`, `keep` and the periods as an entry keeps them.
    Dated: TypeAlias = tuple[int, int, Any]

    class Form(Protocol):
        """How entries of a type keep periods."""

        def read_periods(self, kept: Any) -> dict[Period, Any]:
            """Return the periods that an entry keeps."""

        def periods_kept(self, periods: Mapping[Period, Any]) -> Any:
            """Return periods as an entry keeps them."""

        def add_amounts(self, a: Any, b: Any) -> Any:
            """Return two amounts together."""


NO_PERIODS = "it keeps no periods; 'crdtctl create' with --every makes it keep them from then on"


class Tallies:
    """Periods of totals, as text."""

    def __init__(self, width: int) -> None:
        self.width = width

    def read_periods(self, kept: str) -> dict[Period, Totals]:
        """Return the periods in a text."""
        return periods.read(kept, self.width)

    def periods_kept(self, found: Mapping[Period, Totals]) -> str:
        """Return the text of periods."""
        return periods.text(found)

    def add_amounts(self, a: Totals, b: Totals) -> Totals:
        """Return totals together."""
        return periods.sums(a, b)


def created(mine: Dated, others: Iterable[Dated], operation: Operation) -> Dated:
    """Return my parts with the settings of a ``create``; raise `Refused` if others are finer or longer."""
    every, keep, found = agreed(mine, others)
    if operation.every is not None and operation.every < every:
        raise Refused("its periods are finer already, and never become coarser")
    if operation.keep is not None and operation.keep < keep:
        raise Refused("its periods are kept longer already, and that is never shortened")
    if not (operation.every or every):
        raise Refused(NO_PERIODS)
    return operation.every or every, operation.keep or keep, found


def counted(
    form: Form, mine: Dated, others: Iterable[Dated], operation: Operation, amount: Any | None, now: int
) -> Dated | None:
    """Return my parts with an amount, or None, in its period.

    Return None if the counter keeps no periods, and if neither an amount nor settings are new.
    """
    every, keep, found = agreed(mine, others)
    every, keep = max(every, operation.every or 0), max(keep, operation.keep or 0)
    if not every:
        if operation.at is not None:
            raise Refused(NO_PERIODS)
        return None
    if amount is None:
        return None if operation.every is None else (every, keep, found)
    when = now if operation.at is None else operation.at
    after = periods.counted(form.read_periods(found), every, when, amount, form.add_amounts)
    return every, keep, _folded(form, after, every, keep)


def together(mine: Dated, theirs: Dated, totals: Totals, cancelled: Totals) -> Dated:
    """Return my parts with those of an absorbed entry with `totals`, without the counts that resets `cancelled`."""
    remaining = left(periods.read(theirs[2], len(totals)), totals, cancelled)
    return joined(Tallies(len(totals)), mine, (*theirs[:2], periods.text(remaining)))


def joined(form: Form, mine: Dated, theirs: Dated) -> Dated:
    """Return my parts with those of an absorbed entry."""
    every, keep, found = agreed(mine, [theirs])
    if theirs[2]:
        both = periods.added(form.read_periods(found), form.read_periods(theirs[2]), form.add_amounts)
        found = _folded(form, both, every, keep)
    return every, keep, found


def _folded(form: Form, found: Mapping[Period, Any], every: int, keep: int) -> Any:
    """Return periods as an entry keeps them, with the oldest ones folded."""
    return form.periods_kept(periods.folded(found, periods.kept(every, keep), form.add_amounts))


def agreed(mine: Dated, others: Iterable[Dated]) -> Dated:
    """Return my parts with the settings that all have together: the finest periods, and the longest time."""
    every, keep, found = mine
    for theirs in others:
        every, keep = max(every, min(theirs[0], periods.FINEST)), max(keep, theirs[1])
    return every, keep, found
