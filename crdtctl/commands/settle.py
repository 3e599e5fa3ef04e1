"""``crdtctl settle``"""

from typing import Annotated

import typer

from crdtctl.commands import output
from crdtctl.commands.counting import counting
from crdtctl.commands.statuses import WRITES
from crdtctl.commands.verb import session, verb_app
from crdtctl.errors import UsageError, printable
from crdtctl.store.replica import under_key

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def settle(
    context: typer.Context,
    replica: Annotated[str, typer.Argument(metavar="ID", help="The id that had several writers.")],
    amounts: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME=AMOUNT]...", help="What to count up, once for the whole world.")
    ] = None,
) -> None:
    """Declare a fork settled, and count what it lacks.

    A fork is one id with several writers: a machine was cloned, or an older version of it was put back, in
    a way that could not be noticed there. A merge finds it, and keeps the branches apart as
    replicas ID~1.abcd, ID~1.efgh. What they have in common must not count twice, and what each did alone cannot be
    told from it; so of each counter the larger branch counts, which is the least that can be true.
    Compare the branches with 'crdtctl show --by-replica'. If you know how much is missing, name it
    here: it counts once, whoever else settles the same fork. Sets lack nothing, and
    neither do amounts with a --once key.

    \b
    EXAMPLES:
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2
      crdtctl settle laptop-7f3a9c64d1e05b28a7f3069c51de84b2 builds=2
    """
    current = session(context).open_to_write()
    for word in amounts or []:
        if "=" not in word:
            raise UsageError(f"'{printable(word[:80])}' is not NAME=AMOUNT")
    requests = counting("increment", amounts, None) if amounts else []
    settled = current.settle(replica)  # first: if counting fails, nothing has been counted, and all can be done again
    if requests:
        done = current.commit(under_key(requests, f"fork of {replica}"))
        output.stdout.applied = done.seq is not None
        for note in done.notes:
            output.say(note)
    if output.is_talkative():
        output.stdout.line("settled" if settled else "settled before")
