"""Clones that leave no trace are found by their export markers."""

from random import Random

from tests.torture.forks import (
    HISTORIES,
    Left,
    Seen,
    commits_kept,
    departures_tell,
    far_apart,
    history,
    is_forked,
    measure,
    tally,
)


def test_no_branch_is_lost_in_silence_and_no_fork_is_made_up() -> None:
    rows = measure(500 / HISTORIES)
    assert [row.holds for row in rows] == [True, True]


def test_the_histories_are_forked_and_the_other_ways_miss_forks() -> None:
    found = tally(300, seed=3)
    assert found.forked > 150
    assert found.silent["maximum"] == found.forked
    assert found.silent["commits"] > 10 * found.silent["departures"] > -1
    assert found.false_alarms == 0


def test_what_is_a_fork_is_known_from_the_commits_alone() -> None:
    a, b, c = Left((1, 2), "1 2.aaaa"), Left((1, 2, 3), "2 2.aaaa 3.bbbb"), Left((1, 2, 4), "2 2.aaaa 3.cccc")
    assert not is_forked([Seen(0, a), Seen(1, b)])
    assert is_forked([Seen(0, a), Seen(1, b), Seen(1, c)])
    assert not departures_tell([Seen(0, b), Seen(1, a), Seen(0, None, 1)])
    assert departures_tell([Seen(0, b), Seen(1, c), Seen(0, None, 1)])
    assert not departures_tell([Seen(0, b), Seen(1, c)])


def test_a_history_has_states_of_several_writers_at_several_hubs() -> None:
    seen = [one for number in range(50) for one in history(Random(number))]
    assert {one.hub for one in seen} == {0, 1, 2}


def test_the_alternative_keeps_the_latest_tags_and_what_it_keeps_of_more_it_kept_of_fewer() -> None:
    for number in range(1, 600):
        kept = commits_kept(number)
        assert set(range(max(1, number - 31), number + 1)) <= set(kept)
        assert set(commits_kept(number + 1)) - {number + 1} <= set(kept)


def test_branches_are_told_apart_as_long_as_the_departures_between_are_few() -> None:
    assert far_apart(16, 50) == 0
    assert far_apart(200, 50) > 0.5
