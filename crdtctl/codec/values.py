"""Values of the lattices ↔ JSON values."""

from __future__ import annotations

from itertools import pairwise

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import MAX_SAFE
from crdtctl.crdt.base import MAX_DIGITS
from crdtctl.crdt.lattice import Decimals, Elements, MapOf, Nat, Periods, PeriodsOf, Record, Registers
from crdtctl.crdt.names import are_plain
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from crdtctl.crdt.lattice import Fault, Lattice


def to_wire(lattice: Lattice, value: Any) -> Any:
    """Return `value` as a JSON value."""
    match lattice:
        case Nat():
            return value if value <= MAX_SAFE else str(value)
        case Elements() | Registers() | Decimals() | Periods():
            return value
        case MapOf(part=part) | PeriodsOf(part=part):
            return {key: to_wire(part, value[key]) for key in sorted(value)}
        case Record(parts=parts):
            return [to_wire(part, item) for part, item in zip(parts, value, strict=False)]
        case _:  # pragma: no cover - these lattices are all there are
            raise TypeError(f"{lattice!r} has no wire form")


def reader_of(lattice: Lattice) -> Callable[[Any], Any]:
    """Return a function that turns a JSON value into a value of `lattice`, or raises `Invalid`.

    It is made once for each type, since a file may have many tiny counters. The function may reuse the JSON value,
    which must not be used afterwards.
    """
    match lattice:
        case Nat():
            return _number
        case Elements(fault=fault):
            return lambda value: _elements(value, fault)
        case Registers():
            from crdtctl.crdt import hyperloglog  # only here: few files have sketches

            return _text_reader("a sketch", hyperloglog.fault)
        case Decimals():
            from crdtctl.crdt import decimals  # only here: few files have decimal numbers

            return _text_reader("a decimal number", lambda text: decimals.fault(text, MAX_DIGITS) if text else None)
        case Periods(totals=totals):
            return lambda value: _periods(value, totals)
        case PeriodsOf(part=part):
            return _periods_reader(reader_of(part), part.bottom)
        case MapOf(fault=fault, part=Nat(), are_names=True):
            return _numbers_reader(fault)
        case MapOf(fault=fault, part=part):
            return _map_reader(fault, reader_of(part), part.bottom)
        case Record(parts=parts, required=required):
            return _record_reader([reader_of(part) for part in parts], required, [part.bottom for part in parts])
        case _:  # pragma: no cover - these lattices are all there are
            raise TypeError(f"{lattice!r} has no wire form")


def _map_reader(fault: Fault, read: Callable[[Any], Any], bottom: Any) -> Callable[[Any], Any]:
    def read_map(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Invalid("a map must be an object")
        for key, item in value.items():
            value[checked_name(key, fault)] = entry = read(item)
            if entry == bottom:
                raise Invalid("a map has an item that is empty or 0")
        return value

    return read_map


def _periods_reader(read: Callable[[Any], Any], bottom: Any) -> Callable[[Any], Any]:
    def read_periods(value: Any) -> dict[str, Any]:
        from crdtctl.crdt import period_names  # only here: few counters have periods

        found: dict[str, Any] = _map_reader(period_names.fault, read, bottom)(value)
        if period_names.overlap(found):
            raise Invalid("periods overlap")
        return found

    return read_periods


def _numbers_reader(fault: Fault) -> Callable[[Any], Any]:
    """Return a function that reads a map of numbers, such as a large set, without a call for each number and name."""
    read_any = _map_reader(fault, _number, Nat.bottom)

    def read_numbers(value: Any) -> Any:
        if not isinstance(value, dict) or set(map(type, value.values())) != {int}:
            return read_any(value)
        if min(value.values()) < 1 or max(value.values()) > MAX_SAFE:
            return read_any(value)
        if not are_plain(value):
            for key in value:
                checked_name(key, fault)
        return value

    return read_numbers


def _record_reader(parts: list[Callable[[Any], Any]], required: int, bottoms: list[Any]) -> Callable[[Any], Any]:
    def read_record(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list) or not required <= len(value) <= len(parts):
            raise Invalid(f"an entry must be an array of {required} to {len(parts)} items")
        row = tuple([read(item) for read, item in zip(parts, value, strict=False)])
        if len(row) > required and row[-1] == bottoms[len(row) - 1]:
            raise Invalid("an array ends with an item that is empty or 0")
        return row

    return read_record


def _elements(value: Any, fault: Fault) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise Invalid("a set must be an array of names")
    for element in value:
        checked_name(element, fault)
    if len(value) > 1 and any(a >= b for a, b in pairwise(value)):
        raise Invalid("the elements of a set are not sorted, or are repeated")
    return tuple(value)


def _text_reader(what: str, fault: Fault) -> Callable[[Any], Any]:
    def read_text(value: Any) -> str:
        if not isinstance(value, str):
            raise Invalid(f"{what} must be a string")
        wrong = fault(value)
        if wrong:
            raise Invalid(wrong)
        return value

    return read_text


def _periods(value: Any, totals: int) -> str:
    if not isinstance(value, str):
        raise Invalid("periods must be a string")
    from crdtctl.crdt import periods  # only here: few counters have them

    wrong = periods.fault(value, totals)
    if wrong:
        raise Invalid(wrong)
    return value


def _number(value: Any) -> int:
    if type(value) is int and 0 <= value <= MAX_SAFE:
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= MAX_DIGITS:
        number = int(value)
        if number > MAX_SAFE and value[0] != "0":
            return number
    raise Invalid("a number must be whole, not negative, at most 100 digits, and a string of digits above 2^53-1")


def checked_name(text: Any, fault: Fault) -> str:
    """Return `text` if it is a name without a `fault`; raise `Invalid`."""
    if not isinstance(text, str):
        raise Invalid("a name must be a string")
    wrong = fault(text)
    if wrong:
        raise Invalid(f"{wrong}: '{printable(text[:80])}'")
    return text
