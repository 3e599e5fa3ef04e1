"""``crdtctl compare``"""

from typing import Annotated

import typer

from crdtctl.commands import arguments, output
from crdtctl.commands.output import Report
from crdtctl.commands.statuses import READS
from crdtctl.commands.verb import FormatOption, session
from crdtctl.commands.verb import app as make_app
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.clock import Order
from crdtctl.errors import AnswerIsNo

app, settings = make_app(1, *READS)


@app.command(**settings)
def compare(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A state file; '-' is standard input.")],
    equal: Annotated[bool, typer.Option("--equal", help="Exit with 1 unless equal.")] = False,
    form: FormatOption = None,
) -> None:
    """Say how this replica stands to a state file.

    Equal: both know the same. Behind: the file knows more. Ahead: it knows less. Concurrent: each knows
    something that the other does not. Equal values alone do not make states equal.

    \b
    EXAMPLES:
      crdtctl compare hub.json
      crdtctl compare --equal hub.json || crdtctl merge hub.json
    """
    chosen = output.choose(form, default="value")
    replica = session(context).open()
    order = clocks.compare(replica.clock(), arguments.state_clock(file))
    items = [{"file": file, "order": str(order)}]
    head = {"replica": replica.id}
    report = Report(
        "states", ("file", "order"), items, lambda i: [(output.printable(i["file"]), i["order"])], head=head
    )
    output.show(report, chosen)
    if equal and order is not Order.EQUAL:
        raise AnswerIsNo(f"this replica and {output.printable(file)} are not equal: {order}")
