"""Step 2: decide from the headers which inputs are taken. Pure."""

from __future__ import annotations

from crdtctl.codec.clock import encode_clock
from crdtctl.crdt import branches, forks
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.membership import day_of, forgotten, roster
from crdtctl.errors import MissingError, RefusedError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from crdtctl.codec.header import Head
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.membership import Roster
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.merge.opening import OpenedInput


def admit(
    before: Clock, histories: Mapping[str, str], opened: Sequence[OpenedInput], members: Roster
) -> tuple[list[OpenedInput], dict[str, CrdtctlError]]:
    """Return the inputs that can be joined, and label → error for the others.

    A delta that leaves a gap is refused, unless another input fills the gap. `before` is the clock of this replica,
    `histories` are those of ids it knows. Commits of absorbed `members` are not a gap.
    """
    taken = [one for one in opened if one.head.kind != "delta"]
    deltas = [one for one in opened if one.head.kind == "delta"]
    clock = clocks.join_all([before, *(one.head.clock for one in taken)])

    def fits(one: OpenedInput) -> bool:
        return all(
            forks.covers(clock, histories, replica, seq, one.head.histories.get(replica, ""))
            or members.has_absorbed(replica)
            for replica, seq in clocks.missing(clock, one.head.since).items()
        )

    while fitting := [one for one in deltas if fits(one)]:
        for one in fitting:
            deltas.remove(one)
            taken.append(one)
            clock = clocks.join(clock, one.head.clock)
    return taken, {one.item.label: _gap(one, before) for one in deltas}


def _gap(delta: OpenedInput, before: Clock) -> MissingError:
    from shlex import quote

    return MissingError(
        f"{printable(delta.item.label)} is a delta that begins after commits not known here",
        f"ask for: crdtctl export --since {quote(encode_clock(before))}",
    )


def refuse_forgotten(
    members: Entries, clock: Clock, opened: list[OpenedInput], refused: dict[str, CrdtctlError]
) -> None:
    """Move inputs with a replica that is older than a cutoff, and new, from `opened` to `refused`.

    The inputs are compared with this replica (its membership entries and its `clock`), and with each other.
    """
    ours = roster(members)

    def refuse(one: OpenedInput, cutoff: int, replica: str) -> None:
        place = "it knows" if replica in one.head.clock else "is known here only"
        refused[one.item.label] = RefusedError(
            f"{printable(one.item.label)} is from beyond the fence of {day_of(cutoff)}: {replica}, which {place}, "
            "is older, and may have been absorbed and forgotten",
            "if it surely was not: crdtctl merge --beyond-fence",
        )
        opened.remove(one)

    for one in list(opened):
        theirs = roster(one.members)
        if strangers := ours.forgotten(clock, theirs, one.head.clock):
            refuse(one, max(ours.cutoff, theirs.cutoff), strangers[0])
    states = [(roster(one.members), one.head.clock) for one in opened]
    cutoff = max((theirs.cutoff for theirs, _ in states), default=0)
    for one, strangers in zip(list(opened), forgotten(states), strict=True):
        if strangers:
            refuse(one, cutoff, strangers[0])


def foreign_writers(own: Head, opened: Collection[OpenedInput]) -> list[str]:
    """Return the labels of the inputs that contain commits of this replica's id which are not in ``own.json``."""
    seq, history = own.clock.get(own.replica, 0), own.histories.get(own.replica, "")

    def is_foreign(author: str, head: Head) -> bool:
        if not author.startswith(own.replica) or branches.origin(author) != own.replica:
            return False
        return head.clock[author] > seq or not forks.is_prefix(head.histories.get(author, ""), history)

    return [one.item.label for one in opened if any(is_foreign(author, one.head) for author in one.head.clock)]
