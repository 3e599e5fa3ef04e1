"""Carries out a command line that was read, and completes its errors with facts that only the line shows."""

from crdtctl.cli import output
from crdtctl.cli.context import Context, of
from crdtctl.cli.everywhere import FULL, HEADER, QUIET, REPLICA, VERBOSE
from crdtctl.errors import CrdtctlError, MissingError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


def _settle(line: "Mapping[str, Any]") -> None:
    """Set up the output as the global options on the line, or their variables, want it; raise `UsageError`."""
    output.settings = output.Settings(
        quiet=bool(of(QUIET, line)),
        verbose=bool(of(VERBOSE, line)),
        header=of(HEADER, line),
        full=bool(of(FULL, line)),
    )


def carry_out(context: Context) -> int:
    """Run the command of a line; return its exit status, or raise its error."""
    _settle(context.everywhere)
    try:
        return context.command.run(context, **context.values) or 0
    except MissingError as error:
        guess = "" if error.counter is None else _counter_meant(context, error.counter)
        if not guess:
            raise
        raise type(error)(error.message, guess) from None
    except UsageError as error:
        variable = _culprit(context, error)
        if variable is None:
            raise
        raise type(error)(f"{variable}: {error.message}", error.hint) from None


def _counter_meant(context: Context, name: str) -> str:
    """Return a question with the likeliest counter, or an empty string if no name is similar."""
    from crdtctl.crdt.series import name_of
    from crdtctl.store.reader import Reader
    from crdtctl.suggestions import did_you_mean

    try:
        names = (one.name for one in Reader.find(context.of(REPLICA)).counters())
        return did_you_mean(name, names if "{" in name else dict.fromkeys(map(name_of, names)))
    except CrdtctlError:
        return ""


def _culprit(context: Context, error: UsageError) -> str | None:
    """Return the environment variable that caused an error, or None."""
    for option in context.command.options:
        variable = context.variables.get(option.name)
        if variable is not None:
            value = context.values[option.name]
            values = [f"'{one}'" for one in (value if option.repeated else [value])]
            if any(one in error.message for one in values) or any(f"{name} " in f"{error} " for name in option.names):
                return variable
    return None
