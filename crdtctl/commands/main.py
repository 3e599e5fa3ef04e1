"""One command line: run it, and turn whatever happens into words and an exit status."""

import os
import re
from collections.abc import Sequence
from importlib import import_module

from crdtctl.commands import output
from crdtctl.errors import CrdtctlError, StorageError, UnreportedError, UsageError, from_os, printable

_JSON_FORMATS = ("json", "ndjson")
_INTERRUPTED = 130

#: Set by a command once what it does is on disk: from then on, failing to say so has its own status.
applied = False


def main(arguments: Sequence[str]) -> int:
    """Run a command line; return the exit status."""
    status = 0
    error: CrdtctlError | None = None
    try:
        status = _run(arguments)
    except CrdtctlError as failure:
        error, status = failure, failure.status
    except output.ClosedPipe:
        return _closed_pipe()
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as failure:
        error = from_os(failure, f"use {printable(failure.filename)}" if failure.filename else "go on")
        status = error.status
    try:
        output.flush()
    except output.ClosedPipe:
        if error is None:
            return _closed_pipe()
    except StorageError as failure:
        if error is None:
            error = _unreported(failure) if applied else failure
            status = error.status
    if error is not None:
        output.say_error(error, _wants_json(arguments))
    return status


def fail(error: CrdtctlError) -> int:
    """Report a failure of a command that did not come through `main`; return its exit status."""
    output.say_error(error, as_json=False)
    return error.status


def _run(arguments: Sequence[str]) -> int:
    import typer

    from crdtctl.commands.app import app

    if "_CRDTCTL_COMPLETE" in os.environ:
        import_module("typer.completion").completion_init()
    try:
        status = app(args=list(arguments), prog_name="crdtctl", standalone_mode=False)
    except typer.TyperException as failure:
        text = " ".join(failure.format_message().split())
        if type(failure).__name__ == "NoArgsIsHelpError":
            output.stdout.line(failure.format_message())
            return UsageError.status
        raise UsageError(text[:1].lower() + text[1:].rstrip("."), _usage_hint(failure)) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    return status if isinstance(status, int) else 0


def _usage_hint(failure: Exception) -> str:
    context = getattr(failure, "ctx", None)
    path = context.command_path if context is not None else "crdtctl"
    if re.search(r"No such option: '?-[0-9]", str(failure)):
        return "an amount is not negative, use decrement; a name that begins with '-' goes behind '--'"
    return f"see '{path} --help'"


def _unreported(failure: StorageError) -> UnreportedError:
    return UnreportedError(f"the change was applied, but it could not be reported: {failure.message}")


def _closed_pipe() -> int:
    """End quietly: the reader has left. (It misses nothing unless what was done is worth a status.)"""
    if applied:
        output.say_error(UnreportedError("the change was applied, but nobody reads standard output"), False)
        return UnreportedError.status
    return 0


def _wants_json(arguments: Sequence[str]) -> bool:
    form = os.environ.get("CRDTCTL_FORMAT", "")
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option in ("--format", "-f"):
            form = value
        elif option.startswith("--format="):
            form = option.partition("=")[2]
    return form in _JSON_FORMATS
