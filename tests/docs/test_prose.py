"""The words of docstrings, comments, messages and pages: nouns, one thought a sentence, the field's terms.

`prose` lists the places: ``python -m tests.docs.prose``.
"""

import pytest

from tests.docs.prose import PATTERNS, Text, headless, hits, pages, texts_of

#: Percent of the docstrings that may lean on what, who, whom or whoever instead of a noun.
MOST_HEADLESS = 1


@pytest.fixture(scope="module")
def texts() -> list[Text]:
    return [text for path in pages() for text in texts_of(path)]


def test_docstrings_name_the_noun(texts: list[Text]) -> None:
    count, of = headless(texts)
    assert 100 * count <= MOST_HEADLESS * of, "python -m tests.docs.prose headless"


@pytest.mark.parametrize("pattern", PATTERNS)
def test_pattern_is_not_written(texts: list[Text], pattern: str) -> None:
    assert hits(texts)[pattern] == 0, f"python -m tests.docs.prose {pattern!r}"
