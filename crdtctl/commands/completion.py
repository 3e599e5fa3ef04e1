"""``crdtctl completion``"""

from typing import Annotated

import typer

from crdtctl.cli import output
from crdtctl.cli.scripts import SCRIPTS
from crdtctl.cli.verb import verb_app
from crdtctl.errors import UsageError, printable
from crdtctl.suggestions import did_you_mean

app, settings = verb_app()


@app.command(**settings)
def completion(
    shell: Annotated[str, typer.Argument(metavar="SHELL", help=f"One of {', '.join(SCRIPTS)}.")],
) -> None:
    """Print the script that completes words in a shell.

    It completes commands, options, counters, remotes, ids of replicas, types and formats. An installation has
    the scripts below share/ already, where the shells look for them; this is for any other place.

    \b
    EXAMPLES:
      crdtctl completion bash > crdtctl.bash
      crdtctl completion zsh > _crdtctl
      crdtctl completion fish > crdtctl.fish
    """
    script = SCRIPTS.get(shell)
    if script is None:
        hint = did_you_mean(shell, SCRIPTS) or f"shells are {', '.join(SCRIPTS)}"
        raise UsageError(f"there is no completion for '{printable(shell[:40])}'", hint)
    output.stdout.write(script.encode())
