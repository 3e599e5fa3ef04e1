"""Texts that a regular expression describes are recognised without one: importing `re` takes longer than a command."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.bcounter_row import bound_fault
from crdtctl.crdt.branches import branch_markers, origin
from crdtctl.crdt.histories import parse
from crdtctl.crdt.membership import MEMBERSHIP, day_fault, minted

NUMBER = "[1-9][0-9]{0,15}"
NONCE = "[0-9A-Za-z_-]{4}"
MARK = f"~({NUMBER})[.]({NONCE})"
BRANCH = re.compile(f"(?:{MARK})+\\Z")
ID = r"-([0-9a-f]{12})[0-9a-f]{20}\Z"
#: Letters that are part of some pattern, that look like digits, or are the end of a line.
NEAR = st.text("0123456789abcfgAZ~.-_ \n٣²", max_size=8)


def near(pattern: str) -> st.SearchStrategy[str]:
    """Return texts that match a pattern, and texts that have a wrong part or one letter too many or too few."""
    right = st.from_regex(pattern, fullmatch=True)
    wrong = st.builds(lambda text, at, more: text[:at] + more + text[at + 1 :], right, st.integers(0, 40), NEAR)
    return st.one_of(right, wrong, NEAR)


def record_fault(text: str) -> str | None:
    days = MEMBERSHIP.record.parts[3].part  # type: ignore[attr-defined]
    found: str | None = days.fault(text)
    return found


@pytest.mark.parametrize(
    ("pattern", "fault"),
    [
        ("0|-?[1-9][0-9]{0,99}", bound_fault),
        ("[0-9]{4}-[01][0-9]-[0-3][0-9]", day_fault),
        ("[0-9a-f]{20}", record_fault),
    ],
)
def test_a_text_is_valid_if_the_pattern_matches(pattern: str, fault: Callable[[str], str | None]) -> None:
    @given(near(pattern.replace("99", "4")) | st.integers(98, 102).map(lambda size: "1" * size))
    def agrees(text: str) -> None:
        assert (fault(text) is None) == bool(re.fullmatch(pattern, text))

    agrees()


@given(st.lists(near(MARK) | NEAR, max_size=4).map("".join), NEAR)
def test_a_branch_is_an_id_with_marks_at_its_end(marks: str, name: str) -> None:
    author = name + marks
    found = BRANCH.search(author)
    assert origin(author) == BRANCH.sub("", author)
    assert branch_markers(author) == ({int(n): tag for n, tag in re.findall(MARK, found[0])} if found else {})


@given(near(ID.removesuffix(r"\Z")), NEAR)
def test_an_id_has_the_time_when_it_was_generated_at_its_end(end: str, name: str) -> None:
    found = re.search(ID, origin(name + end))
    milliseconds = int(found[1], 16) if found else 0
    assert bool(minted(name + end)) == (86_400_000 <= milliseconds < 253_402_300_800_000)


@given(st.integers(0, 2_932_896))
def test_a_day_is_the_one_of_the_calendar(days: int) -> None:
    replica = f"ann-{days * 86_400_000:012x}{'0' * 20}"
    assert minted(replica) == (int(f"{date.fromordinal(719_163 + days):%Y%m%d}") if days else 0)


def test_a_day_beyond_the_calendar_is_none() -> None:
    assert minted(f"ann-{2_932_896 * 86_400_000:012x}{'0' * 20}") == 99991231
    assert minted(f"ann-{2_932_897 * 86_400_000:012x}{'0' * 20}") == 0


@given(near(NUMBER), near(NONCE))
def test_a_history_has_numbers_and_nonces(seq: str, nonce: str) -> None:
    text = f"1 {seq}.{nonce}"
    is_valid = bool(re.fullmatch(f"1 {NUMBER}[.]{NONCE}", text))
    try:
        parse(text)
    except ValueError:
        assert not is_valid
    else:
        assert is_valid
