"""The program's tree of verbs. A verb's module is imported at its first use."""

from importlib import import_module
from typing import Annotated, Any

import typer
import typer.main

from crdtctl import __version__
from crdtctl.cli import output
from crdtctl.cli.exit_status import section
from crdtctl.cli.line import Group
from crdtctl.cli.verbs import ALIASES, GROUPS, VERBS


class Verbs(Group):
    """The verbs, each imported at its first use."""

    aliases = ALIASES

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._loaded: dict[str, Any] = {}

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002  # the signature is the base class's
        """Return the verbs, without aliases."""
        return list(VERBS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002  # the signature is the base class's
        """Return the command of a verb or alias, or None."""
        name = ALIASES.get(cmd_name, cmd_name)
        if name not in VERBS:
            return None
        if name not in self._loaded:
            module = import_module(f"crdtctl.commands.{name}")
            command = typer.main.get_command(module.app)  # a group, if it has verbs of its own
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002  # the signature is the base class's
        """Write the sections of the help that list the verbs, without importing one."""
        for title, verbs in GROUPS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{verb:<10}", line) for verb, line in verbs.items()])


app = typer.Typer(
    cls=Verbs,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    add_completion=False,
    no_args_is_help=True,
    context_settings={"auto_envvar_prefix": "CRDTCTL", "help_option_names": ["--help", "-h"], "max_content_width": 100},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        output.stdout.line(f"crdtctl {__version__}")
        raise typer.Exit


@app.callback(
    epilog="\b\nTHE REPLICA:\n"
    "  --replica or CRDTCTL_REPLICA; else the nearest .crdtctl in this directory or above it;\n"
    "  else the user's own, in the data directory (the first write creates it) or at home.\n\n"
    "\b\nMANUAL:\n"
    "  crdtctl help                      all commands and topics\n"
    "  crdtctl help TOPIC                a topic, such as cron, scripting or exit-status\n\n" + section()
)
def root(
    version: Annotated[  # its callback prints the version
        bool,
        typer.Option(
            "--version",
            "-V",
            help="Print the version and exit.",
            callback=_print_version,
            is_eager=True,
            allow_from_autoenv=False,  # CRDTCTL_VERSION is what a pipeline would call the version it installs
        ),
    ] = False,
) -> None:
    """Counters that many machines change offline, and that always add up.

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
