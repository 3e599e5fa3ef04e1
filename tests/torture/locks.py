"""Lock files that are deleted or replaced before, or while, a writer waits for them or holds them.

In each case, acknowledged counts count once, refused ones do not count, no file outside the replica is touched, and no
process waits without an end.
"""

import fcntl
import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import PROGRAM, Result, Shell, assert_sound
from tests.support import strace
from tests.support.waiting import ended, started, wait_until_it_opens
from tests.torture.judge import Operation, Outcome, faults, outcome
from tests.torture.report import Row, skipped
from tests.torture.scenes import HELD, WRITES, Scene, scene
from tests.torture.scratch import scratch

#: How long a writer sleeps while it holds its lock and has written, but not put in place; in microseconds.
_ASLEEP = 400_000
#: Command → which lock it takes.
COMMANDS = {"increment builds 2": "own", "increment builds=2 fresh=1": "own", "merge other.json": "known"}
#: Commands of the fast path, which hands over to the full command after it has lost its lock.
FAST = "increment builds 2"
_SECOND = {"own": FAST, "known": "merge other.json"}


def _delete(lock: Path) -> None:
    lock.unlink()


def _replace(lock: Path) -> None:
    lock.with_name("new").touch()
    lock.with_name("new").rename(lock)


def _link(lock: Path) -> None:
    (lock.parent.parent / "outside").touch()
    lock.unlink()
    lock.symlink_to(lock.parent.parent / "outside")


def _dangling_link(lock: Path) -> None:
    lock.unlink()
    lock.symlink_to(lock.parent.parent / "nowhere")


def _fifo(lock: Path) -> None:
    lock.unlink()
    os.mkfifo(lock)


def _directory(lock: Path) -> None:
    lock.unlink()
    lock.mkdir()


CHANGES: dict[str, Callable[[Path], None]] = {
    "deleted": _delete,
    "replaced": _replace,
    "a link": _link,
    "a dangling link": _dangling_link,
    "a FIFO": _fifo,
    "a directory": _directory,
}


@dataclass(frozen=True)
class Writer:
    """A command that has ended."""

    command: str
    ended: Result


def measure(part: float) -> list[Row]:
    """Do everything to lock files at every moment."""
    what, wanted = "a lock file deleted, replaced, a link, a FIFO, a directory", "noticed before the commit, or refused"
    if strace.missing():
        return [skipped(what, wanted, strace.missing())]
    with scratch() as shell:
        tried, wrong = attempt(shell, part)
    seen = f"{tried} times before, while a writer waits, while one holds it; {len(wrong)} faults"
    return [Row(what, wanted, seen, not wrong, wrong[:10])]


def attempt(shell: Shell, part: float = 1.0) -> tuple[int, list[str]]:
    """Change the lock file in every way at every moment, or in some; return the number of runs and the faults."""
    tried = 0
    wrong = []
    for number, (how, moment, command) in enumerate(itertools.product(CHANGES, MOMENTS, COMMANDS), 1):
        if int(number * part) == int((number - 1) * part):
            continue
        tried += 1
        made = scene(shell.directory / "scene")
        inside = Shell(made.directory, shell.environment)
        lock = made.directory / ".crdtctl" / f"{COMMANDS[command]}.lock"
        writers = MOMENTS[moment](inside, command, lock, CHANGES[how])
        said = f"{how}, {moment}, {command}"
        wrong += [f"{said}: {fault}; {writers}" for fault in _judge(inside, made, lock, how, moment, writers)]
        shutil.rmtree(made.directory)
    return tried, wrong


def _before(shell: Shell, command: str, lock: Path, change: Callable[[Path], None]) -> list[Writer]:
    change(lock)
    return [Writer(command, shell("--lock-timeout", "1", *command.split())), Writer(command, shell(*command.split()))]


def _while_it_waits(shell: Shell, command: str, lock: Path, change: Callable[[Path], None]) -> list[Writer]:
    with lock.open("r+b") as ours:
        fcntl.flock(ours, fcntl.LOCK_EX)
        process = started(shell, *command.split())
        wait_until_it_opens(process, lock.name)
        change(lock)
    status, stdout, stderr = ended(process)
    return [Writer(command, Result(status, stdout.decode(), stderr.decode()))]


def _while_it_holds_it(shell: Shell, command: str, lock: Path, change: Callable[[Path], None]) -> list[Writer]:
    """Let a writer fall asleep just before it puts its file in place, and another one come along."""
    asleep = strace.prefix("fsync", f"fsync:delay_enter={_ASLEEP}:when=1")
    process = subprocess.Popen(
        [*asleep, *PROGRAM, *command.split()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
    )
    while process.poll() is None and not _has_written(lock):
        time.sleep(0.005)
    change(lock)
    second = _SECOND[lock.stem]
    after = Writer(second, shell("--lock-timeout", "5", *second.split()))
    status, stdout, stderr = ended(process)
    return [Writer(command, Result(status, stdout.decode(), stderr.decode())), after]


MOMENTS = {"before": _before, "while a writer waits": _while_it_waits, "while a writer holds it": _while_it_holds_it}


def _has_written(lock: Path) -> bool:
    drafts = [path for path in lock.parent.iterdir() if path.name.startswith(f"{lock.stem}.json.")]
    try:
        return any(path.stat().st_size for path in drafts)
    except FileNotFoundError:
        return False


def _judge(shell: Shell, made: Scene, lock: Path, how: str, moment: str, writers: list[Writer]) -> Iterator[str]:
    operations = [Operation(HELD, Outcome.APPLIED)]
    for writer in writers:
        key = "merge" if writer.command.startswith("merge") else ""
        operations.append(Operation(WRITES[writer.command], outcome(writer.ended.status), key))
        if operations[-1].outcome is Outcome.UNKNOWN:
            yield "an undocumented status"
        if (writer.ended.status != 0) != (writer.ended.stderr.count("\n") == 1):
            yield "not the words that it should be"
    yield from faults(operations, {"the replica": made.values()})
    if moment == "while a writer holds it" and writers[0].command != FAST and writers[0].ended.status != 74:
        yield "that the lock was lost was not noticed"
    if how in ("deleted", "replaced") and writers[-1].ended.status != 0:
        yield "a new lock file was not taken"
    if os.path.lexists(made.directory / "nowhere") or (how == "a link" and _outside(made)):
        yield "the link was followed"
    if lock.is_dir() and not lock.is_symlink():
        lock.rmdir()
    else:
        lock.unlink(missing_ok=True)
    value = made.replica.value("builds")
    shell.ok("increment", "builds", "2")
    if made.replica.value("builds") != value + 2:
        yield "with a lock file again, the next increment does not count"
    assert_sound(made.replica)


def _outside(made: Scene) -> bytes:
    return (made.directory / "outside").read_bytes()
