"""``crdtctl completion``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.scripts import SCRIPTS
from crdtctl.cli.verb import command_app
from crdtctl.errors import UsageError, printable
from crdtctl.suggestions import did_you_mean

app, settings = command_app()


@app.command(**settings)
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help=f"One of {', '.join(SCRIPTS)}.")],
) -> None:
    """Print the completion script for a shell.

    \b
    EXAMPLES:
      crdtctl completion bash > crdtctl.bash
      crdtctl completion zsh > _crdtctl
      crdtctl completion fish > crdtctl.fish

    The script completes commands, options, counters, remotes, replica ids, types and formats. Installing the
    program puts these scripts below share/, where the shells look for them. Use this command for any other place.
    """
    script = SCRIPTS.get(shell)
    if script is None:
        hint = did_you_mean(shell, SCRIPTS) or f"shells are {', '.join(SCRIPTS)}"
        raise UsageError(f"no completion for the shell '{printable(shell[:40])}'", hint)
    output.stdout.write(script.encode())
