"""The rule that every name obeys."""

import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.crdt.names import (
    counter_advice,
    counter_fault,
    element_fault,
    entered,
    fault,
    key_fault,
    replica_fault,
    sound_elements,
    stored_counter_fault,
)
from crdtctl.joiners import is_in_place

RULES = {"counter": counter_fault, "replica": replica_fault, "key": key_fault, "element": element_fault}
each_rule = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)

GOOD = [
    "a",
    "page.views",
    "two words",
    "naïve café",
    "日本語",
    "🦊",
    'say "hi"',
    "back\\slash",
    "()[],:",
    "می\u200cخواهم",
    "क्\u200dष",
    "👩🏽\u200d🚀",
    "❤\ufe0f\u200d🔥",
    "é" * 100,
    "x" * 200,
]

BAD = [
    ("", "cannot be empty"),
    ("\0", "control"),
    ("a\x1b[31m", "control"),
    ("a\nb", "control"),
    ("a\x7f", "control"),
    ("\x85", "control"),
    ("é\u202e", "formatting"),
    ("\u2066a\u2069", "formatting"),
    ("\ufeffa", "formatting"),
    ("soft\u00adhyphen", "formatting"),
    ("\ud800", "unpaired"),
    ("a\u2028b", "control, formatting"),
    ("no\u00a0break", "control, formatting"),
    ("\U000e0001", "formatting"),
    ("e\u0301", "normal form C"),
    ("\u212b", "normal form C"),
    (" a", "white space"),
    ("a ", "white space"),
    (" ", "white space"),
]


@each_rule
@pytest.mark.parametrize("text", GOOD)
def test_a_printable_name_is_good(rule: Callable[[str], str | None], text: str) -> None:
    assert rule(text) is None


@each_rule
@pytest.mark.parametrize(("text", "why"), BAD)
def test_a_wrong_name_is_refused_with_the_reason(rule: Callable[[str], str | None], text: str, why: str) -> None:
    wrong = rule(text)
    assert wrong is not None
    assert why in wrong
    assert wrong.isprintable()


@pytest.mark.parametrize(
    ("kept", "why"),
    [
        ("=", "a counter's name cannot hold '='"),
        ("}", "a counter's name cannot hold '}'"),
        ("{", "the braces are closed"),
    ],
)
def test_only_a_counter_may_not_hold_an_equals_sign_or_a_brace(kept: str, why: str) -> None:
    assert why in (counter_fault(f"a{kept}1") or "")
    assert (stored_counter_fault(f"a{kept}1") is None) == (kept != "=")
    assert replica_fault(f"a{kept}1") is None
    assert key_fault(f"a{kept}1") is None
    assert element_fault(f"a{kept}1") is None


@pytest.mark.parametrize("rule", [counter_fault, replica_fault, key_fault])
def test_a_name_has_at_most_200_bytes(rule: Callable[[str], str | None]) -> None:
    assert rule("x" * 200) is None
    assert "201" in (rule("x" * 201) or "")
    assert rule("é" * 100) is None
    assert "202" in (rule("é" * 101) or "")


def test_an_element_has_at_most_4096_bytes() -> None:
    assert element_fault("x" * 4096) is None
    assert "4097" in (element_fault("x" * 4097) or "")
    assert element_fault("é" * 2048) is None
    assert "4098" in (element_fault("é" * 2049) or "")


def test_a_fault_says_what_the_name_is_of() -> None:
    assert fault("", "a thing") == "a thing cannot be empty"
    assert "counter's name" in (counter_fault("") or "")
    assert "replica's id" in (replica_fault("") or "")
    assert "idempotency key" in (key_fault("") or "")
    assert "set element" in (element_fault("") or "")


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("/?a=b", "/?a:b"),
        ("{}", ""),
        (" builds ", "builds"),
        ("a\x1b=b", ""),
        ("=" * 3, ""),
        ("x" * 201, ""),
    ],
)
def test_advice_on_a_name_is_a_name_or_nothing(name: str, instead: str) -> None:
    assert counter_advice(name) == (f"write for example '{instead}'" if instead else "")


@given(st.text(st.sampled_from("abé={},\"' \u0301\u202e")))
def test_advice_never_proposes_a_wrong_name(name: str) -> None:
    advice = counter_advice(name)
    if advice:
        assert counter_fault(advice.removeprefix("write for example '").removesuffix("'")) is None


@given(st.text())
def test_what_was_entered_is_in_normal_form_c(text: str) -> None:
    assert entered(text) == unicodedata.normalize("NFC", text)


def is_good(text: str, limit: int) -> bool:
    """Return whether a name obeys the rule, told by the Unicode database."""
    in_place = {index for index in range(len(text)) if is_in_place(text, index)}
    categories = [unicodedata.category(c) for index, c in enumerate(text) if c != " " and index not in in_place]
    return (
        not any(category[0] in "CZ" for category in categories)
        and 1 <= len(text.encode()) <= limit
        and text.strip() == text
        and unicodedata.normalize("NFC", text) == text
    )


@given(text=st.text() | st.text(st.characters(max_codepoint=0x400), min_size=1), limit=st.integers(1, 12))
@example("a\u0301", 200)
@example("\ud83e\udd8a", 200)
@example("x" * 12, 12)
@example("x" * 13, 12)
@example("é" * 6, 12)
def test_a_name_is_good_or_the_unicode_database_says_why_not(text: str, limit: int) -> None:
    assert (fault(text, "thing", limit=limit) is None) == is_good(text, limit)


LINE = st.text(
    st.sampled_from("ab =éÅ日🦊ی\u200c\u200d\u094d\u0301\u202e\u212b\x00\x1b\x7f\x85\r\t\u00a0\u2028"), max_size=6
)


@given(lines=st.lists(LINE | st.sampled_from(["a", "ab", "é", "日本"]), min_size=1, max_size=6))
def test_lines_are_sound_together_if_each_is_a_sound_element(lines: list[str]) -> None:
    found = sound_elements("\n".join(lines).encode())
    if any(element_fault(line) for line in lines):
        assert found is None
    else:
        assert found == {line.encode() for line in lines}


@pytest.mark.parametrize("letter", ["a", "é"])
@pytest.mark.parametrize("place", [0, 1, 2])
@pytest.mark.parametrize("wrong", [" %", "% ", " ", "", "%\x00", "%\u202e"])
def test_one_wrong_line_anywhere_is_found(letter: str, place: int, wrong: str) -> None:
    lines = [letter, "b c", letter]
    assert sound_elements("\n".join(lines).encode()) == {letter.encode(), b"b c"}
    lines[place] = wrong.replace("%", letter)
    assert sound_elements("\n".join(lines).encode()) is None


@pytest.mark.parametrize("letter", ["x", "é"])
def test_lines_are_as_long_as_elements_may_be(letter: str) -> None:
    longest = letter * (4096 // len(letter.encode()))
    assert sound_elements(f"a\n{longest}\nb".encode()) == {b"a", b"b", longest.encode()}
    assert sound_elements(f"a\n{longest}x\nb".encode()) is None


def test_lines_that_are_not_utf8_are_not_sound() -> None:
    assert sound_elements(b"a\n\xff\nb") is None
    assert sound_elements(b"a\n\xed\xa0\x80\nb") is None
