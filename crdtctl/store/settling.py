"""What people settle about replicas, and what a replica is still to hear of itself: headers of ``known.json``."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from crdtctl.codec.header import Head
from crdtctl.codec.reader import Source
from crdtctl.codec.writer import Writer
from crdtctl.crdt import forks
from crdtctl.crdt.counter import join_counters
from crdtctl.crdt.forks import Fork
from crdtctl.crdt.membership import Roster, roster
from crdtctl.errors import MissingError, printable
from crdtctl.store import gone
from crdtctl.store.durable import Draft
from crdtctl.store.retirement import membership_of, settling_marks
from crdtctl.store.rights import KIND, settling
from crdtctl.store.transaction import Transaction
from crdtctl.store.unheard import Heard, still


def mark(transaction: Transaction, replica: str, settled: Iterable[str]) -> None:
    """Note, of what this `replica` knows, that something more is settled."""
    with transaction.known() as known:
        head = known.head if known else Head("known", replica, {})
        after = tuple(sorted({*head.settled, *settled}))
        if known:
            known.verify()
        if after != head.settled:
            _rewrite(transaction, known, replace(head, settled=after))


def hear(transaction: Transaction, replica: str, states: Sequence[Heard], everybody: Roster) -> bool:
    """Note what some states say of ids that this `replica` had before; return whether that is news."""
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
    """Note that nothing more is to be heard of ids that this replica had before."""
    with transaction.known() as known:
        if known and known.head.unheard:
            known.verify()
            _rewrite(transaction, known, replace(known.head, unheard={}))


def _rewrite(transaction: Transaction, known: Source | None, head: Head) -> None:
    """Replace ``known.json`` by itself with another header."""

    def fill(draft: Draft) -> bool:
        writer = Writer(draft.write, head)
        for _, line in known.lines() if known else ():
            writer.line(line)
        writer.close()
        return True

    transaction.write_known(fill)


def unsettled(head: Head) -> list[Fork]:
    """Return the forks that a state knows of, and nobody has settled."""
    found = forks.join([(head.clock, head.tags)]).forks
    return [fork for fork in found if not set(fork.branches) <= set(head.settled)]


def settle(transaction: Transaction, replica: str) -> bool:
    """Note that the branches of a fork are settled, or what else is to be about an id; return whether it is news."""
    with transaction.directory.own_source() as own, transaction.known() as known:
        found = forks.join([(known.head.clock, known.head.tags)]).forks if known else []
        fork = next((one for one in found if one.replica == forks.origin(replica)), None)
        marks = fork.branches if fork else tuple(settling_marks(roster(membership_of(own, known)), replica))
        if known and not marks:
            late = gone.returned(known.head.settled, known.head.clock)
            marks = tuple(gone.mark_of(one.replica, one.reached) for one in late if one.replica == replica)
        if known and not marks:
            state = join_counters(own.counter(replica), known.counter(replica)).get(KIND.tag, {})
            marks = tuple(settling(replica, state))
        if known is None or not marks:
            raise MissingError(
                f"no fork of '{printable(replica)}' is known here, nor anything else to settle",
                "'crdtctl status' lists forks",
            )
        known.verify()
        settled = {*known.head.settled, *marks}
        if settled == set(known.head.settled):
            return False
        _rewrite(transaction, known, replace(known.head, settled=tuple(sorted(settled))))
    transaction.note("settled", replica=fork.replica if fork else replica, branches=list(marks))
    return True
