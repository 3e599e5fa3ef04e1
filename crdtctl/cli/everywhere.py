"""The options that every command accepts, before and after its name, and those that many commands share."""

from crdtctl.cli.durations import duration
from crdtctl.cli.grammar import Flag, Option

REPLICA = Option("replica", metavar="PATH", variable="CRDTCTL_REPLICA", help="Directory of the replica to use.")
LOCK_TIMEOUT = Option(
    "lock_timeout",
    metavar="DURATION",
    kind=duration,
    variable="CRDTCTL_LOCK_TIMEOUT",
    help="How long to wait for a lock: 30, 30s, 5m. Default: 30 seconds, or as configured.",
)
QUIET = Flag(
    "quiet", "--quiet", "-q", variable="CRDTCTL_QUIET", help="Print no words about changes, not even on a terminal."
)
VERBOSE = Flag(
    "verbose", "--verbose", "-v", variable="CRDTCTL_VERBOSE", help="Print words about changes, even off a terminal."
)
#: Options of every command.
EVERYWHERE = (REPLICA, LOCK_TIMEOUT, QUIET, VERBOSE)

HEADER = Flag(
    "header",
    off=("--no-header",),
    default=None,
    variable="CRDTCTL_HEADER",
    help="Print a header line in CSV, TSV and tables. Default: in CSV and tables only.",
)
FULL = Flag("full", variable="CRDTCTL_FULL", help="Print full ids and times even on a terminal.")
#: Further options of every command that prints a report.
READING = (HEADER, FULL)
#: --format before the name of a command; the command decides whether it accepts it.
FORMAT = Option("form", "--format", "-f", metavar="FORMAT", variable="CRDTCTL_FORMAT", hidden=True)
#: Short for --format json.
JSON = "--json"
