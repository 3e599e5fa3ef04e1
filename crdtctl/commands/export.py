"""``crdtctl export``"""

from shlex import quote
from typing import Annotated

import typer

from crdtctl.cli import output, paths
from crdtctl.cli.exit_status import READS
from crdtctl.cli.states import clock
from crdtctl.cli.verb import command_app, session
from crdtctl.errors import UsageError, printable

app, settings = command_app(73, 76, *READS)


@app.command(**settings)
def export(
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="", hidden=True, show_default=False)] = None,
    target: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            envvar="CRDTCTL_EXPORT_OUTPUT",
            help="Write to FILE, completely or not at all.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORMAT", envvar="CRDTCTL_EXPORT_FORMAT", help="json or toml."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="CLOCK", help="Write only entries newer than CLOCK, the clock of the receiver."),
    ] = None,
) -> None:
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
        raise UsageError(
            f"export takes no argument '{printable(words[0][:80])}'",
            f"to write a file: crdtctl export -o {quote(printable(words[0]))}",
        )
    chosen = output.resolve_format(form, default="json", allowed=("json", "toml"))
    newer_than = None if since is None else clock(since)
    replica = session(context).open()
    if target is None or target == "-":
        replica.export(output.stdout.write, since=newer_than, form=chosen)
    else:
        replica.export_to(paths.to_write(target), since=newer_than, form=chosen)
