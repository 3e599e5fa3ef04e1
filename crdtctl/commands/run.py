"""``crdtctl run``"""

from __future__ import annotations

import os

from crdtctl.cli import output, paths
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, command
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
from crdtctl.store.locate import VARIABLE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import subprocess

    from crdtctl.cli.context import Context
    from crdtctl.store.replica import Replica

#: Prefix of the variables for this run. COMMAND does not inherit them, because it may contain another run.
_OURS = "CRDTCTL_RUN_"


@command(
    Argument("command", "-- COMMAND [ARGUMENT]...", repeated=True),
    Option("target", "--seal-to", metavar="FILE", variable="CRDTCTL_RUN_SEAL_TO", help="File for the sealed state."),
    Option("name", metavar="NAME", help="Name at the start of the replica's id. Default: the host name."),
    Option("job", metavar="KEY", help="Job that this run is an attempt of; only the latest attempt of a job counts."),
    Option("attempt", metavar="N", kind=Whole(), help="Number of the attempt, from 1. Default: the current time."),
    Flag("overwrite", help="Replace a state in FILE even if it was not merged."),
    statuses=(4, 73, 126, 127, *WRITES),
    interspersed=False,
)
def run(
    _context: Context,
    command: list[str],
    target: str | None,
    name: str | None,
    job: str | None,
    attempt: int | None,
    overwrite: bool,
) -> int:
    """Run COMMAND with a replica of its own, sealed into FILE.

    \b
    EXAMPLES:
      crdtctl run --seal-to counts.json -- ./run-tests.sh
      crdtctl run --seal-to counts.json --job "$CI_PIPELINE_ID" --attempt 2 -- ./run-tests.sh

    COMMAND and its child processes count into a new replica, which they find through CRDTCTL_REPLICA. When COMMAND
    ends, successfully or not, the replica is sealed, exported to FILE and removed. 'crdtctl absorb FILE' takes its
    counts over on another replica. Before COMMAND starts, FILE is checked to be writable, and its folder is created.

    The exit status is that of COMMAND, or 128 plus the number of the signal that ended it. If FILE cannot be written
    at the end, that is reported, the replica is kept, and the status of a COMMAND that succeeded becomes the reason.

    A job that is run again uses the same KEY and a larger N. Of all known attempts of a job, only the latest counts;
    'crdtctl show --attempts' lists all of them.
    """
    if target is None or not command:
        raise UsageError("run needs --seal-to FILE and a COMMAND", "crdtctl run --seal-to FILE -- COMMAND")
    if target == "-":
        raise UsageError("--seal-to cannot write to standard output, which belongs to COMMAND", "name a file")
    if attempt is not None and job is None:
        raise UsageError("--attempt needs a job", "name the job: --job KEY")
    target = paths.to_write(target)
    _check_command(command[0])
    _make_folder(target)
    import shutil
    import tempfile
    import time

    from crdtctl.store import temporary
    from crdtctl.store.replica import Replica

    above = temporary.directory()
    try:
        place = tempfile.mkdtemp(prefix=temporary.RUN, dir=above)
    except OSError as error:
        raise from_os(error, "create a directory for the replica") from None
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
        return status
    if not os.path.exists(path):
        _remove(replica, place)
        message = f"{printable(command[0])} deleted the replica of this run, so {printable(target)} was not written"
    else:
        message = f"the counts of {printable(command[0])} are in {printable(path)}, not in {printable(target)}"
    if status:
        output.print_message(f"{message}: {reason_of(failure)}")
        return status
    output.print_message(message)
    raise failure


def _check_target(replica: Replica, target: str, overwrite: bool) -> None:
    try:
        replica.check_target(target, overwrite=overwrite)
    except ExistsError as reason:
        hint = f"{reason.hint}, or replace it with --overwrite" if "merge" in reason.hint else reason.hint
        raise ExistsError(reason.message, f"nothing was run; {hint}" if hint else "nothing was run") from None


def _sealed(replica: Replica, target: str, overwrite: bool) -> CrdtctlError | None:
    """Seal the replica and export it to its file. Return the failure, or None."""
    try:
        replica.seal()
        _make_folder(target)
        replica.export_to(target, overwrite=overwrite)
    except CrdtctlError as failure:
        return failure
    return None


def _make_folder(target: str) -> None:
    """Create the folder of the file, which is missing in a fresh checkout."""
    folder = os.path.dirname(target)
    try:
        os.makedirs(folder or ".", exist_ok=True)
    except OSError as error:
        raise from_os(error, f"create the folder of {printable(target)}") from None


def _check_command(word: str) -> None:
    """Raise `NoCommandError` or `NotRunnableError` for a command that cannot be run, like env and timeout."""
    import shutil
    import stat

    shown = printable(word)
    if shutil.which(word) is not None:
        return
    if not word:
        raise NoCommandError("the command is an empty word", "nothing was run; is a variable unset?")
    places = [word] if "/" in word else [os.path.join(one or ".", word) for one in os.get_exec_path()]
    if not any(map(os.path.exists, places)):
        raise NoCommandError(f"command '{shown}' not found", "nothing was run")
    is_directory = all(stat.S_ISDIR(os.stat(one).st_mode) for one in places if os.path.exists(one))
    reason = "it is a directory" if is_directory else "it is not executable"
    raise NotRunnableError(f"cannot run '{shown}': {reason}", "nothing was run")


def _remove(replica: Replica, place: str) -> None:
    import shutil

    from crdtctl.contexts import suppress

    with suppress(CrdtctlError):  # COMMAND may have deleted it
        replica.forget()
    shutil.rmtree(place, ignore_errors=True)


def _run(command: list[str], path: str) -> int:
    """Run a command to its end, through all signals. Return the status that a shell would report for it."""
    import signal
    import subprocess

    from_keys = (signal.SIGINT, signal.SIGQUIT)
    wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT)
    at_terminal = os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}

    def pass_on(number: int, _: object) -> None:
        if child is None:
            early.append(number)
        elif not (at_terminal and number in from_keys):  # the terminal sends these to the child as well
            child.send_signal(number)

    # COMMAND inherits ignored signals, for example from nohup. It would not inherit a handler.
    passed_on = [number for number in wanted if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, pass_on) for number in passed_on}
    try:
        child = subprocess.Popen(command, env={**inherited, VARIABLE: path})
        for number in early:  # the child did not exist yet
            child.send_signal(number)
        status = child.wait()
    except FileNotFoundError:
        raise NoCommandError(f"cannot run '{printable(command[0])}': the file or its interpreter is missing") from None
    except OSError as error:
        raise NotRunnableError(f"cannot run '{printable(command[0])}': {os.strerror(error.errno or 0)}") from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return status if status >= 0 else 128 - status
