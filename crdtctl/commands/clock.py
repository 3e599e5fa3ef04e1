"""``crdtctl clock``"""

import typer

from crdtctl.cli import output
from crdtctl.cli.output import Report
from crdtctl.cli.statuses import READS
from crdtctl.cli.verb import FormatOption, session, typed_format, verb_app
from crdtctl.store.clocktext import clock_text

app, settings = verb_app(*READS)


@app.command(**settings)
def clock(context: typer.Context, form: FormatOption = None) -> None:
    """Print the clock of what is known here.

    It says up to which commit of each replica this one knows everything: one line of JSON, which
    --require and --since take elsewhere. They take it in every other format as well. What CRDTCTL_FORMAT says
    is for reports, and changes nothing here.

    \b
    EXAMPLES:
      crdtctl clock
      crdtctl export --since "$(ssh hub crdtctl clock)" -o news.json
    """
    chosen = output.choose(typed_format(context, form), default="clock")
    replica = session(context).open()
    with replica.snapshot() as now:
        found, own = now.clock(), now.id
    if chosen in ("clock", "value"):
        output.stdout.line(clock_text(found))
        return
    items = [{"replica": author, "commits": seq} for author, seq in sorted(found.items())]
    head = {"replica": own}
    report = Report("clock", ("replica", "commits"), items, lambda i: [(i["replica"], i["commits"])], head=head)
    output.show(report, chosen)
