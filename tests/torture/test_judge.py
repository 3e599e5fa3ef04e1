"""The judge itself: it accepts the possible totals, and no others."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.torture.judge import Operation, Outcome, allowed, faults, outcome

APPLIED, NOT_APPLIED, UNKNOWN = Outcome.APPLIED, Outcome.NOT_APPLIED, Outcome.UNKNOWN
outcomes = st.sampled_from(Outcome)
histories = st.lists(st.builds(Operation, st.fixed_dictionaries({"a": st.integers(-50, 50)}), outcomes), max_size=8)


def one(amount: int, how: Outcome, key: str = "") -> Operation:
    return Operation({"a": amount}, how, key)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((status, APPLIED) for status in (0, 79)),
        *((status, NOT_APPLIED) for status in (2, 4, 65, 66, 69, 73, 74, 75, 77, 78)),
        *((status, UNKNOWN) for status in (1, 3, 5, 70, 76, 130, 137, 143, -9, -15)),
    ],
)
def test_a_status_says_whether_it_was_applied(status: int, expected: Outcome) -> None:
    assert outcome(status) is expected


def test_what_was_acknowledged_counts_and_what_was_not_applied_does_not() -> None:
    assert allowed(["a"], [one(3, APPLIED), one(5, NOT_APPLIED), one(-1, APPLIED)]) == {(2,)}


def test_any_subset_of_the_unknown_may_count() -> None:
    assert allowed(["a"], [one(1, APPLIED), one(10, UNKNOWN), one(-100, UNKNOWN)]) == {(1,), (11,), (-99,), (-89,)}


def test_a_lost_count_is_rejected() -> None:
    history = [one(3, APPLIED), one(5, APPLIED), one(100, UNKNOWN)]
    assert faults(history, {"here": {"a": 8}, "hub": {"a": 108}}) == []
    assert len(faults(history, {"here": {"a": 3}, "hub": {"a": 105}, "nobody": {}})) == 3


def test_a_doubled_count_is_rejected() -> None:
    history = [one(3, APPLIED), one(5, UNKNOWN)]
    assert len(faults(history, {"here": {"a": 6}, "hub": {"a": 13}})) == 2


def test_a_count_of_what_was_not_applied_is_rejected() -> None:
    assert len(faults([one(3, APPLIED), one(5, NOT_APPLIED)], {"here": {"a": 8}})) == 1


def test_half_a_batch_is_rejected() -> None:
    history = [Operation({"a": 1, "b": 10}, UNKNOWN)]
    assert faults(history, {"here": {}, "hub": {"a": 1, "b": 10}}) == []
    assert len(faults(history, {"here": {"a": 1}, "hub": {"b": 10}})) == 2


def test_a_counter_that_nobody_asked_for_is_rejected() -> None:
    assert len(faults([one(1, APPLIED)], {"here": {"a": 1, "b": 1}})) == 1


@pytest.mark.parametrize(
    ("tries", "expected"),
    [
        ((APPLIED, APPLIED), {(7,)}),
        ((UNKNOWN, APPLIED), {(7,)}),
        ((APPLIED, UNKNOWN), {(7,)}),
        ((NOT_APPLIED, UNKNOWN), {(0,), (7,)}),
        ((UNKNOWN, UNKNOWN), {(0,), (7,)}),
        ((NOT_APPLIED, NOT_APPLIED), {(0,)}),
    ],
)
def test_repetitions_under_one_key_count_once(tries: tuple[Outcome, ...], expected: set[tuple[int, ...]]) -> None:
    assert allowed(["a"], [one(7, how, "job-1") for how in tries]) == expected


@given(histories, st.data())
def test_whatever_can_have_happened_is_accepted(history: list[Operation], data: st.DataObject) -> None:
    total = 0
    for operation in history:
        happened = {APPLIED: True, NOT_APPLIED: False}.get(operation.outcome)
        if happened is None:
            happened = data.draw(st.booleans())
        total += operation.amounts["a"] if happened else 0
    assert faults(history, {"here": {"a": total}}) == []


@given(histories, st.integers(1, 50))
def test_one_more_than_all_that_can_have_happened_is_rejected(history: list[Operation], more: int) -> None:
    most = max(total for (total,) in allowed(["a"], history))
    assert len(faults(history, {"here": {"a": most + more}})) == 1
