"""``crdtctl exchange``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.refusals import end_with
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app
from crdtctl.errors import ForkError, printable
from crdtctl.store.merge import MergeReport
from crdtctl.store.replica import Replica

app, settings = verb_app(1, 5, *WRITES)


@app.command(**settings)
def exchange(
    context: typer.Context,
    path: Annotated[str, typer.Argument(metavar="PATH", help="Directory of the other replica.")],
) -> None:
    """Merge two replicas into each other.

    That is done until neither learns anything. PATH is a directory on this machine, or one that is
    mounted here. One call hands a handoff counter over completely, which takes four merges. Silent,
    but on a terminal.

    \b
    EXAMPLES:
      crdtctl exchange /mnt/hub/.crdtctl
      crdtctl --replica /tmp/job/.crdtctl exchange ~/counts
    """
    here = session(context).open_to_write()
    there = Replica(path, lock_timeout=session(context).lock_timeout, on_renamed=output.say)
    done = here.exchange(there, check=False)
    output.stdout.applied = any(report.changed for report in (*done.here, *done.there))
    for note in done.here[-1].notes:
        output.say(note)
    for report in (*done.here[:-1], *done.there):
        for second in report.second_types:
            output.say(second)
    if output.is_talkative():
        _tell("here", done.here)
        _tell("there", done.there)
        if not output.stdout.applied:
            output.stdout.line("nothing new")
    if any(report.forks or report.foreign_writes for report in (*done.here, *done.there)):
        raise ForkError(
            f"{printable(path)}: an id had several writers; both branches are kept", "'crdtctl status' lists forks"
        )
    for report in (*done.here, *done.there):
        end_with(report, quiet=False)
    if not done.settled:
        output.say(f"not settled after {done.rounds} rounds: somebody else writes meanwhile; exchange again")


def _tell(where: str, reports: list[MergeReport]) -> None:
    """Say what the merges into one of the replicas changed, and which hand-offs are done."""
    first: dict[tuple[str, str], int | None] = {}
    last: dict[tuple[str, str], int | None] = {}
    steps: dict[tuple[str, str], int] = {}
    for report in reports:
        for change in report.changes:
            first.setdefault((change.name, change.tag), change.before)
            last[change.name, change.tag] = change.after
        steps.update({(one.name, one.peer): one.step for one in report.handoffs})
    changes = [(f"{where}: {key[0]}", before, last[key]) for key, before in sorted(first.items())]
    output.tell(changes, max(len(changes), *(report.counters for report in reports)))
    output.tell_handoffs([(f"{where}: {name}", step, peer) for (name, peer), step in sorted(steps.items())])
