"""``crdtctl absorb``"""

from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.refusals import end_with
from crdtctl.cli.states import FilesFromOption, NullOption, named, states
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import session, verb_app
from crdtctl.errors import UsageError

app, settings = verb_app(3, 4, 5, *WRITES)


@app.command(**settings)
def absorb(
    context: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILE...", help="States with sealed replicas.", show_default=False)
    ] = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    fence: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Forget absorbed replicas that were made before DATE (YYYY-MM-DD)."),
    ] = None,
    not_absorbed: Annotated[
        bool,
        typer.Option(
            "--not-absorbed", help="This replica was copied or put back, and surely has absorbed nothing since."
        ),
    ] = False,
) -> None:
    """Take over what sealed replicas counted; they vanish.

    Their counts become this replica's own, exactly once, in whatever order and however often files come: a
    record of a few bytes stays of each, and older files that still carry them change nothing. The files
    are merged as well. Let one permanent replica absorb; if two absorb the same one, it counts twice, and
    the next merge says so.

    A replica that was copied or put back from a backup may have absorbed since. It absorbs nothing new, with
    status 5, before a sync with all its remotes, or a merge, has brought the last state that had left it.

    The records go with --fence. A file that speaks of a replica from before the fence which is not known
    here is refused from then on, for it might have been absorbed.

    \b
    EXAMPLES:
      crdtctl absorb jobs/*.json
      find jobs -name '*.json' | crdtctl absorb --files-from -
      crdtctl absorb --fence 2026-01-01
    """
    paths = named(files, files_from, null)
    if not paths and fence is None and not not_absorbed:
        raise UsageError("there is no file to absorb", "see 'crdtctl absorb --help'")
    with ExitStack() as stack:
        inputs = states(paths, stack)
        report = session(context).open_to_write().absorb(inputs, fence=fence, not_absorbed=not_absorbed, check=False)
    output.stdout.applied = bool(report.absorbed or report.merge.changed)
    if output.is_talkative():
        number = len(report.absorbed)
        output.stdout.line(f"absorbed {number} replica{'' if number == 1 else 's'}; {len(report.before)} were before")
        if report.superseded:
            number = len(report.superseded)
            output.stdout.line(f"{number} earlier attempt{'' if number == 1 else 's'} of jobs left out")
    for note in report.merge.notes:
        output.say(note)
    end_with(report.merge, quiet=False)
