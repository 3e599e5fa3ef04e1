"""A counter for any number of short-lived clients, whose size on permanent replicas does not grow with them.

Source: P. S. Almeida, C. Baquero, arXiv 1307.3207; `crdtctl.crdt.handoff_node` is the protocol. A replica of tier 0 is
permanent. A replica of a higher tier hands its counts over to one of a lower tier, and may then be discarded. Each
counter has two nodes, one for increments and one for decrements. Its value is exact once everything is handed over.
"""

from __future__ import annotations

from crdtctl.crdt.base import TOO_LARGE, Refused
from crdtctl.crdt.handoff_node import Node, Slot, Token, step
from crdtctl.crdt.lattice import Latest, MapOf, Nat, Record
from crdtctl.crdt.local_merge import LocallyMergedType, LocalMerge, PendingCounts
from crdtctl.crdt.names import replica_fault
from crdtctl.records import final, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext

_TOKEN = Record(Nat(), Nat(), Nat(), required=3)
#: A node's data about another node: its count, the slot for its token, its tokens. The number of a slot is stored plus
#: one, because 0 means that the slot is missing.
_HELD = Record(Nat(), Nat(), Nat(), MapOf(replica_fault, _TOKEN), required=1)
_NODE = Record(Nat(), Nat(), Nat(), Nat(), Nat(), MapOf(replica_fault, _HELD), required=1)

_REFUSALS = {
    "add": "a handoff counter has no elements; increment it, or add to a gset of another name",
    "reset": "a handoff counter does not record which replica counted how much, so a reset cannot cancel it exactly; "
    "decrement it by its value, or use another counter",
    "transfer": "a handoff counter is handed over by merging, to a replica of a lower tier",
    "request": "a handoff counter is handed over by merging, to a replica of a lower tier",
}
_ONCE = (
    "a handoff counter cannot remember idempotency keys; use a pncounter for counts with a key, "
    "or retry only after an exit status that means that nothing was applied"
)


@final
class Handoff(LocallyMergedType):
    """Row ``(seq, tier, P, N)``; the value is that of P minus that of N.

    P and N are nodes, ``(val, below, own count, sck, dck, {ID: (count, slot's sck, slot's number, tokens)})``.
    """

    tag = "handoff"
    can_be_renamed = False
    why_not_renamed = (
        "counts on their way between replicas belong to one name",
        "create a counter with the other name",
    )
    record = Latest(Nat(), Nat(), _NODE, _NODE, required=2)
    summary = "counts of thousands of short-lived clients, handed over to permanent replicas"

    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        if operation.verb == "transfer" and operation.source and not operation.replica:
            return self._taken_back(mine, operation.source, context)
        if operation.verb in _REFUSALS:
            raise Refused(_REFUSALS[operation.verb])
        if operation.once is not None:
            raise Refused(_ONCE)
        up, down = self.mine(mine, context)
        if operation.verb == "increment":
            up = up.counted(operation.amount)
        elif operation.verb == "decrement":
            down = down.counted(operation.amount)
        if max(up.val, down.val) >= TOO_LARGE:
            raise Refused("the total would have more than 100 digits")
        return self.row(mine[0], up, down)

    def _taken_back(self, mine: Entry, source: str, context: OperationContext) -> Entry:
        nodes = self.mine(mine, context)
        up, down = (node.without_tokens_for(source) for node in nodes)
        if (up, down) == nodes:
            raise Refused(f"no count of it is on its way to {source}")
        return self.row(mine[0], up, down)

    def local_merge(self, mine: Entry | None, context: OperationContext) -> NodeMerge:
        return NodeMerge(self, mine, context)

    def carry_over(self, replica: str, row: Entry, context: OperationContext) -> Entry:
        """Return the first entry of a replica whose id was `replica` before.

        It takes over the value and the tokens of the earlier id. Counts that were not handed over stay with the earlier
        id: if another copy of it lives, that copy hands them over.
        """
        pairs = zip(self.mine(self.record.bottom, context), self.nodes(replica, row), strict=True)
        up, down = (replace(node.merged(old), tokens=old.tokens) for node, old in pairs)
        return self.row(context.seq, up, down)

    def fold(self, entries: Entries) -> int:
        pairs = [self.nodes(author, row) for author, row in entries.items()]
        return max((up.val for up, _ in pairs), default=0) - max((down.val for _, down in pairs), default=0)

    def shares(self, entries: Entries) -> dict[str, int]:
        pairs = {author: self.nodes(author, row) for author, row in entries.items()}
        return {author: up.own - down.own for author, (up, down) in pairs.items()}

    def nodes(self, author: str, row: Entry) -> tuple[Node, Node]:
        """Return the two nodes in the entry of `author`."""
        up, down = (_node(author, row[1], self.record.at(row, index)) for index in (2, 3))
        return up, down

    def seal_blocker(self, replica: str, entries: Entries) -> tuple[str, ...]:
        if not self.pending(replica, entries[replica]).is_empty:
            return "is not handed over yet", "exchange with a permanent replica first"
        return ()

    def pending(self, replica: str, row: Entry) -> PendingCounts:
        up, down = self.nodes(replica, row)
        keys = sorted({*up.tokens, *down.tokens})
        nothing = Token(0, 0, 0)
        return PendingCounts(
            row[1],
            (up.own, down.own) if row[1] else (0, 0),
            tuple(sorted({*up.slots, *down.slots})),
            {key: (up.tokens.get(key, nothing).n, down.tokens.get(key, nothing).n) for key in keys},
            up.below > 0 or down.below > 0,
        )

    def mine(self, mine: Entry, context: OperationContext) -> tuple[Node, Node]:
        """Return this replica's nodes, which begin at its own tier."""
        return self.nodes(context.replica, mine if mine[0] else (0, context.tier))

    def row(self, seq: int, up: Node, down: Node) -> Entry:
        """Return the entry that consists of two nodes."""
        return self.record.make(seq, up.tier, _part(up), _part(down))


class NodeMerge(LocalMerge):
    """A replica's two nodes while they merge those of others.

    The entry is made of them once, at the end: it holds a slot for each source, so making it takes as long as there
    are sources.
    """

    def __init__(self, kind: Handoff, mine: Entry | None, context: OperationContext) -> None:
        self.kind = kind
        self._mine = mine
        self._seq = context.seq
        self._nodes = kind.mine(kind.record.bottom if mine is None else mine, context)
        self._has_merged = False

    def merge(self, replica: str, theirs: Entry) -> int:
        """Merge the entry of `replica`; return the step of the hand-off with it.

        Where increments and decrements have reached different steps, that is the smaller one. An entry that would make
        a number too large is not merged.
        """
        pairs = zip(self._nodes, self.kind.nodes(replica, theirs), strict=True)
        up, down = (mine.merged(peer) for mine, peer in pairs)
        if not (_is_writable(up) and _is_writable(down)):
            return 0
        steps = {step(was, now, replica) for was, now in zip(self._nodes, (up, down), strict=True)}
        self._nodes, self._has_merged = (up, down), True
        return min(steps - {0}, default=0)

    def waits_for(self, peer: str) -> bool:
        """Return whether the peer may have taken a token of this replica, or this replica is permanent."""
        return any(not node.tier or (node.id, peer) in node.tokens for node in self._nodes)

    @property
    def row(self) -> Entry | None:
        """The own entry after all these merges; None if they changed nothing."""
        if not self._has_merged:
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


def _is_writable(node: Node) -> bool:
    """Return whether all numbers of a node are small enough to be written. Its other numbers are never larger."""
    return all(number < TOO_LARGE for number in (node.val, node.below, node.sck, node.dck))
