"""Zero-width joiners are in place where writing needs them, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.errors import printable
from crdtctl.joiners import is_in_place, is_printable

IN_PLACE = {
    "Persian": "می\u200cخواهم",
    "Kurdish": "به\u200cڕێوه",
    "Devanagari, half form": "क्\u200dष",
    "Devanagari, explicit virama": "क्\u200cष",
    "Sinhala": "ශ්\u200dරී",
    "Malayalam, at the end": "ന്\u200d",
    "family": "👨\u200d👩\u200d👧\u200d👦",
    "skin tone": "👩🏽\u200d🚀",
    "variation selector": "❤\ufe0f\u200d🔥",
    "rainbow flag": "🏳\ufe0f\u200d🌈",
    "arrow": "🙂\u200d↔\ufe0f",
}
OUT_OF_PLACE = {
    "Latin": "bui\u200clds",
    "Latin with accents": "é\u200dé",
    "Greek": "α\u200cβ",
    "Cyrillic": "а\u200dб",
    "Han": "日\u200c本",
    "two joiners": "می\u200c\u200cخواهم",
    "first": "\u200cمی",
    "last": "می\u200c",
    "beside a space": "می\u200c خواهم",
    "between digits": "٣\u200c٣",
    "ZWNJ between emoji": "👨\u200c👩",
    "after an emoji": "👨\u200d",
    "ASCII symbols": "+\u200d+",
    "two behind a virama": "क्\u200d\u200cष",
    "beside a direction mark": "می\u200c\u200fخ",
}


@pytest.mark.parametrize("text", IN_PLACE.values(), ids=IN_PLACE)
def test_where_writing_needs_them_they_are_printed_as_they_are(text: str) -> None:
    assert is_printable(text)
    assert printable(text) == text


@pytest.mark.parametrize("text", OUT_OF_PLACE.values(), ids=OUT_OF_PLACE)
def test_elsewhere_they_are_seen(text: str) -> None:
    assert not is_printable(text)
    assert "\\u200" in printable(text)


@given(st.text(st.sampled_from("aé می्क👨🚀❤\u200c\u200d\ufe0f\u202e\n"), max_size=8))
def test_a_text_is_printable_exactly_if_nothing_in_it_is_escaped(text: str) -> None:
    assert is_printable(text) == (printable(text) == text)


@given(st.text(st.sampled_from("میक्👨🚀\u200c\u200d"), max_size=8))
def test_no_two_joiners_stand_side_by_side_in_place(text: str) -> None:
    for index in range(1, len(text)):
        assert not (is_in_place(text, index - 1) and is_in_place(text, index))
