"""``crdtctl clock``"""

import typer

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.output import Report
from crdtctl.cli.verb import FormatOption, command_app, session, typed_format
from crdtctl.store.clock_text import clock_text

app, settings = command_app(*READS)


@app.command(**settings)
def clock(context: typer.Context, form: FormatOption = None) -> None:
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
    replica = session(context).open()
    with replica.snapshot() as now:
        found, own = now.clock(), now.id
    if chosen in ("clock", "value"):
        output.stdout.line(clock_text(found))
        return
    items = [{"replica": author, "commits": seq} for author, seq in sorted(found.items())]
    head = {"replica": own}
    report = Report("clock", ("replica", "commits"), items, lambda i: [(i["replica"], i["commits"])], head=head)
    output.print_report(report, chosen)
