"""``crdtctl run``"""

import os
import signal
from typing import Annotated

import typer

from crdtctl.commands import output
from crdtctl.commands.statuses import WRITES
from crdtctl.commands.verb import verb_app
from crdtctl.errors import CrdtctlError, MissingError, UsageError, from_os, printable
from crdtctl.store import temporary
from crdtctl.store.locate import VARIABLE
from crdtctl.store.replica import Replica

app, settings = verb_app(4, *WRITES)
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)


@app.command(**settings, context_settings={"allow_interspersed_args": False})
def run(
    command: Annotated[list[str] | None, typer.Argument(metavar="-- COMMAND [ARGUMENT]...", show_default=False)] = None,
    target: Annotated[
        str | None,
        typer.Option("--seal-to", metavar="FILE", envvar="CRDTCTL_RUN_SEAL_TO", help="Where the sealed state goes."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="Begins the replica's id. Default: the machine's name.")
    ] = None,
) -> None:
    """Run COMMAND with a replica of its own, sealed into FILE.

    COMMAND, and what it starts, finds the replica through CRDTCTL_REPLICA. When it ends, well or not, the
    replica is sealed and exported, and removed; 'crdtctl absorb FILE' takes it in somewhere. The exit status is
    COMMAND's (128 and its number, if a signal ended it); if FILE cannot be written, the status
    says why, and the replica is kept.

    \b
    EXAMPLES:
      crdtctl run --seal-to counts.json -- ./run-tests.sh
    """
    import shutil  # all here and below is imported late, as help lists this command
    import tempfile

    if target is None or not command:
        raise UsageError("run needs --seal-to FILE and a COMMAND", "crdtctl run --seal-to FILE -- COMMAND")
    if target == "-":
        raise UsageError("standard output is COMMAND's", "name a file after --seal-to")
    above = temporary.directory()
    try:
        place = tempfile.mkdtemp(prefix="crdtctl-run-", dir=above)
    except OSError as error:
        raise from_os(error, "make a directory for the replica") from None
    path = f"{place}/.crdtctl"
    try:
        replica = Replica.init(path, name=name)
    except CrdtctlError:
        shutil.rmtree(place, ignore_errors=True)
        raise
    try:
        status = _run(command, path)
    except CrdtctlError:
        _remove(replica, place)
        raise
    try:
        replica.seal()
        replica.export_to(target)
    except CrdtctlError as failure:
        output.say(f"what {printable(command[0])} counted is in {printable(path)}; it ended with status {status}")
        raise failure from None
    _remove(replica, place)
    raise typer.Exit(status)


def _remove(replica: Replica, place: str) -> None:
    import shutil

    replica.forget()
    shutil.rmtree(place, ignore_errors=True)


def _run(command: list[str], path: str) -> int:
    """Run a command to its end, whatever signals come; return the status that a shell would give it."""
    import subprocess

    at_terminal = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _: object) -> None:
        if child is None:
            early.append(number)
        elif not (at_terminal and number in _FROM_KEYS):  # which the terminal sends to the child as well
            child.send_signal(number)

    # What is ignored here, by nohup say, COMMAND ignores too, and would not if there were a handler.
    passed_on = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in passed_on}
    try:
        child = subprocess.Popen(command, env={**os.environ, VARIABLE: path})
        for number in early:  # which it cannot have seen
            child.send_signal(number)
        status = child.wait()
    except FileNotFoundError:
        raise MissingError(f"there is no command '{printable(command[0])}'") from None
    except OSError as error:
        raise from_os(error, f"run '{printable(command[0])}'") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
