"""``crdtctl export``"""

from shlex import quote
from typing import Annotated

import typer

from crdtctl.cli import output, paths
from crdtctl.cli.states import clock
from crdtctl.cli.statuses import READS
from crdtctl.cli.verb import session, verb_app
from crdtctl.errors import UsageError, printable

app, settings = verb_app(73, 76, *READS)


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
            help="Write to FILE, as a whole or not at all.",
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--format", "-f", metavar="FORMAT", envvar="CRDTCTL_EXPORT_FORMAT", help="json or toml."),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="CLOCK", help="Send only what is newer than CLOCK, which the receiver must know."),
    ] = None,
) -> None:
    """Write the state to send, for others to merge.

    It holds all that is known here, of this replica and others. Send the file by any means, as often as
    you like; 'crdtctl merge' takes it in. A FILE that is empty,
    or a state of which everything is known here, is replaced; any other file is not.

    \b
    EXAMPLES:
      crdtctl export -o /media/stick/laptop.json
      crdtctl export | ssh hub crdtctl merge -
      crdtctl export --since "$(ssh hub crdtctl clock)" | ssh hub crdtctl merge -
    """
    if words:
        raise UsageError(
            f"export writes to standard output, and takes no '{printable(words[0][:80])}'",
            f"to write a file: crdtctl export -o {quote(printable(words[0]))}",
        )
    chosen = output.choose(form, default="json", allowed=("json", "toml"))
    newer_than = None if since is None else clock(since)
    replica = session(context).open()
    if target is None or target == "-":
        replica.export(output.stdout.write, since=newer_than, form=chosen)
    else:
        replica.export_to(paths.to_write(target), since=newer_than, form=chosen)
