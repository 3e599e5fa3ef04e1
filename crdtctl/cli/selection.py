"""Names on the command line → totals of counters: whole names, patterns, labels, and defaults."""

from __future__ import annotations

from crdtctl.crdt.selector import Selector
from crdtctl.store.selection import chosen, missing, totals
from crdtctl.store.totals import Total

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Protocol

    from crdtctl.crdt.selector import Condition
    from crdtctl.crdt.series import Labels
    from crdtctl.store.snapshot import Snapshot

    class Read(Protocol):
        """Reads the totals of a selector, as `crdtctl.store.selection.totals` does."""

        def __call__(
            self, now: Snapshot, wanted: Selector, keys: Sequence[str] = (), *, each: bool = ..., tag: str | None = ...
        ) -> list[Total]:
            """Return the totals for each name, type and combination of values of the labels `keys`."""
            ...


class Default:
    """The value of a counter that does not exist."""

    tag: None = None

    def __init__(self, wanted: Selector, value: int) -> None:
        self.name = wanted.name
        self.labels: Labels = wanted.labels
        self.spelling = str(wanted)
        self.value = value
        self.facts: Mapping[str, float] = {}


def existing(found: Iterable[Total | Default]) -> Iterator[Total]:
    """Yield the totals of existing counters."""
    return (one for one in found if isinstance(one, Total))


def selectors(now: Snapshot, names: Sequence[str], where: Sequence[Condition], *, exact: bool) -> list[Selector]:
    """Return the selectors that words mean, with further conditions. Raise `UsageError`."""
    return [chosen(now, name, where, exact=exact) for name in names]


def is_one(wanted: Sequence[Selector]) -> bool:
    """Return whether selectors mean one value: they are one, which is not a pattern."""
    return len(wanted) == 1 and wanted[0].pattern is None


def one_total(
    now: Snapshot, wanted: Selector, tag: str | None, default: int | None, read: Read = totals
) -> Total | Default:
    """Return the one total of a selector, or the `default` for a missing one.

    Raise `MissingError`, and `UsageError` if the name has several types and this replica uses none of them.
    """
    found = [*selected(now, [wanted], tag, default, read=read)]
    if len(found) > 1:
        now.meant(wanted.name, [one.name for total in existing(found) for one in total.counters])
    return found[0]


def selected(
    now: Snapshot,
    wanted: Sequence[Selector],
    tag: str | None,
    default: int | None = None,
    *,
    by: Sequence[str] = (),
    each: bool = False,
    read: Read = totals,
) -> Iterator[Total | Default]:
    """Yield the totals of selectors, in order, with `default` for a missing one. Raise `MissingError`.

    `read` returns the totals of one selector.
    """
    for one in wanted:
        found = read(now, one, by, each=each, tag=tag)
        yield from found
        if found:
            continue
        if default is None:
            raise missing(now, one, tag)
        if one.pattern is None:
            yield Default(one, default)
