"""After any history every replica reads what the operations that it has seen amount to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import CounterType
from crdtctl.crdt.gset import GSet
from tests.support import meters, oracle
from tests.support.histories import JOINED, counting, histories

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


@each_type
@given(data=st.data())
def test_every_replica_reads_exactly_the_operations_that_it_has_seen(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind, max_steps=48))
    for moment in history.moments:
        assert kind.value(moment.state) == oracle.value(history.seen(moment))


@pytest.mark.parametrize("kind", JOINED.values(), ids=JOINED)
@given(data=st.data())
def test_all_replicas_read_all_operations_once_everybody_has_heard_of_everybody(
    kind: CounterType, data: st.DataObject
) -> None:
    history = data.draw(histories(kind, max_steps=48))
    merged: dict[str, tuple[object, ...]] = {}
    for moment in data.draw(st.permutations(history.moments)):
        merged = kind.join_all(merged, moment.state)
    assert kind.value(merged) == oracle.value(counting(kind, history.done))


@each_type
@given(data=st.data())
def test_once_keys_read_what_the_operations_under_them_amount_to(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    for moment in history.moments:
        assert kind.once(moment.state) == oracle.once(history.seen(moment))


@each_type
@given(data=st.data())
def test_the_share_of_a_replica_is_what_its_own_operations_amount_to_where_no_other_counts_under_the_same_key(
    kind: CounterType, data: st.DataObject
) -> None:
    history = data.draw(histories(kind))
    for moment in history.moments:
        seen = history.seen(moment)
        shares = kind.shares(moment.state)
        assert shares.keys() == moment.state.keys()
        if kind.created_first and any(one.operation.verb == "forget" for one in seen):
            assert sum(shares.values()) == kind.value(moment.state)
            continue  # one replica uses the rights that others made
        for author, share in shares.items():
            begun = oracle.begun(seen).get(author, 0)
            counted = oracle.plain(seen, author) + oracle.once_of(seen, author) + meters.total(seen, author)
            added = len(oracle.elements(seen, author)) + len(oracle.numbers(seen, author))
            assert share == counted + added + begun


@pytest.mark.parametrize("kind", [kind for kind in TYPES.values() if isinstance(kind, GSet)], ids=lambda kind: kind.tag)
@given(data=st.data())
def test_the_members_of_a_set_are_what_was_added_and_not_cancelled_sorted(kind: GSet, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    for moment in history.moments:
        assert list(kind.members(moment.state)) == sorted(oracle.elements(history.seen(moment)))
