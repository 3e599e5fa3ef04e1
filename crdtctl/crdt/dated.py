"""The last parts of an entry that keeps periods: its settings `every` and `keep`, and its periods as text. Pure."""

from __future__ import annotations

from crdtctl.crdt import periods
from crdtctl.crdt.base import Refused
from crdtctl.crdt.timeline import left

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    from crdtctl.crdt.base import Operation
    from crdtctl.crdt.periods import Totals

    #: `every`, `keep` and the text of periods.
    Dated: TypeAlias = tuple[int, int, str]

NO_PERIODS = "it keeps no periods; 'crdtctl create' with --every makes it keep them from then on"


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


def counted(mine: Dated, others: Iterable[Dated], operation: Operation, amount: Totals, now: int) -> Dated | None:
    """Return my parts after a count in its period; None if it keeps no periods, or the amount is 0."""
    every, keep, found = agreed(mine, others)
    every, keep = max(every, operation.every or 0), max(keep, operation.keep or 0)
    if not every:
        if operation.at is not None:
            raise Refused(NO_PERIODS)
        return None
    if not any(amount):
        return None if operation.every is None else (every, keep, found)
    when = now if operation.at is None else operation.at
    after = periods.counted(periods.read(found, len(amount)), every, when, amount)
    return every, keep, periods.text(periods.folded(after, periods.kept(every, keep)))


def together(mine: Dated, theirs: Dated, totals: Totals, cancelled: Totals) -> Dated:
    """Return my parts with those of an absorbed entry with `totals`, without the counts that resets `cancelled`."""
    every, keep, found = agreed(mine, [theirs])
    if theirs[2]:
        width = len(totals)
        remaining = left(periods.read(theirs[2], width), totals, cancelled)
        both = periods.added(periods.read(found, width), remaining)
        found = periods.text(periods.folded(both, periods.kept(every, keep)))
    return every, keep, found


def agreed(mine: Dated, others: Iterable[Dated]) -> Dated:
    """Return my parts with the settings that all have together: the finest periods, and the longest time."""
    every, keep, found = mine
    for theirs in others:
        every, keep = max(every, min(theirs[0], periods.FINEST)), max(keep, theirs[1])
    return every, keep, found
