"""``crdtctl exchange``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.refusals import end_with
from crdtctl.cli.verb import session
from crdtctl.errors import ForkError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.store.merge import MergeReport


@command(Argument("path", "PATH", "Directory of the other replica.", required=True), statuses=(1, 5, *WRITES))
def exchange(context: Context, path: str) -> None:
    """Merge two replicas on this machine into each other.

    \b
    EXAMPLES:
      crdtctl exchange /mnt/hub/.crdtctl
      crdtctl --replica /tmp/job/.crdtctl exchange ~/counts

    Merges in both directions until neither replica changes any more. PATH is the directory of the other replica,
    local or mounted. One exchange completes the hand-off of a handoff counter, which takes four merges. Off a
    terminal, success is silent.
    """
    from crdtctl.store.replica import Replica

    here = session(context).open_to_write()
    there = Replica(path, lock_timeout=session(context).lock_timeout, on_renamed=output.print_message)
    done = here.exchange(there, check=False)
    output.stdout.applied = any(report.changed for report in (*done.here, *done.there))
    for note in done.here[-1].notes:
        output.print_message(note)
    for report in (*done.here[:-1], *done.there):
        for second in (*report.second_types, *report.renames):
            output.print_message(second)
    if output.is_talkative():
        _print_merges("here", done.here)
        _print_merges("there", done.there)
        if not output.stdout.applied:
            output.stdout.line("nothing new")
    if any(report.forks or report.foreign_writes for report in (*done.here, *done.there)):
        raise ForkError(
            f"{printable(path)}: one replica id had several writers; all branches are kept",
            "'crdtctl status' lists forks",
        )
    for report in (*done.here, *done.there):
        end_with(report, quiet=False)
    if not done.settled:
        output.print_message(
            f"still changing after {done.rounds} rounds, because another process is writing; run the exchange again"
        )


def _print_merges(where: str, reports: list[MergeReport]) -> None:
    """Print the changes and the hand-offs that the merges into one of the two replicas made."""
    first: dict[tuple[str, str], int | None] = {}
    last: dict[tuple[str, str], int | None] = {}
    steps: dict[tuple[str, str], int] = {}
    for report in reports:
        for change in report.changes:
            first.setdefault((change.name, change.tag), change.before)
            last[change.name, change.tag] = change.after
        steps.update({(one.name, one.peer): one.step for one in report.handoffs})
    changes = [(f"{where}: {key[0]}", before, last[key]) for key, before in sorted(first.items())]
    output.print_changes(changes, max(len(changes), *(report.counters for report in reports)))
    output.print_handoffs([(f"{where}: {name}", step, peer) for (name, peer), step in sorted(steps.items())])
