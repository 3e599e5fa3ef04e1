"""Spellings of counters: what people type, what files contain, and labels without a name."""

from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.crdt import spelling
from crdtctl.crdt.names import counter_fault, entered_counter, stored_counter_fault
from crdtctl.crdt.series import MAX_SPELLING_BYTES, key_fault, series_fault, spelled, split
from tests.crdt.test_series import LABELS

#: Texts that are nearly series.
PIECES = ["a", "b", "é", "{", "}", '"', "\\", ",", "=", " ", 'a="b"', ',b="c"', "9"]
NEARLY = st.lists(st.sampled_from(PIECES)).map("".join)
INNER = NEARLY.map(lambda inner: f"a{{{inner}}}")


def is_canonical(text: str) -> bool:
    """Return whether a text is the one spelling of a name with labels."""
    try:
        name, labels = split(text)
    except ValueError:
        return False
    return bool(labels) and series_fault(name, labels) is None and spelled(name, labels) == text


@given(NEARLY | INNER)
@example('a{b="c",a="b"}')
@example('a{a="b",a="b"}')
@example('a{a=" b"}')
@example('a{a="b "}')
@example('a{a="\x7f"}')
@example('a{a="\\x"}')
@example('a{9="b"}')
@example('a{a="b"b="c"}')
@example('a{,a="b"}')
@example("a" * 201 + '{a="b"}')
@example("a{" + ",".join(f'k{n:02}="v"' for n in range(17)) + "}")
@example('a{a="' + "x" * (MAX_SPELLING_BYTES - 6) + '"}')
def test_fault_is_found_in_every_text_that_is_not_canonical(text: str) -> None:
    if "{" in text:
        assert (counter_fault(text) is None) == is_canonical(text)
        if "=" in text:
            assert (stored_counter_fault(text) is None) == is_canonical(text)


@given(NEARLY | INNER)
def test_canonical_form_is_a_name_or_has_no_other_one(text: str) -> None:
    once = spelling.canonical(text)
    assert spelling.canonical(once) == once == entered_counter(once)
    if once != text:
        assert is_canonical(once) or "{" not in once or counter_fault(once) is not None


@given(NEARLY | INNER, st.sampled_from(["", " 5", '="', "}"]))
def test_end_of_a_spelling_is_behind_its_closing_brace(text: str, rest: str) -> None:
    if is_canonical(text):
        assert spelling.end_of_spelling(text + rest) == len(text)


@given(LABELS)
def test_typed_labels_are_read_back(labels: Mapping[str, str]) -> None:
    labels = {key: value for key, value in labels.items() if series_fault("a", {key: value}) is None}
    assert spelling.typed_labels(spelled("", labels)[1:-1]) == labels
    for key, value in labels.items():
        quoted = spelled("", {key: value})[1:-1]
        assert spelling.typed_label(quoted) == (key, value)
        if not value.startswith('"') and "=" not in value:
            assert spelling.typed_label(f"{key}={value}") == (key, value)
            if "," not in value:
                assert spelling.typed_labels(f"{key}={value}, ") == {key: value}


@pytest.mark.parametrize(
    ("line", "spelled_part"),
    [
        ('a{b="}"} 5', 'a{b="}"}'),
        (r'a{b="\"}"} 5', r'a{b="\"}"}'),
        (r'a{b="\\"} "}', r'a{b="\\"}'),
        ('a{b="}",c="}}"}', 'a{b="}",c="}}"}'),
        ("a{b=}c}", "a{b=}"),
    ],
)
def test_brace_in_quotes_does_not_end_a_spelling(line: str, spelled_part: str) -> None:
    assert line[: spelling.end_of_spelling(line)] == spelled_part


@pytest.mark.parametrize("line", ["a{", 'a{b="}', 'a{b="}" 5', r'a{b="\"}'])
def test_braces_that_do_not_end_are_reported(line: str) -> None:
    assert spelling.end_of_spelling(line) == -1


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ("a", {}, "a"),
        ('a { c="d", b="c" }', {}, 'a { c="d", b="c" }'),
        ("a", {"c": "d", "b": "c"}, 'a{b="c",c="d"}'),
        ('a{b="c"}', {"b": "d", "a": "}"}, 'a{a="}",b="d"}'),
        ("a{b=c}", {"d": "e"}, "a{b=c}"),
    ],
)
def test_labels_are_added_to_a_spelling_that_can_be_read(text: str, labels: dict[str, str], expected: str) -> None:
    assert spelling.with_labels(text, labels) == expected


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("os=linux", ("os", "linux")),
        (" os = mac os ", ("os", "mac os")),
        ("os=a=b", ("os", "a=b")),
        ("os=3,12", ("os", "3,12")),
        ('os="a,py=b"', ("os", "a,py=b")),
        (r'os="\""', ("os", '"')),
    ],
)
def test_one_label_is_typed_with_its_key(text: str, label: tuple[str, str]) -> None:
    assert spelling.typed_label(text) == label


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("linux", "a label is written KEY=VALUE"),
        ("os=linux,py=3", "it looks like several labels"),
        ("os=linux, py = 3", "it looks like several labels"),
        ('os="linux",py="3"', "it looks like several labels"),
        ("9=linux", "digit"),
        ("os=", "the value of the label 'os'"),
        ("os=\x1b", "the value of the label 'os'"),
    ],
)
def test_wrong_label_is_refused_with_its_fault(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        spelling.typed_label(text)


@pytest.mark.parametrize(
    ("text", "labels"),
    [
        ("", {}),
        (" , ", {}),
        ('os=linux, py="3,12",', {"os": "linux", "py": "3,12"}),
        (r"path=C:\a b", {"path": r"C:\a b"}),
        ('os=mac"os"', {"os": 'mac"os"'}),
    ],
)
def test_several_labels_are_typed_with_commas_between(text: str, labels: dict[str, str]) -> None:
    assert spelling.typed_labels(text) == labels


@pytest.mark.parametrize(
    ("text", "fault"),
    [("os=a,linux", "labels are written KEY=VALUE,KEY=VALUE"), ("k=" + "v" * 5000, "longer than"), ("9=a", "digit")],
)
def test_wrong_labels_are_refused_with_their_fault(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        spelling.typed_labels(text)


@given(NEARLY)
def test_typed_labels_are_valid_or_refused(text: str) -> None:
    try:
        labels = spelling.typed_labels(text)
    except ValueError:
        return
    assert all(key_fault(key) is None for key in labels)
    assert len(labels) > 16 or series_fault("a", labels) is None


@given(NEARLY | INNER)
def test_advice_spells_a_series(text: str) -> None:
    advice = spelling.advice(text)
    if advice:
        proposed = advice.partition("write '")[2].partition("' in single quotes")[0]
        assert is_canonical(proposed)


@pytest.mark.parametrize(
    ("text", "proposed"),
    [
        ("a{os=linux}", """'a{os="linux"}' in single quotes, or a --label os=linux"""),
        (
            "a b{os=mac os,py=3}",
            """'a b{os="mac os",py="3"}' in single quotes, or 'a b' --label 'os=mac os' --label py=3""",
        ),
        ("a { os = linux }", """'a{os="linux"}' in single quotes, or a --label os=linux"""),
        ("a{os='linux'}", """'a{os="linux"}' in single quotes, or a --label os=linux"""),
    ],
)
def test_advice_for_missing_quotes_is_what_to_type(text: str, proposed: str) -> None:
    assert spelling.advice(text) == f"a shell takes quotes away: write {proposed}"


@pytest.mark.parametrize("text", ["a", "a{os=linux", "a{os=linux}b", "a{9=linux}", "a{os=}", "{os=linux}"])
def test_spelling_that_quotes_would_not_mend_has_no_advice(text: str) -> None:
    assert spelling.advice(text) == ""


@pytest.mark.parametrize("text", ['a{os="x",os="y"}', 'a{os=~"x"}', "a{os=~x}", "a{os=x,os=y}", 'a{os="x""y"}'])
def test_another_fault_than_missing_quotes_has_no_advice_about_quotes(text: str) -> None:
    assert spelling.advice(text) == ""


HOSTILE = {
    "a million labels": "a{" + ",".join(f'k{n}="v"' for n in range(10**6)) + "}",
    "a value of ten million bytes": 'a{k="' + "x" * 10**7 + '"}',
    "a million escapes": 'a{k="' + "\\\\" * 10**6 + '"}',
    "a million braces": "a" + "{" * 10**6 + "=",
    "a million quotes": "a{k=" + '"' * 10**6,
    "a million spaces": "a{" + " " * 10**6 + "=",
    "a million commas": "k=" + "," * 10**6,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_texts_are_refused_at_once(text: str) -> None:
    assert counter_fault(text) is not None
    assert stored_counter_fault(text) is not None
    assert stored_counter_fault(text + "}") is not None
    assert counter_fault(spelling.canonical(text)) is not None
    assert spelling.end_of_spelling(text) <= len(text)
    for read in (spelling.typed_label, spelling.typed_labels):
        with pytest.raises(ValueError, match=r"."):
            read(text)
    assert spelling.advice(text) == ""
