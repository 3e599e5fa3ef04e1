"""Step 1: open the inputs and verify their checksums."""

from __future__ import annotations

from itertools import count

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory
from crdtctl.contexts import ExitStack
from crdtctl.crdt.names import ATTEMPTS_LINE, RENAMES_LINE
from crdtctl.errors import printable
from crdtctl.records import Record
from crdtctl.store.inputs import Stamp, open_input
from crdtctl.store.merge.room import Room
from crdtctl.store.packed import each_state
from crdtctl.store.retirement import membership_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from crdtctl.codec.header import Head
    from crdtctl.codec.reader import Heads, Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Names
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.inputs import Input
    from crdtctl.store.merge.rounds import Rounds


#: The entries or names of an input without any, as most inputs are. It is shared to save memory.
NOTHING: dict[Any, Any] = {}


class OpenedInput(Record, frozen=False, eq=False):
    """An input whose checksum holds; `source` is missing while it is closed.

    `mark` identifies the text of its header. `members` are its entries of membership, `jobs` those of attempts of jobs,
    and `renames` is whether it renames counters. Its entries are read under other `names` where an id has forked.
    It is the `place`-th of all inputs. One that many were joined into (`crdtctl.store.merge.rounds`) has their
    places and labels as two sequences, `many`, and their `many_writers` and `many_statements`.
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
    place: int = 0
    many: tuple[Sequence[int], Sequence[str]] | tuple[()] = ()
    many_writers: AbstractSet[str] = frozenset()
    many_statements: Mapping[str, Clock] = NOTHING

    @property
    def labels(self) -> Iterable[tuple[int, str]]:
        """The place and the label of each input in it."""
        return zip(*self.many, strict=True) if self.many else [(self.place, self.item.label)]

    @property
    def writers(self) -> AbstractSet[str]:
        """The replicas that wrote these inputs."""
        return self.many_writers or {self.head.replica}

    @property
    def statements(self) -> Mapping[str, Clock]:
        """Writer → the notices that it has received, see `crdtctl.store.receipts`."""
        return {self.head.replica: self.head.received} if self.head.received and not self.many else self.many_statements

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


class NeedsAll(Exception):
    """The result depends on more of each input than is left after a round. The merge begins again without rounds."""


class RoundFailed(Exception):
    """A round could not be carried out, for a `reason` that is the fault of none of the inputs."""

    def __init__(self, reason: CrdtctlError) -> None:
        super().__init__(str(reason))
        self.reason = reason


class Repeatable:
    """The inputs of an iterator, as often as needed."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._inputs = iter(inputs)
        self._seen: list[Input] = []

    def __iter__(self) -> Iterator[Input]:
        """Yield the inputs from the first one on."""
        yield from self._seen
        for one in self._inputs:
            self._seen.append(one)
            yield one


def open_all(
    inputs: Iterable[Input],
    refused: dict[str, CrdtctlError],
    stack: ExitStack,
    begin_rounds: Callable[[], Rounds] | None = None,
) -> tuple[list[OpenedInput], Rounds | None]:
    """Open and verify the inputs, and keep the first few open. Record in `refused` those that are not valid.

    If there are too many, and with `begin_rounds`, small states become one input in rounds, which are returned as well.
    Raise `NeedsAll` if that would change the result, and `RoundFailed`.
    """
    opened: list[OpenedInput] = []
    room = Room()
    heads: Heads = {}
    places = count()
    rounds: Rounds | None = None

    def take(item: Input) -> None:
        nonlocal room, rounds
        with ExitStack() as passing:
            source = open_input(item, passing, heads)
            members: Entries = NOTHING
            jobs: Entries = NOTHING
            renames = False
            if source.may_have_reserved():
                members = membership_in(source) or NOTHING
                if source.has(ATTEMPTS_LINE):
                    from crdtctl.store.jobs import attempts_in  # only here: few states have attempts of jobs

                    jobs = attempts_in(source)
                renames = source.has(RENAMES_LINE)
            in_memory = isinstance(source.pages, InMemory)
            keep = room.takes(source.size, in_memory=in_memory)
            if not keep and in_memory and begin_rounds is not None:
                rounds = rounds or begin_rounds()
                opened[:] = rounds.join(opened)
                heads.clear()
                room = _room_after(opened)
                keep = room.takes(source.size, in_memory=True)
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
                place=next(places),
            )
            opened.append(one)
            if keep and not in_memory:
                stack.enter_context(passing.pop_all())

    def refuse(item: Input, reason: CrdtctlError) -> None:
        refused[item.label] = reason

    each_state(inputs, take, refuse, stack)
    return opened, rounds


def _room_after(opened: Iterable[OpenedInput]) -> Room:
    """Return the room that is left by the files among these inputs."""
    room = Room()
    for one in opened:
        if one.source is not None and not one.many:
            room.takes(one.size, in_memory=False)
    return room
