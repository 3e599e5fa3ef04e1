"""``crdtctl sync``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.durations import duration, utc
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, command
from crdtctl.cli.options import FORM, TEXTFILE
from crdtctl.cli.output import Report
from crdtctl.cli.refusals import found
from crdtctl.cli.short import size
from crdtctl.cli.signals import exit_on_signal
from crdtctl.cli.verb import session
from crdtctl.errors import AnswerIsNo, BusyError, CrdtctlError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from crdtctl.cli.context import Context
    from crdtctl.store.replica import Replica
    from crdtctl.sync.report import RemoteReport, SyncReport, Transferred


@command(
    Argument("remotes", "[REMOTE]...", "Names or URLs. Default: all remotes.", repeated=True),
    Flag("dry_run", "--dry-run", "-n", help="Show what would be downloaded and uploaded, and change nothing."),
    Flag(
        "clean",
        help="Delete duplicates of this replica's objects, and objects of replicas that hold nothing.",
    ),
    Option(
        "timeout",
        metavar="DURATION",
        kind=duration,
        default=300.0,
        help="Time limit for each remote, then status 75. Default: 5m.",
    ),
    Option(
        "retry_lock",
        metavar="DURATION",
        kind=duration,
        help="Time to wait for another sync to end. Default: as --lock-timeout.",
    ),
    Option(
        "require_replicas",
        metavar="N",
        kind=Whole(1),
        help="Status 1 if fewer than N replicas were seen, including this one.",
    ),
    Option(
        "alert_after",
        metavar="DURATION",
        kind=duration,
        help="Keep transient errors silent (status 75), until no sync has succeeded for this long: then status 69.",
    ),
    Flag("accept_missing", help="Objects missing at a remote were deleted on purpose: upload this replica again."),
    Option(
        "require_fresh",
        metavar="AGE",
        kind=duration,
        help="Status 1 if a replica has not synced within AGE, for example 1h or 2d.",
    ),
    Option(
        "heartbeat",
        metavar="DURATION",
        kind=duration,
        default=1800.0,
        help="Interval of showing that this replica syncs, even without changes; 0 turns it off. Default: 30m.",
    ),
    Option(
        "jobs",
        "--jobs",
        "-j",
        metavar="N",
        kind=Whole(1, 64),  # `crdtctl.sync.report.MAX_JOBS`
        help="Objects read from one remote at the same time. Default: depends on the kind of remote.",
    ),
    Flag("exit_code", help="Status 1 if anything changed."),
    TEXTFILE,
    Option("on_change", metavar="COMMAND", help="Run COMMAND with sh if the sync brought news to this replica."),
    FORM,
    statuses=(1, 3, 5, 69, 73, *WRITES),
)
def sync(
    context: Context,
    remotes: list[str],
    dry_run: bool,
    clean: bool,
    timeout: float,
    retry_lock: float | None,
    require_replicas: int | None,
    alert_after: float | None,
    accept_missing: bool,
    require_fresh: float | None,
    heartbeat: float,
    jobs: int | None,
    exit_code: bool,
    textfile: str | None,
    on_change: str | None,
    form: str | None,
) -> int:
    """Exchange states with other replicas through remotes.

    \b
    EXAMPLES:
      crdtctl sync
      crdtctl sync hub /media/stick/counts
      crdtctl sync --dry-run hub
      crdtctl sync --require-replicas 5 || echo "a replica is missing"
      crdtctl sync --alert-after 6h
      crdtctl sync --require-fresh 1d hub
      crdtctl sync --on-change 'crdtctl report -o /srv/www/counts.html'
      crdtctl sync --textfile /var/lib/prometheus/node-exporter/crdtctl.prom

    Downloads new states from each remote, merges them, and uploads the states that the remote lacks. It is safe at
    any time, from many machines at once, and when it is interrupted. Off a terminal, success is silent, except with
    --dry-run or --format.

    A file that is not a state is skipped and named, with status 3. A remote that fails does not stop the others.
    Transient errors are retried, and then end with status 75; permanent errors end with 69 or another status.

    With --on-change, COMMAND runs after a sync that brought news from other replicas. Its CRDTCTL_REPLICA is this
    replica. If COMMAND fails, the status is 1.

    With --textfile, metrics for Prometheus are written after the sync, also if remotes failed. See
    'crdtctl help metrics'.
    """
    from crdtctl.cli import verdict
    from crdtctl.cli.progress import growing_bar
    from crdtctl.sync.engine import sync as carry_out
    from crdtctl.sync.remotes import is_place, named_remotes
    from crdtctl.sync.report import Options

    if dry_run and (textfile, on_change) != (None, None):
        raise UsageError("--dry-run changes nothing: it has no --textfile and no --on-change", "leave one out")
    path = None if textfile is None else _textfile(textfile)
    talks = dry_run or form is not None or output.is_talkative()
    chosen = output.resolve_format(form, default="words" if output.is_talkative() else None) if talks else ""
    current = session(context)
    quiet = chosen in ("json", "ndjson")
    renamed: list[object] = []
    begins = not dry_run and bool(remotes) and all(map(is_place, remotes))  # names are known in a replica only
    replica = (current.open_to_write if begins else current.open)(renamed.append if quiet else output.print_message)
    wanted = named_remotes(replica, remotes)
    if require_fresh is not None and all(one.only == "push" for one in wanted):
        raise UsageError("--require-fresh needs a remote that is read, and these are only written to", "leave it out")
    with exit_on_signal(), growing_bar() as progress:
        details = output.MAX_SHOWN if chosen == "words" else 0
        options = Options(timeout, retry_lock, clean, dry_run, details, progress, accept_missing, heartbeat, jobs)
        try:
            report = carry_out(replica, wanted, options)
        except BusyError as error:
            raise verdict.busy(replica, wanted, error, alert_after) from None
    for one in [one for one in report.remotes if one.made] if not quiet else []:
        output.print_message(f"created the folder {'' if '/' in one.name else 'of '}{one.name}")
    for note in report.merge.notes if not quiet else ():
        output.print_message(note)
    output.stdout.applied = report.changed and not dry_run
    if chosen == "words":
        _print_transfers(report, dry_run)
    elif talks:
        output.print_report(_rows(replica.id, report, [str(one) for one in renamed]), chosen)
    output.stdout.flush()
    if output.stdout.failure is None:
        output.stdout.applied = False  # the change is reported, so a failure at a remote keeps its own status
    answers = [] if path is None else _write_metrics(replica, path)
    if on_change is not None and report.merge.changed:
        answers += _run(on_change, replica.path)
    if len(report.replicas) < (require_replicas or 0):
        answers.append(AnswerIsNo(f"{len(report.replicas)} of {require_replicas} replicas were seen"))
    if require_fresh is not None:
        answers += verdict.stale(replica, report, require_fresh)
    verdict.end(replica, report, answers, alert_after, quiet=quiet, dry_run=dry_run)
    return AnswerIsNo.status if exit_code and report.changed else 0


def _textfile(word: str) -> str:
    from crdtctl.cli import textfile

    return textfile.checked(word)


def _write_metrics(replica: Replica, path: str) -> list[CrdtctlError]:
    """Write the file of metrics; return the failure, or an empty list."""
    from crdtctl.cli import textfile

    try:
        textfile.write(replica, path)
    except CrdtctlError as error:
        return [error]
    return []


def _run(shell_command: str, replica: str) -> list[CrdtctlError]:
    """Run a command of the user, with this replica selected; return the failure, or an empty list."""
    import os
    import subprocess

    from crdtctl.store.locate import VARIABLE

    done = subprocess.run(
        ["/bin/sh", "-c", shell_command], stdin=subprocess.DEVNULL, env={**os.environ, VARIABLE: replica}, check=False
    )
    if done.returncode == 0:
        return []
    how = f"signal {-done.returncode}" if done.returncode < 0 else f"status {done.returncode}"
    return [AnswerIsNo(f"the command of --on-change ended with {how}", "the sync itself is complete")]


def _print_transfers(report: SyncReport, dry_run: bool) -> None:
    """Print the transfers at each remote, or the planned ones, and the changes of this replica."""
    for one in report.remotes:
        if one.error is not None:
            continue
        lines = _planned(one) if dry_run else _done(one)
        for line in lines[: output.MAX_SHOWN] or ["nothing new"]:
            output.stdout.line(f"{one.name}: {line}")
        if len(lines) > output.MAX_SHOWN:
            output.stdout.line(f"{one.name}: and {len(lines) - output.MAX_SHOWN} more")
    merge = report.merge
    if dry_run and merge.counters:
        output.stdout.line(f"{_count(merge.counters, 'counter')} would change")
    output.print_changes([(change.name, change.before, change.after) for change in merge.changes], merge.counters)
    output.print_handoffs([(hand.name, hand.step, hand.peer) for hand in merge.handoffs])


def _done(remote: RemoteReport) -> list[str]:
    """Return one line about the transfers at a remote, or an empty list."""
    lines = []
    if remote.read:
        lines.append(f"read {_count(len(remote.read), 'object')} ({_bytes(remote.read)})")
    if remote.put:
        lines.append(f"put {_bytes([remote.put])}{_with(remote.put)}")
    if remote.deleted:
        lines.append(f"deleted {len(remote.deleted)}")
    return [", ".join(lines)] if lines else []


def _planned(remote: RemoteReport) -> list[str]:
    """Return lines about the planned transfers at a remote."""
    lines = [f"would read {size(one.size)} of {one.owner}{_with(one)}: {_entries(one)} new" for one in remote.read]
    if remote.put:
        lines.append(f"would put about {size(remote.put.size)}{_with(remote.put)}: {_entries(remote.put)}")
    return [*lines, *(f"would delete {printable(name)}" for name in remote.deleted)]


def _entries(moved: Transferred) -> str:
    number = moved.entries or 0
    return f"{number} {'entry' if number == 1 else 'entries'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _bytes(moved: Sequence[Transferred]) -> str:
    return size(sum(one.size for one in moved))


def _with(moved: Transferred) -> str:
    others = [author for author in moved.authors if author != moved.owner]
    return f" with {_count(len(others), 'other replica')}" if others else ""


def _rows(replica: str, report: SyncReport, notes: list[str]) -> Report:
    items: list[dict[str, Any]] = []
    for one in report.remotes:
        came = [("read", moved) for moved in one.read]
        went = [("put", one.put)] if one.put else []
        items += [
            {
                "remote": one.name,
                "what": what,
                "replica": moved.owner,
                "entries": moved.entries,
                "bytes": moved.size,
                "authors": list(moved.authors),
                "object": printable(moved.object),
            }
            for what, moved in (*came, *went)
        ]
        items += [{"remote": one.name, "what": "delete", "object": printable(name)} for name in one.deleted]
    places = [
        {
            "name": one.name,
            "url": one.url,
            "replicas": len(one.replicas),
            "error": None if one.error is None else one.error.name,
            "message": None if one.error is None else printable(str(one.error)),
            "missing": [printable(gone.object) for gone in one.missing],
            "undeletable": one.undeletable or None,
            "older": [
                {"replica": who, "commit": now, "before": before} for who, (now, before) in sorted(one.older.items())
            ],
            "unread": [printable(str(failure)) for failure in one.unread],
        }
        for one in report.remotes
    ]
    refused = [
        {"file": printable(label), "error": failure.name, "exit": failure.status, "message": failure.message}
        for label, failure in sorted(report.merge.refused.items())
    ]
    head = {
        "replica": replica,
        "changed": report.changed,
        "counters": report.merge.counters,
        "replicas": sorted(report.replicas),
        "seen": {who: when and utc(when) for who, when in sorted(report.seen.items())},
        "remotes": places,
        "refused": refused,
        **found(report.merge),
        "notes": [*notes, *report.merge.notes],
    }
    columns = ("remote", "what", "replica", "entries", "bytes", "authors", "object")

    def row(item: dict[str, Any]) -> list[list[object]]:
        cells = {**item, "authors": " ".join(item.get("authors", ()))}
        return [[cells.get(column) for column in columns]]

    return Report("moved", columns, items, row, head=head)
