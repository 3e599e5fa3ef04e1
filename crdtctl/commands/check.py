"""``crdtctl check``"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.output import Item, Report
from crdtctl.cli.states import FilesFromOption, NullOption, named, states
from crdtctl.cli.verb import FormatOption, command_app, session
from crdtctl.errors import AnswerIsNo, printable
from crdtctl.store.check import check_input

app, settings = command_app(1, *READS, 78)


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
    """Verify the files of this replica, or state files.

    \b
    EXAMPLES:
      crdtctl check
      crdtctl check *.json

    Prints the verified properties of each file, and ends with status 1 if there is a fault. Of each file: its checksum,
    its canonical form, and every entry with its place in the clock. Of a replica also: the settings, whether its
    two files fit each other, and the leftovers of writers that were killed.
    """
    chosen = output.resolve_format(form)
    if paths := named(files, files_from, null):
        with ExitStack() as stack:
            findings = [found for item in states(paths, stack) for found in check_input(item)]
        place = ""
    else:
        replica = session(context).open()
        findings, place = replica.check(), f"{printable(replica.path)}/"
    items = [{"file": one.path, "ok": one.ok, "found": one.found} for one in findings]
    is_short = place and chosen == "table" and output.is_terminal() and not output.settings.full
    if is_short:
        output.stdout.line(f"directory  {place[:-1]}\n")

    def row(item: Item) -> Sequence[Sequence[object]]:
        file = item["file"].removeprefix(place) if is_short else item["file"]
        return [(file, "ok" if item["ok"] else "FAULT", item["found"])]

    rows = Report("files", ("file", "verdict", "found"), items, row)
    output.print_report(rows, chosen)
    faults = sum(not one.ok for one in findings)
    if faults:
        raise AnswerIsNo(f"{faults} fault{'' if faults == 1 else 's'} found")
