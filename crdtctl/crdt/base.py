"""The interface of a counter type, and the operations that follow from it for all types.

An entry is one replica's part of a counter: a row ``(seq, …)`` of a `Record` lattice. Its first part is the number of
the replica's commit that last changed it. Only that replica writes the entry, and it only grows, so the join of two
versions, part by part, is the newer one. A counter is the entries of all replicas, and its value is a fold over them.
"""

from __future__ import annotations

from crdtctl.crdt.branches import merge_branches
from crdtctl.records import ABC, Record, abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any, ClassVar, Literal, TypeAlias

    from crdtctl.crdt import lattice
    from crdtctl.crdt.distribution import Distribution
    from crdtctl.crdt.readings import OnDrop, OnFall, Readings
    from crdtctl.crdt.timeline import Timeline

    #: The entry of one replica: a row ``(seq, …)``, a value of its type's `Record`.
    Entry: TypeAlias = tuple[Any, ...]
    #: Replica id → entry, of one counter.
    Entries: TypeAlias = Mapping[str, Entry]
    Verb = Literal[
        "create", "increment", "decrement", "add", "reset", "transfer", "request", "expire", "observe", "forget"
    ]
else:  # for modules whose annotations are evaluated
    Entry, Entries, Verb = tuple, dict, str

VERBS: tuple[Verb, ...] = (
    *("create", "increment", "decrement", "add", "reset", "transfer", "request", "expire", "observe", "forget"),
)

MAX_DIGITS = 100
#: The smallest number that is too large for a total: it has 101 digits.
TOO_LARGE = 10**MAX_DIGITS
#: The largest tier. A permanent replica has tier 0.
MAX_TIER = 99


class Refused(Exception):
    """The type does not allow the operation. The text is the reason, with advice."""


class Malformed(Refused):
    """The operation has a wrong word. The text is the reason; `hint` is advice, or empty."""

    def __init__(self, reason: str, hint: str = "") -> None:
        super().__init__(reason)
        self.hint = hint


class Lacking(Refused):
    """This replica lacks rights; `amount` of them can be requested from `holder` (empty: from no replica)."""

    def __init__(self, reason: str, holder: str = "", amount: int = 0) -> None:
        super().__init__(reason)
        self.holder = holder
        self.amount = amount


class Operation(Record):
    """One operation on a counter, as data.

    `amount` (≥ 0) belongs to ``increment`` and ``decrement``, `elements` to ``add``. `once` is the idempotency key
    of the amount, which counts a single time on all replicas together. ``transfer`` and ``request`` name the other
    `replica`. A ``transfer`` that is `granted` gives the requested rights, to `replica` or (empty) to all that asked.
    One with a `source` takes the rights of that replica, which is gone. ``create`` may set the lower `bound`, the
    `initial` value, the `precision` and the `level`. ``expire`` forgets the keys of the commits up to the `clock`
    (replica id, commit number), and keeps their counts. A `sketch` represents more elements than fit in memory; only an
    hll can add it. `numbers` represent any number of elements for a hist. ``observe`` has `readings` of sources, in
    order, and no amount. What happens to one that falls is `on_drop`, see `crdtctl.crdt.readings`; `moments` are
    their times, if they have any. ``create`` may have readings to begin with. Counts, and ``create``, may set the
    periods of a counter: how fine they are (`every`, a rank of `crdtctl.crdt.periods`), and how long the finest are
    kept (`keep`, quarters of an hour). A count may have its own time (`at`). Times are seconds since 1970.
    ``forget`` leaves idempotency keys used, and readings counted, unless `keys_too`.
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
    level: str = ""
    every: int | None = None
    keep: int | None = None
    at: int | None = None
    sketch: str = ""
    numbers: tuple[Distribution, ...] = ()
    clock: tuple[tuple[str, int], ...] = ()
    readings: tuple[tuple[str, int], ...] = ()
    moments: tuple[int | None, ...] = ()
    on_drop: OnDrop = "refuse"
    keys_too: bool = False


def _no_entries() -> Entries:
    return {}


class OperationContext(Record):
    """The context of an operation: the `replica` that performs it, in its commit `seq`.

    `others` returns the entries of other replicas. It is a function because a plain increment does not need them. The
    `tier` of a permanent replica is 0. With `on_fall`, readings that are refused are left out, and it is called with
    the place of each and the reason. `heard` returns those entries of others that may have settings of periods, and
    `now` is the time, in seconds since 1970.
    """

    replica: str
    seq: int
    others: Callable[[], Entries] = _no_entries
    tier: int = 0
    on_fall: OnFall | None = None
    heard: Callable[[], Entries] = _no_entries
    now: int = 0


class RowType:
    """The type of a line's rows: a few facts that determine join, order and deltas."""

    #: The name of the type in files. It never changes and is never reused.
    tag: ClassVar[str]
    #: The lattice of one entry; its first part is `seq`.
    record: ClassVar[lattice.Record]
    #: One line for people.
    summary: ClassVar[str]
    #: Fields of an `Operation` that ``create`` may set.
    settings: ClassVar[frozenset[str]] = frozenset()
    #: Whether new counters get the periods of config.toml: not where each period may take many KB.
    has_default_periods: ClassVar[bool] = False
    #: Whether a counter must be created before any other operation.
    created_first: ClassVar[bool] = False

    @final
    def join(self, a: Entry, b: Entry) -> Entry:
        """Return the join of two versions of one entry."""
        return a if a == b else self.record.join(a, b)

    @final
    def join_all(self, a: Entries, b: Entries) -> dict[str, Entry]:
        """Return the join of two counters, entry by entry."""
        return self.tidied(self.record.join_rows(a, b))

    @final
    def join_several(self, several: Iterable[Entries]) -> dict[str, Entry]:
        """Return the join of any number of counters, in time that grows with all their entries."""
        joined: dict[str, Entry] = {}
        for entries in several:
            for author, row in entries.items():
                joined[author] = self.join(joined[author], row) if author in joined else row
        return self.tidied(joined)

    def tidied(self, rows: dict[str, Entry]) -> dict[str, Entry]:
        """Return rows without the parts that other rows among them make obsolete."""
        return rows

    def newer(self, entries: Entries, since: Mapping[str, int]) -> dict[str, Entry]:
        """Return the delta: the complete entries that changed after the clock `since`."""
        return {a: c for a, c in entries.items() if c[0] > since.get(a, 0)}


class CounterType(RowType, ABC):
    """A type of counter. Its `tag` is its name on the command line, its `summary` describes it there."""

    #: Whether amounts can be counted under idempotency keys, which can expire.
    has_keys: ClassVar[bool] = False
    #: Whether meters can be read into a counter.
    has_readings: ClassVar[bool] = False
    #: Whether its counters can be renamed: entries of several names can be read together.
    can_be_renamed: ClassVar[bool] = True
    #: Otherwise the reason, and the advice, for a person.
    why_not_renamed: ClassVar[tuple[str, str]] = ("", "")
    #: Whether counters can be forgotten: the last part of an entry records what it forgot.
    can_be_forgotten: ClassVar[bool] = False
    #: Whether ``add`` takes numbers, which count each time, and not elements of a set.
    adds_numbers: ClassVar[bool] = False

    @abstractmethod
    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return my entry after `operation`, with `seq` unchanged; raise `Refused`.

        The result contains new totals, never differences. A result equal to `mine` needs no commit.
        """

    @abstractmethod
    def fold(self, entries: Entries) -> int:
        """Return the value of several entries together."""

    @abstractmethod
    def shares(self, entries: Entries) -> dict[str, int]:
        """Return replica id → its share of the value. A part that counts once for several is one replica's share."""

    def pooled(self, several: Sequence[Entries]) -> Entries | None:  # noqa: ARG002  # others can
        """Return one counter with the elements of several, and each element once; None if their values add up."""
        return None

    def once(self, entries: Entries) -> Mapping[str, int]:  # noqa: ARG002  # others have some
        """Return idempotency key → the amount that counts under it, from all replicas together."""
        return {}

    def settings_of(self, row: Entry) -> Mapping[str, Any]:  # noqa: ARG002  # others have some
        """Return the settings in an entry that a new counter of its name takes, by the fields of an operation."""
        return {}

    def has_periods(self, row: Entry) -> bool:  # noqa: ARG002  # others can have them
        """Return whether an entry has settings of periods."""
        return False

    def timeline(self, entries: Entries) -> Timeline:  # noqa: ARG002  # others can have them
        """Return the counts of each period; raise `Refused`."""
        raise Refused(f"{self._kind} keeps no periods")

    # What is counted in a period is an amount: a number, or what a type makes of it.

    def amount(self, entries: Entries) -> Any:
        """Return the value as an amount of periods."""
        return self.value(entries)

    def together(self, amounts: Iterable[Any]) -> Any:
        """Return amounts together, also of several replicas and counters; the least one for none."""
        return sum(amounts)

    def size(self, amount: Any) -> int:
        """Return the value of an amount."""
        return int(amount)

    def figures(self, amount: Any) -> Mapping[str, int]:  # noqa: ARG002  # others have some
        """Return further whole numbers about an amount, by name."""
        return {}

    def seal_blocker(self, replica: str, entries: Entries) -> tuple[str, ...]:  # noqa: ARG002  # others can
        """Return the reason why `replica` cannot be sealed, with advice; an empty tuple if it can."""
        return ()

    def forget_blocker(self, replica: str, entries: Entries) -> Refused | None:  # noqa: ARG002  # others can have one
        """Return the reason why `replica` cannot forget the counter, or None if it can."""
        return None

    def absorb(self, mine: Entry, author: str, context: OperationContext) -> Entry:  # noqa: ARG002  # others can
        """Return my entry after it took over the entry of `author`, a sealed replica among the others.

        Counts that known resets cancel are left out. `seq` is unchanged. Raise `Refused`.
        """
        raise Refused(f"{self._kind} cannot be taken over")

    def absorb_all(self, mine: Entry, authors: Sequence[str], context: OperationContext) -> Entry:
        """Return my entry after it took over the entries of several `authors`, in this order; see `absorb`."""
        for author in authors:
            mine = self.absorb(mine, author, context)
        return mine

    def precision_info(self, entries: Entries) -> Mapping[str, float]:  # noqa: ARG002  # others have some
        """Return facts about the accuracy of the value, such as its standard error."""
        return {}

    def used_keys(self, entries: Entries) -> Mapping[str, int]:
        """Return idempotency key → its amount, including keys whose amount a reset cancelled: they stay used."""
        return self.once(entries)

    def is_repetition(self, entries: Entries, operation: Operation) -> bool:  # noqa: ARG002  # others have some
        """Return whether an ``add`` under a used idempotency key adds the same elements as before."""
        return True

    def keepers(self, entries: Entries) -> list[str]:  # noqa: ARG002  # others have some
        """Return the replicas that let idempotency keys expire."""
        return []

    def readings(self, entries: Entries) -> Readings:  # noqa: ARG002  # others have some
        """Return the readings of meters, source → generation → reading, with what resets cancelled of each."""
        return {}

    def has_dated_readings(self, row: Entry) -> bool:  # noqa: ARG002  # others can have them
        """Return whether a reading in an entry has a period."""
        return False

    def readings_of(self, row: Entry) -> Readings:  # noqa: ARG002  # others have some
        """Return the readings in one entry."""
        return {}

    @final
    def is_forgotten(self, entries: Entries) -> bool:
        """Return whether the counter of some joined entries was forgotten, and does not exist for readers."""
        part = len(self.record.parts) - 1
        if not self.can_be_forgotten or max(map(len, entries.values()), default=0) <= part:
            return False
        from crdtctl.crdt import forgetting  # only here: few counters are forgotten

        if forgetting.is_forgotten(entries, part):
            return True
        return forgetting.is_forgotten_before_a_fork(entries, part) and self.value(entries) == self.least(entries)

    def is_cancelled(self, entries: Entries, replica: str, commit: int, amount: int, later: int) -> bool:  # noqa: ARG002
        """Return whether a reset or a forget cancelled an `amount` that a replica counted in a commit, or a part of it.

        A negative amount was counted down. `later` is the sum of the amounts of the same sign that followed it.
        """
        part = len(self.record.parts) - 1
        if not self.can_be_forgotten or max(map(len, entries.values()), default=0) <= part:
            return False
        from crdtctl.crdt import forgetting  # only here, as above

        return forgetting.covered(entries, part).get(replica, 0) >= commit

    def least(self, entries: Entries) -> int:  # noqa: ARG002  # others can have another one
        """Return the value of the counter without any counts."""
        return 0

    def merged(self, entries: Entries) -> Entries:
        """Return the entries to read: the branches of each fork are joined under the id of their replica."""
        return merge_branches(self.record, entries)

    @final
    def value(self, entries: Entries) -> int:
        """Return the value of the counter: the fold, with the branches of each fork merged to one replica."""
        return self.fold(self.merged(entries))

    @property
    def _kind(self) -> str:
        """The type with its article."""
        return f"{'an' if self.tag == 'hll' else 'a'} {self.tag}"

    @final
    def apply(self, mine: Entry | None, operation: Operation, context: OperationContext) -> Entry | None:
        """Return my entry after `operation`, or None if it changes nothing.

        A replica without an entry gets an empty one by ``create``, but not by a ``reset`` without effect. An amount of
        0 makes a counter known, and changes nothing if it is known already.

        Raise `Refused` if the type does not allow the operation.
        """
        if operation.verb == "expire" and not self.has_keys:
            raise Refused(f"{self._kind} has no idempotency keys")
        if operation.verb == "observe" and not self.has_readings:
            raise Refused(f"{self._kind} has no readings; observe a gcounter or a pncounter")
        if operation.verb == "forget" and not self.can_be_forgotten:
            raise Refused(f"{self._kind} cannot be forgotten")
        if operation.at is not None and "every" not in self.settings:
            raise Refused(f"{self._kind} keeps no periods")
        before = self.record.bottom if mine is None else mine
        after = self.mutate(before, operation, context)
        if operation.verb == "create" and after == mine:
            known = {**context.others(), context.replica: mine}
            return (context.seq, *after[1:]) if self.is_forgotten(known) else None
        if after == mine or (mine is None and after == before and self._is_vain(operation, context)):
            return None
        return (context.seq, *after[1:])

    def _is_vain(self, operation: Operation, context: OperationContext) -> bool:
        """Return whether an operation with an empty entry as its result has no effect on the counter either."""
        return operation.verb in ("reset", "transfer", "expire") or (operation.amount == 0 and bool(context.others()))
