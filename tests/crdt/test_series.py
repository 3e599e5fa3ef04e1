"""Series: names with labels, and their one spelling."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.crdt import series

KEYS = st.from_regex(r"[a-zA-Z_][a-zA-Z0-9_]{0,8}", fullmatch=True)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp"]), min_size=1, max_size=12)
LABELS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(LABELS)
def test_spelling_is_read_back(labels: dict[str, str]) -> None:
    assert series.split(series.spelled("tests.failed", labels)) == ("tests.failed", dict(sorted(labels.items())))


@given(LABELS)
def test_spelling_of_any_order_is_the_same(labels: dict[str, str]) -> None:
    backwards = dict(reversed(labels.items()))
    assert series.spelled("a", labels) == series.spelled("a", backwards)


@given(LABELS, LABELS)
def test_spellings_are_equal_only_for_equal_labels(one: dict[str, str], other: dict[str, str]) -> None:
    assert (series.spelled("a", one) == series.spelled("a", other)) == (one == other)


@pytest.mark.parametrize(
    ("typed", "canonical"),
    [
        ("a", "a"),
        ("a{}", "a"),
        ('a{os="linux"}', 'a{os="linux"}'),
        ('a{ py = "3.12" , os="linux", }', 'a{os="linux",py="3.12"}'),
        (r'a{q="say \"hi\\\""}', r'a{q="say \"hi\\\""}'),
        ('a{q="},{="}', 'a{q="},{="}'),
    ],
)
def test_typed_spelling_becomes_canonical(typed: str, canonical: str) -> None:
    assert series.spelled(*series.split(typed)) == canonical
    assert series.name_of(canonical) == "a"


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("a{", "written KEY="),
        ("a{os", "written KEY="),
        ("a{os=linux}", "not in double quotes"),
        ('a{os="linux}', "no closing quote"),
        ('a{os="linux"', "closing brace is missing"),
        ('a{os="linux";b="c"}', "closing brace is missing"),
        ('a{os="linux"}x', "follows the closing brace"),
        ('a{os="a",os="b"}', "is there twice"),
        ('a{9os="a"}', "begin with a digit"),
        ('a{="a"}', "cannot be empty"),
        (r'a{os="\n"}', "begin with a backslash"),
        ('a{os="a\\', "begin with a backslash"),
    ],
)
def test_wrong_spelling_is_refused(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        series.split(typed)


@pytest.mark.parametrize(
    ("name", "labels", "fault"),
    [
        ("a=b", {}, "cannot hold '='"),
        ("a", {"": "x"}, "cannot be empty"),
        ("a", {"a-b": "x"}, "only the letters"),
        ("a", {"a": ""}, "the value of the label 'a' cannot be empty"),
        ("a", {"a": "x\n"}, "control"),
        ("a", {f"k{n}": "x" for n in range(17)}, "more than 16"),
        ("a", {"a": "x" * 2043}, "longer than 2048"),
    ],
)
def test_fault_of_a_series_is_named(name: str, labels: dict[str, str], fault: str) -> None:
    assert fault in str(series.series_fault(name, labels))


def test_series_within_the_limits_has_no_fault() -> None:
    assert series.series_fault("a", {f"k{n}": "x" for n in range(16)}) is None
    assert series.series_fault("a", {"a": "x" * (2048 - 7)}) is None
    assert series.series_fault("a" * 200, {}) is None


def test_default_labels_yield_to_explicit_ones() -> None:
    assert series.merged({"os": "linux"}, [("os", "bsd"), ("job", "7")]) == {"job": "7", "os": "linux"}


@given(st.text('ab1_={}",\\ !~', max_size=16))
@example('a="b",a="b"}')
@example('b="1",a="2"}')
@example('a="b" ,b="c"}')
@example('a ="b"}')
@example('a="b",b"}')
@example('a="b"c"}')
@example('a!="b"}')
def test_text_is_read_alike_with_and_without_spaces(rest: str) -> None:
    """A space after the brace is the slow way."""

    def read(text: str) -> object:
        try:
            return series.conditions(text, ("=", "!="))
        except ValueError as error:
            return str(error)

    assert read(f"x{{{rest}") == read(f"x{{ {rest}")


PIECES = ("a{", "ab{", "{", "}", 'x="1"', 'x="2"', 'y=""', 'y="}"', ",", '"', "\n", "\\", "a", "")


@given(
    st.sampled_from(["a", "ab", "", 'a"', "a{"]), st.lists(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
)
@example("a", ['a{x="1",y="2"}', 'a{x="3",y="4"}'])
@example("a", ['a{x="1"}', 'a{x="2",x="3"}'])
@example("a", ['a{x="1"}b', 'a{x="1"}'])
@example("a", ['ab{x="1"}'])
@example("a", ['a{x="}', 'a{x="}'])
@example("a", ['a{x="1\n2"}'])
@example("a", ['a{x="', '"}\na{x="1"}'])
@example("a", ['x="1"}'])
@example("", ['{x="1"}'])
@example("a{", ['a{{x="1"}'])
@example("a", [])
def test_spellings_that_are_of_a_name_together_are_so_one_by_one(name: str, spellings: list[str]) -> None:
    if series.are_of(name, spellings):
        assert all(series.parts(spelling)[0] == name and series.parts(spelling)[1] for spelling in spellings)


@given(st.lists(LABELS.filter(bool), min_size=1))
def test_spellings_without_escapes_are_of_their_name(several: list[dict[str, str]]) -> None:
    spellings = [series.spelled("a", labels) for labels in several]
    assert series.are_of("a", spellings) == all("\\" not in spelling for spelling in spellings)
