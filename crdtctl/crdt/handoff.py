"""A counter for any number of clients that come and go; what permanent replicas hold does not grow with them.

Source: P. S. Almeida, C. Baquero, arXiv 1307.3207; `crdtctl.crdt.node` is the protocol. A replica of tier 0 is
permanent. One of a higher tier hands what it counted over to one of a smaller tier, and may then be thrown away.
Two nodes in one counter, one for increments and one for decrements: what is read is exact once all is handed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, final

from crdtctl.crdt.base import TOO_LARGE, Contribution, Contributions, CounterType, Here, Operation, Refused
from crdtctl.crdt.lattice import Latest, MapOf, Nat, Record
from crdtctl.crdt.names import replica_fault
from crdtctl.crdt.node import Node, Slot, Token, step

_TOKEN = Record(Nat(), Nat(), Nat(), required=3)
#: What a node holds of another: its count, the slot for its token, its tokens. A slot's number is written one
#: higher than it is, so that the first slot of all is not the same as none.
_HELD = Record(Nat(), Nat(), Nat(), MapOf(replica_fault, _TOKEN), required=1)
_NODE = Record(Nat(), Nat(), Nat(), Nat(), Nat(), MapOf(replica_fault, _HELD), required=1)

_REFUSALS = {
    "add": "a handoff counter has no elements; increment it, or add to a gset",
    "reset": "of a handoff counter nobody knows any more who counted what, so nothing can say what a reset cancels; "
    "decrement it by what it reads, or begin another counter",
    "transfer": "a handoff counter is handed over by merging, to whoever has a smaller tier",
    "request": "a handoff counter is handed over by merging, to whoever has a smaller tier",
}
_ONCE = (
    "a handoff counter forgets who counted, and a once-key with them; count under a key in a pncounter, "
    "or try again only where the exit status says that nothing was applied"
)


@dataclass(frozen=True, slots=True)
class Pending:
    """What a node has not handed over or taken over yet: increments and decrements.

    `counted` is the own count, `slots` are the sources whose tokens it waits for, `tokens` is (source,
    destination) → count. `below` says whether a smaller tier is known.
    """

    tier: int
    counted: tuple[int, int]
    slots: tuple[str, ...]
    tokens: Mapping[tuple[str, str], tuple[int, int]]
    below: bool

    @property
    def is_lonely(self) -> bool:
        """Whether nobody is known to whom anything could be handed over."""
        return self.tier > 0 and not (self.below or self.slots or self.tokens)


@final
class Handoff(CounterType):
    """Row ``(seq, tier, P, N)``; the value is what P reads − what N reads.

    P and N are nodes, ``(val, below, own count, sck, dck, {ID: (count, slot's sck, slot's number, tokens)})``.
    """

    tag = "handoff"
    record = Latest(Nat(), Nat(), _NODE, _NODE, required=2)
    summary = "counts of thousands of short-lived clients, handed over to permanent replicas"
    takes_part = True

    def mutate(self, mine: Contribution, operation: Operation, here: Here) -> Contribution:
        if operation.verb == "transfer" and operation.source and not operation.replica:
            return self._taken_back(mine, operation.source, here)
        if operation.verb in _REFUSALS:
            raise Refused(_REFUSALS[operation.verb])
        if operation.once is not None:
            raise Refused(_ONCE)
        up, down = self.mine(mine, here)
        if operation.verb == "increment":
            up = up.counted(operation.amount)
        elif operation.verb == "decrement":
            down = down.counted(operation.amount)
        if max(up.val, down.val) >= TOO_LARGE:
            raise Refused("the total would have more than 100 digits")
        return self.row(mine[0], up, down)

    def _taken_back(self, mine: Contribution, source: str, here: Here) -> Contribution:
        nodes = self.mine(mine, here)
        up, down = (node.without_tokens_for(source) for node in nodes)
        if (up, down) == nodes:
            raise Refused(f"nothing of it is on its way to {source}")
        return self.row(mine[0], up, down)

    def meet(self, mine: Contribution | None, author: str, theirs: Contribution, here: Here) -> Contribution | None:
        meeting = self.meeting(mine, here)
        meeting.meet(author, theirs)
        return meeting.row

    def meeting(self, mine: Contribution | None, here: Here) -> "Meeting":
        """Return me, meeting others."""
        return Meeting(self, mine, here)

    def succeed(self, author: str, theirs: Contribution, here: Here) -> Contribution:
        """Return the first contribution of a replica that was `author` before.

        It knows what that one read, and carries its tokens on. What that one counted and did not hand over stays
        its own: if another copy of it lives, that one hands it over.
        """
        pairs = zip(self.mine(self.record.bottom, here), self.nodes(author, theirs), strict=True)
        up, down = (replace(node.merged(old), tokens=old.tokens) for node, old in pairs)
        return self.row(here.seq, up, down)

    def fold(self, contributions: Contributions) -> int:
        pairs = [self.nodes(author, row) for author, row in contributions.items()]
        return max((up.val for up, _ in pairs), default=0) - max((down.val for _, down in pairs), default=0)

    def shares(self, contributions: Contributions) -> dict[str, int]:
        pairs = {author: self.nodes(author, row) for author, row in contributions.items()}
        return {author: up.own - down.own for author, (up, down) in pairs.items()}

    def nodes(self, author: str, row: Contribution) -> tuple[Node, Node]:
        """Return the two nodes in the contribution of `author`."""
        up, down = (_node(author, row[1], self.record.at(row, index)) for index in (2, 3))
        return up, down

    def keeps(self, replica: str, contributions: Contributions) -> tuple[str, ...]:
        open_here = self.pending(replica, contributions[replica])
        if any(open_here.counted) or open_here.tokens or open_here.slots:
            return "is not handed over yet", "exchange with a permanent replica first"
        return ()

    def pending(self, author: str, row: Contribution) -> Pending:
        """Return what is not settled in the contribution of `author`."""
        up, down = self.nodes(author, row)
        keys = sorted({*up.tokens, *down.tokens})
        nothing = Token(0, 0, 0)
        return Pending(
            row[1],
            (up.own, down.own) if row[1] else (0, 0),
            tuple(sorted({*up.slots, *down.slots})),
            {key: (up.tokens.get(key, nothing).n, down.tokens.get(key, nothing).n) for key in keys},
            up.below > 0 or down.below > 0,
        )

    def mine(self, mine: Contribution, here: Here) -> tuple[Node, Node]:
        """Return my nodes, which begin at my tier."""
        return self.nodes(here.replica, mine if mine[0] else (0, here.tier))

    def row(self, seq: int, up: Node, down: Node) -> Contribution:
        """Return the contribution that two nodes are."""
        return self.record.make(seq, up.tier, _part(up), _part(down))


class Meeting:
    """My two nodes while they meet others, one after the other.

    The row is made of them once, in the end: it may be as long as there are others, whose slots are in it.
    """

    def __init__(self, kind: Handoff, mine: Contribution | None, here: Here) -> None:
        self.kind = kind
        self._mine = mine
        self._seq = here.seq
        self._nodes = kind.mine(kind.record.bottom if mine is None else mine, here)
        self._has_met = False

    def meet(self, author: str, theirs: Contribution) -> int:
        """Meet the contribution of `author`; return at which of its four steps the hand-off with it is; 0: none.

        Of increments and decrements, those which are less far. What would make a number too large is not met.
        """
        pairs = zip(self._nodes, self.kind.nodes(author, theirs), strict=True)
        up, down = (mine.merged(peer) for mine, peer in pairs)
        if not (_is_tellable(up) and _is_tellable(down)):
            return 0
        steps = {step(was, now, author) for was, now in zip(self._nodes, (up, down), strict=True)}
        self._nodes, self._has_met = (up, down), True
        return min(steps - {0}, default=0)

    def is_idle(self, author: str, theirs: Contribution) -> bool:
        """Return whether the contribution of `author` is that of a client that has handed all of it over."""
        return all(
            node.tier and not (node.own or node.tokens or node.slots) for node in self.kind.nodes(author, theirs)
        )

    def waits_for(self, peer: str) -> bool:
        """Return whether meeting a peer that is gone for good matters: it may have taken a token, or is of my tier."""
        return any(not node.tier or (node.id, peer) in node.tokens for node in self._nodes)

    @property
    def row(self) -> Contribution | None:
        """My contribution after all that; None if it changed nothing."""
        if not self._has_met:
            return None
        row = self.kind.row(self._seq, *self._nodes)
        return None if self._mine is not None and row[1:] == self._mine[1:] else row


def _node(author: str, tier: int, part: tuple[Any, ...]) -> Node:
    val, below, own, sck, dck, held = (_NODE.at(part, index) for index in range(6))
    vals = {author: own} if own else {}
    slots: dict[str, Slot] = {}
    tokens: dict[tuple[str, str], Token] = {}
    for who, row in held.items():
        count, slot_sck, number, sent = (_HELD.at(row, index) for index in range(4))
        if count and who != author:
            vals[who] = count
        if number:
            slots[who] = Slot(slot_sck, number - 1)
        for to, token in sent.items():
            tokens[who, to] = Token(*token)
    return Node(author, tier, val, below, vals, sck, dck, slots, tokens)


def _part(node: Node) -> tuple[Any, ...]:
    sent: dict[str, dict[str, Token]] = {}
    for (src, dst), token in node.tokens.items():
        sent.setdefault(src, {})[dst] = token
    counts = {who: count for who, count in node.vals.items() if who != node.id}
    held = {}
    for who in sorted({*counts, *node.slots, *sent}):
        slot = node.slots.get(who, Slot(0, -1))
        tokens = {to: tuple(token) for to, token in sorted(sent.get(who, {}).items())}
        held[who] = _HELD.make(counts.get(who, 0), slot.sck, slot.dck + 1, tokens)
    return _NODE.make(node.val, node.below, node.own, node.sck, node.dck, held)


def _is_tellable(node: Node) -> bool:
    """Return whether no number of a node is too large to be written: none is larger than these, or came from a file."""
    return all(number < TOO_LARGE for number in (node.val, node.below, node.sck, node.dck))
