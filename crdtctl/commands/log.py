"""``crdtctl log``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crdtctl.cli.context import Context


@command(
    Option("number", "--number", "-n", metavar="N", kind=Whole(1), help="Show the last N events only."),
    Option("since", metavar="TIME", help="Only what happened since then: 2026-03-01, 2026-03-01T14:30Z, 24h, 30d."),
    Option("until", metavar="TIME", help="Only what happened until then. A day (UTC) is included as a whole."),
    Flag("counts", help="Show the journal of counts instead, see 'crdtctl help undo'."),
    Argument("names", "[NAME]...", "With --counts: only these counters.", repeated=True),
    FORM,
    statuses=READS,
)
def log(
    context: Context,
    number: int | None,
    since: str | None,
    until: str | None,
    counts: bool,
    names: list[str],
    form: str | None,
) -> None:
    """Show past merges and other events, oldest first.

    \b
    EXAMPLES:
      crdtctl log -n 5
      crdtctl log --counts builds --since 24h
      crdtctl log --format ndjson | jq -r 'select(.did == "merged") | .at'

    Lists merges with the replicas they updated, replica ids that ended with the reason, forks with their resolution,
    and the counters and replicas that were forgotten, renamed or retired on this replica. Increments are not logged;
    a replica may keep a journal of them, which --counts shows. Old events are dropped, so the log stays small. No
    command depends on it.
    """
    if names and not counts:
        raise UsageError("the events of the log belong to no counter", "with --counts, a NAME selects its counts")
    replica = session(context).open_to_read()
    if counts:
        from crdtctl.cli.counts import print_counts

        print_counts(replica, names, number, form, since, until)
        return
    chosen = output.resolve_format(form)
    entries = replica.log()
    if since is not None or until is not None:
        import time

        from crdtctl.cli.time_ranges import within

        entries = [*within(entries, lambda entry: str(entry["at"]), since, until, time.time())]
    items = [_escaped(entry) for entry in (entries[-number:] if number else entries)]
    columns = ("at", "did", "what")
    rows = Report("events", columns, items, lambda i: [(i["at"], i["did"], _words(i, chosen))], ids=replica.clock)
    output.print_report(rows, chosen)


def _escaped(value: Any) -> Any:
    """Return a value of the log with unprintable characters escaped."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    if isinstance(value, dict):
        return {printable(key): _escaped(item) for key, item in value.items()}
    return value


def _words(item: dict[str, Any], form: str) -> str:
    """Return the details of an event as one line. A table shows ids once that are both in `replicas` and in `news`."""
    if form == "table" and item.get("news") == item.get("replicas"):
        item = {key: value for key, value in item.items() if key != "news"}
    fields = {key: value for key, value in item.items() if key not in ("at", "did") and value not in ([], "")}
    details = ((key, ", ".join(map(str, value)) if isinstance(value, list) else value) for key, value in fields.items())
    return "; ".join(f"{key} {value}" for key, value in details)
