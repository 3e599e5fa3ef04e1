"""No interleaving, staleness, replay or fork lets a bounded counter be oversold, or read below its bound."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.base import TOO_LARGE, Entry, Lacking, Operation, OperationContext, Refused
from crdtctl.crdt.bcounter_row import bound_fault
from tests.crdt.sellers import KIND, STEP, Market, Moment, play

#: In the profile of CI, 500 tapes for each of three tests: 300,000 steps.
STEPS = 200
TAPES = st.binary(min_size=2 + STEP * STEPS, max_size=2 + STEP * STEPS)


def assert_exact(market: Market, moment: Moment) -> None:
    """Assert that a moment without forks reads what the operations amount to, and that no right is owed."""
    state = market.entries(moment)
    rights = KIND.rights(state)
    assert KIND.value(state) == market.total(moment.seen)
    assert {who: amount for who, amount in rights.items() if amount} == market.held(moment.seen)
    assert min(rights.values(), default=0) >= 0
    assert sum(rights.values()) == KIND.value(state) - KIND.bound(state)


def assert_never_below(market: Market, moment: Moment) -> None:
    """Assert that a moment reads no less than the bound, and that only a fork owes rights."""
    if not market.is_forked(moment):
        assert_exact(market, moment)
        return
    state = market.entries(moment)
    rights = KIND.rights(state)
    assert KIND.bound(state) == market.bound
    assert KIND.value(state) == market.bound + max(0, sum(rights.values()))
    owing = {who for who, amount in rights.items() if amount < 0}
    assert owing <= {author.partition("~")[0] for author in state if "~" in author}


@given(tape=TAPES)
def test_without_clones_every_moment_is_exact_and_no_right_is_ever_owed(tape: bytes) -> None:
    market = play(tape, clones=0)
    for moment in market.moments:
        assert_exact(market, moment)


@given(tape=TAPES)
def test_with_clones_no_moment_reads_below_the_bound_and_only_forks_owe_rights(tape: bytes) -> None:
    market = play(tape, clones=5)
    for moment in market.moments:
        assert_never_below(market, moment)


@given(tape=TAPES, data=st.data())
def test_whoever_has_heard_everything_reads_and_holds_the_same(tape: bytes, data: st.DataObject) -> None:
    market = play(tape, clones=data.draw(st.sampled_from([0, 3])))
    last_of_each = list(market.now.values())
    for seller in list(market.now):
        who = seller
        for moment in data.draw(st.permutations(last_of_each)):
            who = market.receive(who, moment)
    last: list[Mapping[str, Any]] = [market.entries(moment) for moment in market.now.values()]
    assert all(state == last[0] for state in last)
    for moment in market.now.values():
        assert_never_below(market, moment)


# The rules, one by one ------------------------------------------------------------------------------------


def row(mine: Entry | None, operation: Operation, me: str = "ann", /, **others: Entry) -> Entry:
    """Return my entry after an operation that changes it."""
    after = KIND.apply(mine, operation, OperationContext(me, (mine or (0,))[0] + 1, lambda: others))
    assert after is not None
    return after


def created(bound: int = 0, initial: int = 10) -> Entry:
    return row(None, Operation("create", bound=bound, initial=initial))


def given_to(*who: str, amount: int = 3) -> Entry:
    """Return the entry of somebody who created ten and gave some away."""
    mine = created()
    for one in who:
        mine = row(mine, Operation("transfer", amount, replica=one))
    return mine


# The mistakes of others


def test_rights_are_those_that_are_here_not_what_the_counter_reads() -> None:
    ann = created()
    assert KIND.value({"ann": ann}) == 10
    with pytest.raises(Lacking, match="needs 10 rights, but this replica holds 0; ann holds 10") as refused:
        row(None, Operation("decrement", 10), "bob", ann=ann)
    assert (refused.value.holder, refused.value.amount) == ("ann", 10)
    assert KIND.value({"ann": row(ann, Operation("decrement", 10))}) == 0


@pytest.mark.parametrize("verb", ["transfer", "request"])
def test_nothing_is_given_to_oneself_or_asked_of_oneself(verb: Any) -> None:
    with pytest.raises(Refused, match=r"that replica has these rights|cannot ask itself"):
        row(created(), Operation(verb, 3, replica="ann"))


@pytest.mark.parametrize("verb", ["transfer", "request", "increment", "decrement"])
@pytest.mark.parametrize("amount", [-1, -(10**30)])
def test_an_amount_that_is_none_moves_nothing(verb: Any, amount: int) -> None:
    with pytest.raises(Refused, match="at least 0"):
        row(created(), Operation(verb, amount, replica="bob"))


def test_a_row_of_a_stranger_who_gives_to_himself_makes_no_rights() -> None:
    assert KIND.rights({"eve": (1, 0, 0, (), {"eve": 10})}) == {"eve": 0}


def test_an_entry_without_the_entries_that_paid_for_it_would_owe_rights() -> None:
    """Which is why a delta with a gap is refused: see the tests of the library."""
    ann = given_to("bob")
    bob = row(None, Operation("decrement", 3), "bob", ann=ann)
    assert KIND.rights({"bob": bob}) == {"bob": -3}
    assert KIND.value({"bob": bob}) == 0
    assert KIND.rights({"ann": ann, "bob": bob}) == {"ann": 7, "bob": 0}


# Declaring


@pytest.mark.parametrize(("bound", "initial", "reads"), [(None, None, 0), (5, None, 5), (-100, 0, 0), (-100, -40, -40)])
def test_a_counter_begins_at_its_initial_value_or_at_its_bound(
    bound: int | None, initial: int | None, reads: int
) -> None:
    state = {"ann": row(None, Operation("create", bound=bound, initial=initial))}
    assert KIND.value(state) == reads
    assert KIND.bound(state) == (bound or 0)
    assert KIND.rights(state) == {"ann": reads - (bound or 0)}


@pytest.mark.parametrize(
    ("bound", "initial", "why"),
    [(5, 4, "below the bound"), (0, -1, "below"), (-TOO_LARGE, 0, "100 digits"), (1 - TOO_LARGE, TOO_LARGE, "100")],
)
def test_a_counter_that_cannot_be_is_not_created(bound: int, initial: int, why: str) -> None:
    with pytest.raises(Refused, match=why):
        row(None, Operation("create", bound=bound, initial=initial))


def test_of_two_who_declared_a_bound_the_larger_holds_and_both_initial_values_count() -> None:
    state = {"ann": created(-100, -40), "bob": created(-20, -15), "čen": created(-20, -20)}
    assert KIND.bound(state) == -20
    assert KIND.value(state) == -20 + 60 + 5
    assert KIND.shares(state) == {"ann": 60, "bob": -15, "čen": 0}
    assert sum(KIND.rights(state).values()) == 65


def test_a_bound_that_another_branch_declared_larger_holds() -> None:
    state = {"ann~1.aaaa": created(3, 3), "ann~1.bbbb": created(-50, -50)}
    assert KIND.value(state) == KIND.bound(state) == 3


@pytest.mark.parametrize("text", ["", "-", "-0", "00", "01", "+1", "1.0", "1e3", "١", " 1", "1\n", "9" * 101])
def test_a_bound_is_spelt_in_one_way(text: str) -> None:
    assert bound_fault(text)


@given(number=st.integers(1 - TOO_LARGE, TOO_LARGE - 1))
def test_every_whole_number_of_at_most_100_digits_may_be_a_bound(number: int) -> None:
    assert bound_fault(str(number)) is None


def test_no_total_has_more_than_100_digits() -> None:
    full = created(0, TOO_LARGE - 1)
    with pytest.raises(Refused, match="100 digits"):
        row(full, Operation("increment"))
    wanted = row(full, Operation("request", TOO_LARGE - 1, replica="bob"))
    with pytest.raises(Refused, match="100 digits"):
        row(wanted, Operation("request", replica="bob"))


# Refusals


def test_a_refusal_names_the_largest_holders_and_whom_to_ask_for_what() -> None:
    ann = given_to("bob", "čen", "dot", amount=2)
    others = {"ann": ann, "eve": (1, 9, 0), "fay": (1, 1, 0)}
    bob = (1, 0, 1)
    with pytest.raises(Lacking) as refused:
        row(bob, Operation("decrement", 4), "bob", **others)
    assert str(refused.value) == (
        "needs 4 rights, but this replica holds 1; "
        "eve holds 9, ann holds 4, dot holds 2, and 2 other replicas hold some"
    )
    assert (refused.value.holder, refused.value.amount) == ("eve", 3)


def test_who_has_asked_for_enough_is_told_so_and_who_has_not_asks_for_the_rest() -> None:
    ann = created()
    bob = row(None, Operation("request", 3, replica="ann"), "bob")
    with pytest.raises(Lacking, match="3 were requested and have not arrived yet") as refused:
        row(bob, Operation("decrement", 3), "bob", ann=ann)
    assert refused.value.holder == ""
    with pytest.raises(Lacking) as refused:
        row(bob, Operation("decrement", 5), "bob", ann=ann)
    assert (refused.value.holder, refused.value.amount) == ("ann", 2)


def test_nobody_is_asked_for_more_than_he_holds() -> None:
    with pytest.raises(Lacking) as refused:
        row(None, Operation("decrement", 50), "bob", ann=created())
    assert (refused.value.holder, refused.value.amount) == ("ann", 10)


def test_once_keys_are_refused_with_the_reason() -> None:
    with pytest.raises(Refused, match="rights are used on one replica"):
        row(created(), Operation("decrement", once="job"))


# Requests and grants


def test_what_was_asked_for_is_outstanding_until_it_was_given() -> None:
    ann = created()
    bob = row(None, Operation("request", 4, replica="ann"), "bob", ann=ann)
    assert KIND.requests({"ann": ann, "bob": bob}) == {"ann": {"bob": 4}}
    ann = row(ann, Operation("transfer", 3, replica="bob"))
    assert KIND.requests({"ann": ann, "bob": bob}) == {"ann": {"bob": 1}}
    ann = row(ann, Operation("transfer", granted=True), bob=bob)
    assert KIND.requests({"ann": ann, "bob": bob}) == {}
    assert KIND.rights({"ann": ann, "bob": bob}) == {"ann": 6, "bob": 4}


def test_what_was_given_unasked_before_is_no_answer_to_a_request() -> None:
    ann = given_to("bob")
    bob = row(None, Operation("request", 2, replica="ann"), "bob", ann=ann)
    assert KIND.requests({"ann": ann, "bob": bob}) == {"ann": {"bob": 2}}
    bob = row(bob, Operation("request", 1, replica="ann"), "bob", ann=ann)
    assert KIND.requests({"ann": ann, "bob": bob}) == {"ann": {"bob": 3}}


def test_requests_are_granted_in_the_order_of_the_ids_as_far_as_the_rights_reach() -> None:
    others = {who: row(None, Operation("request", 4, replica="ann"), who) for who in ("dot", "bob", "čen")}
    ann = row(created(), Operation("transfer", granted=True), **others)
    assert KIND.rights({"ann": ann, **others}) == {"ann": 0, "bob": 4, "dot": 4, "čen": 2}
    assert KIND.apply(ann, Operation("transfer", granted=True), OperationContext("ann", 9, lambda: others)) is None


def test_one_request_can_be_granted_and_the_others_not() -> None:
    others = {who: row(None, Operation("request", 4, replica="ann"), who) for who in ("bob", "dot")}
    ann = row(created(), Operation("transfer", replica="dot", granted=True), **others)
    assert KIND.rights({"ann": ann, **others}) == {"ann": 6, "bob": 0, "dot": 4}


def test_who_has_no_entry_and_nothing_to_grant_makes_none() -> None:
    assert KIND.apply(None, Operation("transfer", granted=True), OperationContext("ann", 1)) is None


# Replicas that are gone, forks, and what was taken over


def test_the_rights_of_one_who_is_gone_can_be_taken_and_are_his_no_more() -> None:
    old = given_to("bob")
    anew = row(None, Operation("transfer", 5, replica="new", source="ann"), "new", ann=old)
    assert KIND.rights({"ann": old, "new": anew}) == {"ann": 2, "bob": 3, "new": 5}
    anew = row(anew, Operation("transfer", 2, replica="bob", source="ann"), "new", ann=old)
    assert KIND.rights({"ann": old, "new": anew}) == {"ann": 0, "bob": 5, "new": 5}
    with pytest.raises(Refused, match="ann holds only 0 rights, as far as this replica knows"):
        row(anew, Operation("transfer", 1, replica="new", source="ann"), "new", ann=old)
    with pytest.raises(Refused, match="that replica has these rights"):
        row(anew, Operation("transfer", 1, replica="ann", source="ann"), "new", ann=old)


def test_two_who_take_the_same_rights_owe_them_and_nobody_reads_less_than_the_bound() -> None:
    old = created(7, 17)
    takes = Operation("transfer", 10, replica="bob", source="ann")
    state = {"ann": old}
    for who in ("bob", "čen"):
        mine = row(None, replace_target(takes, who), who, ann=old)
        state[who] = row(mine, Operation("decrement", 10), who, ann=old)
    assert KIND.rights(state) == {"ann": -10, "bob": 0, "čen": 0}
    assert KIND.value(state) == 7


def replace_target(operation: Operation, who: str) -> Operation:
    return Operation(operation.verb, operation.amount, replica=who, source=operation.source)


def test_the_branches_of_a_fork_owe_what_they_used_both_and_who_gives_to_them_makes_up_for_it() -> None:
    ann = given_to("bob", amount=10)
    one: Entry = row(None, Operation("decrement", 10), "bob", ann=ann)
    two: Entry = row(None, Operation("transfer", 10, replica="čen"), "bob", ann=ann)
    cen = row(None, Operation("decrement", 10), "čen", ann=ann, bob=two)
    state = {"ann": ann, "bob~1.aaaa": one, "bob~1.bbbb": two, "čen": cen}
    assert KIND.rights(state) == {"ann": 0, "bob": -10, "čen": 0}
    assert KIND.value(state) == 0
    state["ann"] = row(ann, Operation("increment", 12))
    state["ann"] = row(state["ann"], Operation("transfer", 10, replica="bob~1.bbbb"))
    assert KIND.rights(state) == {"ann": 2, "bob": 0, "čen": 0}
    assert KIND.value(state) == 2


def test_whoever_absorbs_takes_over_what_the_sealed_one_made_used_gave_and_held() -> None:
    state: dict[str, Entry] = {
        "ann": (5, 100, 10, ("0",), {"job": 20, "čen": 5}),
        "job": (4, 7, 12, (), {"ann": 3, "bob": 2}, {"bob": 9}),
        "bob": (2, 1, 0, (), {"job": 4}),
    }
    before = KIND.rights(state)
    assert before == {"ann": 68, "bob": 1 + 2 - 4, "job": 7 - 12 + 24 - 5, "čen": 5}
    value = KIND.value(state)
    others = {who: state[who] for who in ("job", "bob")}
    after = {"ann": KIND.absorb(state["ann"], "job", OperationContext("ann", 6, lambda: others)), "bob": state["bob"]}
    assert KIND.value(after) == value
    assert KIND.rights(after) == {"ann": before["ann"] + before["job"], "bob": before["bob"], "job": 0, "čen": 5}
    assert KIND.bound(after) == 0
    assert KIND.seal_blocker("ann", after) == ("holds 82 rights here", "give them away with 'crdtctl transfer' first")
    assert KIND.seal_blocker("job", after) == ()
