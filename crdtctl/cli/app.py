"""The program's tree of verbs, made with the typer library. A verb's module is imported at its first use."""

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from typing import Any

import typer
import typer.core

from crdtctl import __version__
from crdtctl.cli import output
from crdtctl.cli.exit_status import section
from crdtctl.cli.line import PARSING, Group, made
from crdtctl.cli.verbs import ALIASES, GROUPS, VERBS, load
from crdtctl.errors import UsageError, printable

_HELP = """Counters that many machines change offline, and that always add up.

\b
EXAMPLES:
  crdtctl increment builds          count; the first time creates the counter
  crdtctl show                      show all counters of all known replicas
  crdtctl export -o laptop.json     write a state file, and send it by any means
  crdtctl merge hub.json            read a state file of another replica
  crdtctl sync /media/stick         do both through a shared folder

Every write works offline and is on disk when the command ends. Replicas exchange state files in any order, any
number of times, by any means, without a server.
"""
_EPILOG = (
    "\b\nTHE REPLICA:\n"
    "  --replica or CRDTCTL_REPLICA; else the nearest .crdtctl in this directory or above it;\n"
    "  else the user's own, in the data directory (the first write creates it) or at home.\n\n"
    "\b\nMANUAL:\n"
    "  crdtctl help                      all commands and topics\n"
    "  crdtctl help TOPIC                a topic, such as cron, scripting or exit-status\n\n"
)


def _print_version(_context: Any, _parameter: Any, wanted: bool) -> None:
    if wanted:
        output.stdout.line(f"crdtctl {__version__}")
        raise typer.Exit


class _Root(Group):
    """The verbs, each imported at its first use."""

    aliases = ALIASES

    def __init__(self) -> None:
        version = typer.core.TyperOption(
            param_decls=["version", "--version", "-V"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_print_version,
            allow_from_autoenv=False,  # CRDTCTL_VERSION is what a pipeline would call the version it installs
            help="Print the version and exit.",
        )
        super().__init__(
            name="crdtctl",
            params=[version],
            help=_HELP,
            epilog=_EPILOG + section(),
            no_args_is_help=True,
            rich_markup_mode=None,
            context_settings={
                "auto_envvar_prefix": "CRDTCTL",
                "help_option_names": ["--help", "-h"],
                "max_content_width": 100,
            },
        )
        self._loaded: dict[str, Any] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the signature is the base class's
        """Return the verbs, without aliases."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # the signature is the base class's
        """Return the command of a verb or alias, or None."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in self._loaded:
            declared = load(name)
            if declared is None:
                return None
            self._loaded[name] = made(declared)
        return self._loaded[name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # the signature is the base class's
        """Write the sections of the help that list the verbs, without importing one."""
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{verb:<10}", line) for verb, line in verbs.items()])


app = _Root()


def run(arguments: Sequence[str]) -> int:
    """Run a command line that `parser` declines: help, an error in the line, or an unusual environment.

    Return the exit status, or raise the error.
    """
    help_text = io.StringIO()  # text that typer prints goes through our own output, and fails like it
    try:
        with redirect_stdout(help_text):
            status = app(args=list(arguments), prog_name="crdtctl", standalone_mode=False)
    except PARSING as failure:
        if type(failure).__name__ == "NoArgsIsHelpError":
            output.stdout.line(failure.args[0])
            return UsageError.status
        from crdtctl.cli.usage import explained

        raise explained(failure, arguments) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    finally:
        output.stdout.write(help_text.getvalue().encode("utf-8", "backslashreplace"))
    return status if isinstance(status, int) else 0


def help_of(words: Sequence[str]) -> str:
    """Return the help of a command; raise `UsageError` for an unknown one."""
    about: Any = app.make_context("crdtctl", ["help"])
    for word in words:
        if not isinstance(about.command, Group):
            raise UsageError(f"'{about.command_path}' has no command '{printable(word[:40])}'")
        name, command, _ = about.command.resolve_command(about, [word])
        about = command.make_context(name, [], parent=about, resilient_parsing=True)
    return str(about.get_help())
