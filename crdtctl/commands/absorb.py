"""``crdtctl absorb``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.options import FILES_FROM, NULL
from crdtctl.cli.refusals import end_with
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("files", "FILE...", "State files of sealed replicas, or directories of them.", repeated=True),
    FILES_FROM,
    NULL,
    Option("fence", metavar="DATE", help="Cutoff: drop the records of replicas made before DATE (YYYY-MM-DD)."),
    Flag("not_absorbed", help="Confirm that this replica has absorbed nothing since it was copied or restored."),
    statuses=(3, 4, 5, *WRITES),
)
def absorb(
    context: Context, files: list[str], files_from: str | None, null: bool, fence: str | None, not_absorbed: bool
) -> None:
    """Take over the counts of sealed replicas.

    \b
    EXAMPLES:
      crdtctl absorb jobs/*.json
      crdtctl absorb jobs
      find jobs -name '*.json' | crdtctl absorb --files-from -
      crdtctl absorb --fence 2026-01-01

    The counts of each sealed replica become this replica's own, exactly once. The order of the files and their
    repetition do not matter. A record of a few bytes stays of each absorbed replica, so an older file that still
    contains its counts changes nothing. The files are merged as well.

    Let one permanent replica absorb. If two replicas absorb the same one, it counts twice, and the next merge
    reports that.

    A replica that was copied, or restored from a backup, may have absorbed others since. It absorbs nothing new,
    with status 5, until a sync with all its remotes, or a merge, brings the last state that it had exported.

    --fence sets a cutoff: it drops the records of replicas made before DATE. From then on, a file with the counts
    of an unknown replica from before the cutoff is refused, because that replica may have been absorbed already.
    """
    from crdtctl.cli.states import named, states
    from crdtctl.contexts import ExitStack

    paths = named(files, files_from, null)
    if not paths and fence is None and not not_absorbed:
        raise UsageError("no file to absorb", "name the state files of sealed replicas: crdtctl absorb FILE...")
    with ExitStack() as stack:
        inputs = states(paths, stack)
        report = session(context).open_to_write().absorb(inputs, fence=fence, not_absorbed=not_absorbed, check=False)
    output.stdout.applied = bool(report.absorbed or report.merge.changed)
    if output.is_talkative():
        number = len(report.absorbed)
        output.stdout.line(
            f"absorbed {number} replica{'' if number == 1 else 's'}; {len(report.before)} had been absorbed before"
        )
        if report.superseded:
            number = len(report.superseded)
            output.stdout.line(f"{number} earlier attempt{'' if number == 1 else 's'} of a job left out")
    for note in report.merge.notes:
        output.print_message(note)
    end_with(report.merge, quiet=False)
