"""``crdtctl reset``"""

from typing import Annotated

import typer

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.verb import TypeOption, command_app, commit
from crdtctl.store import requests

app, settings = command_app(4, *WRITES)


@app.command(**settings)
def reset(
    context: typer.Context,
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="Counters to reset.")],
    tag: TypeOption = None,
) -> None:
    """Start counters over: cancel all known counts.

    \b
    EXAMPLES:
      crdtctl reset builds
      crdtctl reset builds failures

    A reset cancels exactly the counts that this replica knows, from all replicas, and other replicas follow when they
    receive it. Counts that other replicas made before that, and that had not arrived here, survive: the counter may
    then read more than 0. A used --once key stays used. All counters of one command are one commit. Off a terminal,
    success is silent.
    """
    commit(context, [requests.reset(name, tag=tag) for name in names], begins=False)
