"""A counter that only grows.

Source: M. Shapiro, N. Preguiça, C. Baquero, M. Zawirski, "A comprehensive study of Convergent and
Commutative Replicated Data Types", INRIA RR-7506, 2011, specification 6 (G-Counter).
"""

from __future__ import annotations

from crdtctl.crdt.additive import AdditiveCounter
from crdtctl.crdt.additive_row import additive_record
from crdtctl.crdt.base import Refused
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.crdt.base import Operation


@final
class GCounter(AdditiveCounter):
    """Row ``(seq, p, once, marks, once_marks)``; the value is Σ p over all replicas, plus each idempotency key once."""

    tag = "gcounter"
    record = additive_record(1)
    summary = "a counter that only grows"
    weights = (1,)

    def column(self, operation: Operation) -> int:
        if operation.verb == "increment":
            return 0
        if operation.verb == "decrement":
            raise Refused("a gcounter only grows; use a pncounter to count down")
        raise Refused("a gcounter counts amounts and has no elements; increment it, or add to a gset of another name")
