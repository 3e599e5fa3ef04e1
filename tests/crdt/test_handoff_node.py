"""The protocol of handoff counters: reference traces, and what must hold whatever happens."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.crdt.handoff_node import Node, Slot, Token, step
from tests.crdt.worlds import HandoffWorld, play

#: So many steps at least has each world; in CI there are 500.
_STEPS = 130


@dataclass
class Trace:
    """What is done in a reference trace, and the nodes that it ends with."""

    world: HandoffWorld
    done: list[str] = field(default_factory=list)
    nodes: dict[str, Node] = field(default_factory=dict)
    settles: int | None = None


def traces() -> dict[str, Trace]:
    found: dict[str, Trace] = {}
    trace = Trace(HandoffWorld({}))
    for line in (Path(__file__).parent / "handoff_traces.txt").read_text().splitlines():
        match line.split():
            case ["case", name]:
                found[name] = trace = Trace(HandoffWorld({}))
            case ["tiers", *tiers]:
                pairs = [one.split(":") for one in tiers]
                trace.world = HandoffWorld({who: Node(who, int(tier)) for who, tier in pairs})
            case ["do", *done]:
                trace.done += done
            case ["node", who, *facts]:
                trace.nodes[who] = node(who, dict(fact.split("=") for fact in facts))
            case ["settles", total]:
                trace.settles = int(total)
            case _:
                assert not line or line.startswith("#")
    return found


def node(who: str, facts: dict[str, str]) -> Node:
    """Return the node that the facts of a line are about."""
    entries = {key: [one.split(":") for one in facts[key].split(",") if one] for key in ("vals", "slots", "tokens")}
    tokens = {}
    for key, clocks in entries["tokens"]:
        src, dst = key.split(">")
        tokens[src, dst] = Token(*map(int, clocks.split("/")))
    return Node(
        who,
        int(facts["tier"]),
        int(facts["val"]),
        int(facts["below"]),
        {id_: int(count) for id_, count in entries["vals"]},
        int(facts["sck"]),
        int(facts["dck"]),
        {src: Slot(*map(int, clocks.split("/"))) for src, clocks in entries["slots"]},
        tokens,
    )


TRACES = traces()


@pytest.mark.parametrize("name", TRACES)
def test_a_reference_trace_ends_with_the_nodes_that_it_should(name: str) -> None:
    trace = TRACES[name]
    world, copies = trace.world, {}
    for one in trace.done:
        if "+" in one:
            who, amount = one.split("+")
            world.count(who, int(amount))
        elif "=" in one:
            copy, who = one.split("=")
            copies[copy] = world.nodes[who]
        else:
            who, peer = one.split("<")
            world.meet(who, copies[peer] if peer in copies else world.nodes[peer])
        world.check()
    assert trace.nodes
    assert {who: world.nodes[who] for who in trace.nodes} == trace.nodes
    if trace.settles is not None:
        assert world.total == trace.settles
        world.settle()


def test_all_reference_traces_are_there() -> None:
    assert len(TRACES) == 26
    assert sum(trace.settles is not None for trace in TRACES.values()) == 6


@given(tape=st.binary(min_size=1 + 2 * _STEPS, max_size=1 + 2 * _STEPS + 20))
def test_nothing_is_lost_or_doubled_whatever_files_come_when(tape: bytes) -> None:
    world = play(tape)
    assert world.steps >= _STEPS
    world.settle()


def test_a_hand_off_takes_four_merges_and_each_says_which_it_was() -> None:
    world = HandoffWorld.of((0, 1))
    world.count("1", 9)
    world.count("0", 1021)
    seen = []
    for who, peer in (("0", "1"), ("1", "0"), ("0", "1"), ("1", "0"), ("0", "1")):
        before = world.nodes[who]
        world.meet(who, world.nodes[peer])
        seen.append((step(before, world.nodes[who], peer), world.nodes["0"].val, world.nodes["1"].val))
    assert seen == [(1, 1021, 9), (2, 1021, 1030), (3, 1030, 1030), (4, 1030, 1030), (0, 1030, 1030)]


def test_a_repeated_merge_says_again_how_far_the_hand_off_is() -> None:
    world = HandoffWorld.of((0, 1))
    world.count("1", 9)
    for who, peer, expected in (("0", "1", 1), ("0", "1", 1), ("1", "0", 2), ("1", "0", 2)):
        before = world.nodes[who]
        world.meet(who, world.nodes[peer])
        assert step(before, world.nodes[who], peer) == expected


def test_without_a_permanent_node_nobody_reads_all_but_nobody_reads_too_much() -> None:
    world = HandoffWorld.of((1, 1, 1))
    for who in world.nodes:
        world.count(who, 1)
    for _ in range(10):
        for who in world.nodes:
            for peer in world.nodes.values():
                world.meet(who, peer)
                world.check()
    assert {one.val for one in world.nodes.values()} == {2}


def test_a_node_does_not_meet_itself() -> None:
    one = Node("1", 1).counted(3)
    assert one.merged(Node("1", 1).counted(7)) is one


def test_of_two_tokens_for_one_node_the_later_is_carried_on() -> None:
    old = Node("9", 2, sck=1, tokens={("9", "1"): Token(0, 0, 7)})
    new = Node("9", 2, sck=2, tokens={("9", "1"): Token(1, 1, 5)})
    for first, second in ((old, new), (new, old)):
        assert Node("2", 1).merged(first).merged(second).tokens == new.tokens
