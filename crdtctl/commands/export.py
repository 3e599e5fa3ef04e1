"""``crdtctl export``"""

from __future__ import annotations

from crdtctl.cli import output, paths
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Option, command
from crdtctl.cli.verb import session
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
    statuses=(73, 76, *READS),
)
def export(context: Context, words: list[str], target: str | None, form: str | None, since: str | None) -> None:
    """Write a state file for other replicas to merge.

    \b
    EXAMPLES:
      crdtctl export -o /media/stick/laptop.json
      crdtctl export | ssh hub crdtctl merge -
      crdtctl export --since "$(ssh hub crdtctl clock)" | ssh hub crdtctl merge -

    The state contains all counts that this replica knows, its own and those of others. Send the file by any means,
    any number of times; 'crdtctl merge' reads it. An existing FILE is replaced if it is empty, or if it is a state
    whose contents this replica already has. Any other file is kept, with status 73.
    """
    if words:
        from shlex import quote

        raise UsageError(
            f"export takes no argument '{printable(words[0][:80])}'",
            f"to write a file: crdtctl export -o {quote(printable(words[0]))}",
        )
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
