"""``crdtctl run``"""

import os
import signal
import stat
from typing import Annotated

import typer

from crdtctl.cli import output, paths
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import verb_app
from crdtctl.errors import (
    CrdtctlError,
    ExistsError,
    NoCommandError,
    NotRunnableError,
    UsageError,
    from_os,
    printable,
    reason_of,
)
from crdtctl.store import temporary
from crdtctl.store.locate import VARIABLE
from crdtctl.store.replica import Replica

app, settings = verb_app(4, 73, 126, 127, *WRITES)
_FROM_KEYS = (signal.SIGINT, signal.SIGQUIT)
_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
#: Variables with this beginning are meant for this run, not for one that COMMAND starts.
_OURS = "CRDTCTL_RUN_"


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
    job: Annotated[
        str | None,
        typer.Option(metavar="KEY", help="The job that this is an attempt of: of a job, the latest attempt counts."),
    ] = None,
    attempt: Annotated[
        int | None,
        typer.Option(metavar="N", help="Which attempt of the job this is, from 1. Default: the time."),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a state in FILE, though not all of it was merged.")
    ] = False,
) -> None:
    """Run COMMAND with a replica of its own, sealed into FILE.

    COMMAND, and what it starts, finds the replica through CRDTCTL_REPLICA. When it ends, well or not, the
    replica is sealed and exported, and removed; 'crdtctl absorb FILE' takes it in somewhere. That FILE can be
    written is checked before; its folder is made. The exit status is COMMAND's (128 and its number, if a
    signal ended it). If FILE cannot be written in the end, that is reported, the replica is kept, and a
    COMMAND that succeeded ends with the status that says why.

    A job that is run again gives the same KEY and a larger N. Wherever several attempts of a job are known, the
    latest one counts, and it alone; 'crdtctl show --attempts' shows them all.

    \b
    EXAMPLES:
      crdtctl run --seal-to counts.json -- ./run-tests.sh
      crdtctl run --seal-to counts.json --job "$CI_PIPELINE_ID" --attempt 2 -- ./run-tests.sh
    """
    if target is None or not command:
        raise UsageError("run needs --seal-to FILE and a COMMAND", "crdtctl run --seal-to FILE -- COMMAND")
    if target == "-":
        raise UsageError("standard output is COMMAND's", "name a file after --seal-to")
    if attempt is not None and job is None:
        raise UsageError("--attempt is one of a job", "name the job: --job KEY")
    target = paths.to_write(target)
    _check_command(command[0])
    _make_folder(target)
    import shutil  # here and below it is imported late, as help lists this command
    import tempfile
    import time

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
        _check_target(replica, target, overwrite)
        if job is not None:
            replica.begin_attempt(job, time.time_ns() // 1_000_000 if attempt is None else attempt)
        status = _run(command, path)
    except CrdtctlError:
        _remove(replica, place)
        raise
    failure = _sealed(replica, target, overwrite)
    if failure is None:
        _remove(replica, place)
        raise typer.Exit(status)
    if not os.path.exists(path):
        _remove(replica, place)
        said = f"{printable(command[0])} deleted the replica of this run, so {printable(target)} was not written"
    else:
        said = f"what {printable(command[0])} counted is in {printable(path)}, and not in {printable(target)}"
    if status:
        output.say(f"{said}: {reason_of(failure)}")
        raise typer.Exit(status)
    output.say(said)
    raise failure


def _check_target(replica: Replica, target: str, overwrite: bool) -> None:
    try:
        replica.check_target(target, overwrite=overwrite)
    except ExistsError as reason:
        hint = f"{reason.hint}, or replace it with --overwrite" if "merge" in reason.hint else reason.hint
        raise ExistsError(reason.message, f"nothing was run; {hint}" if hint else "nothing was run") from None


def _sealed(replica: Replica, target: str, overwrite: bool) -> CrdtctlError | None:
    """Seal the replica, and write it to its file; return what went wrong."""
    try:
        replica.seal()
        _make_folder(target)
        replica.export_to(target, overwrite=overwrite)
    except CrdtctlError as failure:
        return failure
    return None


def _make_folder(target: str) -> None:
    """Make the folder in which the file is to be, which a fresh checkout does not have."""
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise from_os(error, f"make the folder of {printable(target)}") from None


def _check_command(word: str) -> None:
    """Raise `NoCommandError` or `NotRunnableError` for a command that cannot be run, as env and timeout do."""
    import shutil

    shown = printable(word)
    if shutil.which(word) is not None:
        return
    if not word:
        raise NoCommandError("the command is empty", "is a variable unset? nothing was run")
    places = [word] if "/" in word else [os.path.join(one or ".", word) for one in os.get_exec_path()]
    if not any(map(os.path.exists, places)):
        raise NoCommandError(f"there is no command '{shown}'", "nothing was run")
    is_directory = all(stat.S_ISDIR(os.stat(one).st_mode) for one in places if os.path.exists(one))
    reason = "it is a directory" if is_directory else "it is not executable"
    raise NotRunnableError(f"cannot run '{shown}': {reason}", "nothing was run")


def _remove(replica: Replica, place: str) -> None:
    import shutil
    from contextlib import suppress

    with suppress(CrdtctlError):  # COMMAND may have deleted it
        replica.forget()
    shutil.rmtree(place, ignore_errors=True)


def _run(command: list[str], path: str) -> int:
    """Run a command to its end, whatever signals come; return the status that a shell would give it."""
    import subprocess

    at_terminal = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}

    def pass_on(number: int, _: object) -> None:
        if child is None:
            early.append(number)
        elif not (at_terminal and number in _FROM_KEYS):  # which the terminal sends to the child as well
            child.send_signal(number)

    # What is ignored here, by nohup say, COMMAND ignores too, and would not if there were a handler.
    passed_on = [number for number in _PASSED_ON if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in passed_on}
    try:
        child = subprocess.Popen(command, env={**inherited, VARIABLE: path})
        for number in early:  # which it cannot have seen
            child.send_signal(number)
        status = child.wait()
    except FileNotFoundError:
        raise NoCommandError(f"cannot run '{printable(command[0])}': it, or what interprets it, is not there") from None
    except OSError as error:
        raise NotRunnableError(f"cannot run '{printable(command[0])}': {os.strerror(error.errno or 0)}") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
