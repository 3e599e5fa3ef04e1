"""``crdtctl watch``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.meeting_places import known_remotes
from crdtctl.cli.selection import existing, selected, selectors
from crdtctl.cli.time_options import length
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError
from crdtctl.store.selection import conditions, totals_of_all

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item

#: Bounds of --every in seconds.
_LEAST, _MOST = 0.1, 86_400.0


@command(
    Argument("names", "[NAME]...", "Counters. Default: all.", repeated=True),
    Option(
        "where",
        metavar="KEY=VALUE",
        repeated=True,
        help="Only series with this label. Also KEY!=VALUE; VALUE may be a pattern. May be repeated.",
    ),
    Option("every", metavar="TIME", help="Time between two lines of a counter, or two drawings. Default: 1s."),
    Option("ends", "--for", metavar="TIME", variable="CRDTCTL_WATCH_FOR", help="End after this time. Default: never."),
    statuses=READS,
)
def watch(context: Context, names: list[str], where: list[str], every: str | None, ends: str | None) -> int:
    """Show counters as they change.

    \b
    EXAMPLES:
      crdtctl watch
      crdtctl watch 'page.*'
      crdtctl watch tests.failed --where os=linux
      crdtctl watch builds --every 1m >> builds.log

    On a terminal, a table has the value of each counter, the change since the start, the amount per second in the last
    minute, and a line of bars for it. The last sync with each remote is below. If not all counters fit, those that
    changed last are shown. Ctrl-C ends it, and so does the end of --for.

    Off a terminal, it prints a line for each counter: time, name, value, and change since the start, with tabs between
    them. Then, after each --every, it prints the counters that changed.

    Writes of other processes, and merges, appear within a second. It reads the counters again only after a write. A
    NAME with *, ? or [...] is a pattern, as for 'crdtctl show'.
    """
    pause = 1.0 if every is None else length(every, "--every")
    if not _LEAST <= pause <= _MOST:
        raise UsageError("--every is from 100ms to 1d")
    lasting = None if ends is None else length(ends, "--for")
    demanded = conditions(where)
    replica = session(context).open_to_read()

    def look() -> tuple[dict[tuple[str, str], int], list[Item]]:
        with replica.snapshot() as now:
            wanted = selectors(now, names, demanded, exact=False)
            totals = existing(selected(now, wanted, None)) if names else totals_of_all(now, demanded, None)
            return {(one.spelling, one.tag): one.value for one in totals}, known_remotes(replica)

    from crdtctl.cli.signals import noted_signals
    from crdtctl.report.watching import Watching, is_screen

    with noted_signals() as signals:
        watching = Watching(replica.path, look, signals, every=pause, lasting=lasting)
        if is_screen():
            from rich.console import Console

            watching.screen(Console(no_color=not output.has_colour(), highlight=False, emoji=False), replica.id)
        else:
            watching.lines()
        return 128 + signals.number if signals.number else 0
