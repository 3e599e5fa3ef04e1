"""Worlds of handoff nodes: who meets whom, as old as that may be, and what must hold whatever happens.

The oracle is the sum of what was counted, and the invariants of conservation; it knows nothing of how nodes merge.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import permutations

from crdtctl.crdt.handoff_node import Node

#: The tiers of the nodes of a world. In each there is a node of tier 0.
TIERS = ((0, 1), (0, 1, 1), (0, 1, 2), (0, 0, 1, 1), (0, 1, 1, 2), (0, 0, 1, 2, 2), (0, 1, 2, 3), (0, 0, 1, 1, 2, 2))
_ENOUGH = 40


@dataclass
class HandoffWorld:
    """Nodes, and every file that any of them ever sent."""

    nodes: dict[str, Node]
    sent: list[Node] = field(default_factory=list)
    total: int = 0
    steps: int = 0

    @classmethod
    def of(cls, tiers: Iterable[int]) -> "HandoffWorld":
        """Return a world of fresh nodes of these tiers."""
        return cls({str(number): Node(str(number), tier) for number, tier in enumerate(tiers)})

    def count(self, who: str, amount: int) -> None:
        self.nodes[who] = self.nodes[who].counted(amount)
        self.total += amount

    def meet(self, who: str, peer: Node) -> None:
        """Let a node meet a file; what must hold of every meeting is checked."""
        before = self.nodes[who]
        after = before.merged(peer)
        assert after.val >= before.val
        assert after.merged(peer) == after, "to meet the same file again changes something"
        self.nodes[who] = after

    def check(self) -> None:
        """Check what must hold at any moment."""
        self.steps += 1
        for node in self.nodes.values():
            assert 0 <= node.val <= self.total
        assert self.conserved() == self.total

    def conserved(self) -> int:
        """Return what was counted, from where it is: with permanent nodes, with others, or on its way."""
        permanent: dict[str, int] = {}
        for node in self.nodes.values():
            if node.tier == 0:
                for who, count in node.vals.items():
                    permanent[who] = max(permanent.get(who, 0), count)
        tokens = {
            (src, dst, token)
            for node in self.nodes.values()
            for (src, dst), token in node.tokens.items()
            if self.nodes[dst].slots.get(src) == token[:2]
        }
        here = sum(node.own for node in self.nodes.values() if node.tier)
        return sum(permanent.values()) + here + sum(token.n for _, _, token in tokens)

    def settle(self) -> None:
        """Let everybody meet everybody until nothing changes, and check that all is handed over."""
        for _ in range(_ENOUGH):
            before = dict(self.nodes)
            for who, peer in permutations(sorted(self.nodes), 2):
                self.meet(who, self.nodes[peer])
                self.check()
            if self.nodes == before:
                break
        for node in self.nodes.values():
            assert node.val == self.total
            assert not node.slots
            assert not node.tokens
            assert node.tier == 0 or not node.own


def play(tape: bytes) -> HandoffWorld:
    """Return the world that a tape tells: two bytes a step, checked after each.

    Files are sent, and come at once, late, again, in any order, or never.
    """
    world = HandoffWorld.of(TIERS[tape[0] % len(TIERS)])
    size = len(world.nodes)
    for what, which in zip(tape[1::2], tape[2::2], strict=False):
        who, peer = str(which % size), str(which // size % size)
        match what % 8:
            case 0 | 1:
                world.count(who, 1 + what // 8)
            case 2:
                world.sent.append(world.nodes[who])
            case 3 if world.sent:
                world.meet(who, world.sent[what // 8 * 8 % len(world.sent)])
            case 4 if world.sent:
                world.meet(who, world.sent[-1 - what // 8 % min(4, len(world.sent))])
            case _:
                world.meet(who, world.nodes[peer])
        world.check()
    return world
