"""What an operation does to the entry of its author, for every type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt import TYPES
from crdtctl.crdt.additive import AdditiveCounter
from crdtctl.crdt.base import TOO_LARGE, CounterType, Entry, Operation, OperationContext, Refused, Verb
from crdtctl.records import replace
from tests.crdt.normal import is_normal
from tests.support.histories import Moment, groups, moments, operations, settings, verbs
from tests.support.sketches import sketch


def at(seq: int) -> OperationContext:
    return OperationContext("ann", seq)


each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def mine(moment: Moment) -> Entry | None:
    return moment.state.get(moment.author)


def apply(kind: CounterType, before: Entry | None, operation: Operation, seq: int) -> Entry | None:
    """Apply, or do nothing where the type refuses."""
    try:
        return kind.apply(before, operation, at(seq))
    except Refused:
        return None


@each_type
@given(data=st.data())
def test_every_operation_covers_what_was_there_before(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    before = mine(moment)
    operation = data.draw(operations(kind))
    after = apply(kind, before, operation, moment.clock.get(moment.author, 0) + 1)
    if after is not None:
        assert after != before
        if operation.verb == "forget" and before is not None:  # covers the elements before it, and leaves them out
            after = (*after[:1], before[1], *after[2:])
        assert kind.record.covers(after, kind.record.bottom if before is None else before)


@each_type
@given(data=st.data())
def test_an_operation_carries_the_number_of_its_commit(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    seq = moment.clock.get(moment.author, 0) + data.draw(st.integers(1, 2**60))
    after = apply(kind, mine(moment), data.draw(operations(kind)), seq)
    if after is not None:
        assert after[0] == seq
        assert is_normal(kind.record, after)


@each_type
@given(data=st.data())
def test_no_commit_is_made_where_nothing_changes(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    operation = data.draw(operations(kind))
    before = mine(moment)
    seq = moment.clock.get(moment.author, 0) + 1
    try:
        after = kind.apply(before, operation, at(seq))
    except Refused:
        return
    if after is not None:  # a forgotten counter exists again with a later commit
        is_forgotten = before is not None and kind.is_forgotten({moment.author: before})
        assert before is None or is_forgotten or after[1:] != before[1:]
    elif before is None:
        assert operation.verb in ("reset", "transfer", "expire")
    else:
        assert kind.mutate(before, operation, at(1)) == before


@each_type
@given(data=st.data())
def test_an_operation_leaves_the_old_contribution_as_it_was(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    before = repr(mine(moment))
    apply(kind, mine(moment), data.draw(operations(kind)), 10**6)
    assert repr(mine(moment)) == before


@each_type
def test_creating_makes_an_entry_that_reads_zero_and_a_second_time_does_nothing(kind: CounterType) -> None:
    created = kind.apply(None, Operation("create"), at(7))
    assert created is not None
    assert created[0] == 7
    assert kind.value({"ann": created}) == 0
    assert kind.apply(created, Operation("create"), at(8)) is None


@each_type
def test_creating_a_counter_that_was_used_changes_nothing(kind: CounterType) -> None:
    created = kind.apply(None, Operation("create", **settings(kind, 2, 7)), at(1))
    for verb in sorted({*verbs(kind)} - {"forget"}):  # then it makes the counter exist again
        used = kind.apply(created, Operation(verb, 5, groups(kind)[1], replica="bob"), at(2)) or created
        assert kind.apply(used, Operation("create"), at(3)) is None
        assert kind.apply(used, Operation("create", **settings(kind, 3, 9)), at(3)) is None


@pytest.mark.parametrize("tag", [tag for tag, kind in TYPES.items() if isinstance(kind, AdditiveCounter)])
class TestTotals:
    def test_a_repeated_once_key_changes_nothing(self, tag: str) -> None:
        kind = TYPES[tag]
        sent = kind.apply(None, Operation("increment", 5, once="job"), at(1))
        assert sent is not None
        assert kind.apply(sent, Operation("increment", 5, once="job"), at(2)) is None
        assert kind.apply(sent, Operation("increment", 9, once="job"), at(2)) is None

    def test_a_once_key_that_two_replicas_sent_counts_once_and_the_larger_amount(self, tag: str) -> None:
        kind = TYPES[tag]
        low = kind.apply(None, Operation("increment", 5, once="job"), at(1))
        high = kind.apply(None, Operation("increment", 8, once="job"), at(1))
        assert low is not None
        assert high is not None
        assert kind.value({"ann": low, "bob": high}) == 8
        assert kind.once({"ann": low, "bob": high}) == {"job": 8}
        assert kind.shares({"ann": low, "bob": high}) == {"ann": 0, "bob": 8}
        assert kind.shares({"ann": low, "čen": low}) == {"ann": 5, "čen": 0}

    def test_a_once_key_and_plain_amounts_add_up(self, tag: str) -> None:
        kind = TYPES[tag]
        row = kind.apply(None, Operation("increment", 5, once="job"), at(1))
        row = kind.apply(row, Operation("increment", 2), at(2))
        row = kind.apply(row, Operation("increment", 4, once="other"), at(3))
        assert row is not None
        assert kind.value({"ann": row}) == 11
        assert kind.once({"ann": row}) == {"job": 5, "other": 4}
        assert kind.shares({"ann": row}) == {"ann": 11}

    def test_a_total_has_at_most_100_digits(self, tag: str) -> None:
        kind = TYPES[tag]
        full = kind.apply(None, Operation("increment", TOO_LARGE - 1), at(1))
        assert full is not None
        assert kind.value({"ann": full}) == 10**100 - 1
        with pytest.raises(Refused, match="100 digits"):
            kind.apply(full, Operation("increment", 1), at(2))
        almost = kind.apply(None, Operation("increment", TOO_LARGE - 2), at(1))
        assert kind.apply(almost, Operation("increment", 1), at(2)) == (2, *full[1:])


def test_a_key_that_was_incremented_here_and_decremented_there_counts_both() -> None:
    kind = TYPES["pncounter"]
    up = kind.apply(None, Operation("increment", 5, once="job"), at(1))
    down = kind.apply(None, Operation("decrement", 2, once="job"), at(1))
    assert up is not None
    assert down is not None
    assert kind.value({"ann": up, "bob": down}) == 3


GIVEN = Operation("transfer", 3, replica="bob")
ASKED = Operation("request", 4, replica="bob")
UNDER_KEY = Operation("increment", 5, once="job")
ROWS: list[tuple[str, list[Operation], Entry]] = [
    ("bcounter", [Operation("create")], (1, 0, 0, ("0",))),
    ("bcounter", [Operation("create", bound=-7)], (1, 0, 0, ("-7",))),
    (
        "bcounter",
        [Operation("create", bound=5, initial=12), Operation("decrement", 4)],
        (2, 7, 4, ("5",), {}, {}, {}, {"ann": 7}),
    ),
    ("bcounter", [Operation("increment", 5), GIVEN, replace(GIVEN, amount=1)], (3, 5, 0, (), {"bob": 4})),
    ("bcounter", [ASKED, ASKED], (2, 0, 0, (), {}, {"bob": 8})),
    ("gcounter", [Operation("create")], (1, 0)),
    ("gcounter", [Operation("increment")], (1, 1)),
    ("gcounter", [Operation("increment", 5), Operation("increment", 2)], (2, 7)),
    ("gcounter", [Operation("increment", 5, once="job")], (1, 0, {"job": (5, 1)})),
    ("pncounter", [Operation("create")], (1, 0, 0)),
    ("pncounter", [Operation("increment", 5), Operation("decrement", 7)], (2, 5, 7)),
    ("pncounter", [Operation("decrement", 5, once="job")], (1, 0, 0, {"job": (0, 5, 1)})),
    ("hll", [Operation("create")], (1, "blake2b 12 ")),
    ("hll", [Operation("create", precision=4), Operation("add", elements=("a",))], (2, sketch(4, ["a"]))),
    (
        "hll",
        [Operation("add", elements=("a", "b", "a")), Operation("add", elements=("é", "b"))],
        (2, sketch(12, "abé")),
    ),
    ("hll", [Operation("add", elements=("a",), sketch=sketch(16, "bc"))], (1, sketch(12, "abc"))),
    ("hist", [Operation("create")], (1, ("c",), {})),
    ("hist", [Operation("create", level="a"), Operation("create", level="b")], (1, ("a",), {})),
    (
        "hist",
        [Operation("add", elements=("0.35", "1", "-2e0", "0", "1")), Operation("add", elements=(".10",))],
        (2, ("c",), {"c-3631": 1, "c0": 1, "c3480": 1, "c3544": 1, "c3596": 2}, "2.45", "2", "-2", "1"),
    ),
    (
        "hist",
        [Operation("add", elements=("7",), once="job"), Operation("add", elements=("7",), once="job")],
        (1, ("c",), {}, "", "", "", "", {"job": ({"c3695": 1}, "7", "", "7", "7")}),
    ),
    ("gset", [Operation("create")], (1, {})),
    (
        "gset",
        [Operation("add", elements=("b", "a")), Operation("add", elements=("é", "a"))],
        (2, {"a": 1, "b": 1, "é": 2}),
    ),
    ("gcounter", [Operation("increment", 5), Operation("reset")], (2, 5, {}, {"ann": (5,)})),
    ("gcounter", [UNDER_KEY, Operation("reset")], (2, 0, {"job": (5, 1)}, {}, {"job": (5,)})),
    ("gcounter", [UNDER_KEY, Operation("expire", clock=(("ann", 1),))], (2, 5, {}, {}, {}, {}, 1)),
    (
        "pncounter",
        [Operation("increment", 5), Operation("reset"), Operation("decrement"), Operation("reset")],
        (4, 5, 1, {}, {"ann": (5, 1)}),
    ),
    (
        "gset",
        [Operation("add", elements=("b", "a")), Operation("reset"), Operation("add", elements=("a",))],
        (3, {"a": 3, "b": 1}, {"ann": 1}),
    ),
    ("handoff", [Operation("create")], (1, 0)),
    ("handoff", [Operation("increment", 5), Operation("decrement", 7)], (2, 0, (5, 0, 5), (7, 0, 7))),
    ("handoff", [Operation("decrement", 7)], (1, 0, (0,), (7, 0, 7))),
]


@pytest.mark.parametrize(("tag", "done", "row"), ROWS)
def test_a_contribution_is_the_row_that_its_type_describes(tag: str, done: list[Operation], row: Entry) -> None:
    mine: Entry | None = None
    for seq, operation in enumerate(done, 1):
        mine = TYPES[tag].apply(mine, operation, at(seq)) or mine
    assert mine == row


REFUSED: list[tuple[str, Verb, str]] = [
    ("bcounter", "add", "has no elements"),
    ("bcounter", "reset", "only use or transfer its own rights"),
    ("bcounter", "decrement", "needs 1 right, but this replica holds 0; no other known replica holds any"),
    ("bcounter", "transfer", "needs 1 right, but this replica holds 0"),
    ("gcounter", "decrement", "only grows"),
    ("gcounter", "add", "has no elements"),
    ("pncounter", "add", "has no elements"),
    ("gset", "increment", "cannot be incremented"),
    ("gset", "decrement", "cannot be decremented"),
    ("hist", "increment", "counts numbers"),
    ("hist", "decrement", "cannot take a number back"),
    ("hist", "reset", "does not store which numbers"),
    ("hist", "transfer", "has no rights"),
    ("hist", "request", "has no rights"),
    ("hist", "add", "'a': it is not a number"),
    ("hll", "increment", "counts distinct things"),
    ("hll", "decrement", "cannot remove elements"),
    ("hll", "reset", "cannot remove elements"),
    ("hll", "transfer", "counts distinct things"),
    ("hll", "request", "counts distinct things"),
    ("handoff", "add", "has no elements"),
    ("handoff", "reset", "does not record which replica counted how much"),
    ("handoff", "transfer", "handed over by merging"),
    ("handoff", "request", "handed over by merging"),
]


@pytest.mark.parametrize(("tag", "verb", "why"), REFUSED)
def test_what_a_type_does_not_allow_is_refused_with_the_reason(tag: str, verb: Verb, why: str) -> None:
    with pytest.raises(Refused, match=why):
        TYPES[tag].apply(None, Operation(verb, elements=("a",), replica="bob"), at(1))


ALLOWED: dict[str, list[Verb]] = {
    "bcounter": ["create", "increment", "decrement", "transfer", "request", "forget"],
    "gcounter": ["create", "increment", "reset", "expire", "observe", "forget"],
    "gset": ["create", "add", "reset", "forget"],
    "handoff": ["create", "increment", "decrement"],
    "hist": ["create", "add", "forget"],
    "hll": ["create", "add", "forget"],
    "pncounter": ["create", "increment", "decrement", "reset", "expire", "observe", "forget"],
}


@pytest.mark.parametrize("tag", ALLOWED)
def test_each_type_allows_the_verbs_that_it_is_for(tag: str) -> None:
    assert verbs(TYPES[tag]) == ALLOWED[tag]
