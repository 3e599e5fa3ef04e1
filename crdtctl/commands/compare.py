"""``crdtctl compare``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.verb import session
from crdtctl.errors import AnswerIsNo, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("file", "FILE", "A state file; '-' is standard input.", required=True),
    Flag("equal", help="Exit with 1 unless equal."),
    FORM,
    statuses=(1, *READS),
)
def compare(context: Context, file: str, equal: bool, form: str | None) -> None:
    """Compare this replica with a state file.

    \b
    EXAMPLES:
      crdtctl compare hub.json
      crdtctl compare --equal hub.json || crdtctl merge hub.json

    Prints one word. Equal: both have the same commits. Behind: the file has more. Ahead: the file has less.
    Concurrent: each has commits that the other lacks. Equal values alone do not make two states equal.
    """
    from crdtctl.cli.states import states
    from crdtctl.contexts import ExitStack
    from crdtctl.crdt.order import Order
    from crdtctl.store.summary import summarize

    chosen = output.resolve_format(form, default="value")
    replica = session(context).open_to_read()
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
