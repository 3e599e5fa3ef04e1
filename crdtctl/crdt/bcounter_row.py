"""The row of `bcounter`: its parts, and its lattice."""

from __future__ import annotations

from crdtctl.crdt.base import MAX_DIGITS
from crdtctl.crdt.lattice import Dated, Elements, MapOf, Nat, Periods
from crdtctl.crdt.names import replica_fault
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

#: The place of the last part of a row.
FORGOTTEN = 11


def bound_fault(text: str) -> str | None:
    """Return the fault of `text` as a declared bound, or None."""
    digits = text.removeprefix("-")
    if text == "0" or (digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) <= MAX_DIGITS):
        return None
    return "a bound must be a whole number, of at most 100 digits"


class Row(NamedTuple):
    """The entry of one replica, with the optional parts filled in.

    `bounds` are the lower bounds that the replica declared: one, if it created the counter.
    """

    seq: int
    #: Rights made by increments, R[i][i], and used by decrements, U[i].
    created: int
    used: int
    bounds: tuple[str, ...] = ()
    #: Replica → rights given to it, R[i][j].
    gifts: Mapping[str, int] = MapOf.bottom
    #: Replica → rights requested from it, in total.
    requests: Mapping[str, int] = MapOf.bottom
    #: Replica that is gone → rights taken over from it.
    claims: Mapping[str, int] = MapOf.bottom
    #: Replica that created the counter → its initial rights.
    begun: Mapping[str, int] = MapOf.bottom
    #: Settings of periods, and the rights made and used in each period.
    every: int = 0
    keep: int = 0
    periods: str = ""
    #: Replica → last commit that was forgotten, see `crdtctl.crdt.forgetting`.
    forgotten: Mapping[str, int] = MapOf.bottom


RECORD = Dated(
    Nat(),
    Nat(),
    Nat(),
    Elements(bound_fault),
    MapOf(replica_fault, Nat()),
    MapOf(replica_fault, Nat()),
    MapOf(replica_fault, Nat()),
    MapOf(replica_fault, Nat()),
    Nat(),
    Nat(),
    Periods(2),
    MapOf(replica_fault, Nat()),
    required=3,
)
