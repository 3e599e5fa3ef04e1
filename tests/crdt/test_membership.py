"""Who has ended: rows that only their author writes, and what several say together."""

import pytest

from crdtctl.crdt import membership
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import (
    MEMBERSHIP,
    Roster,
    absorbing,
    forgotten,
    inheriting,
    is_sealed,
    minted,
    raise_cutoff,
    record_of,
    roster,
    sealing,
)
from tests.crdt.normal import is_normal

#: Ids that were minted on 2024-05-05 and on 2026-11-24.
OLD = "job-018f4b2a3c00" + "0" * 20
NEW = "job-019ab3d81c00" + "1" * 20
NOBODY = MEMBERSHIP.record.bottom


def test_an_id_tells_on_which_day_it_was_minted() -> None:
    assert [minted(OLD), minted(NEW)] == [20240505, 20251124]


@pytest.mark.parametrize(
    "replica", ["job", "job-0123", "job-" + "f" * 32, "job-" + "0" * 32, "job-018F4B2A3C00" + "0" * 20]
)
def test_an_id_that_is_none_of_ours_tells_no_day(replica: str) -> None:
    assert minted(replica) == 0


def test_a_branch_was_minted_when_its_id_was() -> None:
    assert minted(f"{OLD}~1.abcd") == 20240505


def test_a_record_is_the_random_bits_of_the_id() -> None:
    assert record_of(NEW) == "1" * 20
    assert record_of("job") == ""


def test_who_is_sealed_is_on_the_roster() -> None:
    row = sealing(NOBODY, 5)
    assert row == (5, 1)
    assert is_sealed(row)
    assert not is_sealed(NOBODY)
    assert roster({"a": row, "b": (3,)}).sealed == {"a"}


def test_who_was_absorbed_is_found_by_its_id_and_by_those_of_its_branches() -> None:
    found = roster({"hub": absorbing(NOBODY, 9, [OLD])})
    assert found.has_absorbed(OLD)
    assert found.has_absorbed(f"{OLD}~1.abcd")
    assert not found.has_absorbed(NEW)
    assert found.absorbed([NEW, OLD]) == [OLD]
    assert roster({}).absorbed([NEW, OLD]) == []


def test_records_stand_under_the_day_of_the_id_sorted() -> None:
    row = absorbing(absorbing(NOBODY, 9, [NEW]), 10, [OLD, NEW])
    assert row == (10, 0, 0, {"2024-05-05": (record_of(OLD),), "2025-11-24": (record_of(NEW),)})
    assert list(row[3]) == sorted(row[3])
    assert is_normal(MEMBERSHIP.record, row)


def test_a_fence_drops_the_records_of_older_ids_and_is_never_taken_back() -> None:
    row = raise_cutoff(absorbing(NOBODY, 9, [OLD, NEW]), 10, 20250101)
    assert row == (10, 0, 20250101, {"2025-11-24": (record_of(NEW),)})
    assert raise_cutoff(row, 11, 20240101)[2] == 20250101
    assert sealing(row, 12) == (12, 1, *row[2:])


def test_the_newer_row_replaces_the_older_so_that_what_was_dropped_does_not_come_back() -> None:
    old = absorbing(NOBODY, 9, [OLD])
    new = raise_cutoff(old, 10, 20250101)
    assert MEMBERSHIP.join(old, new) == MEMBERSHIP.join(new, old) == new


def test_a_fence_counts_for_what_everybody_absorbed() -> None:
    found = roster({"hub": absorbing(NOBODY, 9, [OLD]), "other": (4, 0, 20250101)})
    assert not found.has_absorbed(OLD)
    assert found.cutoff == 20250101


def test_who_was_absorbed_by_two_is_known() -> None:
    rows = {"hub": absorbing(NOBODY, 9, [OLD, NEW]), "other": absorbing(NOBODY, 2, [OLD])}
    assert roster(rows).absorbed_twice == {record_of(OLD): {"hub", "other"}}


def test_one_absorber_that_was_forked_is_one() -> None:
    rows = {"hub~1.abcd": absorbing(NOBODY, 9, [OLD]), "hub~1.efgh": absorbing(NOBODY, 9, [OLD])}
    assert roster(rows).absorbed_twice == {}


def test_what_an_absorbed_one_remembers_goes_over_with_its_fence() -> None:
    theirs = raise_cutoff(absorbing(NOBODY, 9, [NEW]), 10, 20250101)
    row = inheriting(absorbing(NOBODY, 3, [OLD]), 4, [theirs, NOBODY])
    assert row == (4, 0, 20250101, {"2025-11-24": (record_of(NEW),)})
    assert inheriting(row, 5, [absorbing(NOBODY, 9, [OLD])]) == (5, *row[1:])
    assert is_normal(MEMBERSHIP.record, row)


def test_one_who_was_absorbed_is_no_second_absorber() -> None:
    hub = "hub-019ab3d81c00" + "2" * 20
    old = absorbing(NOBODY, 9, [OLD])
    rows = {hub: old, "other": inheriting(absorbing(NOBODY, 2, [hub]), 2, [old])}
    assert roster(rows).absorbed_twice == {}
    assert roster({**rows, "third": old}).absorbed_twice == {record_of(OLD): {"other", "third"}}


FENCED = roster({"hub": raise_cutoff(NOBODY, 9, 20250101)})
OPEN = roster({})


def test_an_older_replica_that_only_the_other_side_of_a_fence_knows_may_have_been_forgotten() -> None:
    assert FENCED.forgotten({}, OPEN, {OLD: 1, NEW: 1}) == [OLD]
    assert OPEN.forgotten({OLD: 1, NEW: 1}, FENCED, {}) == [OLD]


def test_of_several_states_the_one_with_the_latest_fence_says_who_may_have_been_forgotten() -> None:
    begins: tuple[Roster, Clock] = (Roster(), {})
    assert forgotten([begins, (OPEN, {OLD: 1, NEW: 1}), (FENCED, {NEW: 1})]) == [[], [OLD], []]
    assert forgotten([begins, (OPEN, {OLD: 1}), (FENCED, {}), (FENCED, {OLD: 1})]) == [[], [], [], []]
    assert forgotten([begins, (OPEN, {OLD: 1})]) == [[], []]
    assert forgotten([]) == []


def test_nobody_is_forgotten_who_is_known_was_absorbed_or_has_looked_at_the_fence() -> None:
    assert FENCED.forgotten({OLD: 1}, OPEN, {OLD: 1}) == []
    assert FENCED.forgotten({}, FENCED, {OLD: 1}) == []
    remembers = roster({"hub": absorbing(raise_cutoff(NOBODY, 9, 20250101), 10, [NEW])})
    assert remembers.forgotten({}, OPEN, {NEW: 1}) == []


@pytest.mark.parametrize("day", [20240505, 20251124, 10101])
def test_a_day_is_a_number_and_a_text(day: int) -> None:
    assert membership.number_of(membership.day_of(day)) == day
