"""``crdtctl export``"""

from __future__ import annotations

from crdtctl.cli import output, paths
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.options import TEXTFILE
from crdtctl.cli.verb import is_typed, session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("words", "", hidden=True, repeated=True),
    Option(
        "target",
        "--output",
        "-o",
        metavar="FILE",
        variable="CRDTCTL_EXPORT_OUTPUT",
        help="Write to FILE, completely or not at all.",
    ),
    Option("form", "--format", "-f", metavar="FORMAT", variable="CRDTCTL_EXPORT_FORMAT", help="json or toml."),
    Option("since", metavar="CLOCK", help="Write only entries newer than CLOCK, the clock of the receiver."),
    TEXTFILE,
    statuses=(3, 73, 76, *READS),
)
def export(
    context: Context, words: list[str], target: str | None, form: str | None, since: str | None, textfile: str | None
) -> None:
    """Write a state file for other replicas to merge.

    \b
    EXAMPLES:
      crdtctl export -o /media/stick/laptop.json
      crdtctl export | ssh hub crdtctl merge -
      crdtctl export --since "$(ssh hub crdtctl clock)" | ssh hub crdtctl merge -
      crdtctl export --textfile /var/lib/prometheus/node-exporter/crdtctl.prom

    The state contains all counts that this replica knows, its own and those of others. Send the file by any means,
    any number of times; 'crdtctl merge' reads it. An existing FILE is replaced if it is empty, or if it is a state
    whose contents this replica already has. Any other file is kept, with status 73.

    With --textfile, no state is written, but metrics for Prometheus, see 'crdtctl help metrics'.
    """
    if words:
        from shlex import quote

        raise UsageError(
            f"export takes no argument '{printable(words[0][:80])}'",
            f"to write a file: crdtctl export -o {quote(printable(words[0]))}",
        )
    if textfile is not None:
        if since is not None or is_typed(context, "target") or is_typed(context, "form"):
            raise UsageError("--textfile cannot be combined with --output, --format and --since", "leave them out")
        from crdtctl.cli import textfile as metrics

        metrics.write(session(context).open_to_read(), metrics.checked(textfile))
        return
    chosen = output.resolve_format(form, default="json", allowed=("json", "toml"))
    newer_than = None
    if since is not None:
        from crdtctl.cli.states import clock

        newer_than = clock(since)
    replica = session(context).open()
    if target is None or target == "-":
        replica.export(output.stdout.write, since=newer_than, form=chosen)
    else:
        replica.export_to(paths.to_write(target), since=newer_than, form=chosen)
