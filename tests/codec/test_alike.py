"""Lines that are checked many at a time are valid to the codec, which reads the same numbers on them."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec.alike import alike
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import InMemory, assemble
from crdtctl.codec.lines import decode_line, decode_own_line
from crdtctl.codec.reader import Source

LINE = b'"%b":{"pncounter":{"hub":[3,2,1]}}'
PIECES = ["hub", "pi", "[3,", "[0,", "[03,", "2]", "1,2]", "-1]", str(2**53), '"', "{", "gset", "gcounter", "]}}", "%d"]
EDITS = st.tuples(st.sampled_from(["hub", "[3,", ",1]", ",2,", "pncounter", "a"]), st.sampled_from(PIECES))


@given(edits=st.lists(st.none() | EDITS, min_size=1, max_size=5))
def test_lines_that_are_alike_are_those_of_the_codec(edits: list[tuple[str, str] | None]) -> None:
    lines = {}
    for number, edit in enumerate(edits):
        name = b"a%d" % number
        lines[name] = LINE % name if edit is None else (LINE % name).replace(edit[0].encode(), edit[1].encode(), 1)
    found = alike(lines)
    event(f"{len(found.numbers)} of {len(lines)}")
    for name, row in found.numbers.items():
        entry = {found.tag.decode(): {found.replica.decode(): tuple(row)}}
        assert decode_line(lines[name]) == decode_own_line(lines[name]) == (name.decode(), entry)


def test_lines_are_alike_whatever_the_others_are() -> None:
    several = b'"b":{"pncounter":{"hub":[1,1,1],"pi":[1,1,1]}}'
    found = alike({b"a": b"?", b"b": several, b"c": LINE % b"c", b"d": several, b"e": LINE % b"e"})
    assert (found.tag, found.replica, found.numbers) == (b"pncounter", b"hub", {b"c": [3, 2, 1], b"e": [3, 2, 1]})
    assert alike({b"a": b"?", b"b": several}).numbers == {}


@pytest.mark.parametrize(
    "wrong", [LINE % b"%", (LINE % b"b").replace(b"[3", b"[03"), (LINE % b"b").replace(b"[3", b"[0")]
)
def test_with_a_line_that_is_not_canonical_none_is_alike(wrong: bytes) -> None:
    assert alike({b"a": LINE % b"a", b"b": wrong}).numbers == {}


def source(lines: list[bytes], clock: dict[str, int]) -> Source:
    data = assemble(encode_head(Head("state", "hub", clock)), lines)
    return Source(InMemory(data), len(data))


def test_lines_of_many_counters_are_checked() -> None:
    lines = [LINE % b"a%05d" % number for number in range(10_000)]
    assert source(lines, {"hub": 3}).check() == 10_000
    assert source([*lines, b'"b":{"gset":{"pi":[1,{"x":1}]}}'], {"hub": 3, "pi": 1}).check() == 10_001
    assert source([], {}).check() == 0


@pytest.mark.parametrize(
    ("clock", "reason"),
    [({"hub": 2}, "newer than the clock"), ({"pi": 3}, "not in the clock"), ({}, "not in the clock")],
)
def test_lines_that_are_alike_are_compared_with_the_clock(clock: dict[str, int], reason: str) -> None:
    with pytest.raises(Invalid, match=reason):
        source([LINE % b"a", LINE % b"b"], clock).check()


def test_the_first_line_with_a_fault_is_reported() -> None:
    lines = [LINE % b"a", b'"b":{"gset":{"hub":[1]}}', b'"c":{"x":{"hub":[1]}}', *[LINE % b"d%d" % n for n in range(9)]]
    with pytest.raises(Invalid, match="an entry must be an array"):
        source(lines, {"hub": 3}).check()
