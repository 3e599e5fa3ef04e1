"""``crdtctl transfer``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.amounts import of_replica
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app
from crdtctl.errors import UsageError, printable

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def transfer(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The counter.")],
    to: Annotated[str | None, typer.Argument(metavar="[TO]", help="Who gets the rights.", show_default=False)] = None,
    amount: Annotated[str | None, typer.Argument(metavar="[AMOUNT]", help="How many.", show_default=False)] = None,
    granted: Annotated[
        bool, typer.Option("--granted", help="Give what was asked for, by TO or by anybody, as far as it reaches.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="OLD",
            envvar="CRDTCTL_TRANSFER_FROM",
            help="Take them from OLD, which is gone for good, and not from here.",
        ),
    ] = None,
) -> None:
    """Give rights to a bounded counter to another replica, or take back a hand-off.

    TO is a replica's id, its name, or how its id begins, of those that 'crdtctl status' lists. The value stays what
    it is; what moves is who may decrement. More rights than are here are refused. What others asked for is
    in 'crdtctl status'; --granted gives it, in the order of the ids, and nothing where nothing is to be given.

    The rights of a replica that is gone, an id that this one had before, say, stay with it. --from takes them,
    also for this replica itself. You must be sure that OLD writes no more, and that nobody else takes from it:
    or the same right is used twice, and more is sold than there is.

    Of a handoff counter, --from alone takes back what is on its way to OLD, a permanent replica that was lost, or put
    back from a backup: the next meeting hands it over elsewhere. Sync before, for what OLD had accepted counts. That
    OLD is gone is passed on; if it comes back with later commits, all who hear of it end with status 5.

    \b
    EXAMPLES:
      crdtctl transfer seats laptop 30
      crdtctl transfer seats laptop --granted
      crdtctl transfer seats --granted
      crdtctl transfer seats hub 12 --from laptop-7f3a9c64d1e05b28a7f3069c51de84b2
      crdtctl transfer requests --from hub-19c2d65cf0a8437e8d1b7f2c94e350aa
    """
    replica = session(context).open()
    if granted:
        if amount is not None or source is not None:
            raise UsageError("--granted gives what was asked for", "leave out AMOUNT and --from")
        given = replica.grant(name, to or "")
    elif source and to is None:
        replica.take_back(name, source)
        output.stdout.applied = True
        return
    else:
        if to is None or amount is None:
            raise UsageError("it takes TO and AMOUNT, or --granted", "see 'crdtctl transfer --help'")
        replica.transfer(name, to, of_replica("transfer", name, to, amount), source=source or "")
        given = True
    output.stdout.applied = given
    if output.is_talkative():
        left = replica.rights(name).here
        output.stdout.line(f"{printable(name)}: {'' if given else 'nothing to give; '}{left} left here")
