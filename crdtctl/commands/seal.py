"""``crdtctl seal``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app
from crdtctl.errors import UsageError, printable
from crdtctl.store.commit import typed
from crdtctl.store.identity import name_of

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def seal(
    context: typer.Context,
    which: Annotated[
        str | None, typer.Argument(metavar="[REPLICA]", help="The id or the name of this replica.", show_default=False)
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Seal whichever replica is found here.")] = False,
) -> None:
    """End this replica: it takes no more counts and no states.

    That cannot be undone, so the replica must be named, or --yes given. It is for replicas of jobs and containers,
    which would stay in every state for ever: export what is sealed, and let one permanent replica absorb it.
    'crdtctl run' does all that for one command. 'crdtctl init --after-seal' goes on under a new id.

    \b
    EXAMPLES:
      crdtctl seal --yes && crdtctl export -o job-17.json
      crdtctl init --after-seal
    """
    found = session(context).open()
    if which is None and not yes:
        raise UsageError(
            f"sealing ends {found.id} for good, and nothing was done",
            f"if that is meant: {typed('seal', name_of(found.id))}",
        )
    if which is not None and which not in (found.id, name_of(found.id)):
        raise UsageError(f"'{printable(which[:80])}' is not this replica, which is {found.id}", "nothing was done")
    sealed = found.seal()
    output.stdout.applied = sealed
    if output.is_talkative():
        output.stdout.line("sealed" if sealed else "sealed before")
