"""``crdtctl clock``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.verb import session, typed_format

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(FORM, statuses=READS)
def clock(context: Context, form: str | None) -> None:
    """Print the clock of this replica, a version vector.

    \b
    EXAMPLES:
      crdtctl clock
      crdtctl export --since "$(ssh hub crdtctl clock)" -o news.json

    The clock holds, for each known replica, the number of the last commit that this replica has.
    It is one line of JSON for 'show --require' and 'export --since', which also accept every other format of it.
    CRDTCTL_FORMAT does not apply to this command.
    """
    chosen = output.resolve_format(typed_format(context, form), default="clock")
    replica = session(context).open_to_read()
    with replica.snapshot() as now:
        found, own = now.clock(), now.id
    if chosen in ("clock", "value"):
        from crdtctl.store.clock_text import clock_text

        output.stdout.line(clock_text(found))
        return
    items = [{"replica": author, "commits": seq} for author, seq in sorted(found.items())]
    head = {"replica": own}
    report = Report("clock", ("replica", "commits"), items, lambda i: [(i["replica"], i["commits"])], head=head)
    output.print_report(report, chosen)
