"""``crdtctl merge``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.options import FILES_FROM, FORM, NULL
from crdtctl.cli.output import Report, json_int
from crdtctl.cli.refusals import end_with, found
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.store.inputs import Input
    from crdtctl.store.merge import MergeReport


@command(
    Argument("files", "FILE...", "State files, or directories of them; '-' is standard input.", repeated=True),
    Flag("dry_run", "--dry-run", "-n", help="Show what would change, and change nothing."),
    Flag("all_or_nothing", help="Merge nothing if one file is bad."),
    Flag("beyond_fence", help="Accept replicas from before a cutoff; you are certain that none was absorbed."),
    FILES_FROM,
    NULL,
    FORM,
    statuses=(3, 5, *WRITES),
)
def merge(
    context: Context,
    files: list[str],
    dry_run: bool,
    all_or_nothing: bool,
    beyond_fence: bool,
    files_from: str | None,
    null: bool,
    form: str | None,
) -> None:
    """Merge state files of other replicas into this one.

    \b
    EXAMPLES:
      crdtctl merge hub.json
      crdtctl merge --dry-run *.json
      crdtctl merge artifacts
      ssh hub crdtctl export | crdtctl merge -
      find jobs -name '*.json' -print0 | crdtctl merge -0 --files-from -

    Order, repetition and delay of the files do not matter. All files are one commit. A FILE may be a pipe, may be
    compressed with gzip, or with zstd after pip install 'crdtctl[zstd]', and may hold several states in a row. A
    directory names the files below it that end with .json or .toml, perhaps with .gz or .zst after it. Hidden
    files are left out. A bad file is refused and named, the good ones are merged, and the status is 3. Off a terminal,
    success is silent, except with --dry-run or --format.
    """
    from crdtctl.cli.progress import bar
    from crdtctl.cli.states import named, states
    from crdtctl.contexts import ExitStack
    from crdtctl.store.parallel import cores

    paths = named(files, files_from, null)
    if not paths:
        raise UsageError("no file to merge", "name state files; to read standard input: crdtctl merge -")
    talks = dry_run or form is not None or output.is_talkative()
    chosen = output.resolve_format(form, default="words" if output.is_talkative() else None)
    details = 0 if not talks else output.MAX_SHOWN if chosen == "words" else True
    current = session(context)
    quiet = talks and chosen in ("json", "ndjson")
    renamed: list[object] = []
    replica = current.open() if dry_run else current.open_to_write(renamed.append if quiet else output.print_message)
    with ExitStack() as stack:
        inputs = states(paths, stack)
        size = sum(map(_size, inputs))
        with bar("merging", 2 * size) as progress:
            report = replica.merge_inputs(
                _read(inputs, progress) if progress else inputs,
                dry_run=dry_run,
                all_or_nothing=all_or_nothing,
                beyond_fence=beyond_fence,
                details=details,
                processes=cores(),
                progress=(lambda done: progress(size + done)) if progress else None,
            )
    output.stdout.applied = report.changed and not dry_run
    for note in report.notes if not quiet else ():
        output.print_message(note)
    if talks and chosen == "words":
        _print_changes(replica.id, report, dry_run)
    elif talks:
        output.print_report(_rows(replica.id, report, [str(one) for one in renamed]), chosen)
    end_with(report, quiet=quiet, dry_run=dry_run)


def _size(item: Input) -> int:
    try:
        return os.stat(item.path).st_size if item.path else 0
    except OSError:
        return 0


def _read(inputs: Iterable[Input], progress: Callable[[int], object]) -> Iterator[Input]:
    """Yield the inputs; report before each how many bytes were read. Reading is the first half of the work."""
    done = 0
    for item in inputs:
        progress(done)
        yield item
        done += _size(item)
    progress(done)


def _print_changes(replica: str, report: MergeReport, dry_run: bool) -> None:
    if not report.changed:
        output.print_handoffs([(one.name, one.step, one.peer) for one in report.handoffs])
        if report.taken and not report.handoffs:
            is_own = report.writers == [replica]
            output.stdout.line("nothing new: this is the replica's own state" if is_own else "nothing new")
        return
    would = "would change" if dry_run else "changed"
    counters = f"{report.counters} counter{'' if report.counters == 1 else 's'} {would}"
    heard = f"{len(report.replicas)} replica{'' if len(report.replicas) == 1 else 's'} had news"
    if report.counters or report.replicas or not report.handoffs:
        output.stdout.line(f"{counters}; {heard}")
    output.print_changes([(one.name, one.before, one.after) for one in report.changes], report.counters)
    output.print_handoffs([(one.name, one.step, one.peer) for one in report.handoffs])


def _rows(replica: str, report: MergeReport, notes: list[str]) -> Report:
    refused = [
        {"file": printable(label), "error": failure.name, "exit": failure.status, "message": failure.message}
        for label, failure in report.refused.items()
    ]
    items = [
        {"name": change.name, "type": change.tag, "before": json_int(change.before), "after": json_int(change.after)}
        for change in report.changes
    ]
    head = {
        "replica": replica,
        "taken": [printable(label) for label in report.taken],
        "refused": refused,
        "replicas": report.replicas,
        "notes": [*notes, *report.notes],
        "handoffs": [{"name": one.name, "step": one.step, "replica": one.peer} for one in report.handoffs],
        **found(report),
    }
    columns: Sequence[str] = ("name", "type", "before", "after")
    return Report("counters", columns, items, lambda item: [[item[column] for column in columns]], head=head)
