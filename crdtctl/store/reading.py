"""One counter as a replica reads it: its raw entries, and the figures that follow from them."""

from __future__ import annotations

from crdtctl.codec.lines import encode_line
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Refused
from crdtctl.errors import RefusedError
from crdtctl.records import Record
from crdtctl.store.validation import checked_quantile

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.distribution import Distribution
    from crdtctl.crdt.timeline import Span, Timeline

#: In the ids of writers of several names that are read as one, see `crdtctl.crdt.several_names`.
_SEPARATOR = "\0"


def shares_by_replica(shares: Mapping[str, int]) -> dict[str, int]:
    """Return the shares in a counter by replica, sorted."""
    if _SEPARATOR in "".join(shares):
        from crdtctl.crdt.several_names import by_replica  # only here: few counters are renamed

        return by_replica(shares)
    return dict(sorted(shares.items()))


class Reading(Record):
    """One counter at one moment. The `state` maps each replica to its raw entry."""

    name: str
    tag: str
    state: Entries

    @property
    def value(self) -> int:
        """The value of the counter."""
        return TYPES[self.tag].value(self.state)

    @property
    def shares(self) -> dict[str, int]:
        """Replica → its share of the value. An idempotency key is in the share of one replica. Sets may overlap."""
        return shares_by_replica(TYPES[self.tag].shares(self.state))

    @property
    def once(self) -> Mapping[str, int]:
        """Idempotency key → the amount that was counted under it. The `shares` contain these amounts as well."""
        return TYPES[self.tag].once(self.state)

    def _without(self, parts: str, holder: str) -> RefusedError:
        """Return the error for parts of a value that another type has, the `holder`."""
        from crdtctl.store.type_choice import kinds

        return RefusedError(f"'{self.name}' is {kinds([self.tag])}, and has no {parts}", f"{holder} has them")

    @property
    def has_periods(self) -> bool:
        """Whether it keeps periods."""
        kind, rows = TYPES[self.tag], self.state.values()
        return any(map(kind.has_periods, rows)) or any(map(kind.has_dated_readings, rows))

    @property
    def timeline(self) -> Timeline:
        """The counts by period. Raise `RefusedError` for a counter that keeps no periods."""
        try:
            return TYPES[self.tag].timeline(self.state)
        except Refused as reason:
            raise RefusedError(f"cannot show the periods of '{self.name}': {reason}") from None

    @property
    def values_by_period(self) -> dict[Span, int]:
        """Period → its amount: the value of the amounts in `timeline`. Raise `RefusedError` as that."""
        kind = TYPES[self.tag]
        return {span: kind.size(amount) for span, amount in self.timeline.periods.items()}

    @property
    def facts(self) -> Mapping[str, float]:
        """Further figures about the value, for example the relative ``standard_error`` of an estimate."""
        return TYPES[self.tag].precision_info(self.state)

    @property
    def ups_and_downs(self) -> tuple[int, int]:
        """The amounts of increments and of decrements since the last reset. Raise `RefusedError` unless both exist."""
        from crdtctl.crdt.pncounter import PNCounter

        kind = TYPES[self.tag]
        if not isinstance(kind, PNCounter):
            raise self._without("decrements", "a pncounter")
        up, down = kind.totals(self.state)
        return up, down

    @property
    def distribution(self) -> Distribution:
        """The numbers in a hist. Raise `RefusedError` for any other type."""
        kind = TYPES[self.tag]
        if not kind.adds_numbers:
            raise self._without("quantiles", "a hist")
        from crdtctl.crdt.hist import Hist

        assert isinstance(kind, Hist)
        return kind.distribution(self.state)

    def quantile(self, q: str | float) -> float | None:
        """Return a quantile of the numbers in a hist, for example 0.99; None if it has no number.

        It is the number of rank ⌈q·value⌉ in ascending order, and differs from it by at most the ``relative_error`` in
        `facts`. Raise `UsageError` unless `q` is from 0 to 1.
        """
        found = self.distribution.quantile(checked_quantile(q))
        return None if found is None else float(found)

    @property
    def line(self) -> bytes:
        """The raw state: the entries as a file contains them, ``"name":{type:{replica:[…]}}``."""
        return encode_line(self.name, {self.tag: dict(self.state)})

    @property
    def members(self) -> tuple[str, ...]:
        """The elements of a set, sorted. Raise `RefusedError` for a type without members."""
        from crdtctl.crdt.gset import GSet  # only here: members are rarely asked for

        kind = TYPES[self.tag]
        if not isinstance(kind, GSet):
            raise self._without("members", "a gset")
        return kind.members(self.state)
