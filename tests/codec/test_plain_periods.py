"""Entries with periods, counted as bytes, against the types: both make the same entry."""

import pytest
from hypothesis import given

from crdtctl.codec import plain, plain_periods
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entry, Operation, OperationContext
from crdtctl.crdt.periods import END, QUARTER
from tests.support.tape import Tape, from_tape
from tests.support.times import QUARTERS, periods_from

NAME, HERE = "builds", "here-00112233445566778899aabbccddeeff"
OTHERS = ("far-1", "hub-1", "zoo-1")


def row_from(tag: str, tape: Tape) -> Entry:
    """Return an entry: of totals alone, or with settings of periods and some periods."""
    kind, width = TYPES[tag], len(TYPES[tag].record.bottom) - 1
    totals = [tape.below(100) for _ in range(width)]
    text = periods_from(tape, width) if tape.below(3) else ""
    every = tape.choose((0, 1, 2, 3))
    last = (every, tape.choose((0, 1, 96, 38_400)), text) if every else ()
    return kind.record.make(1 + tape.below(20), *totals, *({}, {}, {}, {}, 0, {}), *last)


def drawn(tape: Tape) -> tuple[str, Entry, dict[str, Entry], int, int, int]:
    """Return a type, an own entry, those of others, a column, an amount and a time."""
    tag = tape.choose(("gcounter", "pncounter"))
    others = {author: row_from(tag, tape) for author in tape.some(OTHERS, 3)}
    when = tape.choose((*QUARTERS, END, END + 5)) * QUARTER + tape.below(QUARTER)
    return tag, row_from(tag, tape), others, tape.below(2 if tag == "pncounter" else 1), 1 + tape.below(9), when


@given(from_tape(drawn, 256))
def test_an_amount_is_counted_in_the_period_that_the_type_chooses(
    case: tuple[str, Entry, dict[str, Entry], int, int, int],
) -> None:
    tag, mine, others, column, amount, when = case
    line = plain.read_own_line(encode_line(NAME, {tag: {HERE: mine}}), NAME.encode(), HERE.encode())
    found = encode_line(NAME, {tag: others}) if others else b""
    heard = plain_periods.heard(found, NAME.encode(), tag.encode()) if found else []
    line.totals[column] += amount
    line.maps = plain_periods.counted(line.maps, heard, column, amount, len(line.totals), when)
    done = Operation(("increment", "decrement")[column], amount)
    context = OperationContext(HERE, 21, lambda: others, heard=lambda: others, now=when)
    assert line.encode(HERE.encode(), 21) == encode_line(NAME, {tag: {HERE: TYPES[tag].apply(mine, done, context)}})  # type: ignore[dict-item]


def test_settings_of_another_type_do_not_matter() -> None:
    line = encode_line(NAME, {"pncounter": {"hub-1": (3, 7, 1, {}, {}, {}, {}, 0, {}, 1)}})
    assert plain_periods.heard(line, NAME.encode(), b"pncounter") == [(1, 0)]
    assert plain_periods.heard(line, NAME.encode(), b"gcounter") == []


def test_an_entry_with_keys_gets_no_periods_here() -> None:
    line = encode_line(NAME, {"gcounter": {HERE: (3, 7, {"job": (1, 3)})}})
    maps = plain.read_own_line(line, NAME.encode(), HERE.encode()).maps
    with pytest.raises(ValueError, match=r"^$"):
        plain_periods.counted(maps, [(1, 0)], 0, 1, 1, 0)
    assert plain_periods.counted(maps, [], 0, 1, 1, 0) == maps


@pytest.mark.parametrize("row", ["[3,7,{},{},{},{},0,{},9]", '[3,7,{"k":[1]}]', '[3,7,{},{},{},{},0,{},1,0,"d1:0"]'])
def test_lines_of_others_that_are_not_plain_are_left_to_the_codec(row: str) -> None:
    line = f'"builds":{{"gcounter":{{"hub-1":{row}}}}}'.encode()
    with pytest.raises(ValueError, match=r"^$|malformed|canonical"):
        plain_periods.heard(line, NAME.encode(), b"gcounter")


def test_periods_of_another_replica_are_read_as_the_codec_reads_them() -> None:
    rows: dict[str, Entry] = {"far-1": (3, 7), "hub-1": (3, 7, {}, {}, {}, {}, 0, {}, 2, 38_400, "d20454:3 h491000:4")}
    line = encode_line(NAME, {"gcounter": rows})
    assert decode_own_line(line) == (NAME, {"gcounter": rows})
    assert plain_periods.heard(line, NAME.encode(), b"gcounter") == [(2, 38_400)]
