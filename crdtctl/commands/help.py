"""``crdtctl help``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.line import Group
from crdtctl.cli.verb import verb_app
from crdtctl.errors import UsageError, printable

app, settings = verb_app()


@app.command(**settings)
def help(  # noqa: A001  # the name of the verb
    context: typer.Context,
    words: Annotated[list[str] | None, typer.Argument(metavar="[COMMAND]...", show_default=False)] = None,
) -> None:
    """Show the help of a command, or of the program.

    It is what 'crdtctl COMMAND --help' shows.

    \b
    EXAMPLES:
      crdtctl help
      crdtctl help show
      crdtctl help remote add
    """
    about = context.find_root()
    for word in words or []:
        if not isinstance(about.command, Group):
            raise UsageError(f"'{about.command_path}' has no command '{printable(word[:40])}'")
        name, command, _ = about.command.resolve_command(about, [word])
        about = command.make_context(name, [], parent=about, resilient_parsing=True)
    output.stdout.line(about.get_help())
