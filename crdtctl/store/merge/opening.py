"""Step 1: open the inputs and verify their checksums."""

from __future__ import annotations

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory
from crdtctl.contexts import ExitStack
from crdtctl.crdt.names import RENAMES_LINE
from crdtctl.errors import printable
from crdtctl.records import Record
from crdtctl.store.inputs import Stamp, open_input
from crdtctl.store.jobs import attempts_in
from crdtctl.store.merge.room import Room
from crdtctl.store.packed import each_state
from crdtctl.store.retirement import membership_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from crdtctl.codec.header import Head
    from crdtctl.codec.reader import Heads, Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.forks import Names
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.inputs import Input


#: The entries or names of an input without any, as most inputs are. It is shared to save memory.
NOTHING: dict[Any, Any] = {}


class OpenedInput(Record, frozen=False, eq=False):
    """An input whose checksum holds; `source` is missing while it is closed.

    `mark` identifies the text of its header. `members` are its entries of membership, `jobs` those of attempts of jobs,
    and `renames` is whether it renames counters. Its entries are read under other `names` where an id has forked.
    """

    item: Input
    head: Head
    mark: int
    size: int
    source: Source | None
    stamp: Stamp | None
    names: Names = NOTHING
    members: Entries = NOTHING
    jobs: Entries = NOTHING
    renames: bool = False

    def refuse_if_changed(self) -> None:
        """Raise `BadInput` if the file was written to since its checksum was verified."""
        if self.source is not None and Stamp.of(self.source) != self.stamp:
            reason = Invalid("it was changed while it was read", printable(self.item.label))
            raise BadInput(self, reason)


class BadInput(Exception):
    """An input that turned out to be bad during the pass. The pass begins again without it."""

    def __init__(self, opened: OpenedInput, reason: CrdtctlError) -> None:
        super().__init__(str(reason))
        self.opened = opened
        self.reason = reason


def open_all(inputs: Iterable[Input], refused: dict[str, CrdtctlError], stack: ExitStack) -> list[OpenedInput]:
    """Open and verify the inputs, and keep the first few open. Record in `refused` those that are not valid."""
    opened: list[OpenedInput] = []
    room = Room()
    heads: Heads = {}

    def take(item: Input) -> None:
        with ExitStack() as passing:
            source = open_input(item, passing, heads)
            members: Entries = NOTHING
            jobs: Entries = NOTHING
            renames = False
            if source.may_have_reserved():
                members, jobs = membership_in(source) or NOTHING, attempts_in(source) or NOTHING
                renames = source.has(RENAMES_LINE)
            keep = room.takes(source.size, in_memory=isinstance(source.pages, InMemory))
            stamp = Stamp.of(source) if keep else None
            kept = source if keep else None
            one = OpenedInput(
                item,
                source.head,
                source.mark,
                source.size,
                kept,
                stamp,
                members=members,
                jobs=jobs,
                renames=renames,
            )
            opened.append(one)
            if keep:
                stack.enter_context(passing.pop_all())

    def refuse(item: Input, reason: CrdtctlError) -> None:
        refused[item.label] = reason

    each_state(inputs, take, refuse, stack)
    return opened
