"""Attempts of jobs: which of them count, and what one who absorbed some remembers."""

import pytest

from crdtctl.crdt.attempts import ATTEMPTS, Attempt, Jobs, absorbing, beginning, jobs, own_attempt, raise_cutoff
from tests.crdt.normal import is_normal

#: Ids that were minted on 2024-05-05 and on 2025-11-24.
OLD = "job-018f4b2a3c00" + "0" * 20
NEW = "job-019ab3d81c00" + "1" * 20
NOBODY = ATTEMPTS.record.bottom


def attempt(key: str, number: int) -> tuple[object, ...]:
    return beginning(1, Attempt(key, number))


def test_of_the_attempts_of_a_job_the_latest_counts() -> None:
    found = jobs(
        {"a": attempt("tests", 1), "b": attempt("tests", 3), "c": attempt("tests", 2), "d": attempt("lint", 1)}
    )
    assert found.left_out == {"a", "c"}
    assert (found.counting("tests"), found.counting("lint"), found.counting("other")) == (3, 1, 0)
    assert found.late == frozenset()


def test_all_replicas_of_one_attempt_count() -> None:
    assert jobs({"a": attempt("tests", 2), "b": attempt("tests", 2)}).left_out == frozenset()


@pytest.mark.parametrize(("number", "is_late"), [(1, False), (3, True)])
def test_once_an_attempt_was_absorbed_it_counts_and_no_other(number: int, is_late: bool) -> None:
    hub = absorbing(NOBODY, 5, {NEW: Attempt("tests", 2)}, [])
    found = jobs({"hub": hub, "a": attempt("tests", number), "b": attempt("tests", 2)})
    assert found.left_out == {"a"}
    assert found.late == ({"a"} if is_late else frozenset())
    assert found.counting("tests") == 2


def test_what_is_remembered_of_absorbed_attempts_goes_over_and_is_dropped_behind_a_fence() -> None:
    first = absorbing(NOBODY, 5, {OLD: Attempt("old", 1), NEW: Attempt("new", 2)}, [])
    assert first == (5, {}, {"2024-05-05": {"old": 1}, "2025-11-24": {"new": 2}})
    second = absorbing(attempt("mine", 7), 9, {}, [first, attempt("theirs", 4)])
    assert second == (9, {"mine": 7}, {"2024-05-05": {"old": 1}, "2025-11-24": {"new": 2}})
    kept = raise_cutoff(second, 10, 20250101)
    assert kept == (10, {"mine": 7}, {"2025-11-24": {"new": 2}})
    assert raise_cutoff(kept, 11, 20990101) == (11, {"mine": 7})
    assert all(is_normal(ATTEMPTS.record, row) for row in (first, second, kept))


def test_a_row_that_need_not_change_stays() -> None:
    row = attempt("tests", 1)
    assert absorbing(row, 5, {}, []) is row
    assert raise_cutoff(row, 5, 20250101) is row
    assert own_attempt(row) == Attempt("tests", 1)
    assert own_attempt((3,)) is None
    assert jobs({}) == Jobs()
