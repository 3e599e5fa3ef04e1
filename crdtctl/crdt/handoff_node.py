"""One node of a handoff counter and its merge with another node: the whole protocol, as pure functions.

Source: P. S. Almeida, C. Baquero, "Scalable Eventually Consistent Counters over Unreliable Networks", arXiv
1307.3207. A node of a higher tier hands its count over to one of a lower tier, in four one-way merges:

1. the lower tier opens a **slot** for the count, with the clocks of both;
2. the higher tier sees the slot, and cuts a **token** for it with its whole count, which is 0 then;
3. the lower tier sees the token, adds it, and closes the slot, so that nothing is added twice;
4. the higher tier sees that the slot is closed, and drops the token.

The value between two nodes of one tier above 0 differs from the paper (`_aggregate`): in the paper, an old file of such
a node is counted twice, forever.
"""

from __future__ import annotations

from crdtctl.records import NamedTuple, Record, field, replace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Final


class Slot(NamedTuple):
    """A place for a token: the token's clock at its source, and the number of the slot at this node."""

    sck: int
    dck: int


class Token(NamedTuple):
    """A count `n` that was cut for one slot, with the clocks of the slot."""

    sck: int
    dck: int
    n: int


class Node(Record):
    """The state of a node; the names are the paper's.

    `val` is its value, and never falls. `below` is the largest known total of lower tiers. `vals` holds, at tier 0, the
    count of each node of tier 0, and at other tiers only the own count that is not handed over; no entry is 0. `sck` is
    the number of tokens cut, `dck` the number of slots opened. `slots`: source → slot that waits for its token.
    `tokens`: (source, destination) → token, both own tokens and those of others to relay.
    """

    id: str
    tier: int
    val: int = 0
    below: int = 0
    vals: Mapping[str, int] = field(default_factory=dict)
    sck: int = 0
    dck: int = 0
    slots: Mapping[str, Slot] = field(default_factory=dict)
    tokens: Mapping[tuple[str, str], Token] = field(default_factory=dict)

    @property
    def own(self) -> int:
        """The own count: at tier 0 all counts made or handed over here, at other tiers those not handed over."""
        return self.vals.get(self.id, 0)

    def counted(self, amount: int) -> Node:
        """Return the node after it counted `amount`."""
        return replace(self, val=self.val + amount, vals=_with(self.vals, self.id, self.own + amount))

    def without_tokens_for(self, peer: str) -> Node:
        """Return the node after it took back the count on its way to a `peer` that is gone forever.

        Tokens of others for that peer are not relayed any more. An open slot there waits for a token that is never cut
        again.
        """
        back = self.tokens.get((self.id, peer))
        tokens = {key: token for key, token in self.tokens.items() if key[1] != peer}
        vals = _with(self.vals, self.id, self.own + (back.n if back else 0))
        return self if len(tokens) == len(self.tokens) else replace(self, vals=vals, tokens=tokens)

    def merged(self, peer: Node) -> Node:
        """Return the node after a merge with its `peer`, which may be any old version; itself if nothing changes.

        A second merge with the same peer changes nothing.
        """
        if self.id == peer.id:
            return self
        node = self
        for step in _STEPS:
            node = step(node, peer)
        return node


def _with(vals: Mapping[str, int], who: str, count: int) -> dict[str, int]:
    found = {**vals, who: count}
    if not count:
        del found[who]
    return found


def _fill_slots(i: Node, j: Node) -> Node:
    """Add the tokens that have an open slot here, and close the slots."""
    for (src, dst), token in j.tokens.items():
        if dst == i.id and i.slots.get(src) == token[:2]:
            slots = {who: slot for who, slot in i.slots.items() if who != src}
            i = replace(i, vals=_with(i.vals, i.id, i.own + token.n), slots=slots)
    return i


def _discard_slot(i: Node, j: Node) -> Node:
    """Close a slot whose token will never come, because the source has cut that token for another node."""
    if j.id in i.slots and j.sck > i.slots[j.id].sck:
        return replace(i, slots={who: slot for who, slot in i.slots.items() if who != j.id})
    return i


def _create_slot(i: Node, j: Node) -> Node:
    """Open a slot for the count of a node of a higher tier."""
    if i.tier < j.tier and j.own and j.id not in i.slots:
        return replace(i, slots={**i.slots, j.id: Slot(j.sck, i.dck)}, dck=i.dck + 1)
    return i


def _merge_vectors(i: Node, j: Node) -> Node:
    """Merge the counts of the nodes of tier 0."""
    if i.tier == j.tier == 0:
        vals = {who: max(i.vals.get(who, 0), j.vals.get(who, 0)) for who in {*i.vals, *j.vals}}
        return i if vals == i.vals else replace(i, vals=vals)
    return i


def _aggregate(i: Node, j: Node) -> Node:
    """Compute the largest total that is certain.

    Counts of two nodes of one tier may only be added to the known total below the other node. The known total below
    this node may contain counts that the other node, in an old file, has not handed over yet.
    """
    below = i.below
    if i.tier == j.tier:
        below = max(below, j.below)
    elif i.tier > j.tier:
        below = max(below, j.val)
    if i.tier == 0:
        val = sum(i.vals.values())
    else:
        val = max(i.val, below + i.own)
        if i.tier == j.tier:
            val = max(val, j.val)
            if j.below >= i.below:
                val = max(val, j.below + i.own + j.own)
    return i if (below, val) == (i.below, i.val) else replace(i, below=below, val=val)


def _discard_tokens(i: Node, j: Node) -> Node:
    """Drop the tokens for this peer that it has added, or will never need."""

    def is_done(src: str, token: Token) -> bool:
        return (j.slots[src].dck if src in j.slots else j.dck) > token.dck

    kept = {key: token for key, token in i.tokens.items() if key[1] != j.id or not is_done(key[0], token)}
    return i if len(kept) == len(i.tokens) else replace(i, tokens=kept)


def _create_token(i: Node, j: Node) -> Node:
    """Cut a token for the slot that this peer has opened: the whole own count."""
    slot = j.slots.get(i.id)
    if slot is None or slot.sck != i.sck:
        return i
    tokens = {**i.tokens, (i.id, j.id): Token(*slot, i.own)}
    return replace(i, tokens=tokens, vals=_with(i.vals, i.id, 0), sck=i.sck + 1)


def _cache_tokens(i: Node, j: Node) -> Node:
    """Relay the tokens of a peer of a higher tier to other nodes."""
    if i.tier < j.tier:
        tokens = dict(i.tokens)
        for (src, dst), token in j.tokens.items():
            if src == j.id and dst != i.id:
                here = tokens.get((src, dst))
                tokens[src, dst] = here if here is not None and here.sck >= token.sck else token
        if tokens != i.tokens:
            return replace(i, tokens=tokens)
    return i


#: The steps of a merge, in order.
_STEPS: Final[tuple[Callable[[Node, Node], Node], ...]] = (
    _fill_slots,
    _discard_slot,
    _create_slot,
    _merge_vectors,
    _aggregate,
    _discard_tokens,
    _create_token,
    _cache_tokens,
)


def step(before: Node, after: Node, peer: str) -> int:
    """Return the step, 1 to 4, of the hand-off with `peer` after a merge, or 0 without one.

    1: a slot is open here. 2: a token was cut here, and not added there yet. 3: its token was added here. 4: it was
    added there.
    """
    here, was = (before.id, peer), before.tokens
    if here in after.tokens:
        return 2
    if here in was:
        return 4
    if peer in after.slots:
        return 1
    return 3 if peer in before.slots else 0
