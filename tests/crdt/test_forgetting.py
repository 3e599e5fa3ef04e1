"""Forgotten counters: nothing known stays, nothing old comes back, and later counts are exact.

That a forgotten counter reads exactly what was counted without the forgetting replica is held for all histories by the
oracle's tests.
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES, forgetting
from crdtctl.crdt.base import (
    TOO_LARGE,
    CounterType,
    Entries,
    Entry,
    Lacking,
    Operation,
    OperationContext,
    Refused,
    Verb,
)
from crdtctl.crdt.bcounter import BCounter
from crdtctl.crdt.counter import Counter, join_counters, without_forgotten
from crdtctl.crdt.restarting import Restarting
from crdtctl.records import replace
from tests.support.histories import Moment, histories, moments

#: Without `bcounter`, whose entries stay when they are forgotten.
FORGETTABLE = {tag: kind for tag, kind in TYPES.items() if kind.can_be_forgotten and not kind.created_first}
ADDITIVE = [kind for kind in FORGETTABLE.values() if kind.has_keys]
RESTARTING = [kind for kind in FORGETTABLE.values() if isinstance(kind, Restarting)]
each_type = pytest.mark.parametrize("kind", FORGETTABLE.values(), ids=FORGETTABLE)
each_additive_type = pytest.mark.parametrize("kind", ADDITIVE, ids=lambda kind: kind.tag)
FORGET = Operation("forget")
KEYS_TOO = Operation("forget", keys_too=True)
ID = "ann-00112233445566778899aabbccddeeff"


def part(kind: CounterType) -> int:
    return len(kind.record.parts) - 1


def carried_out(
    kind: CounterType, state: Entries, author: str, operation: Operation, seq: int, mine: Entry | None = None
) -> dict[str, Entry]:
    """Return a state after an operation of one author, whose own file may have an entry that the state has no more."""
    others = {one: row for one, row in state.items() if one != author}
    row = kind.apply(state.get(author, mine), operation, OperationContext(author, seq, lambda: others))
    return kind.tidied({**state, **({} if row is None else {author: row})})


def count(kind: CounterType, amount: int = 1, once: str | None = None) -> Operation:
    if kind.adds_numbers:
        return Operation("add", elements=("7",) * amount, once=once)
    return Operation("increment", amount, once=once) if kind.has_keys else Operation("add", elements=("new",))


def counts_of(kind: CounterType, *authors: str) -> int:
    """Return the value of one count of each author: they add the same element to a set."""
    return len(authors) if kind.has_keys or kind.adds_numbers else 1


def more(kind: CounterType) -> Operation:
    """Return another count, of 4 where amounts add up."""
    if kind.adds_numbers:
        return Operation("add", elements=("8",))
    return Operation("increment", 4) if kind.has_keys else Operation("add", elements=("more",))


def forgotten(
    kind: CounterType, moment: Moment, author: str = "zoe", operation: Operation = FORGET
) -> dict[str, Entry]:
    return carried_out(kind, moment.state, author, operation, 10**6)


@each_type
@given(data=st.data())
def test_forgotten_counter_does_not_exist_and_one_entry_is_left(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    author = data.draw(st.sampled_from(["ann", "zoe"]))
    after = forgotten(kind, moment, author)
    assert kind.is_forgotten(after)
    assert after.keys() == {author}
    assert kind.value(after) == 0
    assert kind.used_keys(after).keys() == kind.used_keys(moment.state).keys()
    counter: Counter = {kind.tag: after, "handoff": {"ann": (1, 0)}}
    assert without_forgotten(counter).keys() == {"handoff"}


@each_type
@given(data=st.data())
def test_no_earlier_state_brings_it_back(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    moment = data.draw(st.sampled_from(history.moments))
    operation = data.draw(st.sampled_from([FORGET, KEYS_TOO]))
    try:
        after = forgotten(kind, moment, operation=operation)
    except Refused:
        return
    for earlier in history.moments:
        if earlier.seen <= moment.seen:
            assert kind.join_all(after, earlier.state) == kind.join_all(earlier.state, after) == after


@each_type
@given(data=st.data())
def test_counts_of_a_replica_that_heard_are_all_that_it_has(kind: CounterType, data: st.DataObject) -> None:
    history = data.draw(histories(kind))
    moment = data.draw(st.sampled_from(history.moments))
    state = forgotten(kind, moment)
    heard = [
        who
        for who, row in history.own.items()
        if row[0] <= moment.clock.get(who, 0)
        and not (kind.has_keys and max(row[1 : kind.record.required]) >= TOO_LARGE - 1)
    ]
    for number, author in enumerate(["zoe", "yan", *heard]):
        state = carried_out(kind, state, author, count(kind), 2 * 10**6 + number, history.own.get(author))
    value = counts_of(kind, "zoe", "yan", *heard)
    assert kind.value(state) == value
    assert not kind.is_forgotten(state)
    for earlier in history.moments:
        if earlier.seen <= moment.seen:
            assert kind.value(kind.join_all(earlier.state, state)) == value


@each_type
@given(data=st.data())
def test_forgotten_again_leaves_one_entry(kind: CounterType, data: st.DataObject) -> None:
    first, second = data.draw(moments(kind, 2))
    both = kind.join_all(forgotten(kind, first, "yan"), forgotten(kind, second, "zoe"))
    again = carried_out(kind, both, "xi", FORGET, 10**7)
    assert again.keys() == {"xi"}
    assert (kind.is_forgotten(again), kind.value(again)) == (True, 0)
    assert kind.join_all(both, again) == again
    assert kind.join_all(second.state, again) == again


@each_type
@given(data=st.data())
def test_sealed_replica_that_forgot_leaves_that_to_the_one_that_absorbs_it(
    kind: CounterType, data: st.DataObject
) -> None:
    (moment,) = data.draw(moments(kind, 1))
    after = forgotten(kind, moment)
    mine = kind.absorb_all(kind.record.bottom, ["zoe"], OperationContext("hub", 5, lambda: after))
    hub = {"hub": (5, *mine[1:])}
    assert kind.is_forgotten(hub)
    assert kind.value(kind.join_all(hub, moment.state)) == 0
    counted = carried_out(kind, after, "hub", count(kind), 6)
    mine = kind.absorb_all(counted["hub"], ["zoe"], OperationContext("hub", 7, lambda: after))
    assert kind.value({"hub": (7, *mine[1:])}) == 1
    assert not kind.is_forgotten({"hub": (7, *mine[1:])})


@each_type
def test_branch_of_a_fork_that_was_not_known_survives(kind: CounterType) -> None:
    state = carried_out(kind, {}, ID, count(kind), 3)
    after = carried_out(kind, state, "zoe", FORGET, 1)
    branch = {f"{ID}~3.bbbb": carried_out(kind, {}, ID, count(kind), 2)[ID]}
    assert f"{ID}~3.bbbb" in kind.join_all(after, branch)


@each_type
def test_replica_that_is_forked_later_does_not_bring_it_back(kind: CounterType) -> None:
    state = carried_out(kind, {}, ID, count(kind), 3)
    after = carried_out(kind, state, "zoe", FORGET, 1)
    branches = [f"{ID}~3.{nonce}" for nonce in ("aaaa", "bbbb")]
    joined = kind.join_all(after, dict.fromkeys(branches, state[ID]))
    assert (kind.is_forgotten(joined), kind.value(joined)) == (True, 0)
    counted = kind.apply(state[ID], more(kind), OperationContext(ID, 4, dict))
    assert counted is not None
    joined = kind.join_all(joined, {branches[0]: counted})
    survives = 1 if isinstance(kind, Restarting) else 0  # there, a changed entry survives as a whole
    assert (kind.is_forgotten(joined), kind.value(joined)) == (False, (4 if kind.has_keys else 1) + survives)


@each_type
def test_branch_that_was_not_known_brings_it_back_with_its_value(kind: CounterType) -> None:
    state = carried_out(kind, {}, ID, count(kind), 3)
    after = carried_out(kind, state, "zoe", FORGET, 1)
    branch = {f"{ID}~3.bbbb": carried_out(kind, {}, ID, more(kind), 2)[ID]}
    joined = kind.join_all(after, branch)
    assert kind.is_forgotten(joined) == (kind.value(joined) == 0)


@pytest.mark.parametrize("kind", RESTARTING, ids=lambda kind: kind.tag)
class TestStartingAgain:
    """Types whose entries are started again, empty."""

    def test_entry_changed_without_knowing_survives_as_a_whole_and_is_forgotten_again(self, kind: CounterType) -> None:
        mine = carried_out(kind, {}, "ann", count(kind), 1)["ann"]
        state = carried_out(kind, {"ann": mine}, "bob", FORGET, 1)
        later = carried_out(kind, {}, "ann", more(kind), 2, mine)
        joined = kind.join_all(state, later)
        assert (kind.value(joined), kind.is_forgotten(joined)) == (2, False)
        again = carried_out(kind, joined, "bob", FORGET, 2)
        assert kind.is_forgotten(again)
        counted = carried_out(kind, again, "ann", more(kind), 3, later["ann"])
        for earlier in (state, later, joined, again):
            assert kind.value(kind.join_all(earlier, counted)) == kind.value(kind.join_all(counted, earlier)) == 1

    def test_branches_of_a_fork_are_read_together_if_one_of_them_started_again(self, kind: CounterType) -> None:
        before = carried_out(kind, {}, ID, count(kind), 3)
        state = carried_out(kind, before, "zoe", FORGET, 1)
        heard = kind.apply(before[ID], more(kind), OperationContext(ID, 4, lambda: {"zoe": state["zoe"]}))
        unheard = kind.apply(before[ID], more(kind), OperationContext(ID, 5))
        assert heard is not None
        assert unheard is not None
        joined = kind.join_all(state, {f"{ID}~3.aaaa": heard, f"{ID}~3.bbbb": unheard})
        assert kind.value(joined) == 2

    def test_new_settings_can_be_chosen_after_it(self, kind: CounterType) -> None:
        setting = {"precision": 5} if "precision" in kind.settings else {"level": "a"}
        created = carried_out(kind, {}, "ann", Operation("create", 0, **setting), 1)
        state = carried_out(kind, created, "bob", FORGET, 1)
        assert kind.settings_of(state["bob"]) == {}
        assert kind.settings_of(carried_out(kind, state, "bob", count(kind), 2)["bob"]) != setting
        again = carried_out(kind, state, "ann", Operation("create", 0, **setting), 2, created["ann"])
        assert (kind.settings_of(again["ann"]), kind.is_forgotten(again)) == (setting, False)
        assert kind.settings_of(carried_out(kind, again, "bob", count(kind), 2)["bob"]) == setting

    def test_periods_go_with_the_entry(self, kind: CounterType) -> None:
        dated = Operation("add", elements=("7",), every=1)
        state = carried_out(kind, carried_out(kind, {}, "ann", dated, 1), "ann", FORGET, 2)
        assert not kind.has_periods(state["ann"])
        assert kind.is_forgotten(state)


class TestKeysOfHist:
    KIND = TYPES["hist"]
    JOB = Operation("add", elements=("7", "8"), once="job")

    def test_used_key_stays_used_for_any_numbers(self) -> None:
        mine = carried_out(self.KIND, {}, "ann", self.JOB, 1)["ann"]
        state = carried_out(self.KIND, {"ann": mine}, "bob", FORGET, 1)
        assert self.KIND.used_keys(state) == {"job": 0}
        other = Operation("add", elements=("9",), once="job")
        assert self.KIND.is_repetition(state, other)
        assert self.KIND.value(carried_out(self.KIND, state, "ann", other, 2, mine)) == 0
        unheard = carried_out(self.KIND, {}, "čen", other, 1)
        assert self.KIND.value(self.KIND.join_all(state, unheard)) == 0
        again = carried_out(self.KIND, state, "čen", FORGET, 2)
        assert self.KIND.used_keys(again) == {"job": 0}

    def test_with_keys_too_a_repeated_job_counts_again(self) -> None:
        mine = carried_out(self.KIND, {}, "ann", self.JOB, 1)["ann"]
        state = carried_out(self.KIND, {"ann": mine}, "bob", KEYS_TOO, 1)
        assert self.KIND.used_keys(state) == {}
        again = carried_out(self.KIND, state, "ann", self.JOB, 2, mine)
        assert self.KIND.value(self.KIND.join_all({"ann": mine}, again)) == 2

    def test_used_key_is_taken_over(self) -> None:
        mine = carried_out(self.KIND, {}, "ann", self.JOB, 1)["ann"]
        state = carried_out(self.KIND, {"ann": mine}, "bob", FORGET, 1)
        row = self.KIND.absorb(self.KIND.record.bottom, "bob", OperationContext("hub", 1, lambda: state))
        assert self.KIND.used_keys({"hub": row}) == {"job": 0}


@each_type
def test_created_again_it_exists(kind: CounterType) -> None:
    mine = carried_out(kind, {}, "ann", count(kind), 1)["ann"]
    for author in ("ann", "bob"):
        state = carried_out(kind, {"ann": mine}, author, FORGET, 2)
        created = carried_out(kind, state, "ann", Operation("create", 0), 3, mine)
        assert (kind.is_forgotten(created), kind.value(created)) == (False, 0)


@each_additive_type
class TestKeys:
    def test_used_key_stays_used_at_every_replica_and_a_larger_amount_counts_the_rest(self, kind: CounterType) -> None:
        mine = carried_out(kind, {}, "ann", count(kind, 3, "job"), 1)["ann"]
        state = carried_out(kind, {"ann": mine}, "bob", FORGET, 1)
        assert kind.used_keys(state) == {"job": 3}
        assert carried_out(kind, state, "ann", count(kind, 3, "job"), 2, mine) == state
        unheard = carried_out(kind, {}, "čen", count(kind, 5, "job"), 1)
        assert kind.value(kind.join_all(state, unheard)) == 2

    def test_key_of_the_own_file_that_was_forgotten_elsewhere_is_not_counted_again(self, kind: CounterType) -> None:
        mine = carried_out(kind, {}, "ann", count(kind, 3, "job"), 1)["ann"]
        others = carried_out(kind, {"ann": mine}, "bob", FORGET, 1)
        context = OperationContext("ann", 2, lambda: {"bob": others["bob"]})
        assert kind.apply(mine, count(kind, 3, "job"), context) is None

    def test_with_keys_too_a_repeated_job_counts_again(self, kind: CounterType) -> None:
        mine = carried_out(kind, {}, "ann", count(kind, 3, "job"), 1)["ann"]
        for author in ("ann", "bob"):
            state = carried_out(kind, {"ann": mine}, author, KEYS_TOO, 2)
            assert kind.used_keys(state) == {}
            again = carried_out(kind, state, author, count(kind, 4, "job"), 3)
            assert kind.value(again) == kind.value(kind.join_all(again, {"ann": mine})) == 4
            assert kind.value(carried_out(kind, state, "ann", count(kind, 5, "job"), 3, mine)) == 5

    def test_keys_too_is_refused_after_a_reset_of_keys(self, kind: CounterType) -> None:
        state = carried_out(kind, {}, "ann", count(kind, 3, "job"), 1)
        state = carried_out(kind, state, "ann", Operation("reset"), 2)
        with pytest.raises(Refused, match="reset it before"):
            carried_out(kind, state, "ann", KEYS_TOO, 3)

    def test_readings_stay_used(self, kind: CounterType) -> None:
        read = Operation("observe", 0, readings=(("eth0", 9),))
        state = carried_out(kind, carried_out(kind, {}, "ann", read, 1), "bob", FORGET, 1)
        assert kind.is_forgotten(state)
        more = Operation("observe", 0, readings=(("eth0", 11),))
        assert kind.value(carried_out(kind, state, "čen", more, 1)) == 2

    def test_with_keys_too_a_source_counts_from_0_again(self, kind: CounterType) -> None:
        def read(state: Entries, author: str, reading: int, seq: int, mine: Entry | None = None) -> dict[str, Entry]:
            operation = Operation("observe", 0, readings=(("eth0", reading),))
            return carried_out(kind, state, author, operation, seq, mine)

        mine = read({}, "ann", 9, 1)["ann"]
        state = carried_out(kind, {"ann": mine}, "bob", KEYS_TOO, 1)
        assert kind.is_forgotten(state)
        for author, own in (("ann", mine), ("bob", None), ("čen", None)):
            again = read(state, author, 11, 2, own)
            assert kind.value(again) == kind.value(kind.join_all(again, {"ann": mine})) == 11
            assert kind.value(read(again, "dan", 11, 1)) == 11
        counted = carried_out(kind, {"ann": mine}, "ann", count(kind, 2), 2)
        assert kind.value(kind.join_all(state, counted)) == 2
        twice = carried_out(kind, read(state, "čen", 11, 1), "bob", KEYS_TOO, 2)
        assert kind.value(read(twice, "čen", 3, 2)) == 3

    def test_with_keys_too_a_source_without_another_generation_stays_used(self, kind: CounterType) -> None:
        mine = (1, *kind.record.bottom[1:], {}, {}, {}, {}, 0, {"eth0": {"9" * 16: (9,)}})
        state = carried_out(kind, {"ann": mine}, "bob", KEYS_TOO, 1)
        read = Operation("observe", 0, readings=(("eth0", 11),))
        assert kind.value(carried_out(kind, state, "bob", read, 2)) == 2

    def test_readings_of_a_replica_that_is_not_known_stay_cancelled(self, kind: CounterType) -> None:
        read = carried_out(kind, {}, "ann", Operation("observe", 0, readings=(("eth0", 9),)), 1)
        mine = carried_out(kind, read, "bob", Operation("reset"), 1)["bob"]
        state = carried_out(kind, {"bob": mine}, "bob", FORGET, 2)
        assert kind.value(kind.join_all(state, read)) == 0

    def test_expired_keys_stay_expired(self, kind: CounterType) -> None:
        sent = carried_out(kind, {}, "ann", count(kind, 3, "job"), 1)
        kept = carried_out(kind, sent, "bob", Operation("expire", clock=(("ann", 1),)), 1)
        state = carried_out(kind, {"bob": kept["bob"]}, "čen", FORGET, 1)
        later = carried_out(kind, sent, "ann", count(kind, 2), 2)
        assert kind.value(kind.join_all(state, later)) == kind.value(kind.join_all(kept, later)) - 3

    def test_periods_of_forgotten_counts_are_empty(self, kind: CounterType) -> None:
        dated = Operation("increment", 5, every=1, keep=96 * 9)
        state = carried_out(kind, {}, "ann", dated, 1)
        assert kind.has_periods(state["ann"])
        unheard = carried_out(kind, state, "ann", count(kind, 2), 2)
        joined = kind.join_all(carried_out(kind, state, "bob", FORGET, 1), unheard)
        assert not kind.has_periods(joined["bob"])
        found = kind.timeline(joined)
        assert sum(map(kind.size, found.periods.values())) + found.unknown == kind.value(joined) == 2


def test_joined_counters_are_rid_of_forgotten_entries_of_either_side() -> None:
    ann = {"gcounter": {"ann": (3, 5)}}
    bob: Counter = {"gcounter": carried_out(TYPES["gcounter"], ann["gcounter"], "bob", FORGET, 1)}
    assert join_counters(ann, bob) == join_counters(bob, ann) == bob


def test_entry_is_covered_by_another_one_only_up_to_its_commit() -> None:
    kind = TYPES["gset"]
    state: Entries = {"ann": (3, {"x": 3}), "bob": (2, {}, {"ann": 3}, {"ann": 3, "bob": 2})}
    assert forgetting.left(state, part(kind)).keys() == {"bob"}
    assert forgetting.left({**state, "ann": (4, {"x": 3, "y": 4})}, part(kind)).keys() == {"ann", "bob"}
    assert kind.tidied({**state, "ann": (4, {"x": 3, "y": 4})})["ann"] == (4, {"y": 4})


def test_handoff_cannot_be_forgotten() -> None:
    with pytest.raises(Refused, match="a handoff cannot be forgotten"):
        TYPES["handoff"].apply(None, FORGET, OperationContext("ann", 1))


class TestBounded:
    """Counters with rights are forgotten where all rights are."""

    KIND = BCounter()
    CREATE = Operation("create", bound=2, initial=12)

    def do(self, state: Entries, author: str, operation: Operation, seq: int) -> dict[str, Entry]:
        return carried_out(self.KIND, state, author, operation, seq)

    def shared(self) -> dict[str, Entry]:
        """Return a counter: ann made 10 rights and gave 4 to bob, who used 1 and gave 3 back."""
        state = self.do({}, "ann", self.CREATE, 1)
        state = self.do(state, "ann", Operation("transfer", 4, replica="bob"), 2)
        state = self.do(state, "bob", Operation("decrement", 1), 1)
        return self.do(state, "bob", Operation("transfer", 3, replica="ann"), 2)

    def test_it_is_refused_as_long_as_others_hold_rights_who_are_named(self) -> None:
        state = self.do({}, "ann", self.CREATE, 1)
        for seq, who in enumerate(("bob", "čen"), 2):
            state = self.do(state, "ann", Operation("transfer", seq, replica=who), seq)
        with pytest.raises(Lacking, match="čen holds 3, bob holds 2; all rights must be here first") as refused:
            self.do(state, "ann", FORGET, 4)
        assert (refused.value.holder, refused.value.amount) == ("čen", 3)
        with pytest.raises(Lacking, match="ann holds 5"):
            self.do(state, "zoe", FORGET, 1)

    def test_what_is_counted_without_knowing_survives_alone_with_its_rights(self) -> None:
        before = self.shared()
        state = self.do(before, "ann", FORGET, 3)
        assert self.KIND.is_forgotten(state)
        assert self.KIND.is_forgotten(self.KIND.join_all(state, before))
        joined = self.KIND.join_all(state, self.do(before, "bob", Operation("increment", 5), 3))
        assert (self.KIND.is_forgotten(joined), self.KIND.value(joined)) == (False, 2 + 5)
        assert {who: held for who, held in self.KIND.rights(joined).items() if held} == {"bob": 5}
        assert self.KIND.value(self.do(joined, "bob", Operation("decrement", 5), 4)) == 2

    def test_it_is_created_again_with_a_bound_that_is_not_lower(self) -> None:
        for author in ("ann", "bob", "zoe"):
            state = self.do(self.shared(), "ann", FORGET, 3)
            for bound in (None, 1):
                with pytest.raises(Refused, match="its bound was 2 before it was forgotten"):
                    self.do(state, author, Operation("create", bound=bound, initial=9), 4)
            for bound, initial in ((2, 9), (4, 4), (2, 2)):
                again = self.do(state, author, Operation("create", bound=bound, initial=initial), 4)
                assert (self.KIND.is_forgotten(again), self.KIND.value(again)) == (False, initial)
                assert self.KIND.rights(again).get(author, 0) == initial - bound
                assert len(self.KIND.makers(again)) <= 1
                assert self.do(again, author, Operation("create", bound=9, initial=99), 5) == again

    def test_rights_that_were_used_twice_are_made_up_for(self) -> None:
        state: dict[str, Entry] = {"ann": (1, 9, 0, ("0",)), "bob": (1, 0, 4, ("0",))}
        state = self.do(state, "ann", FORGET, 2)
        assert self.KIND.rights(state) == {"ann": 4, "bob": -4}
        later = self.do(state, "čen", Operation("increment", 2), 1)
        assert self.KIND.value(later) == 2

    def test_replica_that_absorbs_the_one_that_forgot_has_forgotten_it(self) -> None:
        state = self.do(self.shared(), "ann", FORGET, 3)
        row = self.KIND.absorb_all(self.KIND.record.bottom, ["ann", "bob"], OperationContext("hub", 1, lambda: state))
        hub = {"hub": (1, *row[1:])}
        assert (self.KIND.is_forgotten(hub), self.KIND.value(hub)) == (True, 2)
        counted = self.do(state, "hub", Operation("increment", 3), 1)
        row = self.KIND.absorb(counted["hub"], "ann", OperationContext("hub", 2, lambda: state))
        assert not self.KIND.is_forgotten({"hub": (2, *row[1:])})

    def test_periods_of_the_replica_that_forgets_are_dropped(self) -> None:
        state = self.do({}, "ann", replace(self.CREATE, every=1), 1)
        state = self.do(state, "ann", Operation("increment", 3), 2)
        state = self.do(state, "ann", FORGET, 3)
        assert self.KIND.timeline(state).periods == {}

    def test_replica_that_is_forked_later_does_not_bring_it_back(self) -> None:
        state = self.do({}, ID, self.CREATE, 3)
        state = self.do(state, ID, Operation("transfer", 10, replica="zoe"), 4)
        after = self.do(state, "zoe", FORGET, 1)
        joined = self.KIND.join_all({"zoe": after["zoe"]}, {f"{ID}~3.{nonce}": state[ID] for nonce in ("aaaa", "bbbb")})
        assert (self.KIND.is_forgotten(joined), self.KIND.value(joined)) == (True, 2)


@pytest.mark.parametrize("verb", ["reset", "forget"])
@pytest.mark.parametrize("tag", ["gcounter", "pncounter"])
def test_counts_before_a_reset_or_a_forget_are_cancelled_and_later_ones_are_not(tag: str, verb: Verb) -> None:
    kind = TYPES[tag]
    state = carried_out(kind, {}, "ann", count(kind, 5), 1)
    assert not kind.is_cancelled(state, "ann", 1, 5, 0)
    state = carried_out(kind, state, "ann", Operation(verb), 2)
    assert kind.is_cancelled(state, "ann", 1, 5, 0)
    state = carried_out(kind, state, "ann", count(kind, 3), 3)
    assert kind.is_cancelled(state, "ann", 1, 5, 3)
    assert not kind.is_cancelled(state, "ann", 3, 3, 0)
    assert not kind.is_cancelled(state, "bob", 1, 5, 0)


def test_counts_of_another_replica_are_cancelled_although_its_entry_is_gone() -> None:
    kind = TYPES["pncounter"]
    state = carried_out(kind, carried_out(kind, {}, "ann", count(kind, 5), 1), "bob", FORGET, 1)
    assert kind.is_cancelled({"bob": state["bob"]}, "ann", 1, 5, 0)


def test_counts_of_a_forgotten_stock_are_cancelled() -> None:
    kind = TYPES["bcounter"]
    state = carried_out(kind, {}, "ann", Operation("create", bound=0, initial=9), 1)
    assert not kind.is_cancelled(state, "ann", 1, 9, 0)
    state = carried_out(kind, state, "ann", FORGET, 2)
    assert kind.is_cancelled(state, "ann", 1, 9, 0)
    assert not kind.is_cancelled(state, "ann", 3, 9, 0)
    assert not TYPES["handoff"].is_cancelled({}, "ann", 1, 1, 0)
    assert TYPES["gset"].forget_blocker("ann", {}) is None


def test_own_reading_stays_own_when_a_larger_one_of_another_replica_is_forgotten() -> None:
    kind = TYPES["gcounter"]
    state = carried_out(kind, {}, "ann", Operation("observe", readings=(("eth0", 2),)), 1)
    state = carried_out(kind, state, "bob", Operation("observe", readings=(("eth0", 3),)), 1)
    state = carried_out(kind, state, "ann", FORGET, 2)
    again = Operation("observe", readings=(("eth0", 2),), on_drop="restart")
    assert kind.apply(state["ann"], again, OperationContext("ann", 3, dict)) is None
