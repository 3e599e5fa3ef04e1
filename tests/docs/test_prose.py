"""The words of docstrings, comments, messages and pages: nouns, one thought a sentence, the field's terms.

Both numbers may only fall. `prose` lists the places: ``python -m tests.docs.prose``.
"""

import pytest

from tests.docs.prose import PATTERNS, Text, headless, hits, pages, texts_of

#: Percent of the docstrings that may lean on what, who, whom or whoever instead of a noun.
MOST_HEADLESS = 16
#: Pattern → how often it still occurs; 0 where it is not named.
LEFT = {
    "tell": 57,
    "say": 158,
    "stand": 34,
    "so many": 27,
    "is no": 94,
    "somebody": 52,
    "of which": 65,
    "data acts": 25,
    "elsewhere": 20,
    "archaic": 23,
    "do the same": 2,
    "trailing": 35,
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
