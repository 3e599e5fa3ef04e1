"""A reset cancels what was seen where it was done, and nothing else. The oracle's tests hold that for all histories."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import CounterType, Entries, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.gset import GSet
from tests.support.histories import AUTHORS, Moment, moments, operations, verbs

ID = "ann-00112233445566778899aabbccddeeff"
RESETTABLE = {tag: kind for tag, kind in TYPES.items() if "reset" in verbs(kind)}
each_type = pytest.mark.parametrize("kind", RESETTABLE.values(), ids=RESETTABLE)
RESET = Operation("reset")


def at(author: str, seq: int, others: Entries | None = None) -> OperationContext:
    return OperationContext(author, seq, lambda: others or {})


def nobody_is_asked() -> Entries:
    raise AssertionError


def reset(kind: CounterType, moment: Moment) -> dict[str, Entry]:
    """Return what a moment's replica holds once it has reset the counter."""
    others = {author: row for author, row in moment.state.items() if author != moment.author}
    row = kind.apply(moment.state.get(moment.author), RESET, at(moment.author, 10**6, others))
    return {**moment.state, **({} if row is None else {moment.author: row})}


@each_type
@given(data=st.data())
def test_nothing_is_left_where_a_counter_was_reset(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    after = reset(kind, moment)
    assert kind.value(after) == 0
    assert set(kind.shares(after).values()) <= {0}
    assert kind.once(after) == {}
    assert kind.used_keys(after) == kind.used_keys(moment.state)


@each_type
@given(data=st.data())
def test_a_reset_that_cancels_nothing_new_is_no_commit(kind: CounterType, data: st.DataObject) -> None:
    moment, later = data.draw(moments(kind, 2))
    after = reset(kind, moment)
    if kind.join_all(after, later.state) == after:
        assert reset(kind, Moment(later.author or "ann", after, {}, frozenset())) == after


@each_type
@given(data=st.data())
def test_resets_of_the_same_at_two_replicas_cancel_it_once(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    twice = reset(kind, moment)
    for author in AUTHORS:
        twice = kind.join_all(twice, reset(kind, Moment(author, moment.state, {}, frozenset())))
    assert kind.value(twice) == 0


@each_type
@given(data=st.data())
def test_only_a_reset_asks_what_the_others_did_unless_an_element_is_there(
    kind: CounterType, data: st.DataObject
) -> None:
    (moment,) = data.draw(moments(kind, 1))
    what = data.draw(operations(kind))
    mine = moment.state.get("ann")
    is_there = isinstance(kind, GSet) and mine is not None and not mine[1].keys().isdisjoint(what.elements)
    is_sent = kind.has_keys and mine is not None and what.once is not None
    if what.verb in ("reset", "forget", "expire", "create") or what.readings or is_there or is_sent:
        return
    try:
        kind.apply(mine, what, OperationContext("ann", 10**6, nobody_is_asked))
    except Refused:
        pass


@pytest.mark.parametrize("tag", ["gcounter", "pncounter"])
class TestTotals:
    def test_what_was_counted_elsewhere_or_later_survives(self, tag: str) -> None:
        kind = TYPES[tag]
        seen = kind.apply(None, Operation("increment", 5), at("bob", 1))
        unseen = kind.apply(seen, Operation("increment", 2), at("bob", 2))
        mine = kind.apply(None, RESET, at("ann", 1, {"bob": seen} if seen else {}))
        mine = kind.apply(mine, Operation("increment", 1), at("ann", 2))
        assert mine is not None
        assert unseen is not None
        assert kind.value({"ann": mine, "bob": unseen}) == 3
        assert kind.shares({"ann": mine, "bob": unseen}) == {"ann": 1, "bob": 2}

    def test_a_key_that_was_reset_stays_used_and_counts_only_what_is_larger(self, tag: str) -> None:
        kind = TYPES[tag]
        five = kind.apply(None, Operation("increment", 5, once="job"), at("bob", 1))
        eight = kind.apply(None, Operation("increment", 8, once="job"), at("čen", 1))
        assert five is not None
        assert eight is not None
        mine = kind.apply(None, RESET, at("ann", 1, {"bob": five}))
        assert mine is not None
        assert kind.once({"ann": mine, "bob": five}) == {}
        assert kind.used_keys({"ann": mine, "bob": five}) == {"job": 5}
        assert kind.once({"ann": mine, "bob": five, "čen": eight}) == {"job": 3}

    def test_marks_beyond_what_is_known_do_not_count_backwards(self, tag: str) -> None:
        kind = TYPES[tag]
        zeros = (0,) * (kind.record.required - 2)
        marks = (1, 0, *zeros, {}, {"bob": (9, *zeros), "čen": (2, *zeros)}, {"job": (9, *zeros)})
        assert kind.value({"ann": marks, "bob": (1, 4, *zeros, {"job": (3, *zeros)})}) == 0

    def test_a_mark_on_an_id_or_on_a_branch_of_it_is_one_on_all_its_branches(self, tag: str) -> None:
        kind = TYPES[tag]
        zeros = (0,) * (kind.record.required - 2)
        branches = {f"{ID}~3.aaaa": (4, 10, *zeros), f"{ID}~3.bbbb": (3, 12, *zeros)}
        for author in (ID, *branches):
            state = {**branches, "bob": (1, 0, *zeros, {}, {author: (7, *zeros)})}
            assert kind.value(state) == 5
            assert kind.shares(state) == dict(zip(branches, (3, 5), strict=True)) | {"bob": 0}
        mine = kind.apply(None, RESET, at("bob", 1, branches))
        assert mine == (1, 0, *zeros, {}, {ID: (12, *zeros)})
        assert kind.value({ID: (9, 15, *zeros), "bob": mine}) == 3

    def test_a_key_that_looks_like_a_branch_is_a_key(self, tag: str) -> None:
        kind = TYPES[tag]
        sent = kind.apply(None, Operation("increment", 5, once="job~1.aaaa"), at("ann", 1))
        after = kind.apply(sent, RESET, at("ann", 2))
        assert after is not None
        assert after[-1].keys() == {"job~1.aaaa"}


def add(mine: Entry | None, seq: int, *elements: str, others: Entries | None = None) -> Entry:
    after = TYPES["gset"].apply(mine, Operation("add", elements=elements), at("ann", seq, others))
    assert after is not None
    return after


class TestSets:
    kind = TYPES["gset"]

    def test_an_element_that_was_cancelled_elsewhere_is_added_anew(self) -> None:
        mine = add(None, 1, "x", "y")
        others = {"bob": self.kind.apply(None, RESET, at("bob", 1, {"ann": mine})) or ()}
        assert self.kind.value({"ann": mine, **others}) == 0
        again = add(mine, 2, "x", others=others)
        assert again == (2, {"x": 2, "y": 1})
        assert self.kind.value({"ann": again, **others}) == 1

    def test_an_element_that_counts_is_not_added_again_so_that_nothing_is_written(self) -> None:
        mine = add(None, 1, "x")
        assert self.kind.apply(mine, Operation("add", elements=("x",)), at("ann", 2)) is None

    def test_what_is_added_after_a_reset_in_one_commit_counts(self) -> None:
        mine = self.kind.apply(add(None, 1, "x"), RESET, at("ann", 2))
        assert self.kind.value({"ann": add(mine, 2, "x", "y")}) == 2

    def test_what_is_added_and_reset_in_one_commit_cannot_be_followed_by_more(self) -> None:
        mine = self.kind.apply(add(None, 1, "x"), RESET, at("ann", 1))
        with pytest.raises(Refused, match="in a separate commit"):
            add(mine, 1, "y")
        assert self.kind.value({"ann": add(mine, 2, "y")}) == 1

    def test_a_mark_on_an_id_or_on_a_branch_cancels_in_other_branches_what_is_from_before_the_fork(self) -> None:
        branches = {f"{ID}~3.aaaa": (4, {"x": 1, "y": 4}), f"{ID}~3.bbbb": (3, {"x": 1, "z": 3})}
        for author, counting in zip((ID, *branches), ((1, 1), (1, 1), (1, 0)), strict=True):
            state = {**branches, "bob": (1, {}, {author: 3})}
            assert self.kind.value(state) == sum(counting)
            assert self.kind.shares(state) == dict(zip(branches, counting, strict=True)) | {"bob": 0}

    def test_a_reset_that_knows_the_branches_of_a_fork_cancels_each(self) -> None:
        a, b, c = (f"{ID}~3.{nonce}" for nonce in ("aaaa", "bbbb", "cccc"))
        branches: dict[str, Entry] = {a: (4, {"x": 1, "y": 4}), b: (3, {"x": 1, "z": 3})}
        mine = self.kind.apply(None, RESET, at("bob", 1, branches))
        assert mine == (1, {}, {a: 4, b: 3})
        assert self.kind.value({**branches, "bob": mine}) == 0
        unknown: dict[str, Entry] = {**branches, c: (3, {"x": 1, "w": 2}), "bob": mine}
        assert isinstance(self.kind, GSet)
        assert self.kind.members(unknown) == ("w",)
        again = self.kind.apply(mine, RESET, at("bob", 2, {**branches, c: unknown[c]}))
        assert again == (2, {}, {a: 4, b: 3, c: 2})

    def test_a_mark_on_a_branch_cancels_in_a_file_from_before_the_fork(self) -> None:
        assert self.kind.value({ID: (3, {"x": 1, "z": 3}), "bob": (1, {}, {f"{ID}~3.aaaa": 3})}) == 0
        assert self.kind.value({f"{ID}~3.aaaa": (3, {"x": 1, "z": 3}), "bob": (1, {}, {ID: 3})}) == 0

    def test_elements_of_several_sets_are_pooled_without_what_each_set_reset(self) -> None:
        linux = {"ann": (3, {"x": 1, "y": 3}), "bob": (10, {"z": 2}, {"ann": 1})}
        macos = {"ann": (5, {"y": 4, "x": 5}, {"bob": 9}), "bob": (9, {"w": 9}), "eve": (1, {"x": 1})}
        pooled = self.kind.pooled([linux, macos])
        assert pooled is not None
        assert self.kind.value(pooled) == 3
        assert self.kind.shares(pooled) == {"ann": 2, "bob": 1, "eve": 1}
        assert isinstance(self.kind, GSet)
        assert self.kind.members(pooled) == ("x", "y", "z")
        assert {author: row[0] for author, row in pooled.items()} == {"ann": 5, "bob": 10, "eve": 1}
        assert linux["ann"] == (3, {"x": 1, "y": 3})

    def test_a_mark_on_a_branch_cancels_before_sets_are_pooled(self) -> None:
        branches = {f"{ID}~3.aaaa": (4, {"x": 1, "y": 4}), f"{ID}~3.bbbb": (3, {"x": 1, "z": 3})}
        pooled = self.kind.pooled([{**branches, "bob": (1, {}, {ID: 3})}, {"bob": (2, {"y": 2})}])
        assert pooled is not None
        assert self.kind.shares(pooled) == dict(zip(branches, (1, 1), strict=True)) | {"bob": 1}
        assert isinstance(self.kind, GSet)
        assert self.kind.members(pooled) == ("y", "z")
