"""Many lines of our own, decoded together, mean the same as one by one."""

import pytest
from hypothesis import given

from crdtctl import json_text
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.own_lines import decode_own_lines
from crdtctl.crdt.counter import Counter
from tests.codec.states import states

TOTALS: Counter = {"pncounter": {"hub-01": (3, 2, 1)}}


def lines_of(counters: dict[str, Counter]) -> list[bytes]:
    return [encode_line(name, counters[name]) for name in sorted(counters)]


@given(states(max_size=8))
def test_lines_decoded_together_are_those_decoded_one_by_one(state: tuple[Head, dict[str, Counter]]) -> None:
    lines = lines_of({**state[1], "plain": TOTALS})
    assert decode_own_lines(b",\n".join(lines)) == [decode_own_line(line) for line in lines]


@pytest.mark.parametrize(
    "name",
    ["é", 'a "b"', "a,[1", "a,{", 'a{os="linux"}', 'a{b=":{"}', 'a{b=":["}', 'a{b=",["}', r'a{b="\\"}', r'a{b="\""}'],
)
@pytest.mark.parametrize(
    "counter", [TOTALS, {"gset": {"hub-01": (1, {"a": 1})}}, {"gset": {"hub-01": (1, {'":[': 1})}}]
)
def test_line_beside_totals_may_have_any_name(name: str, counter: Counter) -> None:
    lines = lines_of({"builds": TOTALS, name: counter, "zebra": TOTALS})
    assert decode_own_lines(b",\n".join(lines)) == [decode_own_line(line) for line in lines]


def test_line_with_too_many_numbers_is_refused_as_it_is_alone() -> None:
    line = encode_line("builds", TOTALS).replace(b"[3,2,1]", b"[3,2,1,4]")  # a number more than a total has
    with pytest.raises(Invalid):
        decode_own_lines(line)


def test_line_of_more_than_numbers_is_read_after_much_text_as_before() -> None:
    counter: Counter = {"gset": {"hub-01": (1, {"ada": 1})}}
    line = encode_line("visitors", counter)
    try:
        json_text.use(0)
        assert decode_own_line(line) == ("visitors", counter)
    finally:
        json_text.use(2**20)
    assert decode_own_line(line) == ("visitors", counter)
