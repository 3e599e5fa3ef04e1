"""``crdtctl settle``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.counting import counting
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.context import Context
    from crdtctl.store.commit import Request
    from crdtctl.store.replica import Replica


@command(
    Argument("called", "ID", "Id with several writers or absorbers, or the name of a bcounter.", required=True),
    Argument("amounts", "[NAME=AMOUNT]...", "Correction: the missing or the doubled amount.", repeated=True),
    statuses=(4, *WRITES),
)
def settle(context: Context, called: str, amounts: list[str]) -> None:
    """Resolve a fork or a double count.

    \b
    EXAMPLES:
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2 builds=2
      crdtctl settle 2dcd75bcea347bb06f5d tests=41

    A fork is one replica id with several writers: a machine was cloned or restored from a backup without a sign that
    the replica could detect. A merge finds it later, and keeps the branches apart as replicas ID~1.abcd and
    ID~1.efgh. Commits that the branches share must not count twice, and cannot be separated from the rest. So of each
    counter the largest branch counts, which is the lowest possible true value. Compare the branches with
    'crdtctl show --by-replica'. If you know the missing amount, name it: it counts once, even if others resolve the
    same fork. Sets and amounts with a --once key are never short.

    A replica that 'transfer --from' declared gone, and that made commits afterwards, is resolved by its id alone.

    A bcounter that several replicas created contains the initial amount of each. If one creation was meant, decrement
    it on the replica that has the rights, and then settle it by its name.

    A sealed replica that several replicas absorbed counts once for each of them. ID is its id, or the end of the id as
    'crdtctl check' prints it; NAME=AMOUNT is its own count, as its file shows. The extra counts are taken back from
    pncounters, once even if several replicas do this. Sets and amounts with a --once key are not counted twice, a
    gcounter cannot be counted down, and counts that a reset cancelled need no correction.
    """
    from crdtctl.crdt import membership
    from crdtctl.store.identity import called as called_so

    current = session(context).open_to_write()
    for word in amounts:
        if "=" not in word:
            raise UsageError(f"'{printable(word[:80])}' is not NAME=AMOUNT")
    forks = called_so(called, [fork.replica for fork in current.forks()])
    called = forks[0] if len(forks) == 1 else called
    requests = counting("increment", amounts, None) if amounts else []
    if again := current.absorbed_again(called):
        back = counting("decrement", amounts, None) if amounts else []
        for absorber in again:  # first: under these keys it counts once, on every retry
            _count(current, back, f"absorbed again: {membership.record_of(called) or called} by {absorber}")
        _print_outcome(settled=current.settle(called))
        return
    settled = current.settle(called)  # first: if counting fails, the command can be repeated
    _count(current, requests, f"fork of {called}")
    _print_outcome(settled=settled)


def _count(replica: Replica, requests: Sequence[Request], key: str) -> None:
    if requests:
        from crdtctl.store.requests import under_key

        done = replica.commit(under_key(requests, key))
        output.stdout.applied = output.stdout.applied or done.seq is not None
        for note in done.notes:
            output.print_message(note)


def _print_outcome(*, settled: bool) -> None:
    if output.is_talkative():
        output.stdout.line("resolved" if settled else "already resolved")
