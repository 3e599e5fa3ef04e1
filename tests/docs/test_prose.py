"""The words of docstrings, comments, messages and pages: nouns, one thought a sentence, the field's terms.

Both numbers may only fall. `prose` lists the places: ``python -m tests.docs.prose``.
"""

import pytest

from tests.docs.prose import PATTERNS, Text, headless, hits, pages, texts_of

#: Percent of the docstrings that may lean on what, who, whom or whoever instead of a noun.
MOST_HEADLESS = 35
#: Pattern → how often it still occurs; 0 where it is not named.
LEFT = {
    "tell": 98,
    "say": 288,
    "stand": 81,
    "so many": 62,
    "is no": 175,
    "somebody": 117,
    "of which": 99,
    "data acts": 52,
    "elsewhere": 50,
    "archaic": 68,
    "do the same": 11,
    "trailing": 71,
}


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return [text for path in pages() for text in texts_of(path)]


def test_docstrings_name_the_noun(texts: list[Text]) -> None:
    count, of = headless(texts)
    assert 100 * count <= MOST_HEADLESS * of, "python -m tests.docs.prose headless"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_is_not_written(texts: list[Text], pattern: str) -> None:
    assert hits(texts)[pattern] <= LEFT.get(pattern, 0), f"python -m tests.docs.prose {pattern!r}"
