"""``crdtctl check``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.options import FILES_FROM, FORM, NULL
from crdtctl.cli.output import Report
from crdtctl.cli.verb import session
from crdtctl.errors import AnswerIsNo, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item
    from crdtctl.store.check import Finding


@command(
    Argument(
        "files", "[FILE]...", "State files, or directories of them. Default: this replica's own files.", repeated=True
    ),
    FILES_FROM,
    NULL,
    FORM,
    statuses=(1, *READS, 78),
)
def check(context: Context, files: list[str], files_from: str | None, null: bool, form: str | None) -> None:
    """Verify the files of this replica, or state files.

    \b
    EXAMPLES:
      crdtctl check
      crdtctl check *.json

    Prints the verified properties of each file, and ends with status 1 if there is a fault. Of each file: its checksum,
    its canonical form, and every entry with its place in the clock. Of a replica also: the settings, whether its
    two files fit each other, its journals, and the leftovers of writers that were killed.
    """
    chosen = output.resolve_format(form)
    if files or files_from is not None or null:
        findings, place = _of_files(files, files_from, null), ""
    else:
        replica = session(context).open_to_read()
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


def _of_files(files: Sequence[str], files_from: str | None, null: bool) -> list[Finding]:
    from crdtctl.cli.states import named, states
    from crdtctl.contexts import ExitStack
    from crdtctl.store.check import check_input

    with ExitStack() as stack:
        return [found for item in states(named(files, files_from, null), stack) for found in check_input(item)]
