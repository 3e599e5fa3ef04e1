"""Replicas that somebody declared gone for good, to take back what was on its way to them.

The declaration is a mark among those of settled forks, and travels with them: the id, and the number of its last commit
that was known. Whoever knows of a later commit knows that it was too early: what was taken back may have been accepted
in between, and count twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from crdtctl.crdt.clock import Clock

_MARK = "+gone."


@dataclass(frozen=True, slots=True)
class Returned:
    """A `replica` that was declared gone after its commit `declared`, and has made commits up to `reached`."""

    replica: str
    declared: int
    reached: int

    def __str__(self) -> str:
        return (
            f"{self.replica} was declared gone for good after its commit {self.declared}, and has made commits up to "
            f"{self.reached}: what was taken back from it may count twice"
        )


def mark_of(replica: str, seq: int) -> str:
    """Return the mark that declares a replica gone after its commit `seq`."""
    return f"{replica}{_MARK}{seq}"


def declared(marks: Iterable[str]) -> dict[str, int]:
    """Return the replicas that are declared gone, and after which commits; of several the latest."""
    found: dict[str, int] = {}
    for mark in marks:
        replica, there, seq = mark.rpartition(_MARK)
        if there and seq.isascii() and seq.isdigit():
            found[replica] = max(found.get(replica, 0), int(seq))
    return found


def returned(marks: Iterable[str], clock: Clock) -> list[Returned]:
    """Return who was declared gone, and has made later commits."""
    gone: Mapping[str, int] = declared(marks)
    return [Returned(who, seq, clock[who]) for who, seq in sorted(gone.items()) if clock.get(who, 0) > seq]
