"""``crdtctl create``"""

from typing import Annotated

import typer

from crdtctl.cli.amounts import amount, whole
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.verb import AlsoOption, command_app, commit
from crdtctl.crdt import TYPES
from crdtctl.crdt.handoff import Handoff
from crdtctl.errors import RefusedError
from crdtctl.store.requests import create as declare
from crdtctl.store.requests import increment
from crdtctl.store.validation import check_type

app, settings = command_app(4, 73, *WRITES)
#: Idempotency key of --initial: it counts once, on however many machines the same counter is created.
_KEY = "created"
_TYPES = "; ".join(f"{tag}: {kind.summary}" for tag, kind in TYPES.items())


@app.command(**settings)
def create(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The counter's name.")],
    tag: Annotated[str, typer.Option("--type", "-t", metavar="TYPE", envvar="CRDTCTL_TYPE", help=f"{_TYPES}.")],
    minimum: Annotated[
        str | None,
        typer.Option("--min", metavar="K", envvar="CRDTCTL_CREATE_MIN", help="Lower bound of a bcounter."),
    ] = None,
    initial: Annotated[str | None, typer.Option(metavar="AMOUNT", help="Value to begin with.")] = None,
    precision: Annotated[
        int | None,
        typer.Option(metavar="P", help="Of an hll, 4 to 16: 2^P bytes, error 1.04/√2^P. Default: 12."),
    ] = None,
    also: AlsoOption = False,
) -> None:
    """Create a counter of a given type.

    \b
    EXAMPLES:
      crdtctl create page.views --type gcounter
      crdtctl create stock --type pncounter --initial 100
      crdtctl create visitors --type hll --precision 14
      crdtctl create seats --type bcounter --initial 100
      crdtctl create balance --type bcounter --min -500 --initial 0

    Most counters need no creation: the first increment makes a pncounter, and the first add a gset. Only a bcounter
    must be created, once, on one replica. It begins at --initial (default: K) and never falls below K (default: 0).
    """
    check_type(tag)
    bound = None if minimum is None else whole(minimum, "--min")
    if initial is None or "initial" in TYPES[tag].settings:
        begins = None if initial is None else whole(initial, "--initial")
        requests = [declare(name, tag, precision=precision, bound=bound, initial=begins)]
    elif tag == Handoff.tag:
        raise RefusedError(
            "a handoff counter cannot have an initial amount: created on two machines, it would count twice",
            "create it without --initial, and increment it on one machine",
        )
    else:
        requests = [
            declare(name, tag, precision=precision, bound=bound),
            increment(name, amount(initial), tag=tag, once=_KEY),
        ]
    commit(context, requests, also=also)
