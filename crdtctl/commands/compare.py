"""``crdtctl compare``"""

from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.output import Report
from crdtctl.cli.states import states
from crdtctl.cli.statuses import READS
from crdtctl.cli.verb import FormatOption, session, verb_app
from crdtctl.crdt.clock import Order
from crdtctl.errors import AnswerIsNo, printable
from crdtctl.store.summary import summarize

app, settings = verb_app(1, *READS)


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
    with ExitStack() as stack:
        other = summarize(states([file], stack))
    with replica.snapshot() as now:
        order = now.compare(other)
        head = {"replica": now.id}
    items = [{"file": printable(file), "order": str(order)}]
    report = Report("states", ("file", "order"), items, lambda i: [(i["file"], i["order"])], head=head)
    output.show(report, chosen)
    if equal and order is not Order.EQUAL:
        raise AnswerIsNo(f"this replica and {printable(file)} are not equal: {order}")
