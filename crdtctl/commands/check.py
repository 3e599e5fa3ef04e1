"""``crdtctl check``"""

from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.commands import output
from crdtctl.commands.output import Report
from crdtctl.commands.states import FilesFromOption, NullOption, named, states
from crdtctl.commands.statuses import READS
from crdtctl.commands.verb import FormatOption, session, verb_app
from crdtctl.errors import AnswerIsNo
from crdtctl.store.check import check_input

app, settings = verb_app(1, *READS, 78)


@app.command(**settings)
def check(
    context: typer.Context,
    files: Annotated[
        list[str] | None, typer.Argument(metavar="[FILE]...", help="State files. Default: this replica's own files.")
    ] = None,
    files_from: FilesFromOption = None,
    null: NullOption = False,
    form: FormatOption = None,
) -> None:
    """Verify files, and say what was looked at.

    Everything that can be verified is; a fault ends with status 1. Of each file: its checksum, its
    canonical form, every contribution and its place in the clock. Of a replica also: the settings, that
    the two states fit each other, and what killed writers left behind.

    \b
    EXAMPLES:
      crdtctl check
      crdtctl check *.json
    """
    chosen = output.choose(form)
    if paths := named(files, files_from, null):
        with ExitStack() as stack:
            findings = [found for item in states(paths, stack) for found in check_input(item)]
    else:
        findings = session(context).open().check()
    items = [{"file": one.path, "ok": one.ok, "found": one.found} for one in findings]
    rows = Report(
        "files", ("file", "verdict", "found"), items, lambda i: [(i["file"], "ok" if i["ok"] else "FAULT", i["found"])]
    )
    output.show(rows, chosen)
    faults = sum(not one.ok for one in findings)
    if faults:
        raise AnswerIsNo(f"{faults} fault{'' if faults == 1 else 's'} found")
