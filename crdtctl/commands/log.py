"""``crdtctl log``"""

from typing import Annotated, Any

import typer

from crdtctl.cli import output
from crdtctl.cli.output import Report
from crdtctl.cli.statuses import READS
from crdtctl.cli.verb import FormatOption, session, verb_app
from crdtctl.errors import printable

app, settings = verb_app(*READS)


@app.command(**settings)
def log(
    context: typer.Context,
    number: Annotated[
        int | None, typer.Option("--number", "-n", min=1, metavar="N", help="Show the last N events only.")
    ] = None,
    form: FormatOption = None,
) -> None:
    """Show what happened here, oldest first.

    Merges and what they brought, ids that ended and why, forks that were found and settled. Increments are
    not noted. The log is kept small: what is old is forgotten. Nothing depends on it.

    \b
    EXAMPLES:
      crdtctl log -n 5
      crdtctl log --format ndjson | jq -r 'select(.did == "merged") | .at'
    """
    chosen = output.choose(form)
    replica = session(context).open()
    entries = replica.log()
    items = [_safe(entry) for entry in (entries[-number:] if number else entries)]
    columns = ("at", "did", "what")
    rows = Report("events", columns, items, lambda i: [(i["at"], i["did"], _words(i, chosen))], ids=replica.clock)
    output.show(rows, chosen)


def _safe(value: Any) -> Any:
    """Return what stands in the log fit for a terminal."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_safe(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): _safe(item) for key, item in value.items()}
    return value


def _words(item: dict[str, Any], form: str) -> str:
    """Return the facts of an event in a line; in a table, ids that are both heard of and news stand there once."""
    if form == "table" and item.get("news") == item.get("replicas"):
        item = {key: value for key, value in item.items() if key != "news"}
    facts = {key: value for key, value in item.items() if key not in ("at", "did") and value not in ([], "")}
    told = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in facts.items())
    return "; ".join(f"{key} {value}" for key, value in told)
