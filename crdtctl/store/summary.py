"""The clock and the retired replicas of states in files or bytes, without their counters."""

from __future__ import annotations

from crdtctl.contexts import ExitStack
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.membership import MEMBERSHIP
from crdtctl.records import Record, field
from crdtctl.store.inputs import as_inputs, open_input
from crdtctl.store.packed import each_state, gathered
from crdtctl.store.retirement import membership_in

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.clock import Clock
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.inputs import Input, State


class Summary(Record, frozen=False):
    """The joined `clock` of some states, and their joined entries of `membership`."""

    clock: Clock = field(default_factory=dict)
    membership: Entries = field(default_factory=dict)

    def add(self, item: Input) -> None:
        """Join the summary of one more state."""
        with ExitStack() as stack:
            source = open_input(item, stack)
            self.clock = clocks.join(self.clock, source.head.clock)
            self.membership = MEMBERSHIP.join_all(self.membership, membership_in(source))


def summarize(states: Iterable[State]) -> Summary:
    """Return the summary of states: paths of files, or bytes. Raise the failure of the first unusable one."""
    summary = Summary()
    with ExitStack() as stack:
        each_state(gathered(as_inputs(states), stack), summary.add, _raise, stack)
    return summary


def _raise(_: Input, reason: CrdtctlError) -> None:
    raise reason
