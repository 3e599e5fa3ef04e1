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

from crdtctl.crdt.forks import merge_branches
from crdtctl.crdt.lattice import Record

#: One author's row, ``(seq, …)``, a value of its type's `Record`.
Contribution: TypeAlias = tuple[Any, ...]
#: Author → contribution, of one counter.
Contributions: TypeAlias = Mapping[str, Contribution]

Verb = Literal["create", "increment", "decrement", "add", "reset", "transfer", "request", "expire"]

MAX_DIGITS = 100
#: The first whole number that is too large to be told: it has 101 digits.
TOO_LARGE = 10**MAX_DIGITS
#: A permanent replica has tier 0; more tiers than this nobody has.
MAX_TIER = 99


class Refused(Exception):
    """The operation is not one that this type allows; the text says why and what to do instead."""


class Lacking(Refused):
    """Rights are lacking here; `amount` of them can be asked of `holder` (empty: of nobody)."""

    def __init__(self, reason: str, holder: str = "", amount: int = 0) -> None:
        super().__init__(reason)
        self.holder = holder
        self.amount = amount


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to do to a counter, as data.

    `amount` (≥ 0) goes with ``increment`` and ``decrement``, `elements` with ``add``; `once` is the key
    under which the amount counts a single time for the whole world. ``transfer`` and ``request`` name the
    other `replica`. A ``transfer`` that is `granted` gives what was asked for, by `replica` or (empty) by anybody;
    one with a `source` takes the rights of that replica, which is gone. What ``create`` may say: the lower `bound`,
    the `initial` value, the `precision`.
    ``expire`` forgets the once-keys of the commits up to the `clock`, author and number, and keeps what they count.
    A `sketch` stands for more elements than would fit in memory; only an hll can add it.
    """

    verb: Verb
    amount: int = 1
    elements: tuple[str, ...] = ()
    once: str | None = None
    replica: str = ""
    source: str = ""
    granted: bool = False
    bound: int | None = None
    initial: int | None = None
    precision: int | None = None
    sketch: str = ""
    clock: tuple[tuple[str, int], ...] = ()


def _nobody() -> Contributions:
    return {}


@dataclass(frozen=True, slots=True)
class OperationContext:
    """Where an operation is carried out: by `replica`, in its commit `seq`, which knows what the `others` did.

    What the others did to the counter is looked up when it is asked for: a plain increment does not ask. The
    `tier` of a permanent replica is 0.
    """

    replica: str
    seq: int
    others: Callable[[], Contributions] = _nobody
    tier: int = 0


class RowType:
    """What stands on a line of a state: a few facts, from which join, order and deltas follow."""

    #: The name of the kind in files; never changed, never used again.
    tag: ClassVar[str]
    #: The lattice of one author's contribution; its first part is `seq`.
    record: ClassVar[Record]
    #: One line for people.
    summary: ClassVar[str]
    #: What ``create`` may say of a counter, by the names of the fields of an `Operation`.
    settings: ClassVar[frozenset[str]] = frozenset()
    #: Whether nothing can be done to a counter before somebody has created it.
    created_first: ClassVar[bool] = False

    @final
    def join(self, a: Contribution, b: Contribution) -> Contribution:
        """Return the join of two versions of one author's contribution."""
        return a if a == b else self.record.join(a, b)

    @final
    def join_all(self, a: Contributions, b: Contributions) -> dict[str, Contribution]:
        """Return the join of two counters: author by author."""
        return self.tidied(self.record.join_rows(a, b))

    def tidied(self, rows: dict[str, Contribution]) -> dict[str, Contribution]:
        """Return rows without what other rows among them make idle."""
        return rows

    def newer(self, contributions: Contributions, since: Mapping[str, int]) -> dict[str, Contribution]:
        """Return the delta: the contributions, whole, that changed after the clock `since`."""
        return {a: c for a, c in contributions.items() if c[0] > since.get(a, 0)}


class CounterType(RowType, ABC):
    """A type of counter; its `tag` is its name on the command line, its `summary` is for those who choose one."""

    #: Whether amounts can be counted under once-keys.
    has_keys: ClassVar[bool] = False

    @abstractmethod
    def mutate(self, mine: Contribution, operation: Operation, context: OperationContext) -> Contribution:
        """Return my contribution after `operation`, `seq` left as it is; raise `Refused`.

        The result holds new totals, never differences. If it equals `mine`, there is nothing to commit.
        """

    @abstractmethod
    def fold(self, contributions: Contributions) -> int:
        """Return what the contributions of several replicas come to."""

    @abstractmethod
    def shares(self, contributions: Contributions) -> dict[str, int]:
        """Return author → what it adds to the value; what counts once, whoever counted it, to one of them only."""

    def once(self, contributions: Contributions) -> Mapping[str, int]:  # noqa: ARG002  # others have some
        """Return once-key → the amount that it counts, whoever and however often it was sent."""
        return {}

    def seal_blocker(self, replica: str, contributions: Contributions) -> tuple[str, ...]:  # noqa: ARG002  # others can
        """Return what keeps `replica` from ending, and what to do about it, in words; nothing if nothing does."""
        return ()

    def absorb(self, mine: Contribution, author: str, context: OperationContext) -> Contribution:  # noqa: ARG002  # others can
        """Return my contribution after it took over that of `author`, who is sealed and one of the others.

        What is cancelled by resets that are known is left behind. `seq` is left as it is. Raise `Refused`.
        """
        raise Refused(f"a {self.tag} cannot be taken over")

    def precision_info(self, contributions: Contributions) -> Mapping[str, float]:  # noqa: ARG002  # others have some
        """Return what is to be known of the value beside it: how exact it is, say."""
        return {}

    def used_keys(self, contributions: Contributions) -> Mapping[str, int]:
        """Return once-key → the amount that it stands for, even if a reset cancelled it: it is used up."""
        return self.once(contributions)

    def keepers(self, contributions: Contributions) -> list[str]:  # noqa: ARG002  # others have some
        """Return the authors who let once-keys expire."""
        return []

    @final
    def value(self, contributions: Contributions) -> int:
        """Return what the counter reads: the fold, with the branches of each fork taken for one replica."""
        return self.fold(merge_branches(self.record, contributions))

    @final
    def apply(self, mine: Contribution | None, operation: Operation, context: OperationContext) -> Contribution | None:
        """Return my contribution after `operation`, or None if it changes nothing.

        An author who did nothing yet gets one that says nothing by ``create``, but not by a vain ``reset``. An amount
        of 0 makes a counter known, and changes nothing where it is known.

        Raise `Refused` if the type does not allow the operation.
        """
        if operation.verb == "expire" and not self.has_keys:
            raise Refused(f"a {self.tag} has no once-keys")
        before = self.record.bottom if mine is None else mine
        after = self.mutate(before, operation, context)
        if after == mine or (mine is None and after == before and self._is_vain(operation, context)):
            return None
        return (context.seq, *after[1:])

    def _is_vain(self, operation: Operation, context: OperationContext) -> bool:
        """Return whether an operation that says nothing of its author says nothing of the counter either."""
        return operation.verb in ("reset", "transfer", "expire") or (operation.amount == 0 and bool(context.others()))
