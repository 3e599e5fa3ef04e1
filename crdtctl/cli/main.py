"""Runs one command line, and turns its outcome into messages and an exit status."""

from crdtctl import __version__
from crdtctl.cli import output, parser
from crdtctl.cli.carrying import carry_out
from crdtctl.cli.context import Ended
from crdtctl.cli.signals import is_interrupted, keep_interruptions
from crdtctl.errors import CrdtctlError, InternalError, from_os, printable
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_INTERRUPTED = 130


def main(arguments: "Sequence[str]") -> int:
    """Run a command line; return the exit status."""
    status = 0
    error: CrdtctlError | None = None
    try:
        keep_interruptions()
        status = _run(arguments)
    except Ended as end:
        status = end.status
    except CrdtctlError as failure:
        error = failure
    except KeyboardInterrupt:
        return _INTERRUPTED
    except OSError as failure:
        error = from_os(failure, f"use {printable(failure.filename)}" if failure.filename else "continue")
    except Exception as failure:  # noqa: BLE001  # Python would exit with 1, which has another meaning here
        if is_interrupted():
            return _INTERRUPTED
        error = InternalError(f"{type(failure).__name__}: {printable(str(failure))}", "please report this")
    output.stdout.flush()
    error = output.as_unreported(error or output.stdout.verdict())
    return status if error is None else fail(error, as_json=_wants_json(arguments))


def fail(error: CrdtctlError, *, as_json: bool = False) -> int:
    """Print a failure and return its exit status, even if printing fails."""
    try:
        output.print_error(error, as_json=as_json)
    except Exception:  # noqa: BLE001, S110  # there is no place left to report it
        pass
    return error.status


def _run(arguments: "Sequence[str]") -> int:
    shell = os.environ.get("_CRDTCTL_COMPLETE")
    if shell:
        from crdtctl.cli.completing import answer

        output.stdout.write(answer(shell, arguments))
        return 0
    if [*arguments] in (["--version"], ["-V"]):
        output.stdout.line(f"crdtctl {__version__}")
        return 0
    if arguments and arguments[0].startswith("-") and len(arguments) < 4:
        from crdtctl.cli import version

        if version.asks_for_json(arguments):
            output.stdout.line(version.as_json())
            return 0
    context = parser.read(arguments)
    if context is None:
        from crdtctl.cli.app import run

        return run(arguments)
    try:
        return carry_out(context)
    except KeyboardInterrupt:
        return _INTERRUPTED  # with the output so far, as of the other reader


def _wants_json(arguments: "Sequence[str]") -> bool:
    """Return whether failures are printed as JSON. The command line may be one that cannot be parsed."""
    form = os.environ.get("CRDTCTL_FORMAT", "")
    for option, value in zip(arguments, [*arguments[1:], ""], strict=True):
        if option in ("--format", "-f"):
            form = value
        elif option.startswith("--format="):
            form = option.partition("=")[2]
        elif option.startswith("-f") and not option.startswith("--"):
            form = option[2:]
        elif option == "--json":
            form = "json"
        elif option == "--":
            break
    return form in ("json", "ndjson")
