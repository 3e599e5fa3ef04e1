"""``crdtctl request``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.amounts import of_replica
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def request(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The bcounter.")],
    holder: Annotated[str, typer.Argument(metavar="FROM", help="Who is asked.")],
    amount: Annotated[str, typer.Argument(metavar="AMOUNT", help="For how many rights.")],
) -> None:
    """Ask another replica for rights to a bounded counter.

    FROM is a replica's id, its name, or how its id begins, of those that 'crdtctl status' lists. The request
    travels in the files that are exchanged anyway; there, 'crdtctl status' lists it, and 'crdtctl transfer
    NAME --granted' grants it. It stands until as many rights have come.

    \b
    EXAMPLES:
      crdtctl request seats hub 30
    """
    replica = session(context).open()
    replica.request(name, holder, of_replica("request", name, holder, amount))
    output.stdout.applied = True
    if output.is_talkative():
        asked = ", ".join(f"{n} of {who}" for who, n in replica.rights(name).asked.items())
        output.stdout.line(f"{name}: asked for {asked}; export a state and let it get there")
