"""One command line that was read: its command, and the values of its options and arguments."""

from __future__ import annotations

from crdtctl.errors import UsageError, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any

    from crdtctl.cli.grammar import Command, Option


class Ended(Exception):
    """The command has ended with a status, and everything was printed."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Context:
    """The values of a command line, and their origin.

    `typed` has the names of the parameters on the line, `variables` the environment variable of each that has its
    value from there, and `everywhere` the values of the global options on the line.
    """

    def __init__(
        self,
        command: Command,
        values: Mapping[str, Any],
        *,
        typed: Collection[str] = (),
        variables: Mapping[str, str] | None = None,
        everywhere: Mapping[str, Any] | None = None,
    ) -> None:
        self.command = command
        self.values = values
        self.typed = typed
        self.variables = variables or {}
        self.everywhere = everywhere or {}

    def of(self, option: Option) -> Any:
        """Return the value of a global option; raise `UsageError` for a wrong environment variable."""
        return of(option, self.everywhere)


def of(option: Option, line: Mapping[str, Any]) -> Any:
    """Return the value of a global option on the line, else that of its variable, else None; raise `UsageError`."""
    if option.name in line:
        return line[option.name]
    word = os.environ.get(option.variable)
    if not word:
        return None
    try:
        return option.kind(word)
    except ValueError as error:
        raise UsageError(f"{option.variable}: {printable(str(error))}") from None
