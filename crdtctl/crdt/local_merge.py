"""Types with a local merge: a replica reads the entries of others and changes its own entry, instead of keeping theirs.

The entries of other replicas are neither joined nor kept, no clock mentions them, and a delta carries them whole. The
store calls these methods only, so a new type with a local merge is one module and one line in `crdtctl.crdt.TYPES`,
like any other type.
"""

from __future__ import annotations

from crdtctl.crdt.base import CounterType
from crdtctl.records import ABC, Record, abstractmethod, field

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from crdtctl.crdt.base import Entries, Entry, OperationContext


class PendingCounts(Record):
    """Increments and decrements that one replica has not handed over or taken over yet.

    `counted` is its own count, `slots` are the sources whose tokens it expects, `tokens` is (source,
    destination) → count. `below`: a replica of a smaller tier is known.
    """

    tier: int = 0
    counted: tuple[int, int] = (0, 0)
    slots: tuple[str, ...] = ()
    tokens: Mapping[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    below: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether nothing is left to hand over or to take over."""
        return not (any(self.counted) or self.slots or self.tokens)

    @property
    def is_idle(self) -> bool:
        """Whether the replica is a client that has handed over everything."""
        return self.tier > 0 and self.is_empty

    @property
    def has_no_peer(self) -> bool:
        """Whether no replica is known that could take anything over."""
        return self.tier > 0 and not (self.below or self.slots or self.tokens)


class LocalMerge(ABC):
    """A replica's own entry while it merges entries of others, one after the other."""

    @abstractmethod
    def merge(self, replica: str, theirs: Entry) -> int:
        """Merge the entry of `replica`; return the step (1 to 4) that a hand-off with it has reached, or 0."""

    @property
    @abstractmethod
    def row(self) -> Entry | None:
        """The own entry after all these merges; None if they changed nothing."""

    def waits_for(self, peer: str) -> bool:  # noqa: ARG002  # others can
        """Return whether the entry of a `peer` that was declared gone for good is merged all the same."""
        return True


class LocallyMergedType(CounterType, ABC):
    """A type of counter with a local merge."""

    @abstractmethod
    def local_merge(self, mine: Entry | None, context: OperationContext) -> LocalMerge:
        """Return an accumulator that merges entries of other replicas into `mine`."""

    def pending(self, replica: str, row: Entry) -> PendingCounts:  # noqa: ARG002  # others have some
        """Return the counts in the entry of `replica` that are still to be handed over or taken over."""
        return PendingCounts()

    def carry_over(self, replica: str, row: Entry, context: OperationContext) -> Entry | None:  # noqa: ARG002
        """Return the first entry of a replica whose id was `replica`, with the entry `row`; None to begin with none."""
        return None

    def newer(self, entries: Entries, since: Mapping[str, int]) -> dict[str, Entry]:  # noqa: ARG002
        """Return the delta: all entries, whole."""
        return dict(entries)
