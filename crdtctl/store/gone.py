"""Replicas that were declared gone for good: their ids are not expected to count again.

Hand-offs to such a replica can be taken back.

The declaration is a mark like those of settled forks, and is merged like them. It has the id and the number of its last
known commit. A later commit shows that the declaration was too early: the replica may have accepted the hand-off in
between, so the counts may count twice.
"""

from __future__ import annotations

from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.clock import Clock

_MARK = "+gone."


class Returned(Record):
    """A `replica` that was declared gone after its commit `declared`, and has made commits up to `reached`."""

    replica: str
    declared: int
    reached: int

    def __str__(self) -> str:
        return (
            f"{self.replica} was declared gone for good after its commit {self.declared}, and has made commits up to "
            f"{self.reached}; counts taken back from it, if there are any, may count twice"
        )


def mark_of(replica: str, seq: int) -> str:
    """Return the mark that declares a replica gone after its commit `seq`."""
    return f"{replica}{_MARK}{seq}"


def declared(marks: Iterable[str]) -> dict[str, int]:
    """Return replica → the commit after which it was declared gone; the latest, if there are several."""
    found: dict[str, int] = {}
    for mark in marks:
        replica, separator, seq = mark.rpartition(_MARK)
        if separator and seq.isascii() and seq.isdigit():
            found[replica] = max(found.get(replica, 0), int(seq))
    return found


def returned(marks: Iterable[str], clock: Clock) -> list[Returned]:
    """Return the replicas that were declared gone and have made later commits."""
    gone: Mapping[str, int] = declared(marks)
    return [Returned(who, seq, clock[who]) for who, seq in sorted(gone.items()) if clock.get(who, 0) > seq]
