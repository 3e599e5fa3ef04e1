"""Counters whose replicas end, begin anew or are gone for good: what each type does about them."""

import pytest

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext, Refused
from crdtctl.crdt.bcounter import BCounter
from crdtctl.crdt.handoff import Handoff
from crdtctl.crdt.handoff_node import Node, Token
from crdtctl.crdt.lattice import Nat, Stamped


def here(replica: str, others: Entries, *, seq: int = 1, tier: int = 0) -> OperationContext:
    return OperationContext(replica, seq, lambda: others, tier)


def test_a_bounded_counter_names_each_replica_that_created_it() -> None:
    kind = BCounter()
    rows: dict[str, Entry] = {}
    for who, initial in (("bob", 100), ("ann", 7)):
        row = kind.apply(None, Operation("create", bound=0, initial=initial), here(who, {}))
        assert row is not None
        rows[who] = row
    assert kind.makers(rows) == {"ann": 7, "bob": 100}
    assert kind.value(rows) == 107


def test_types_without_once_keys_have_no_keeper_of_their_horizon() -> None:
    assert [TYPES[tag].keepers({}) for tag in ("gset", "bcounter", "handoff", "pncounter")] == [[], [], [], []]


def test_the_larger_stamp_holds_as_a_whole_and_equal_ones_are_joined() -> None:
    record = Stamped(Nat(), Nat(), Nat(), required=2)
    assert record.join((1, 5, 2), (9, 1, 1)) == (1, 5, 2)
    assert record.join((9, 1, 1), (1, 5, 2)) == (1, 5, 2)
    assert record.join((1, 5, 2), (2, 3, 2)) == (2, 5, 2)


def client_with_token() -> Node:
    return Node("job", 1, val=9, vals={}, tokens={("job", "hub"): Token(1, 1, 9), ("old", "hub"): Token(1, 1, 2)})


def test_a_count_on_its_way_to_a_peer_that_is_gone_comes_back() -> None:
    node = client_with_token()
    back = node.without_tokens_for("hub")
    assert (back.own, dict(back.tokens)) == (9, {})
    assert node.without_tokens_for("desk") is node


def test_nothing_on_its_way_is_not_taken_back() -> None:
    kind = Handoff()
    row = kind.apply(None, Operation("increment", 9), here("job", {}, tier=1))
    assert row is not None
    with pytest.raises(Refused, match="no count of it is on its way to hub"):
        kind.apply(row, Operation("transfer", source="hub"), here("job", {}, seq=2, tier=1))


def test_a_hand_off_takes_its_own_count_back_and_forgets_those_of_others() -> None:
    kind = Handoff()
    row = kind.row(1, client_with_token(), Node("job", 1))
    after = kind.apply(row, Operation("transfer", source="hub"), here("job", {}, seq=2, tier=1))
    assert after is not None
    up, _ = kind.nodes("job", after)
    assert (up.own, dict(up.tokens)) == (9, {})


def test_a_client_is_idle_once_it_has_handed_everything_over() -> None:
    kind = Handoff()
    assert kind.pending("job", kind.row(1, Node("job", 1), Node("job", 1))).is_idle
    assert not kind.pending("job", kind.row(1, client_with_token(), Node("job", 1))).is_idle
    assert not kind.pending("desk", kind.row(1, Node("desk", 0), Node("desk", 0))).is_idle


def test_a_local_merge_waits_for_the_one_to_whom_a_count_is_on_its_way() -> None:
    kind = Handoff()
    merging = kind.local_merge(kind.row(1, client_with_token(), Node("job", 1)), here("job", {}, tier=1))
    assert merging.waits_for("hub")
    assert not merging.waits_for("desk")


def test_a_key_that_both_counted_alike_is_absorbed_once() -> None:
    kind = TYPES["pncounter"]
    rows: dict[str, Entry] = {}
    for who in ("hub", "job"):
        row = kind.apply(None, Operation("increment", 5, once="deploy"), here(who, {}))
        assert row is not None
        rows[who] = row
    taken = kind.absorb(rows["hub"], "job", here("hub", {"job": rows["job"]}, seq=2))
    assert kind.value({"hub": taken}) == 5
