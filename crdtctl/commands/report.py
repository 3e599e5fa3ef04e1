"""``crdtctl report``"""

from __future__ import annotations

from crdtctl.cli import output, paths
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.meeting_places import known_remotes
from crdtctl.cli.options import REPORTS
from crdtctl.cli.selection import existing, selected, selectors
from crdtctl.cli.verb import session
from crdtctl.store.selection import conditions, totals_of_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.crdt.selector import Condition
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot


@command(
    Argument("names", "[NAME]...", "Counters. Default: all.", repeated=True),
    Option(
        "target",
        "--output",
        "-o",
        metavar="FILE",
        variable="CRDTCTL_REPORT_OUTPUT",
        help="Write to FILE, completely or not at all ('-': standard output).",
    ),
    Option(
        "where",
        metavar="KEY=VALUE",
        repeated=True,
        help="Only series with this label. Also KEY!=VALUE; VALUE may be a pattern. May be repeated.",
    ),
    Option(
        "form",
        "--format",
        "-f",
        metavar="FORMAT",
        variable="CRDTCTL_REPORT_FORMAT",
        help="html, a page (default), or svg, one chart.",
    ),
    statuses=(73, 76, *READS),
)
def report(context: Context, names: list[str], target: str | None, where: list[str], form: str | None) -> None:
    """Write a page with tables and charts of counters, for a browser.

    \b
    EXAMPLES:
      crdtctl report -o report.html
      crdtctl report 'page.*' -o pages.html
      crdtctl report builds --format svg -o builds.svg
      crdtctl report tests.failed --where os=linux -o - | ssh web 'cat > failed.html'

    The page is one file and needs no network. It has the total of each counter, its values by label, by replica and by
    day, and when each replica was heard of. Tables can be sorted and filtered. Only counters that keep periods have
    days, see 'crdtctl help time'.

    The chart of --format svg shows the days of one counter that keeps periods. Otherwise it has a bar for each of the
    20 largest counters, or of the series if NAME is one counter.

    A NAME with *, ? or [...] is a pattern, as for 'crdtctl show'. Without --output, the page is printed. An existing
    FILE is replaced if it is empty or a report. Any other file is kept, with status 73.
    """
    import time

    from crdtctl.report import chart, page
    from crdtctl.report.figures import report_data

    chosen = output.resolve_format(form, default="html", allowed=REPORTS)
    path = None if target in (None, "-") else paths.given(target or "")
    demanded = conditions(where)
    replica = session(context).open_to_read()
    remotes = known_remotes(replica)
    with replica.snapshot() as now:
        data = report_data(now, _readings(now, names, demanded), remotes, time.time())
    made = page.page(data) if chosen == "html" else chart.chart(data)
    if path is None:
        output.stdout.write(made)
    else:
        from crdtctl.store.target import write_report

        write_report(path, made, page.MARK, chart.MARK)


def _readings(now: Snapshot, names: Sequence[str], where: Sequence[Condition]) -> Iterator[Reading]:
    """Yield the counters that selectors mean, each series by itself. Raise `MissingError`."""
    wanted = selectors(now, names, where, exact=False)
    totals = existing(selected(now, wanted, None, each=True)) if names else totals_of_all(now, where, None)
    for total in totals:
        yield from total.counters
