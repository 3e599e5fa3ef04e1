"""Whether a value is in the one normal form of its lattice: equal states are then equal data."""

from itertools import pairwise
from typing import Any

from crdtctl.crdt import decimals, hyperloglog, periods
from crdtctl.crdt.lattice import Decimals, Elements, Lattice, MapOf, Nat, Periods, PeriodsOf, Record, Registers


def is_normal(lattice: Lattice, value: Any) -> bool:
    """Return whether `value` is spelt in the only way that it can be."""
    match lattice:
        case Nat():
            return type(value) is int and value >= 0
        case Elements():
            return isinstance(value, tuple) and all(a < b for a, b in pairwise(value))
        case Periods(totals=totals):
            return isinstance(value, str) and periods.fault(value, totals) is None
        case Registers():
            return value == "" or (isinstance(value, str) and hyperloglog.fault(value) is None)
        case Decimals():
            return value == "" or (isinstance(value, str) and decimals.text(decimals.units(value)) == value)
        case MapOf(part=part) | PeriodsOf(part=part):
            return all(is_normal(part, item) and item != part.bottom for item in value.values())
        case Record(parts=parts, required=required):
            return (
                isinstance(value, tuple)
                and required <= len(value) <= len(parts)
                and all(is_normal(part, item) for part, item in zip(parts, value, strict=False))
                and (len(value) == required or value[-1] != parts[len(value) - 1].bottom)
            )
        case _:
            raise TypeError(f"{lattice!r} is not one of the lattices")
