"""``crdtctl compare``"""

from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.output import Report
from crdtctl.cli.states import states
from crdtctl.cli.verb import FormatOption, command_app, session
from crdtctl.crdt.clock import Order
from crdtctl.errors import AnswerIsNo, printable
from crdtctl.store.summary import summarize

app, settings = command_app(1, *READS)


@app.command(**settings)
def compare(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A state file; '-' is standard input.")],
    equal: Annotated[bool, typer.Option("--equal", help="Exit with 1 unless equal.")] = False,
    form: FormatOption = None,
) -> None:
    """Compare this replica with a state file.

    \b
    EXAMPLES:
      crdtctl compare hub.json
      crdtctl compare --equal hub.json || crdtctl merge hub.json

    Prints one word. Equal: both have the same commits. Behind: the file has more. Ahead: the file has less.
    Concurrent: each has commits that the other lacks. Equal values alone do not make two states equal.
    """
    chosen = output.resolve_format(form, default="value")
    replica = session(context).open()
    with ExitStack() as stack:
        other = summarize(states([file], stack))
    with replica.snapshot() as now:
        order = now.compare(other)
        head = {"replica": now.id}
    items = [{"file": printable(file), "order": str(order)}]
    report = Report("states", ("file", "order"), items, lambda i: [(i["file"], i["order"])], head=head)
    output.print_report(report, chosen)
    if equal and order is not Order.EQUAL:
        raise AnswerIsNo(f"this replica and {printable(file)} are not equal: {order}")
