"""``python -m tests.bench``: the command line. ``--write`` puts the table into README.md beside this file."""

import argparse
import math
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import (
    bulk,
    counting,
    distributions,
    exposed,
    handoffs,
    labelled,
    many_lines,
    meetings,
    meters,
    report,
    starts,
)
from tests.bench.contest import Contest, missing
from tests.bench.ground import QUICK, Ground, Sizes, file_system, place_to_work
from tests.bench.process import Wrong
from tests.support import results

PAGE = Path(__file__).with_name("README.md")
#: Seconds after which a row takes no further turn, unless --full: 22 rows then take less than six minutes.
_SECONDS = 5.0
_RIVALS = ("awk", "datamash", "flock", "git", "jq", "rclone", "redis-cli", "redis-server", "rsync", "sqlite3")
_STATUSES = """exit status:
  0  every limit was reached
  1  a limit was missed (0 with --report-only)
  2  wrong arguments
  3  a command failed, or its answer was wrong
"""


def contests(sizes: Sizes) -> dict[str, Callable[[Ground], Contest]]:
    """Return title → function that makes the contest, in the order of the table."""
    return {
        f"`increment NAME`, {sizes.few:,} own counters": counting.own,
        f"`increment NAME`, beside {sizes.entries:,} known entries": counting.beside,
        f"`increment NAME`, {sizes.many:,} own counters": counting.of_many,
        f"`show NAME`, {sizes.entries:,} known entries": counting.show,
        "`show NAME --by os`, 100 of 10,000 series": labelled.grouped,
        "`increment NAME -l os=linux`, a series that keeps days": labelled.dated,
        "`show NAME --last 24h`, 10,000 series that keep hours": labelled.recent,
        "`report`, a page of 10,000 series": labelled.reported,
        "`show --format prom`, 100,000 series": exposed.prom,
        f"`increment --batch`, {sizes.lines:,} lines of {sizes.names:,} names": bulk.batch,
        f"`increment --stream`, {sizes.lines:,} lines of {sizes.names:,} names": bulk.stream,
        "`observe --batch`, 100,000 readings, again": meters.again,
        f"`add --batch` to an hll, {sizes.lines:,} lines, all different": bulk.distinct,
        f"`add --batch` to an hll, {sizes.lines:,} lines of {sizes.names:,} names": bulk.repeated,
        f"`add --batch` to a hist, {sizes.lines:,} numbers": distributions.numbers,
        f"`merge`, two states of {sizes.entries:,} entries, all different": bulk.merge_all_different,
        f"`merge`, two states of {sizes.entries:,} entries, 1 % of lines different": bulk.merge_few_different,
        f"`merge`, {sizes.authors} states of {sizes.counters:,} counters each": many_lines.merge_of_one_author_each,
        f"`merge`, one state of {sizes.counters:,} counters": many_lines.merge_of_one_author,
        f"`merge`, a known state of {sizes.entries:,} entries": many_lines.merge_of_the_same,
        f"`merge`, an own export of {sizes.entries:,} entries": many_lines.merge_of_an_own_export,
        f"`merge`, {sizes.states:,} small states at once": bulk.merge_many,
        f"`merge`, {10 * sizes.states:,} small states at once": many_lines.merge_of_ten_times_as_many,
        f"`show`, {sizes.entries:,} entries": many_lines.show_all,
        "50 hand-overs, each of four merges": handoffs.hand_overs,
        f"`absorb`, {sizes.states:,} sealed files of jobs": bulk.absorb_many,
        f"`absorb`, {10 * sizes.states:,} sealed files of jobs": bulk.absorb_ten_times_as_many,
        **_meetings(sizes),
        "`sync` with a folder, nothing new among 10 objects": meetings.few_without_news,
        **starts.contests(),
    }


def _meetings(sizes: Sizes) -> dict[str, Callable[[Ground], Contest]]:
    places = {"a folder": meetings.folder}
    if meetings.can_serve_buckets():
        places["a bucket"] = meetings.bucket
    size = f"{meetings.object_size() / 1000:.1f} kB"
    rows = {
        "nothing new among {} objects": meetings.without_news,
        "one of {} objects is new": meetings.one_changed,
        "all of {} objects are new": meetings.first,
    }
    return {
        f"`sync` with {where}, {what.format(f'{sizes.states:,}')}, {size} each": partial(row, made=made)
        for where, made in places.items()
        for what, row in rows.items()
    }


def main() -> int:
    """Measure, print the table, and return the exit status."""
    began = time.monotonic()
    options = _options()
    sizes = QUICK if options.quick else Sizes()
    chosen = {title: make for title, make in contests(sizes).items() if options.only in title}
    if not chosen:
        print(f"no row has '{options.only}' in its title; there are:", *contests(sizes), sep="\n  ", file=sys.stderr)
        return 2
    place = options.directory or place_to_work()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=place) as root, ExitStack() as stack:
        ground = Ground(Path(root), sizes, stack)
        head = _machine(root, options)
        print(head, end="\n\n")
        try:
            lines, missed = _measure(ground, chosen, options)
        except Wrong as reason:
            print(f"\nwrong: {reason}", file=sys.stderr)
            return 3
    foot = _foot(missed, time.monotonic() - began)
    print(f"\n{foot}")
    if options.write:
        results.write(PAGE, "\n".join([head, "", *lines, "", foot]))
    return 1 if missed and not options.report_only else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench",
        description="Measure whole processes, in turns, against the alternatives for the same work.",
        epilog=_STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--runs", type=int, metavar="N", help="turns for each row (default 9; the rows of milliseconds take more)"
    )
    parser.add_argument("--only", default="", metavar="SUBSTRING", help="only the rows with this in their title")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="smaller sizes and 3 turns: does it all still work?")
    size.add_argument(
        "--full", action="store_true", help=f"all turns, also of a row that has taken {_SECONDS:g} seconds"
    )
    parser.add_argument("--write", action="store_true", help="write the table into README.md beside the program")
    parser.add_argument("--report-only", action="store_true", help="show a missed limit, and end with 0 all the same")
    parser.add_argument("--directory", metavar="PATH", help="where to work: on a disk, not in memory")
    options = parser.parse_args()
    if options.runs is not None and options.runs < 1:
        parser.error("--runs must be at least 1")
    if options.write and (options.only or options.quick):
        parser.error("--write needs all rows in full size: leave out --only and --quick")
    options.runs = options.runs or (3 if options.quick else 9)
    return options


def _machine(root: str, options: argparse.Namespace) -> str:
    kind = file_system(root)
    taken = f"medians of {options.runs} turns (more of short commands"
    taken += ")" if options.full else f", fewer of rows that take longer than {_SECONDS:g} seconds)"
    lines = [f"Measured on {results.origin()}, {kind or 'unknown'} file system: {taken}."]
    if options.quick:
        lines.append("Quick: smaller sizes than the limits are promised for.")
    if kind in ("tmpfs", "ramfs"):
        lines.append("This is memory, not a disk: fsync costs nothing here. Name another place with --directory.")
    absent = missing(*_RIVALS)
    if absent:
        lines.append(f"Missing on this machine, so their rows are left out: {', '.join(absent)}.")
    return "\n".join(lines)


def _measure(
    ground: Ground, chosen: dict[str, Callable[[Ground], Contest]], options: argparse.Namespace
) -> tuple[list[str], list[str]]:
    """Print the table as it grows; return its lines, and the rows whose limit was missed."""
    lines, missed = report.heading(), []
    print(*lines, sep="\n", flush=True)
    for title, make in chosen.items():
        contest = make(ground)
        contest.run(options.runs, math.inf if options.full else _SECONDS)
        for row in report.rows(title, contest):
            lines.append(report.line(row.cells))
            print(lines[-1], flush=True)
            if row.reached is False:
                missed.append(f"{row.cells[0]}: {row.cells[4] or row.cells[1]}, limit {row.cells[5]}")
    return lines, missed


def _foot(missed: list[str], seconds: float) -> str:
    own = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    unit = 1 if sys.platform == "darwin" else 1024
    lines = [f"Peak memory is that of the largest single process, and seen from {own * unit / 1e6:.0f} MB up."]
    if missed:
        lines.append(f"Missed: {'; '.join(missed)}.")
    lines.append(f"The whole run took {seconds // 60:.0f} min {seconds % 60:.0f} s.")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
