"""The lattices that entries are built from."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.lattice import Decimals, Elements, Latest, Lattice, MapOf, Nat, Periods, Record, Registers, Stamped
from crdtctl.crdt.names import element_fault, key_fault
from tests.crdt.normal import is_normal
from tests.support.sketches import sketch_from
from tests.support.tape import Tape, from_tape
from tests.support.times import periods_from

KEYS = ("a", "b", "ab", "ß")

LATTICES: dict[str, Lattice] = {
    "number": Nat(),
    "set": Elements(element_fault),
    "sketch": Registers(),
    "decimal number, the larger": Decimals(),
    "decimal number, the smaller": Decimals(downwards=True),
    "periods": Periods(2),
    "map of numbers": MapOf(key_fault, Nat()),
    "map of maps": MapOf(key_fault, MapOf(key_fault, Nat())),
    "map of rows": MapOf(key_fault, Record(Nat(), Nat(), required=2)),
    "row of three numbers": Record(Nat(), Nat(), Nat(), required=3),
    "row of one number": Record(Nat(), required=1),
    "row of a number and a set": Record(Nat(), Elements(element_fault), required=2),
    "row with an optional sketch": Record(Nat(), Registers(), required=1),
    "row of a number and a map": Record(Nat(), MapOf(key_fault, Nat()), required=2),
    "row with an optional map": Record(Nat(), Nat(), Nat(), MapOf(key_fault, Nat()), required=3),
    "row with two optional parts": Record(Nat(), Nat(), MapOf(key_fault, Nat()), required=1),
    "row of which the newer holds": Latest(Nat(), Nat(), MapOf(key_fault, Nat()), required=2),
    "row of rows of which the newer holds": Latest(
        Nat(), Record(Nat(), MapOf(key_fault, Nat()), required=1), required=1
    ),
    "row that a larger stamp restarts": Stamped(Nat(), Nat(), Nat(), required=2),
    "row of rows": Record(Record(Nat(), Nat(), required=1), Nat(), required=1),
}
RECORDS = {name: lattice for name, lattice in LATTICES.items() if isinstance(lattice, Record)}
each_lattice = pytest.mark.parametrize("lattice", LATTICES.values(), ids=LATTICES)
each_record = pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)


def value(lattice: Lattice, tape: Tape) -> Any:
    """Return a value of a lattice in normal form."""
    match lattice:
        case Elements():
            return tuple(sorted(tape.some(KEYS, len(KEYS))))
        case Periods(totals=totals):
            return periods_from(tape, totals)
        case Registers():
            return tape.choose(("", sketch_from(tape)))
        case Decimals():
            return tape.choose(("", "0", "-1", "0.5", "0.25", "9", "10", f"-{tape.below(99)}.5", f"{tape.below(200)}"))
        case MapOf(part=part):
            made = {key: value(part, tape) for key in tape.some(KEYS, 3)}
            return {key: one for key, one in made.items() if one != part.bottom}
        case Record(parts=parts):
            return lattice.make(*(value(part, tape) for part in parts))
        case _:
            return tape.below(6) if tape.below(2) == 0 else tape.below(256) << tape.below(193)


def values(lattice: Lattice, count: int) -> st.SearchStrategy[list[Any]]:
    """Return several values of a lattice. A repeated one is as likely as any other small number."""
    return from_tape(lambda tape: [value(lattice, tape) for _ in range(count)], 48 * count)


def rows(record: Record, tape: Tape) -> dict[str, Any]:
    """Return rows by name."""
    return {key: value(record, tape) for key in tape.some(KEYS, len(KEYS))}


@each_lattice
@given(data=st.data())
def test_join_is_commutative_associative_and_idempotent(lattice: Lattice, data: st.DataObject) -> None:
    a, b, c = data.draw(values(lattice, 3))
    join = lattice.join
    assert join(a, b) == join(b, a)
    assert join(join(a, b), c) == join(a, join(b, c))
    assert join(a, a) == a


@each_lattice
@given(data=st.data())
def test_join_is_the_least_that_covers_both(lattice: Lattice, data: st.DataObject) -> None:
    a, b, c = data.draw(values(lattice, 3))
    joined = lattice.join(a, b)
    assert lattice.covers(joined, a)
    assert lattice.covers(joined, b)
    above = lattice.join(joined, c)
    assert lattice.covers(above, joined)
    assert lattice.covers(a, b) == (joined == a)


@each_lattice
@given(data=st.data())
def test_bottom_is_below_everything(lattice: Lattice, data: st.DataObject) -> None:
    (a,) = data.draw(values(lattice, 1))
    assert lattice.join(a, lattice.bottom) == lattice.join(lattice.bottom, a) == a
    assert lattice.covers(a, lattice.bottom)
    assert lattice.covers(lattice.bottom, a) == (a == lattice.bottom)


@each_lattice
@given(data=st.data())
def test_join_keeps_the_normal_form(lattice: Lattice, data: st.DataObject) -> None:
    a, b = data.draw(values(lattice, 2))
    assert is_normal(lattice, a)
    assert is_normal(lattice, lattice.join(a, b))


def test_numbers_join_to_the_larger() -> None:
    assert Nat().join(3, 7) == Nat().join(7, 3) == 7


def test_decimal_numbers_join_by_their_size_and_not_by_their_text() -> None:
    for less, more in (("9", "10"), ("-10", "-9"), ("-0.5", "0"), ("0.09", "0.1"), ("2", "10.5")):
        assert Decimals().join(less, more) == Decimals().join(more, less) == more
        assert Decimals(downwards=True).join(less, more) == Decimals(downwards=True).join(more, less) == less


def test_maps_join_entry_by_entry() -> None:
    assert MapOf(key_fault, Nat()).join({"a": 1, "b": 5}, {"b": 2, "c": 3}) == {"a": 1, "b": 5, "c": 3}


def test_of_rows_of_which_the_newer_holds_it_holds_as_a_whole() -> None:
    record = Latest(Nat(), Nat(), MapOf(key_fault, Nat()), required=2)
    assert record.join((2, 1), (1, 9, {"a": 5})) == record.join((1, 9, {"a": 5}), (2, 1)) == (2, 1)


def test_rows_join_part_by_part_and_keep_the_longer_tail() -> None:
    record = Record(Nat(), Nat(), MapOf(key_fault, Nat()), required=2)
    assert record.join((1, 5), (2, 3, {"a": 1})) == record.join((2, 3, {"a": 1}), (1, 5)) == (2, 5, {"a": 1})


def test_a_row_leaves_out_optional_bottoms_at_its_end_only() -> None:
    record = Record(Nat(), Nat(), Nat(), MapOf(key_fault, Nat()), required=2)
    assert record.bottom == (0, 0)
    assert record.make(0, 0, 0, {}) == (0, 0)
    assert record.make(1, 0, 3, {}) == (1, 0, 3)
    assert record.make(1, 0, 0, {"a": 1}) == (1, 0, 0, {"a": 1})


@each_record
@given(data=st.data())
def test_a_part_that_is_left_out_reads_as_bottom(record: Record, data: st.DataObject) -> None:
    whole = data.draw(from_tape(lambda tape: tuple(value(part, tape) for part in record.parts), 48))
    row = record.make(*whole)
    assert tuple(record.at(row, index) for index in range(len(record.parts))) == whole


@each_record
@given(data=st.data())
def test_rows_by_name_join_like_one_row_after_the_other(record: Record, data: st.DataObject) -> None:
    a, b = data.draw(from_tape(lambda tape: [rows(record, tape) for _ in range(2)], 240))
    before = repr((a, b))
    expected = {key: record.join(a.get(key, record.bottom), b.get(key, record.bottom)) for key in {*a, *b}}
    assert record.join_rows(a, b) == record.join_rows(b, a) == expected
    assert repr((a, b)) == before


def test_a_row_is_plain_if_what_is_required_of_it_is_numbers() -> None:
    assert RECORDS["row of three numbers"].plain
    assert RECORDS["row with an optional map"].plain
    assert not RECORDS["row of a number and a map"].plain
    assert not RECORDS["row of rows"].plain
