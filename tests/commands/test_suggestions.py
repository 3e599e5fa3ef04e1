"""What was probably meant is proposed: for counters, remotes, replicas, types and formats."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.suggestions import is_one_edit, near
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.handwritten import counted, document

words = st.text("abc", max_size=6)


def edits(word: str) -> set[str]:
    """Return all words that are one edit away, made one by one."""
    cuts = [(word[:at], word[at:]) for at in range(len(word) + 1)]
    less = {a + b[1:] for a, b in cuts if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    changed = {a + letter + b[1:] for a, b in cuts if b for letter in "abc"}
    more = {a + letter + b for a, b in cuts for letter in "abc"}
    return (less | swapped | changed | more) - {word}


@given(word=words, other=words)
def test_one_edit_is_one_letter_more_less_changed_or_swapped(word: str, other: str) -> None:
    assert is_one_edit(word, other) == (other in edits(word))
    assert is_one_edit(word, other) == is_one_edit(other, word)


def test_the_beginning_of_many_words_is_no_suggestion() -> None:
    assert near("page", [f"page.{number}" for number in range(4)]) == []
    assert near("page", [f"page.{number}" for number in range(3)]) == ["page.0", "page.1", "page.2"]
    assert near("ab", ["abc", "ab1"]) == []


@pytest.fixture
def known(shell: Shell, replica: Replica) -> Replica:
    replica.increment("builds", 42)
    replica.create("seats", "bcounter", initial=10)
    replica.add_remote("hub", "/srv/counts")
    for author in ("laptop-" + 32 * "a", "server-" + 28 * "0" + "1234", "server-" + 28 * "0" + "5678"):
        replica.merge_bytes(document(author, 3, counted("others", author, 3, 1)))
    return replica


@pytest.mark.parametrize(
    ("line", "status", "hint"),
    [
        ("show bulids", 66, "did you mean 'builds'?"),
        ("show builds build", 66, "did you mean 'builds'?"),
        ("show buidls --by-replica", 66, "did you mean 'builds'?"),
        ("reset bulids", 66, "did you mean 'builds'?"),
        ("show nothing", 66, "'crdtctl show' lists what there is"),
        ("sync hubb", 2, "did you mean 'hub'?"),
        ("remote check hbu", 2, "did you mean 'hub'?"),
        ("remote remove huh", 66, "did you mean 'hub'?"),
        ("transfer seats laptpo 1", 66, "did you mean 'laptop'?"),
        ("request seats sevrer 1", 66, "did you mean 'server'?"),
        ("create x --type gst", 2, "did you mean 'gset'?"),
        ("show --type pncuonter", 2, "did you mean 'pncounter'?"),
        ("show --format jsn", 2, "did you mean 'json'?"),
        ("show --format yaml", 2, "formats are table,"),
    ],
)
def test_what_was_probably_meant_is_proposed(shell: Shell, known: Replica, line: str, status: int, hint: str) -> None:
    assert hint in assert_refused(shell(*line.split()), status)


def test_a_short_id_is_understood_where_it_is_unique(shell: Shell, known: Replica) -> None:
    shell.ok("transfer", "seats", "laptop", "1")
    shell.ok("transfer", "seats", "server-…5678", "1")
    assert "may be server-" in assert_refused(shell("transfer", "seats", "server", "1"), 2)
    assert_refused(shell("transfer", "seats", "server-…9999", "1"), 66)


def test_a_name_that_only_has_series_is_suggested_once(shell: Shell, known: Replica) -> None:
    known.increment("failures", labels={"os": "linux"})
    known.increment("failures", labels={"os": "macos"})
    assert "did you mean 'failures'?" in assert_refused(shell("show", "failure"), 66)
