"""A delta is enough, and no more than that, for every type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.base import CounterType
from tests.support.histories import JOINED, moments

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)
each_joined_type = pytest.mark.parametrize("kind", JOINED.values(), ids=JOINED)


@each_type
@given(data=st.data())
def test_a_delta_brings_all_that_the_whole_state_would_bring(kind: CounterType, data: st.DataObject) -> None:
    sender, receiver, third = data.draw(moments(kind, 3))
    # Every clock that the receiver has reached: its own, and what it has in common with somebody else.
    common = {a: min(seq, third.clock.get(a, 0)) for a, seq in receiver.clock.items() if a in third.clock}
    for since in (receiver.clock, common, {}):
        delta = kind.newer(sender.state, since)
        assert not clocks.missing(receiver.clock, since)
        assert kind.join_all(receiver.state, delta) == kind.join_all(receiver.state, sender.state)


@each_joined_type
@given(data=st.data())
def test_a_delta_carries_nothing_the_receiver_had(kind: CounterType, data: st.DataObject) -> None:
    sender, receiver = data.draw(moments(kind, 2))
    for author, row in kind.newer(sender.state, receiver.clock).items():
        had = receiver.state.get(author, kind.record.bottom)
        assert not kind.record.covers(had, row)
        assert row[0] > receiver.clock.get(author, 0)


@each_type
@given(data=st.data())
def test_a_delta_carries_absolute_totals_never_differences(kind: CounterType, data: st.DataObject) -> None:
    sender, receiver = data.draw(moments(kind, 2))
    delta = kind.newer(sender.state, receiver.clock)
    assert delta == {author: sender.state[author] for author in delta}


@each_joined_type
@given(data=st.data())
def test_a_delta_since_the_beginning_is_everything_and_since_now_is_nothing(
    kind: CounterType, data: st.DataObject
) -> None:
    (moment,) = data.draw(moments(kind, 1))
    assert kind.newer(moment.state, {}) == moment.state
    assert kind.newer(moment.state, moment.clock) == {}


@each_type
@given(data=st.data())
def test_deltas_of_one_history_join_like_states(kind: CounterType, data: st.DataObject) -> None:
    first, second = data.draw(moments(kind, 2))
    a, b = kind.newer(first.state, second.clock), kind.newer(second.state, first.clock)
    assert kind.join_all(a, b) == kind.join_all(b, a)
    assert kind.join_all(kind.join_all(first.state, a), b) == kind.join_all(first.state, second.state)


@pytest.mark.parametrize("kind", LOCALLY_MERGED.values(), ids=LOCALLY_MERGED)
@given(data=st.data())
def test_a_delta_carries_locally_merged_entries_whole(kind: CounterType, data: st.DataObject) -> None:
    sender, receiver = data.draw(moments(kind, 2))
    assert kind.newer(sender.state, receiver.clock) == kind.newer(sender.state, sender.clock) == sender.state
