"""Input and output that fail at random, and system calls that are interrupted.

The random faults are libfiu's, in the program's own calls. They begin after the start of Python, so that they do not
only try Python. In one half of the runs, the program's modules are loaded before. In the other half, loading them may
fail as well. Python must not write compiled files then: a fault would damage its caches.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import crdtctl
from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.check import check_replica
from tests.conftest import Result, Shell
from tests.support import strace
from tests.torture.judge import Operation, Outcome, allowed, faults, outcome
from tests.torture.report import Row, skipped
from tests.torture.scenes import WRITES, scene
from tests.torture.scratch import scratch

RUNS = 1000
#: The number of commands that run on one replica and are judged together.
RUNS_EACH = 20
PROBABILITY = 0.02

#: The program, whose input and output fail at random. Arguments: a seed, how
#: probably a call fails, whether all is loaded before, the words.
FAULTY = """
import ctypes, importlib, pkgutil, sys
from crdtctl import __main__, commands, fastpath
seed, probability, load, *sys.argv[1:] = sys.argv[1:]
sys.argv[0] = "crdtctl"
if load == "loaded":
    import filelock
    for module in pkgutil.iter_modules(commands.__path__):
        importlib.import_module(f"crdtctl.commands.{module.name}")
fiu = ctypes.CDLL(None)
fiu.fiu_set_prng_seed(int(seed))
assert fiu.fiu_enable_random(b"posix/io/*", 1, None, 0, ctypes.c_float(float(probability))) == 0
__main__.run()
"""
_FIU = ["fiu-run", "-x", "-f", "", sys.executable, "-B", "-c", FAULTY]
#: libfiu divides by zero when a read of no bytes is to be made shorter.
_LIBFIU_DIED = -8

#: The directory of the program's modules.
PACKAGE = os.path.dirname(crdtctl.__file__)
#: The calls that a signal may interrupt.
INTERRUPTED = {"openat", "read", "pread64", "write", "writev", "fsync", "flock"}


@cache
def missing() -> str:
    """Return the reason why this machine cannot make random faults, or an empty text."""
    if shutil.which("fiu-run") is None:
        return "fiu-run (fiu-utils) is not installed"
    probe = subprocess.run([*_FIU, "1", "0", "loaded", "--version"], capture_output=True, check=False)
    return "libfiu does not work with this Python" if b"Error" in probe.stderr else ""


def measure(part: float) -> list[Row]:
    """Run commands whose input and output fail, or are interrupted."""
    return [_random_faults(part), _interruptions(part)]


# Random faults ----------------------------------------------------------------------------------------


def _random_faults(part: float) -> Row:
    what, wanted = "I/O faults at random (libfiu, 2 % of the calls)", "every total is one that the statuses allow"
    if missing():
        return skipped(what, wanted, missing())
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    runs = max(RUNS_EACH, round(RUNS * part))
    with scratch() as shell:
        for seed in range(runs // RUNS_EACH):
            played = play(shell, seed)
            wrong += [f"replica {seed}: {fault}" for fault in played.wrong]
            statuses += played.statuses
    failed = statuses.total() - statuses[0]
    return Row(
        what,
        wanted,
        f"{statuses.total()} runs, {failed} failed, {len(wrong)} faults",
        not wrong and failed > 0,
        [f"status {status}: {number} times" for status, number in sorted(statuses.items())] + wrong[:10],
    )


@dataclass
class Play:
    """The events on one replica: its operations, the ends of its commands, and the faults."""

    operations: list[Operation] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def play(shell: Shell, seed: int, probability: float = PROBABILITY) -> Play:
    """Run commands with faults on a new replica, one after the other; return all that was wrong."""
    chance = random.Random(seed)
    place = Path(tempfile.mkdtemp(dir=shell.directory))
    replica = Replica.init(place / ".crdtctl", name="here")
    Path(replica.path, "config.toml").write_text("lock_timeout = 0.1\n")  # a close that failed keeps the lock
    replica.create("builds", "pncounter")
    hub = Replica.init(place / "hub", name="hub")
    peer = Replica.init(place / "peer", name="peer")
    peer.increment("builds", 10**10)
    peer.export_to(place / "peer.json")
    played = Play()
    for number in range(RUNS_EACH):
        words, amounts, key = _command(chance, place)
        for attempt in range(3 if key else 1):  # which is what an idempotency key is for
            again = [str(1000 * seed + 3 * number + attempt), str(probability), chance.choice(["loaded", "bare"])]
            ended = _faulty(shell, place, [*again, *words])
            played.statuses[ended.status] += 1
            played.wrong += _faults_of_end(words, ended)
            if amounts:
                played.operations.append(Operation(amounts, outcome(ended.status), key))
            elif ended.status == 0:
                played.wrong += _told_right(words, ended, played.operations, hub)
            if outcome(ended.status) is Outcome.APPLIED:
                break
    try:
        hub.merge_bytes(replica.export_bytes())
        reads = {
            who: {reading.name: reading.value for reading in one.counters()}
            for who, one in (("the replica", replica), ("the hub", hub))
        }
        played.wrong += faults(played.operations, reads)
    except CrdtctlError as error:
        played.wrong.append(f"nothing can be read: {error}")
    played.wrong += [f"{found.path}: {found.found}" for found in check_replica(replica.path) if not found.ok]
    return played


def _command(chance: random.Random, place: Path) -> tuple[list[str], dict[str, int], str]:
    """Return the words of a command, its amounts, and its key if it may be repeated."""
    some, more = chance.randrange(1, 10**9), chance.randrange(1, 10**9)
    match chance.randrange(12):
        case 0 | 1 | 2:
            return ["increment", "builds", str(some)], {"builds": some}, ""
        case 3:
            return ["decrement", "builds", str(some)], {"builds": -some}, ""
        case 4:
            return ["increment", f"builds={some}", f"other={more}"], {"builds": some, "other": more}, ""
        case 5:
            (place / "batch.txt").write_text(f"builds {some}\nother {more}\n")
            return ["decrement", "--batch", "batch.txt"], {"builds": -some, "other": -more}, ""
        case 6:
            return ["add", "names", str(some)], {"names": 1}, ""
        case 7 | 8:
            return ["increment", "other", str(some), "--once", f"job-{some}"], {"other": some}, f"job-{some}"
        case 9:
            return ["merge", "peer.json"], {"builds": 10**10}, "the peer's"
        case 10:
            return ["show", "builds"], {}, ""
        case _:
            return ["export"], {}, ""


def _faulty(shell: Shell, place: Path, words: list[str]) -> Result:
    done = subprocess.run(
        [*_FIU, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=place,
        env={**shell.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def _faults_of_end(words: list[str], ended: Result) -> Iterator[str]:
    """Yield the faults of the end of a command."""
    if ended.status == _LIBFIU_DIED:
        return
    if ended.status == 1 or ended.status < 0 or "Traceback" in ended.stderr:
        yield f"{' '.join(words)} ended with {ended.status}: {ended.stderr.strip()[-500:]}"


def _told_right(words: list[str], ended: Result, operations: list[Operation], hub: Replica) -> Iterator[str]:
    """Yield the faults in the output of a reading command that succeeded."""
    if words[0] == "show":
        if (int(ended.stdout),) not in allowed(["builds"], operations):
            yield f"show printed {ended.stdout.strip()}"
    else:
        refused = hub.merge_bytes(ended.stdout.encode(), check=False).refused
        yield from (f"an export is refused: {reason}" for reason in refused.values())


# Interruptions ----------------------------------------------------------------------------------------


def _interruptions(part: float) -> Row:
    what, wanted = "EINTR, at every call that a signal may interrupt", "every command succeeds, once"
    if strace.missing():
        return skipped(what, wanted, strace.missing())
    with scratch() as shell:
        tried, wrong = interrupt(shell, part)
    return Row(what, wanted, f"{tried} calls in {len(WRITES)} commands, {len(wrong)} faults", not wrong, wrong[:10])


def interrupt(shell: Shell, part: float = 1.0) -> tuple[int, list[str]]:
    """Interrupt each call of each writing command, or a part of them; return the number of calls, and the faults."""
    tried = 0
    wrong = []
    number = 0
    environment = {**shell.environment, "PYTHONDONTWRITEBYTECODE": "1"}
    for command, added in WRITES.items():
        for point in _points(shell, command, environment):
            number += 1
            if int(number * part) == int((number - 1) * part):
                continue
            tried += 1
            wrong += [f"{command}, {point.line}: {fault}" for fault in _interrupted(shell, command, added, point)]
    return tried, wrong


def _points(shell: Shell, command: str, environment: Mapping[str, str]) -> list[strace.Point]:
    """Return the calls of a command that a signal may interrupt, from the replica's directory on.

    Python looks for modules without trying again; in practice, no signal interrupts that.
    """
    place = Path(tempfile.mkdtemp(dir=shell.directory), "scene")
    scene(place)
    strace.load(command.split(), shell.environment, place)
    shutil.rmtree(place)
    scene(place)
    log = place / "log"
    ended = strace.run(command.split(), environment, trace=strace.CALLS, log=log, directory=place)
    assert ended == strace.Run(0, "", "")
    found = strace.logged(log)
    first = next(index for index, point in enumerate(found) if f'{place}/.crdtctl"' in point.line)
    return [point for point in found[first:] if point.call in INTERRUPTED and PACKAGE not in point.line]


def _interrupted(shell: Shell, command: str, added: dict[str, int], point: strace.Point) -> Iterator[str]:
    place = Path(tempfile.mkdtemp(dir=shell.directory), "scene")
    made = scene(place)
    ended = strace.run(
        command.split(),
        {**shell.environment, "PYTHONDONTWRITEBYTECODE": "1"},
        directory=place,
        **strace.at(point, "error=EINTR"),
    )
    if ended != strace.Run(0, "", ""):
        yield f"it ended with {ended}"
    if not made.has(added):
        yield f"the replica reads {made.values()}"
    shutil.rmtree(os.path.dirname(place))
