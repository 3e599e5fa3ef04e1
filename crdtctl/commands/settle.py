"""``crdtctl settle``"""

from collections.abc import Sequence
from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.counting import counting
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app
from crdtctl.crdt import membership
from crdtctl.errors import UsageError, printable
from crdtctl.store.commit import Request
from crdtctl.store.identity import called as called_so
from crdtctl.store.replica import Replica
from crdtctl.store.requests import under_key

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def settle(
    context: typer.Context,
    called: Annotated[
        str, typer.Argument(metavar="ID", help="The id that had several writers or absorbers; or a bcounter.")
    ],
    amounts: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME=AMOUNT]...", help="What to count up, or back, once for the whole world."),
    ] = None,
) -> None:
    """Declare a fork settled, or a double count, and make up for it.

    A fork is one id with several writers: a machine was cloned, or an older version of it was put back, in
    a way that could not be noticed there. A merge finds it, and keeps the branches apart as
    replicas ID~1.abcd, ID~1.efgh. What they have in common must not count twice, and what each did alone cannot be
    told from it; so of each counter the larger branch counts, which is the least that can be true.
    Compare the branches with 'crdtctl show --by-replica'. If you know how much is missing, name it
    here: it counts once, whoever else settles the same fork. Sets lack nothing, and
    neither do amounts with a --once key.

    A replica that 'transfer --from' declared gone for good and that made commits afterwards is settled by its id alone.

    A bcounter that several replicas created counts what each of them began with. Decrement it where the rights are, if
    one was meant, and settle it by its name.

    A sealed replica that several absorbed counts for each of them. ID is its id, or the end of it that 'crdtctl check'
    names; NAME=AMOUNT is what it counted, as its file says. For each absorber but the first that is counted back
    from pncounters, once for the whole world. Sets count nothing twice, and neither do amounts with a --once key; a
    gcounter cannot be counted back. What a reset has cancelled need not be.

    \b
    EXAMPLES:
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2 builds=2
      crdtctl settle 2dcd75bcea347bb06f5d tests=41
    """
    current = session(context).open_to_write()
    for word in amounts or []:
        if "=" not in word:
            raise UsageError(f"'{printable(word[:80])}' is not NAME=AMOUNT")
    forks = called_so(called, [fork.replica for fork in current.forks()])
    called = forks[0] if len(forks) == 1 else called
    requests = counting("increment", amounts, None) if amounts else []
    if again := current.absorbed_again(called):
        back = counting("decrement", amounts, None) if amounts else []
        for absorber in again:  # first: under these keys it counts once, however often it is done
            _count(current, back, f"absorbed again: {membership.record_of(called) or called} by {absorber}")
        _say(settled=current.settle(called))
        return
    settled = current.settle(called)  # first: if counting fails, nothing has been counted, and all can be done again
    _count(current, requests, f"fork of {called}")
    _say(settled=settled)


def _count(replica: Replica, requests: Sequence[Request], key: str) -> None:
    if requests:
        done = replica.commit(under_key(requests, key))
        output.stdout.applied = output.stdout.applied or done.seq is not None
        for note in done.notes:
            output.say(note)


def _say(*, settled: bool) -> None:
    if output.is_talkative():
        output.stdout.line("settled" if settled else "settled before")
