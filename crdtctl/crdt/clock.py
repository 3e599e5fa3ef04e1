"""The clock of a state: replica id → the last commit of that replica that the state contains, with all before.

It is a version vector (D. S. Parker et al., "Detection of Mutual Inconsistency in Distributed Systems", IEEE TSE 1983).
No entry is 0; an unknown replica is absent.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.order import Order

    Clock = Mapping[str, int]
else:  # for modules whose annotations are evaluated
    Clock = dict


def join(a: Clock, b: Clock) -> dict[str, int]:
    """Return the least clock that covers both."""
    joined = dict(a)
    for author, seq in b.items():
        if seq > joined.get(author, 0):
            joined[author] = seq
    return joined


def join_all(several: Iterable[Clock]) -> dict[str, int]:
    """Return the least clock that covers all of them."""
    joined: dict[str, int] = {}
    for one in several:
        for author, seq in one.items():
            if seq > joined.get(author, 0):
                joined[author] = seq
    return joined


def missing(have: Clock, want: Clock) -> dict[str, int]:
    """Return the entries of `want` that `have` has not reached."""
    return {author: seq for author, seq in sorted(want.items()) if seq > have.get(author, 0)}


def compare(a: Clock, b: Clock) -> Order:
    """Return the relation of `a` to `b`: `Order.BEHIND` if `b` covers `a` and they differ."""
    from crdtctl.crdt.order import Order  # an enumeration, which takes longer to import than most commands run

    match bool(missing(a, b)), bool(missing(b, a)):
        case False, False:
            return Order.EQUAL
        case True, False:
            return Order.BEHIND
        case False, True:
            return Order.AHEAD
        case _:
            return Order.CONCURRENT
