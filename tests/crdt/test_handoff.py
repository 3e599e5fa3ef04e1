"""Handoff counters: two nodes in a row, decrements, ids that end, and what stands open."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.base import TOO_LARGE, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.handoff import Handoff
from tests.crdt.normal import is_normal
from tests.support.histories import merged

KIND = Handoff()


def count(row: Entry | None, amount: int, who: str, tier: int) -> Entry:
    verb = Operation("increment" if amount > 0 else "decrement", abs(amount))
    found = KIND.apply(row, verb, OperationContext(who, 1 if row is None else row[0] + 1, tier=tier))
    assert found is not None
    return found


class Pair:
    """A permanent replica and a client of it."""

    def __init__(self) -> None:
        self.tiers = {"hub": 0, "job": 1}
        self.rows: dict[str, Entry | None] = dict.fromkeys(self.tiers)

    def count(self, who: str, amount: int) -> None:
        self.rows[who] = count(self.rows[who], amount, who, self.tiers[who])

    def meet(self, who: str, peer: str) -> int:
        """Let one meet the other; return the step of the hand-off."""
        theirs, before = self.rows[peer], self.rows[who]
        assert theirs is not None
        seq = 1 if before is None else before[0] + 1
        merging = KIND.local_merge(before, OperationContext(who, seq, tier=self.tiers[who]))
        step = merging.merge(peer, theirs)
        self.rows[who] = now = before if merging.row is None else merging.row
        assert now is not None
        assert is_normal(KIND.record, now)
        return step

    def value(self, who: str) -> int:
        row = self.rows[who]
        return KIND.value({} if row is None else {who: row})


def test_increments_and_decrements_are_handed_over_and_the_difference_is_exact_once_they_are() -> None:
    pair = Pair()
    pair.count("hub", 100)
    pair.count("job", 9)
    pair.count("job", -4)
    steps = [pair.meet(who, peer) for who, peer in [("hub", "job"), ("job", "hub")] * 3]
    assert steps == [1, 2, 3, 4, 0, 0]
    assert (pair.value("hub"), pair.value("job")) == (105, 105)
    row = pair.rows["job"]
    assert row is not None
    open_ = KIND.pending("job", row)
    assert (open_.counted, open_.slots, open_.tokens, open_.has_no_peer) == ((0, 0), (), {}, False)


def test_of_two_nodes_the_hand_off_that_is_less_far_is_told() -> None:
    pair = Pair()
    pair.count("job", 9)
    pair.meet("hub", "job")
    pair.count("job", -4)
    assert pair.meet("job", "hub") == 2
    assert pair.meet("hub", "job") == 1  # the increments are here, and for the decrements there is a slot now
    assert pair.value("hub") == 9


def test_who_meets_others_without_having_counted_takes_part_under_its_tier() -> None:
    pair = Pair()
    pair.count("hub", 5)
    pair.meet("job", "hub")
    assert pair.rows["job"] == (1, 1, (5, 5))
    assert pair.value("job") == 5


def test_what_is_open_is_said() -> None:
    pair = Pair()
    pair.count("job", 9)
    job = pair.rows["job"]
    assert job is not None
    assert KIND.pending("job", job).has_no_peer
    pair.meet("hub", "job")
    hub = pair.rows["hub"]
    assert hub is not None
    assert KIND.pending("hub", hub).slots == ("job",)
    assert not KIND.pending("hub", hub).has_no_peer
    pair.meet("job", "hub")
    job = pair.rows["job"]
    assert job is not None
    assert KIND.pending("job", job).tokens == {("job", "hub"): (9, 0)}


def test_the_tier_of_a_node_never_changes() -> None:
    row = count(None, 5, "job", 1)
    assert count(row, 5, "job", 0)[1] == 1


def test_an_id_that_goes_on_under_another_knows_what_it_read_and_carries_its_tokens_on() -> None:
    pair = Pair()
    pair.count("job", 9)
    pair.meet("hub", "job")
    pair.meet("job", "hub")
    pair.count("job", 2)
    old = pair.rows["job"]
    assert old is not None
    pair.tiers["new"] = 1
    pair.rows["new"] = KIND.carry_over("job", old, OperationContext("new", 1, tier=1))
    assert pair.value("new") == pair.value("job") == 11
    assert KIND.pending("new", pair.rows["new"] or ()).tokens == {("job", "hub"): (9, 0)}
    pair.meet("hub", "new")
    assert pair.value("hub") == 9
    pair.meet("hub", "job")  # another copy of it lives, and hands over the same token, and what it counted since
    pair.meet("job", "hub")
    pair.meet("hub", "job")
    assert pair.value("hub") == 11


def test_a_permanent_id_that_goes_on_under_another_loses_and_doubles_nothing() -> None:
    row = count(count(None, 5, "hub", 0), -1, "hub", 0)
    new = KIND.carry_over("hub", row, OperationContext("new", 1))
    assert KIND.value({"new": new}) == KIND.value({"hub": row, "new": new}) == 4
    more = merged(KIND, new, "hub", count(row, 2, "hub", 0), OperationContext("new", 2))
    assert more is not None
    assert KIND.value({"new": more}) == 6


def test_a_once_key_is_refused_with_what_to_do_instead() -> None:
    with pytest.raises(Refused, match="use a pncounter for counts with a key"):
        KIND.apply(None, Operation("increment", 1, once="job"), OperationContext("ann", 1))


def test_a_total_has_at_most_100_digits_whoever_counted_it() -> None:
    full = count(None, TOO_LARGE - 1, "ann", 0)
    with pytest.raises(Refused, match="100 digits"):
        count(full, 1, "ann", 0)
    one = count(None, 1, "bob", 0)
    assert merged(KIND, one, "ann", full, OperationContext("bob", 2)) is None


def test_a_replica_may_not_end_before_all_is_handed_over() -> None:
    pair = Pair()
    pair.count("job", 5)
    pair.count("hub", 1)
    keeps = {"job": [], "hub": []}  # type: dict[str, list[bool]]

    def look() -> None:
        for who, seen in keeps.items():
            row = pair.rows[who]
            assert row is not None
            seen.append(bool(KIND.seal_blocker(who, {who: row})))

    look()
    for who, peer in (("hub", "job"), ("job", "hub"), ("hub", "job"), ("job", "hub")):
        pair.meet(who, peer)
        look()
    assert keeps == {"job": [True, True, True, True, False], "hub": [False, True, True, False, False]}


NUMBERS = st.integers(0, 3)
IDS = st.sampled_from(["ann", "bob", "čen", "dan"])
TOKENS = st.dictionaries(IDS, st.tuples(NUMBERS, NUMBERS, st.integers(1, 3)), max_size=2)
HELD = st.tuples(NUMBERS, NUMBERS, NUMBERS, TOKENS).filter(any)
PARTS = st.tuples(NUMBERS, NUMBERS, NUMBERS, NUMBERS, NUMBERS, st.dictionaries(IDS, HELD, max_size=3))


@given(who=IDS, peer=IDS, tier=NUMBERS, mine=PARTS, theirs=PARTS, other=NUMBERS)
def test_whatever_a_stranger_says_of_its_node_mine_stays_one(
    who: str, peer: str, tier: int, mine: tuple[object, ...], theirs: tuple[object, ...], other: int
) -> None:
    def row(tier: int, part: tuple[object, ...]) -> Entry:
        record = KIND.record.parts[2]
        *numbers, held = part
        assert isinstance(held, dict)
        kept = {key: trimmed(value) for key, value in held.items()}
        return KIND.record.make(1, tier, record.make(*numbers, kept))  # type: ignore[attr-defined]

    def trimmed(value: tuple[object, ...]) -> tuple[object, ...]:
        while len(value) > 1 and not value[-1]:
            value = value[:-1]
        return value

    ours = row(tier, mine)
    met = merged(KIND, ours, peer, row(other, theirs), OperationContext(who, 2, tier=tier))
    if met is not None:
        assert is_normal(KIND.record, met)
        assert met[1] == tier
        assert KIND.nodes(who, met)[0].val >= 0
