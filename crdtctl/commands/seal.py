"""``crdtctl seal``"""

import typer

from crdtctl.commands import output
from crdtctl.commands.statuses import WRITES
from crdtctl.commands.verb import session, verb_app

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def seal(context: typer.Context) -> None:
    """End this replica: it takes no more counts and no states.

    For replicas of jobs and containers, which would stay in every state for ever: export what is sealed, and
    let one permanent replica absorb it. 'crdtctl run' does all that for one command.

    \b
    EXAMPLES:
      crdtctl seal && crdtctl export -o job-17.json
    """
    sealed = session(context).open().seal()
    output.stdout.applied = sealed
    if output.is_talkative():
        output.stdout.line("sealed" if sealed else "sealed before")
