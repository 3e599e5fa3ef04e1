"""A clock as one line of JSON, as people pass it from one machine to the other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.clock import decode_clock, encode_clock
from crdtctl.codec.invalid import Invalid
from tests.codec.states import IDS, SEQS


@given(clock=st.dictionaries(IDS, SEQS))
def test_a_clock_is_read_back_as_it_was_written(clock: dict[str, int]) -> None:
    text = encode_clock(clock)
    assert decode_clock(text) == clock
    assert encode_clock({author: clock[author] for author in sorted(clock, reverse=True)}) == text
    assert text.isprintable()


def test_a_clock_is_one_line_sorted_by_author() -> None:
    assert encode_clock({"čen": 3, "ann": 2**53 - 1, 'q"': 1}) == '{"ann":9007199254740991,"q\\"":1,"čen":3}'
    assert encode_clock({}) == "{}"


def test_a_clock_may_be_spaced_and_in_any_order() -> None:
    assert decode_clock(' { "bob" : 2 , "ann" : 1 } \n') == {"ann": 1, "bob": 2}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann:1",
        "[]",
        "1",
        '"ann"',
        "null",
        '{"ann":1',
        '{"ann":0}',
        '{"ann":-1}',
        '{"ann":1.0}',
        '{"ann":1e3}',
        '{"ann":true}',
        '{"ann":"1"}',
        '{"ann":null}',
        '{"ann":NaN}',
        '{"ann":{"bob":1}}',
        '{"ann":9007199254740992}',
        '{"ann":' + "1" * 102 + "}",
        '{"ann":1,"ann":1}',
        '{"":1}',
        '{" ann":1}',
        '{"a\\u001b":1}',
        '{"\\ud800":1}',
        '{"' + "x" * 201 + '":1}',
        "[" * 10**6,
        '{"a":' * 10**6,
    ],
)
def test_what_is_no_clock_is_refused(text: str) -> None:
    with pytest.raises(Invalid) as caught:
        decode_clock(text)
    assert caught.value.message.isprintable()
