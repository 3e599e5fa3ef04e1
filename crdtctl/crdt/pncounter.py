"""A counter that goes up and down.

Source: M. Shapiro et al., INRIA RR-7506, 2011, specification 7 (PN-Counter): two counters that only grow,
one for increments and one for decrements.
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
class PNCounter(AdditiveCounter):
    """Row ``(seq, p, n, once, marks, once_marks)``; the value is Σ p − Σ n over all replicas, plus each key once."""

    tag = "pncounter"
    record = additive_record(2)
    summary = "a counter that goes up and down"
    weights = (1, -1)

    def column(self, operation: Operation) -> int:
        if operation.verb == "increment":
            return 0
        if operation.verb == "decrement":
            return 1
        raise Refused("a pncounter counts amounts and has no elements; increment it, or add to a gset of another name")
