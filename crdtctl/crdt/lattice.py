"""The lattices that every entry is built from.

A lattice has a least value (`bottom`) and a `join` that is commutative, associative, idempotent and never goes down.
Values are plain frozen data in one normal form, so equal states compare equal:

=========== ============================ ====================================== =====================
lattice     value                        join                                   normal form
=========== ============================ ====================================== =====================
`Nat`       a whole number ≥ 0           the larger                             exact, unbounded
`Elements`  a set of names               the union                              a sorted tuple
`MapOf`     name → value of a lattice    entry by entry                         no entry is bottom
`Registers` a sketch, as text            the larger of each register, in the    see `hyperloglog`
                                         lower precision
`Decimals`  a decimal number, as text    the larger, or the smaller             see `decimals`
`Periods`   counts of one writer by        the later text                         see `periods`
            period, as text
`PeriodsOf` values of another lattice    the later map                          see `period_names`
            by period, of one writer
`Record`    a fixed row of lattices      part by part                           optional bottoms at
                                                                                the end are left out
`Dated`     such a row, with periods     part by part, and the periods of the   as a `Record`
                                         newer row
`Restarted` a `Dated` row with the       of the larger start, or as a `Dated`   as a `Record`
            commit of its start          row
`Stamped`   such a row, with a stamp     of the larger stamp, or part by part   as a `Record`
`Latest`    such a row                   the newer row                          as a `Record`
=========== ============================ ====================================== =====================

The grammar is small on purpose: the codec derives the file format of a type from it, so a new type needs no codec.
"""

from __future__ import annotations

from crdtctl.records import ABC, abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    Fault = Callable[[str], str | None]


class Lattice(ABC):
    """Values with a least one and a join."""

    bottom: Any

    @abstractmethod
    def join(self, a: Any, b: Any) -> Any:
        """Return the least value that is at or above both `a` and `b`."""

    @final
    def covers(self, a: Any, b: Any) -> bool:
        """Return whether `a` is at or above `b`, so that joining `b` to it changes nothing."""
        return bool(self.join(a, b) == a)


@final
class Nat(Lattice):
    """Whole numbers from 0, ordered by size; exact and unbounded."""

    bottom = 0

    def join(self, a: int, b: int) -> int:
        return a if a >= b else b


@final
class Elements(Lattice):
    """Finite sets of names, ordered by inclusion; the value is the sorted tuple of the elements."""

    bottom: tuple[str, ...] = ()

    def __init__(self, fault: Fault) -> None:
        self.fault = fault

    def join(self, a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(sorted({*a, *b}))


@final
class Registers(Lattice):
    """Sketches of sets, see `crdtctl.crdt.hyperloglog`. The least one is empty and has no precision."""

    bottom = ""

    def join(self, a: str, b: str) -> str:
        from crdtctl.crdt import hyperloglog  # only here: few counters are sketches

        return hyperloglog.join([a, b])


@final
class Decimals(Lattice):
    """Decimal numbers as text, see `crdtctl.crdt.decimals`, ordered by size, or downwards. Bottom is empty."""

    bottom = ""

    def __init__(self, *, downwards: bool = False) -> None:
        self.downwards = downwards

    def join(self, a: str, b: str) -> str:
        if a == b or not (a and b):
            return a or b
        from crdtctl.crdt.decimals import units  # only here: few counters have decimal numbers

        return a if (units(a) > units(b)) != self.downwards else b


class Periods(Lattice):
    """The counts of one writer by period, as many `totals` each, see `crdtctl.crdt.periods`.

    The order of texts only makes it a lattice: the row decides which of two versions is the newer one.
    """

    bottom = ""

    def __init__(self, totals: int) -> None:
        self.totals = totals

    def join(self, a: str, b: str) -> str:
        return max(a, b)


@final
class PeriodsOf(Lattice):
    """The amounts of one writer by period, each a value of `part`, see `crdtctl.crdt.period_names`.

    As with `Periods`, the order only makes it a lattice: the row decides.
    """

    bottom: Mapping[str, Any] = {}

    def __init__(self, part: Lattice) -> None:
        self.part = part

    def join(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> Mapping[str, Any]:
        return max(a, b, key=_ordered)


@final
class MapOf(Lattice):
    """Maps from names to values of one lattice, ordered entry by entry; an absent entry is bottom.

    The keys `are_names` if every printable ASCII text of at most 200 bytes, without white space at its ends, is one.
    """

    bottom: Mapping[str, Any] = {}

    def __init__(self, fault: Fault, part: Lattice, *, are_names: bool = True) -> None:
        self.fault = fault
        self.part = part
        self.are_names = are_names

    def join(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> Mapping[str, Any]:
        joined = {**a, **b}
        for key in a.keys() & b.keys():
            if a[key] != b[key]:
                joined[key] = self.part.join(a[key], b[key])
        return joined


class Record(Lattice):
    """A row of values, each of its own lattice, ordered part by part.

    The first `required` parts are always present. Of the other parts, bottoms at the end are left out.
    """

    def __init__(self, *parts: Lattice, required: int) -> None:
        self.parts = parts
        self.required = required
        self.bottom = tuple(part.bottom for part in parts[:required])
        self.plain = all(isinstance(part, Nat) for part in parts[:required])

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(a) < len(b):
            a, b = b, a
        joined = [part.join(x, y) for part, x, y in zip(self.parts, a, b, strict=False)]
        return (*joined, *a[len(b) :])

    def join_branches(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        """Return the row that the rows of two branches of a fork are read as."""
        return self.join(a, b)

    def join_rows(self, a: Mapping[str, tuple[Any, ...]], b: Mapping[str, tuple[Any, ...]]) -> dict[str, Any]:
        """Return the join of two maps from names to rows, entry by entry.

        Rows of three numbers, by far the most common, are joined without a call for each, because a merge spends most
        of its time here.
        """
        joined = dict(a)
        is_triple = self.plain and self.required == 3
        for key, theirs in b.items():
            mine = joined.get(key)
            if mine is None:
                joined[key] = theirs
            elif is_triple and len(mine) == 3 == len(theirs):
                (a0, a1, a2), (b0, b1, b2) = mine, theirs
                joined[key] = (a0 if a0 > b0 else b0, a1 if a1 > b1 else b1, a2 if a2 > b2 else b2)
            elif mine != theirs:
                joined[key] = self.join(mine, theirs)
        return joined

    @final
    def make(self, *values: Any) -> tuple[Any, ...]:
        """Return the row of `values` in normal form."""
        keep = len(values)
        while keep > self.required and values[keep - 1] == self.parts[keep - 1].bottom:
            keep -= 1
        return tuple(values[:keep])

    def at(self, row: tuple[Any, ...], index: int) -> Any:
        """Return the part of `row` at `index`, or bottom if it is left out."""
        return row[index] if index < len(row) else self.parts[index].bottom


class Dated(Record):
    """A row with a part of the periods of its writer. They are those of the newer row: the first part is its seq.

    ``(seq, periods)`` is ordered first by seq, a number, and then by the periods, which no two versions of one writer
    need. That is a total order, its join is the larger pair, and its seq is the larger seq, as in every row. So the row
    is a product of this order and of the lattices of the other parts.
    """

    def __init__(self, *parts: Lattice, required: int) -> None:
        super().__init__(*parts, required=required)
        self.dated = next(at for at, part in enumerate(parts) if isinstance(part, Periods | PeriodsOf))

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        row, at = super().join(a, b), self.dated
        if len(row) > at:
            newer = max(a, b, key=lambda one: (one[0], _ordered(self.at(one, at))))
            return self.make(*row[:at], self.at(newer, at), *row[at + 1 :])
        return row


@final
class Restarted(Dated):
    """A row that its only writer may start again, empty; its last part but one is the commit that last did this."""

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        start = len(self.parts) - 2
        before, after = self.at(a, start), self.at(b, start)
        if before != after:
            return a if before > after else b
        return super().join(a, b)

    def join_branches(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        return super().join(a, b)


@final
class Stamped(Record):
    """A row with a stamp as its optional last part. The larger stamp wins; rows with one stamp are joined part by part.

    It is for a row that its only writer may restart, with a larger stamp, once no other replica needs the old one.
    """

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        before, after = self.at(a, self.required), self.at(b, self.required)
        if before != after:
            return a if before > after else b
        return super().join(a, b)


@final
class Latest(Record):
    """A row whose versions are ordered by its first part, a number; the newer version wins as a whole.

    It is for a row that its only writer changes freely. Two rows with one number, which one writer never writes, are
    ordered by their contents, so that all replicas choose the same one.
    """

    def join(self, a: tuple[Any, ...], b: tuple[Any, ...]) -> tuple[Any, ...]:
        return max(a, b, key=_ordered)


def _ordered(value: Any) -> Any:
    """Return a sort key that orders the values of a lattice totally."""
    if isinstance(value, dict):
        return tuple((key, _ordered(value[key])) for key in sorted(value))
    return tuple(map(_ordered, value)) if isinstance(value, tuple) else value
