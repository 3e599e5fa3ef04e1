"""``crdtctl status``"""

import typer

from crdtctl.commands import output
from crdtctl.commands.output import Item, Report
from crdtctl.commands.statuses import READS
from crdtctl.commands.verb import FormatOption, session, verb_app
from crdtctl.errors import printable

app, settings = verb_app(*READS)


@app.command(**settings)
def status(context: typer.Context, form: FormatOption = None) -> None:
    """Show this replica and whom it has heard of.

    For each: up to which commit, and when there was news of it last. The first row is this replica
    itself, with its directory.

    \b
    EXAMPLES:
      crdtctl status
      crdtctl status --format json | jq -r '.replicas[].replica'
    """
    chosen = output.choose(form)
    replica = session(context).open()
    own, clock, heard = replica.id, replica.clock(), replica.heard()
    items: list[Item] = [{"replica": own, "commits": clock.pop(own, 0), "heard": "this replica"}]
    items += [{"replica": author, "commits": seq, "heard": heard.get(author)} for author, seq in sorted(clock.items())]
    if chosen == "table":
        output.stdout.line(f"replica    {own}\ndirectory  {printable(replica.path)}\n")
    columns = ("replica", "commits", "heard")
    head = {"replica": own, "directory": printable(replica.path)}
    report = Report("replicas", columns, items, lambda item: [[item[column] for column in columns]], value=0, head=head)
    output.show(report, chosen)
