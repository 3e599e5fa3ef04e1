"""Changes of the header of ``known.json`` alone: settled facts about replicas, and earlier ids of this replica."""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.crdt import branches, forks
from crdtctl.crdt.counter import join_counters
from crdtctl.crdt.membership import roster
from crdtctl.errors import MissingError, printable
from crdtctl.records import replace
from crdtctl.store.retirement import membership_of, settling_marks
from crdtctl.store.unheard import still

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.forks import Fork
    from crdtctl.crdt.membership import Roster
    from crdtctl.store.durable import Draft
    from crdtctl.store.transaction import Transaction
    from crdtctl.store.unheard import Heard


def mark(transaction: Transaction, replica: str, settled: Iterable[str]) -> None:
    """Add marks of settled facts."""
    with transaction.known() as known:
        head = known.head if known else Head("known", replica, {})
        after = tuple(sorted({*head.settled, *settled}))
        if known:
            known.verify()
        if after != head.settled:
            _rewrite(transaction, known, replace(head, settled=after))


def hear(transaction: Transaction, replica: str, states: Sequence[Heard], everybody: Roster) -> bool:
    """Drop earlier ids of this `replica` whose last state is in some states; return whether anything changed."""
    with transaction.known() as known:
        if known is None or not known.head.unheard:
            return False
        unheard = still(known.head.unheard, states, replica, everybody)
        if unheard == known.head.unheard:
            return False
        known.verify()
        _rewrite(transaction, known, replace(known.head, unheard=unheard))
    return True


def hear_no_more(transaction: Transaction) -> None:
    """Drop all earlier ids that still await their last state."""
    with transaction.known() as known:
        if known and known.head.unheard:
            known.verify()
            _rewrite(transaction, known, replace(known.head, unheard={}))


def _rewrite(transaction: Transaction, known: Source | None, head: Head) -> None:
    """Replace the header of ``known.json``."""
    from crdtctl.codec.writer import Writer

    def fill(draft: Draft) -> bool:
        writer = Writer(draft.write, head)
        for _, line in known.lines() if known else ():
            writer.line(line)
        writer.close()
        return True

    transaction.write_known(fill)


def unsettled(head: Head) -> list[Fork]:
    """Return the forks in a state that are not resolved."""
    found = forks.join([(head.clock, head.histories)]).forks
    return [fork for fork in found if not set(fork.branches) <= set(head.settled)]


def settle(transaction: Transaction, replica: str) -> bool:
    """Mark the fork of an id, or another fact about it, as settled; return whether that changes anything.

    Without a fork, the fact is a double absorption, a replica that returned, or a counter that was created twice.
    """
    from crdtctl.store import gone
    from crdtctl.store.rights import TAG, settling

    with transaction.directory.own_source() as own, transaction.known() as known:
        found = forks.join([(known.head.clock, known.head.histories)]).forks if known else []
        fork = next((one for one in found if one.replica == branches.origin(replica)), None)
        marks = fork.branches if fork else tuple(settling_marks(roster(membership_of(own, known)), replica))
        if known and not marks:
            late = gone.returned(known.head.settled, known.head.clock)
            marks = tuple(gone.mark_of(one.replica, one.reached) for one in late if one.replica == replica)
        if known and not marks:
            state = join_counters(own.counter(replica), known.counter(replica)).get(TAG, {})
            marks = tuple(settling(replica, state))
        if known is None or not marks:
            raise MissingError(
                f"'{printable(replica)}' has no known fork, nor anything else to settle",
                "'crdtctl status' lists forks",
            )
        known.verify()
        settled = {*known.head.settled, *marks}
        if settled == set(known.head.settled):
            return False
        _rewrite(transaction, known, replace(known.head, settled=tuple(sorted(settled))))
    transaction.note("settled", replica=fork.replica if fork else replica, branches=list(marks))
    return True
