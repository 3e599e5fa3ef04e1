"""The options about when something was counted."""

from __future__ import annotations

from crdtctl.cli.grammar import Flag, Option
from crdtctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context

PERIODS = ("15m", "hour", "day", "week", "month")
#: Of ``show``.
READING = (
    Option("per", metavar="PERIOD", help=f"Show what was counted in each period: {', '.join(PERIODS)}."),
    Option("tz", metavar="ZONE", help="Time zone of the rows: a name such as Europe/Berlin, or local. Default: UTC."),
    Option("since", metavar="TIME", help="Show what was counted since then: 2026-03-01, 2026-03-01T14:30Z, 24h, 30d."),
    Option("until", metavar="TIME", help="Show what was counted until then. A day is included as a whole."),
    Option("last", metavar="LENGTH", help="The same as --since LENGTH: 24h, 30d, 8w."),
    Flag("rate", help="Show amounts per second."),
)
#: Of ``create``.
KEEPING = (
    Option("every", metavar="PERIOD", help="Keep what is counted in each period: 15m, hour or day (UTC)."),
    Option("keep", metavar="LENGTH", help="Time that the shortest periods are kept, such as 400d."),
)
#: Of ``increment`` and ``decrement``.
AT = Option("at", metavar="TIME", help="Count in the period of a past time: 2026-03-01, 2026-03-01T14:30Z, or seconds.")


def are_about_time(context: Context) -> bool:
    """Return whether a command line of ``show`` asks for periods."""
    return any(context.values[option.name] not in (None, False) for option in READING)


def length(text: str, option: str) -> float:
    """Return a length of time in seconds; raise `UsageError`."""
    from crdtctl.cli.durations import duration

    try:
        return duration(text)
    except ValueError as reason:
        raise UsageError(f"{option}: {reason}", "for example 48h or 400d") from None
