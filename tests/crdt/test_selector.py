"""Selectors: names, patterns, and conditions on labels."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.crdt import series
from crdtctl.crdt.names import entered
from crdtctl.crdt.selector import MAX_PATTERN, condition, selector
from tests.crdt.test_series import KEYS, VALUES

WRITTEN = VALUES.map(entered).filter(lambda value: series.series_fault("a", {"a": value}) is None)
LABELS = st.dictionaries(KEYS, WRITTEN, max_size=5)  # as labels are written
NAMES = st.sampled_from(["tests.failed", "tests.passed", "builds"])


@given(NAMES, LABELS, NAMES, LABELS)
def test_a_spelling_selects_the_series_that_have_these_labels(
    name: str, asked: dict[str, str], other: str, labels: dict[str, str]
) -> None:
    found = selector(series.spelled(name, asked))
    assert found.matches(other, labels) == (name == other and asked.items() <= labels.items())
    assert found.matches(name, {**labels, **asked})


@pytest.mark.parametrize(
    ("text", "name", "labels", "matches"),
    [
        ("tests.*", "tests.failed", {"os": "linux"}, True),
        ("tests.*", "builds", {}, False),
        ('tests.*{os="linux"}', "tests.failed", {"os": "linux", "py": "3"}, True),
        ('tests.*{os="linux"}', "tests.failed", {"os": "macos"}, False),
        ('{os="linux"}', "builds", {"os": "linux"}, True),
        ('builds{os!="linux"}', "builds", {}, True),
        ('builds{os!="linux"}', "builds", {"os": "linux"}, False),
        ('builds{os!="a",os!="b"}', "builds", {"os": "b"}, False),
        ('builds{os=""}', "builds", {"py": "3"}, True),
        ('builds{os!=""}', "builds", {"py": "3"}, False),
        ('builds{os="*"}', "builds", {"os": "linux"}, False),
        ('builds{os="=~"}', "builds", {"os": "=~"}, True),
        ('builds { os="linux" }', "builds", {"os": "linux"}, True),
        ("builds{}", "builds", {"os": "linux"}, True),
    ],
)
def test_selector_means_a_series_or_not(text: str, name: str, labels: dict[str, str], matches: bool) -> None:
    assert selector(text).matches(name, labels) is matches


@pytest.mark.parametrize(
    ("labels", "matches"),
    [({"os": "linux"}, True), ({}, False), ({"os": "macos"}, False), ({"os": "linux", "py": "3"}, False)],
)
def test_exact_selector_means_the_series_with_these_labels_alone(labels: dict[str, str], matches: bool) -> None:
    found = selector('builds { os="linux" }', exact=True)
    assert found.matches("builds", labels) is matches
    assert not found.matches("tests", labels)


def test_exact_selector_has_no_pattern() -> None:
    assert selector("b*", exact=True).matches("b*", {})
    assert not selector("b*", exact=True).matches("builds", {})


@given(LABELS, LABELS)
def test_texts_of_a_selector_are_in_the_spelling_of_what_it_selects(
    asked: dict[str, str], more: dict[str, str]
) -> None:
    found = selector(series.spelled("builds", asked))
    assert len(found.texts) == len(asked)
    assert all(text in series.spelled("builds", {**more, **asked}) for text in found.texts)


def test_texts_of_a_selector_are_the_labels_that_it_demands() -> None:
    found = selector('*{q="a\\"b",os="x",py!="3",ci=""}', [condition("host=a*"), condition("cpu=9")])
    assert found.texts == ['cpu="9"', 'os="x"', r'q="a\"b"']


@pytest.mark.parametrize(
    ("text", "labels", "holds"),
    [
        ("os=linux", {"os": "linux"}, True),
        ("os=linux", {}, False),
        ("os=", {}, True),
        ("os!=", {}, False),
        ("os!=linux", {}, True),
        ("os=win*", {"os": "windows"}, True),
        ("os=*", {"os": "windows"}, True),
        ("os=*", {"py": "3"}, False),
        ("os!=*", {"py": "3"}, True),
        ("os!=win*", {"os": "windows"}, False),
        ("os=[lm]*", {"os": "macos"}, True),
        ('q=a=b,"{}\\', {"q": 'a=b,"{}\\'}, True),
    ],
)
def test_condition_holds_or_not(text: str, labels: dict[str, str], holds: bool) -> None:
    assert condition(text).holds(labels) is holds


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('a{os=~"l.*"}', "regular expression"),
        ('a{os!~"l.*"}', "regular expression"),
        ("a{os=linux}", "double quotes"),
        ('a{os>"b"}', "written KEY="),
        ("*" * (MAX_PATTERN + 1), "longer than"),
        ("a\x1b[31mb", "a pattern cannot hold control"),
        ("*\udcff", "a pattern cannot hold"),
        ('a{os="\x07"}', "the value of the label 'os' cannot hold control"),
        (f'a{{os="{"x" * 3000}"}}', "longer than"),
    ],
)
def test_wrong_selector_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        selector(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("os", "KEY=VALUE"),
        ("=linux", "empty"),
        ("9=a", "digit"),
        ("os=~l.*", "regular expressions"),
        ("os!!=x", "only the letters"),
        ("os!~l.*", "regular expressions"),
        (f"os={'*' * (MAX_PATTERN + 1)}", "longer than"),
        ("os=\udcff", "cannot hold"),
        ("os=\udcff*", "cannot hold"),
    ],
)
def test_wrong_condition_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        condition(text)


@pytest.mark.parametrize(
    ("stored", "name", "labels"),
    [
        ("a", "a", {}),
        ('a{os="linux"}', "a", {"os": "linux"}),
        ('a{os = "linux"}', 'a{os = "linux"}', {}),
        ("a{b}", "a{b}", {}),
        ("a}", "a}", {}),
        ("a{}", "a{}", {}),
        ('a{a="b"}"c}', 'a{a="b"}"c}', {}),
        ('{os="linux"}', '{os="linux"}', {}),
    ],
)
def test_only_a_canonical_spelling_has_labels(stored: str, name: str, labels: dict[str, str]) -> None:
    assert series.parts(stored) == (name, labels)


@given(
    st.lists(st.sampled_from(["a", "b", "=", '="', '",', '"', '{"', "{", "}", '"}', "\\", " "]), max_size=8).map(
        "".join
    )
)
def test_text_has_labels_exactly_if_they_are_spelled_so(text: str) -> None:
    stored = f"{text}}}"
    for _ in range(2):  # what is outside the quotes is remembered
        name, labels = series.parts(stored)
        event("labels" if labels else "no labels")
        assert series.spelled(name, labels) == stored
        if not labels:
            try:
                split = series.split(stored)
            except ValueError:
                continue
            assert not (split[0] and split[1]) or series.spelled(*split) != stored


def test_labels_of_many_kinds_are_read() -> None:
    spellings = [series.spelled("a", {f"key{number}": "x"}) for number in range(2000)]
    assert [series.parts(one) for one in spellings] == [("a", {f"key{number}": "x"}) for number in range(2000)]


def test_selector_is_printed_as_it_was_typed() -> None:
    assert str(selector('a*{os="b"}', [condition("py!=3*")])) == 'a*{os="b"} with py!=3*'
    assert str(selector('a{os="b"}', [condition("os=c")])) == 'a{os="c"} with os=b'


def test_only_special_characters_make_a_pattern() -> None:
    texts = ("a", "a]", "a*", "?", "[", "a{}", "{}")
    assert [selector(text).pattern is not None for text in texts] == [False, False, True, True, True, False, True]
    assert condition("os=a").pattern is None
