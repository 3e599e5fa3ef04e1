"""Patterns for names."""

from fnmatch import fnmatchcase

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crdtctl.crdt.glob import Glob, quoted

PATTERNS = st.text("ab.*?[]!-", max_size=12)
TEXTS = st.text("ab.]!-[", max_size=10)


@given(PATTERNS, TEXTS)
@example("[]]", "]")
@example("[!]]", "a")
@example("a**b*", "axxb")
def test_patterns_match_what_the_standard_library_matches(pattern: str, text: str) -> None:
    expected = fnmatchcase(text, pattern)
    assert Glob(pattern).matches(text) == expected


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("[^a]", "b", True),
        ("[^a]", "a", False),
        ("[^]]x", "]x", False),
        ("page.[0-9]", "page.7", True),
        ("page.[0-9]", "page.x", False),
        ("[a", "[a", True),
        ("é?", "éa", True),
        ("*", "", True),
        ("", "", True),
        ("", "a", False),
    ],
)
def test_pattern_of_a_shell_matches(pattern: str, text: str, matches: bool) -> None:
    assert Glob(pattern).matches(text) is matches


@given(PATTERNS, TEXTS)
def test_what_matches_begins_with_the_prefix(pattern: str, text: str) -> None:
    assert not Glob(pattern).matches(text) or text.startswith(Glob(pattern).prefix)


@given(PATTERNS, TEXTS)
def test_quoted_text_matches_itself_alone(one: str, other: str) -> None:
    assert Glob(quoted(one)).matches(one)
    assert Glob(quoted(one)).matches(other) == (one == other)


@pytest.mark.parametrize("pattern", ["*" * 1000, "*a" * 500, "*?" * 300 + "b", "*[ab]" * 300 + "c", "a*?" * 300])
def test_pattern_of_many_stars_reads_a_text_once(pattern: str) -> None:
    class Text(str):
        """A text that counts how many of its characters are read."""

        __slots__ = ("reads",)

        def __getitem__(self, key: object) -> str:
            return Text(super().__getitem__(key))  # type: ignore[index]

        def __iter__(self):  # type: ignore[no-untyped-def]
            for character in str(self):
                reads.append(character)
                yield character

    reads: list[str] = []
    for _ in range(100):  # a matcher that goes back would not end
        Glob(pattern).matches(Text("a" * 2000))
    assert len(reads) <= 100 * 2000
