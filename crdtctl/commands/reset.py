"""``crdtctl reset``"""

from typing import Annotated

import typer

from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import TypeOption, commit, verb_app
from crdtctl.store import requests

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def reset(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Counters.")],
    tag: TypeOption = None,
) -> None:
    """Start counters over: cancel what was counted so far.

    Exactly what is known here is cancelled, whoever counted it, and for everybody who learns of it. What others
    count before they do, or have counted and not sent here yet, survives: the counter may then read more than 0.
    A --once key that was used stays used. All counters of one command are one commit. Silent, but on a terminal.

    \b
    EXAMPLES:
      crdtctl reset builds
      crdtctl reset builds failures
    """
    commit(context, [requests.reset(name, tag=tag) for name in names], begins=False)
