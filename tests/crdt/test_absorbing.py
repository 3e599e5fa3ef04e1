"""What a sealed replica contributed counts the same after another one has taken it over."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.base import TOO_LARGE, CounterType, Entries, Entry, OperationContext, Refused
from tests.crdt.normal import is_normal
from tests.support.histories import moments

JOINED = {tag: kind for tag, kind in TYPES.items() if tag not in LOCALLY_MERGED}
each_type = pytest.mark.parametrize("kind", JOINED.values(), ids=JOINED)


@each_type
@given(data=st.data())
def test_the_value_stays_and_so_does_what_once_keys_stand_for(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    state = dict(moment.state)
    if not state:
        return
    author = data.draw(st.sampled_from(sorted(state)))
    mine = state.get("hub", kind.record.bottom)
    before, sent, once = kind.value(state), kind.used_keys(state), kind.once(state)
    others = {who: row for who, row in state.items() if who != "hub"}
    try:
        row = kind.absorb(mine, author, OperationContext("hub", 100, lambda: others))
    except Refused:  # the total would be too large
        return
    assert is_normal(kind.record, row)
    assert row[0] == mine[0]
    del state[author]
    state["hub"] = (100, *row[1:])
    assert kind.value(state) == before
    assert (kind.used_keys(state), kind.once(state)) == (sent, once)


@each_type
@given(data=st.data())
def test_several_are_taken_over_as_one_after_the_other(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    others = {who: row for who, row in moment.state.items() if who != "hub"}
    authors = data.draw(st.lists(st.sampled_from(sorted(others)), unique=True)) if others else []
    context = OperationContext("hub", 100, lambda: others)
    row = mine = moment.state.get("hub", kind.record.bottom)
    try:
        for author in authors:
            row = kind.absorb(row, author, context)
    except Refused:
        with pytest.raises(Refused):
            kind.absorb_all(mine, authors, context)
    else:
        assert kind.absorb_all(mine, authors, context) == row


def test_what_a_reset_cancelled_is_left_behind() -> None:
    cases: list[tuple[CounterType, Entry, Entry]] = [
        (TYPES["pncounter"], (3, 7, 2), (9, 0, 0, {}, {"job": (5, 2)})),
        (TYPES["gset"], (3, {"a": 1, "b": 3}), (9, {}, {"job": 1})),
    ]
    for kind, theirs, mark in cases:
        others: Entries = {"job": theirs, "ann": mark}
        before = kind.value(others)
        row = kind.absorb(kind.record.bottom, "job", OperationContext("hub", 4, partial(dict, others)))
        assert before == kind.value({"hub": (4, *row[1:]), "ann": mark}) != kind.value({"hub": (4, *theirs[1:])})


def test_resets_of_the_sealed_one_go_on_to_cancel() -> None:
    cases: list[tuple[CounterType, Entry, Entry]] = [
        (TYPES["gcounter"], (3, 7, {"k": (2,)}), (2, 1, {}, {"ann": (5,), "job": (1,)}, {"k": (2,)})),
        (TYPES["gset"], (3, {"a": 1, "b": 3}), (2, {"c": 1}, {"ann": 2, "job": 1})),
    ]
    for kind, ann, job in cases:
        row = kind.absorb(kind.record.bottom, "job", OperationContext("hub", 4, partial(dict, ann=ann, job=job)))
        assert "job" not in repr(row)
        assert kind.value({"ann": ann, "hub": (4, *row[1:])}) == kind.value({"ann": ann, "job": job})


def test_a_total_that_would_be_too_large_is_refused() -> None:
    largest = {"job": (1, TOO_LARGE - 1)}
    with pytest.raises(Refused, match="more than 100 digits"):
        TYPES["gcounter"].absorb((1, 1), "job", OperationContext("hub", 2, lambda: largest))


def test_what_is_handed_over_by_merging_is_not_taken_over() -> None:
    with pytest.raises(Refused, match="cannot be taken over"):
        TYPES["handoff"].absorb((0, 0), "job", OperationContext("hub", 2))


@pytest.mark.parametrize("tag", ["gcounter", "gset", "hist", "hll", "pncounter"])
def test_what_counts_for_all_keeps_nobody_from_ending(tag: str) -> None:
    kind = TYPES[tag]
    assert kind.seal_blocker("ann", {"ann": kind.record.bottom}) == ()
