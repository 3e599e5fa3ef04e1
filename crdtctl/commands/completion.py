"""``crdtctl completion``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.scripts import SCRIPTS
from crdtctl.errors import UsageError, printable
from crdtctl.suggestions import did_you_mean

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(Argument("shell", "SHELL", f"One of {', '.join(SCRIPTS)}.", required=True))
def completion(_context: Context, shell: str) -> None:
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
