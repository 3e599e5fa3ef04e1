"""``crdtctl merge``"""

import os
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Annotated

import typer

from crdtctl.commands import arguments, output
from crdtctl.commands.output import Report, safe
from crdtctl.commands.progress import bar
from crdtctl.commands.statuses import WRITES
from crdtctl.commands.verb import FormatOption, session, verb_app
from crdtctl.errors import CrdtctlError, ForkError, PartialError, printable
from crdtctl.store.merge import MergeReport
from crdtctl.store.processes import cores

app, settings = verb_app(3, 5, *WRITES)


@app.command(**settings)
def merge(
    context: typer.Context,
    files: Annotated[list[str], typer.Argument(metavar="FILE...", help="State files; '-' is standard input.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", "-n", help="Show what would change, and change nothing.")
    ] = False,
    all_or_nothing: Annotated[bool, typer.Option("--all-or-nothing", help="Take no file if one is bad.")] = False,
    form: FormatOption = None,
) -> None:
    """Take in the states of other replicas.

    All of them are one commit. Order, repetition and delay do not matter. A bad file is refused and
    named while the good ones are taken, with status 3. Silent, but on a terminal, with --dry-run or
    with --format.

    \b
    EXAMPLES:
      crdtctl merge hub.json
      crdtctl merge --dry-run *.json
      ssh hub crdtctl export | crdtctl merge -
    """
    talks = dry_run or form is not None or output.is_terminal()
    chosen = output.choose(form, default="words" if output.is_terminal() else None)
    details = 0 if not talks else output.TOLD if chosen == "words" else True
    current = session(context)
    replica = current.open() if dry_run else current.open_to_write()
    with ExitStack() as stack:
        inputs = arguments.states(files, stack)
        size = max(
            (os.path.getsize(item.path) for item in inputs if item.path and os.path.exists(item.path)), default=0
        )
        with bar("merging", size) as progress:
            report = replica.merge_inputs(
                inputs,
                dry_run=dry_run,
                all_or_nothing=all_or_nothing,
                details=details,
                processes=cores(),
                progress=progress,
            )
    output.stdout.applied = report.changed and not dry_run
    if talks and chosen == "words":
        _tell(report, dry_run)
    elif talks:
        output.show(_rows(replica.id, report), chosen)
    if report.refused:
        raise _told(report, quiet=chosen in ("json", "ndjson"))


def _told(report: MergeReport, *, quiet: bool) -> CrdtctlError:
    """Name the refused files, unless the report does; return the failure to end with."""
    failures = list(report.refused.values())
    forks = [failure for failure in failures if isinstance(failure, ForkError)]
    if len(failures) == 1 and (forks or not report.taken):
        return failures[0]
    for failure in failures if not quiet else []:
        output.say(str(failure))
    number = f"{len(failures)} of {len(failures) + len(report.taken)} files"
    said = f"{number} refused, {len(report.taken) or 'none'} taken"
    if forks:
        return ForkError(said, "the messages above say which")
    if report.taken:
        return PartialError(said)
    return type(failures[0])(said)


def _tell(report: MergeReport, dry_run: bool) -> None:
    if not report.changed:
        if report.taken:
            output.stdout.line("nothing new")
        return
    would = "would change" if dry_run else "changed"
    counters = f"{report.counters} counter{'' if report.counters == 1 else 's'} {would}"
    heard = f"{len(report.replicas)} replica{'' if len(report.replicas) == 1 else 's'} had news"
    output.stdout.line(f"{counters}; {heard}")
    output.tell([(one.name, one.before, one.after) for one in report.changes], report.counters)


def _rows(replica: str, report: MergeReport) -> Report:
    refused = [
        {"file": printable(label), "error": failure.name, "exit": failure.status, "message": failure.message}
        for label, failure in report.refused.items()
    ]
    items = [
        {"name": change.name, "type": change.tag, "before": safe(change.before), "after": safe(change.after)}
        for change in report.changes
    ]
    head = {
        "replica": replica,
        "taken": [printable(label) for label in report.taken],
        "refused": refused,
        "replicas": report.replicas,
    }
    columns: Sequence[str] = ("name", "type", "before", "after")
    return Report("counters", columns, items, lambda item: [[item[column] for column in columns]], head=head)
