"""Join makes states a lattice, for every type."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import CounterType, Entries, Entry
from tests.crdt.normal import is_normal
from tests.support.histories import AUTHORS, JOINED, Moment, histories, moments

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def covers(kind: CounterType, a: Entries, b: Entries) -> bool:
    """Return whether state `a` holds at least everything that `b` holds: author by author, but for expired keys."""
    return b.keys() <= a.keys() and kind.join_all(a, b) == a


def states(drawn: list[Moment]) -> list[Entries]:
    return [moment.state for moment in drawn]


def versions(kind: CounterType, count: int) -> st.SearchStrategy[list[Entry]]:
    """Return versions of one author's entry, of any age. Keys in it expire, and are forgotten, only by this author.

    Another author that lets keys expire, or forgets the counter, takes keys out of all entries of a state, which are no
    newer versions for that.
    """
    author = AUTHORS[0]
    rows = histories(kind, expiring=[author]).map(
        lambda history: [moment.state[author] for moment in history.moments if author in moment.state]
    )
    return rows.filter(bool).flatmap(lambda found: st.lists(st.sampled_from(found), min_size=count, max_size=count))


@each_type
@given(data=st.data())
def test_join_is_commutative(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    assert kind.join_all(a, b) == kind.join_all(b, a)


@each_type
@given(data=st.data())
def test_join_is_associative(kind: CounterType, data: st.DataObject) -> None:
    a, b, c = states(data.draw(moments(kind, 3)))
    assert (
        kind.join_all(kind.join_all(a, b), c) == kind.join_all(a, kind.join_all(b, c)) == kind.join_several([a, b, c])
    )


@each_type
@given(data=st.data())
def test_join_is_idempotent_and_a_repeated_merge_changes_nothing(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    joined = kind.join_all(a, b)
    assert kind.join_all(a, a) == a
    assert kind.join_all(joined, a) == kind.join_all(joined, b) == kind.join_all(joined, joined) == joined


def forgotten(kind: CounterType, state: Entries, author: str) -> int:
    """Return the last commit of an author that an entry of a state forgets."""
    part = len(kind.record.parts) - 1
    return max(
        (row[part].get(author, 0) for row in state.values() if kind.can_be_forgotten and len(row) > part), default=0
    )


@each_type
@given(data=st.data())
def test_join_covers_both_and_invents_no_author(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    joined = kind.join_all(a, b)
    for side in (a, b):
        assert covers(
            kind, joined, {author: row for author, row in side.items() if row[0] > forgotten(kind, joined, author)}
        )
    assert joined.keys() <= a.keys() | b.keys()
    for author in (a.keys() | b.keys()) - joined.keys():
        assert max(side[author][0] for side in (a, b) if author in side) <= forgotten(kind, joined, author)


@each_type
@given(data=st.data())
def test_bottom_is_neutral(kind: CounterType, data: st.DataObject) -> None:
    (a,) = states(data.draw(moments(kind, 1)))
    assert kind.join_all(a, {}) == kind.join_all({}, a) == a
    for row in a.values():
        assert kind.join(row, kind.record.bottom) == kind.join(kind.record.bottom, row) == row


@each_type
@given(data=st.data())
def test_of_two_versions_of_one_contribution_the_join_is_the_newer(kind: CounterType, data: st.DataObject) -> None:
    a, b = ({AUTHORS[0]: row} for row in data.draw(versions(kind, 2)))
    assert kind.join_all(a, b) == kind.join_all(b, a) == max(a, b, key=lambda one: one[AUTHORS[0]][0])


@each_type
@given(data=st.data())
def test_counters_are_joined_as_their_contributions_are(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    expected = {
        author: kind.join(a.get(author, kind.record.bottom), b.get(author, kind.record.bottom)) for author in {*a, *b}
    }
    assert kind.join_all(a, b) == kind.tidied(expected)


@each_type
@given(data=st.data())
def test_every_state_and_join_is_in_normal_form(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    for row in kind.join_all(a, b).values():
        assert is_normal(kind.record, row)


@each_type
@given(data=st.data())
def test_join_leaves_what_it_joins_as_it_was(kind: CounterType, data: st.DataObject) -> None:
    a, b = states(data.draw(moments(kind, 2)))
    before = repr((a, b))
    kind.join_all(a, b)
    assert repr((a, b)) == before


@pytest.mark.parametrize("kind", JOINED.values(), ids=JOINED)
@given(data=st.data())
def test_states_that_have_seen_the_same_commits_are_equal(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    by_clock: dict[Any, Entries] = {}
    for moment in history.moments:
        state = by_clock.setdefault(frozenset(moment.clock.items()), moment.state)
        assert state == moment.state


@each_type
@given(data=st.data())
def test_no_contribution_is_newer_than_the_clock(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    for moment in history.moments:
        assert all(1 <= row[0] <= moment.clock[author] for author, row in moment.state.items())
