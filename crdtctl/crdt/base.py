"""What a type of counter states, and what follows from it for all of them.

A contribution is what one author did to one counter: a row ``(seq, …)`` of a `Record` lattice whose first
part is the number of the author's commit that last changed it. Only that author writes it and it only
grows, so the join of two versions, part by part, is the newer one. A counter is the contributions of all
authors; its value is a fold over them.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, TypeAlias, final

from crdtctl.crdt.forks import together
from crdtctl.crdt.lattice import Record

#: One author's row, ``(seq, …)``, a value of its type's `Record`.
Contribution: TypeAlias = tuple[Any, ...]
#: Author → contribution, of one counter.
Contributions: TypeAlias = Mapping[str, Contribution]

Verb = Literal["create", "increment", "decrement", "add", "reset", "transfer", "request"]

MAX_DIGITS = 100
#: The first whole number that is too large to be told: it has 101 digits.
TOO_LARGE = 10**MAX_DIGITS
#: A permanent replica has tier 0; more tiers than this nobody has.
MAX_TIER = 99


class Refused(Exception):
    """The operation is not one that this type allows; the text says why and what to do instead."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to do to a counter, as data.

    `amount` (≥ 1) goes with ``increment`` and ``decrement``, `elements` with ``add``; `once` is the key
    under which the amount counts a single time for the whole world. ``transfer`` and ``request`` name the
    other `replica`. What ``create`` may say: the lower `bound`, the `initial` value, the `precision`.
    """

    verb: Verb
    amount: int = 1
    elements: tuple[str, ...] = ()
    once: str | None = None
    replica: str = ""
    bound: int | None = None
    initial: int | None = None
    precision: int | None = None


def _nobody() -> Contributions:
    return {}


@dataclass(frozen=True, slots=True)
class Here:
    """Where an operation is carried out: by `replica`, in its commit `seq`, which knows what the `others` did.

    What the others did to the counter is looked up when it is asked for: a plain increment does not ask. The
    `tier` of a permanent replica is 0.
    """

    replica: str
    seq: int
    others: Callable[[], Contributions] = _nobody
    tier: int = 0


class CounterType(ABC):
    """A type of counter: a few facts, from which join, order and deltas follow."""

    #: The name of the type in files and on the command line; never changed, never used again.
    tag: ClassVar[str]
    #: The lattice of one author's contribution; its first part is `seq`.
    record: ClassVar[Record]
    #: One line for people who choose a type.
    summary: ClassVar[str]
    #: Whether a replica takes part in merging: it reads the others' contributions and changes its own, see
    #: `meet`. Theirs are neither joined nor kept, nobody's clock speaks of them, and they leave whole, always.
    takes_part: ClassVar[bool] = False

    @abstractmethod
    def mutate(self, mine: Contribution, operation: Operation, here: Here) -> Contribution:
        """Return my contribution after `operation`, `seq` left as it is; raise `Refused`.

        The result holds new totals, never differences. If it equals `mine`, there is nothing to commit.
        """

    @abstractmethod
    def fold(self, contributions: Contributions) -> int:
        """Return what the contributions of several replicas come to."""

    @abstractmethod
    def shares(self, contributions: Contributions) -> dict[str, int]:
        """Return author → what its plain operations add to the value (once-keys apart)."""

    def once(self, contributions: Contributions) -> Mapping[str, int]:  # noqa: ARG002  # others have some
        """Return once-key → the amount that it counts, whoever and however often it was sent."""
        return {}

    def meet(
        self,
        mine: Contribution | None,  # noqa: ARG002  # only a type that takes part looks
        author: str,  # noqa: ARG002
        theirs: Contribution,  # noqa: ARG002
        here: Here,  # noqa: ARG002
    ) -> Contribution | None:
        """Return my contribution after meeting that of `author`; None if that changes nothing."""
        return None

    def succeed(self, author: str, theirs: Contribution, here: Here) -> Contribution | None:  # noqa: ARG002
        """Return my first contribution if I was `author` before; None if there is nothing to begin with."""
        return None

    @final
    def value(self, contributions: Contributions) -> int:
        """Return what the counter reads: the fold, with the branches of each fork taken for one replica."""
        return self.fold(together(self.record, contributions))

    @final
    def join(self, a: Contribution, b: Contribution) -> Contribution:
        """Return the join of two versions of one author's contribution."""
        return a if a == b else self.record.join(a, b)

    @final
    def join_all(self, a: Contributions, b: Contributions) -> dict[str, Contribution]:
        """Return the join of two counters: author by author."""
        return self.record.join_rows(a, b)

    @final
    def apply(self, mine: Contribution | None, operation: Operation, here: Here) -> Contribution | None:
        """Return my contribution after `operation`, or None if it changes nothing.

        Raise `Refused` if the type does not allow the operation.
        """
        before = self.record.bottom if mine is None else mine
        after = self.mutate(before, operation, here)
        if after == mine:
            return None
        return (here.seq, *after[1:])

    @final
    def newer(self, contributions: Contributions, since: Mapping[str, int]) -> dict[str, Contribution]:
        """Return the delta: the contributions, whole, that changed after the clock `since`."""
        if self.takes_part:
            return dict(contributions)
        return {a: c for a, c in contributions.items() if c[0] > since.get(a, 0)}
