"""``crdtctl fleet``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.everywhere import REPLICA
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Option, Whole, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.verb import is_typed
from crdtctl.cli.verbs import load
from crdtctl.contexts import contextmanager
from crdtctl.errors import CrdtctlError, MissingError, UnavailableError, UsageError, printable
from crdtctl.fleet.views import VIEWS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import Any

    from crdtctl.cli.context import Context
    from crdtctl.cli.grammar import Command
    from crdtctl.fleet import Observation
    from crdtctl.sync.report import Remote


def _verb(name: str) -> Command:
    found = load(name)
    assert found is not None
    return found


#: The verb that is run on the temporary replica. It is found by its name, as on a command line.
_SHOW = _verb("show")
_URL = Argument("url", "URL", "URL, path or name of the remote.", required=True)
_READING = (
    Option(
        "timeout",
        metavar="DURATION",
        kind=duration,
        default=300.0,
        help="Time limit for the download, then status 75. Default: 5m.",
    ),
    Option("jobs", "--jobs", "-j", metavar="N", kind=Whole(1, 64), help="Number of processes. Default: all cores."),
)
_STATUSES = (3, 5, 69, 75, *READS)


@command(
    _URL,
    Argument("names", "[NAME]...", "Counters. Default: all.", repeated=True),
    *_READING,
    *_SHOW.options,
    statuses=(1, 4, *_STATUSES),
)
def show(context: Context, url: str, timeout: float, jobs: int | None, **_: object) -> int:
    """Show counters, joined from all objects at a remote.

    \b
    EXAMPLES:
      crdtctl fleet show s3://bucket/counts
      crdtctl fleet show ssh://hub.example.org/srv/counts 'http.*' --by status
      crdtctl fleet show ./counts builds --by-replica --format csv

    Like 'crdtctl show' in a replica that has merged all objects there. The options are the same.
    """
    with _observed(context, url, timeout, jobs) as (seen, answers):
        answers += _run(_SHOW, context, seen)
    return 0


@command(_URL, *_READING, FORM, statuses=_STATUSES)
def check(context: Context, url: str, timeout: float, jobs: int | None, form: str | None) -> int:
    """Verify all objects at a remote, and look for faults of replicas.

    \b
    EXAMPLES:
      crdtctl fleet check s3://bucket/counts
      crdtctl fleet check ./counts --format json

    Reads every object. Status 3 if a file is damaged or no state, 5 if a replica has several writers or counts twice.
    Off a terminal, success is silent, except with --format.
    """
    talks = form is not None or output.is_talkative()
    chosen = output.resolve_format(form, default="words" if output.is_talkative() else None) if talks else ""
    with _observed(context, url, timeout, jobs, quiet=chosen in ("json", "ndjson")) as (seen, _):
        if chosen == "words":
            sound = sum(not one.fault for one in seen.files)
            replicas = len(seen.replicas)
            output.stdout.line(f"{sound} of {len(seen.files)} files are sound, with commits of {replicas} replicas")
        elif talks:
            output.print_report(_files(seen), chosen)
    return 0


@command(
    _URL,
    *_READING,
    Option("target", "--output", "-o", metavar="FILE", help="Write to FILE, completely or not at all."),
    Option("view", metavar="VIEW", help=f"Write a table: {', '.join(VIEWS)}."),
    FORM,
    statuses=(73, 76, *_STATUSES),
)
def export(
    context: Context,
    url: str,
    timeout: float,
    jobs: int | None,
    target: str | None,
    view: str | None,
    form: str | None,
) -> int:
    """Write all objects at a remote as one state, or as a table.

    \b
    EXAMPLES:
      crdtctl fleet export s3://bucket/counts -o all.crdt.json
      crdtctl fleet export ./counts | ssh hub crdtctl merge -
      crdtctl fleet export ./counts --view shares --format csv
      crdtctl fleet export ./counts --view totals -o totals.parquet

    The state contains the counts of all replicas there, as a replica that has merged all of them would export it. An
    existing FILE is replaced if it is empty, or if it is a state with nothing else. Any other file is kept, with
    status 73.

    With --view, a table is printed, or written to a FILE that ends in .parquet or .arrow (needs crdtctl[fleet]).
    """
    write = None if view is None else _table_writer(view, target, form)
    if view is None and is_typed(context, "form"):
        raise UsageError("--format needs --view", "without it, the state is written")
    with _observed(context, url, timeout, jobs) as (seen, _):
        if write is not None:
            write(seen)
        elif target is None or target == "-":
            seen.export(output.stdout.write)
        else:
            from crdtctl.cli import paths

            seen.export_to(paths.to_write(target))
    return 0


@command(_URL, Argument("query", "QUERY", "A query in SQL.", required=True), *_READING, FORM, statuses=_STATUSES)
def sql(context: Context, url: str, query: str, timeout: float, jobs: int | None, form: str | None) -> int:
    """Run a query in SQL over tables of all objects at a remote.

    \b
    EXAMPLES:
      crdtctl fleet sql ./counts "SELECT label(labels, 'os') AS os, sum(value) FROM totals GROUP BY ALL"
      crdtctl fleet sql s3://bucket/counts "SELECT replica, sum(value) FROM shares GROUP BY ALL" --format csv

    The tables are the views of 'crdtctl fleet export', and DuckDB runs the query (needs crdtctl[fleet]). Sums of whole
    numbers are exact. label(labels, KEY) is the value of a label, part(NAME, N) a part of a name between dots. The
    query cannot read or write files.
    """
    chosen = output.resolve_format(form)
    with _observed(context, url, timeout, jobs) as (seen, answers):
        from crdtctl.fleet import queries

        try:
            columns, rows = queries.query(seen, query)
        except UnavailableError as error:
            answers.append(error)
        else:
            _print_rows(columns, rows, chosen)
    return 0


@command(commands=(show, check, export, sql), statuses=(73, 76, *_STATUSES))
def fleet(_: Context) -> None:
    """Show totals of all replicas at a remote, without a replica.

    \b
    EXAMPLES:
      crdtctl fleet show s3://bucket/counts
      crdtctl fleet check ssh://hub.example.org/srv/counts
      crdtctl fleet export ./counts -o all.crdt.json
      crdtctl fleet sql ./counts "SELECT sum(value) FROM totals WHERE name = 'builds'"

    Reads all objects at a remote, joins them on all cores, and writes nothing there. The totals are those of a replica
    that has merged them. Needs no replica on this machine, and no right to write at the remote.
    """
    raise UsageError("fleet needs a subcommand: show, check, export or sql", "for example: crdtctl fleet show ./counts")


@contextmanager
def _observed(
    context: Context, word: str, timeout: float, jobs: int | None, *, quiet: bool = False
) -> Iterator[tuple[Observation, list[CrdtctlError]]]:
    """Yield the observation of a remote, and a list for failures of the caller. In the end, report all failures."""
    from crdtctl.cli import verdict
    from crdtctl.cli.progress import growing_bar
    from crdtctl.cli.signals import exit_on_signal
    from crdtctl.fleet import observe

    remote = _remote(context, word)
    with (
        exit_on_signal(),
        growing_bar() as progress,
        observe(remote, timeout=timeout, jobs=jobs, progress=progress) as seen,
    ):
        answers: list[CrdtctlError] = []
        seen.raise_if_unread()
        yield seen, answers
        output.stdout.flush()
        verdict.end(seen.replica, seen.report, answers, None, quiet=quiet, dry_run=False)


def _remote(context: Context, word: str) -> Remote:
    """Return a remote given by URL or path, or by its name in the selected replica."""
    from crdtctl.cli.verb import session
    from crdtctl.sync.remotes import is_place, named_remotes, own_place
    from crdtctl.sync.report import Remote
    from crdtctl.sync.schemes import check as check_url

    if is_place(word):
        return Remote(printable(word), own_place(check_url(word)))
    try:
        replica = session(context).open()
    except MissingError:
        raise UsageError(
            f"'{printable(word[:80])}' is not a URL, and without a replica no remote has a name",
            "the path of a folder needs a '/', such as ./counts",
        ) from None
    (found,) = named_remotes(replica, [word])
    return found


def _run(verb: Command, context: Context, seen: Observation) -> list[CrdtctlError]:
    """Run a verb on the temporary replica; return its failure, or an empty list."""
    from crdtctl.cli.context import Context as Line

    names = {one.name for one in verb.arguments} | {one.name for one in verb.options}
    values = {name: value for name, value in context.values.items() if name in names}
    line = Line(
        verb,
        values,
        typed=[name for name in context.typed if name in names],
        variables=context.variables,
        everywhere={**context.everywhere, REPLICA.name: seen.replica.path},
    )
    try:
        verb.run(line, **values)
    except UsageError:
        raise
    except CrdtctlError as error:
        return [error]
    return []


def _files(seen: Observation) -> Report:
    items = [
        {"file": printable(one.name), "bytes": one.size, "ok": not one.fault, "found": one.fault or "sound"}
        for one in seen.files
    ]

    def row(item: dict[str, Any]) -> Sequence[Sequence[object]]:
        return [(item["file"], item["bytes"], "ok" if item["ok"] else "FAULT", item["found"])]

    from crdtctl.cli.refusals import found

    head = {"replicas": seen.replicas, **found(seen.report.merge)}
    return Report("files", ("file", "bytes", "verdict", "found"), items, row, head=head)


def _table_writer(name: str, target: str | None, form: str | None) -> Callable[[Observation], None]:
    """Return the function that prints a view, or writes it to a file; raise `UsageError`."""
    from crdtctl.fleet import tables, views

    view = views.view(name)
    if target is None or target == "-":
        chosen = output.resolve_format(form)

        def write(seen: Observation) -> None:
            times = [place for place, kind in enumerate(view.columns.values()) if kind == views.TIME]
            with seen.replica.snapshot() as now:
                _print_rows([*view.columns], _with_times(view.rows(seen, now), times), chosen)

        return write
    fill = {".parquet": tables.write_parquet, ".arrow": tables.write_arrow}.get(f".{target.rpartition('.')[2]}")
    if fill is None:
        raise UsageError(
            f"'{printable(target)}' does not end in .parquet or .arrow", "print other formats: --format csv > FILE"
        )
    tables.require("pyarrow")

    def write_file(seen: Observation) -> None:
        from crdtctl.cli import paths
        from crdtctl.store.target import write_new

        write_new(paths.to_write(target), lambda file: fill(seen, name, file), b"PAR1", b"ARROW1")

    return write_file


def _with_times(rows: Iterable[Sequence[Any]], places: Sequence[int]) -> Iterator[Sequence[Any]]:
    """Yield rows with seconds since the epoch as times in UTC, at these places."""
    from crdtctl.cli.durations import utc

    for row in rows:
        yield [utc(value) if place in places else value for place, value in enumerate(row)] if places else row


def _print_rows(columns: Sequence[str], rows: Iterable[Sequence[Any]], form: str) -> None:
    """Print rows as a report: labels as they are spelled in names, whole numbers exactly."""
    from crdtctl.cli.output import json_int
    from crdtctl.crdt.series import spelled

    is_text = form not in output.STRUCTURED

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return printable(value) if is_text and form != "csv" else value
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return json_int(value)
        return value if isinstance(value, dict | list) else str(value)

    def cell(value: Any) -> object:
        if isinstance(value, dict) and all(isinstance(one, str) for one in (*value, *value.values())):
            return spelled("", value)
        return printable(str(value)) if isinstance(value, dict | list) else value

    def row(item: dict[str, Any]) -> list[list[object]]:
        return [[*map(cell, item.values())]]

    items = (dict(zip(columns, map(plain, one), strict=True)) for one in rows)
    output.print_report(Report("rows", tuple(columns), items, row), form)
