"""Clocks that are wrong: they go backwards, show 1970, pass 2038. No value depends on them."""

import shutil
import subprocess
from collections import Counter
from collections.abc import Sequence
from functools import cache

from tests.conftest import PROGRAM, Shell, assert_sound
from tests.torture.report import Row, skipped
from tests.torture.scenes import HELD, WRITES, scene
from tests.torture.scratch import scratch

#: In this order, so that most are before the one that they follow.
TIMES = ("+30y", "@2106-02-07 06:28:14", "@2038-01-19 03:14:06", "-10y", "@1970-01-02 00:00:00")
#: Command → what it adds each time; ``{}`` is the number of the time.
_WRITES = {
    "increment builds 2": {"builds": 2},
    "increment builds=2 other=1": {"builds": 2, "other": 1},
    "increment builds --once job-{}": {"builds": 1},
    "decrement builds": {"builds": -1},
    "add names {}": {"names": 1},
}
_READS = ("show", "export", "clock", "status", "check", "show builds")


@cache
def missing() -> str:
    """Return the reason why this machine cannot change clocks, or an empty text."""
    if shutil.which("faketime") is None:
        return "faketime is not installed"
    probe = subprocess.run(
        ["faketime", "-f", TIMES[-1], *PROGRAM, "--version"], capture_output=True, check=False, timeout=60
    )
    return "" if probe.returncode == 0 else "faketime does not work with this Python"


def measure(part: float) -> list[Row]:
    """Run every command at every wrong time."""
    what, wanted = "clocks: backwards, 1970, 2038, 2106 (faketime)", "no effect on any value"
    if missing():
        return [skipped(what, wanted, missing())]
    with scratch() as shell:
        tried, wrong = attempt(shell, TIMES[:: max(1, round(1 / part))])
    return [Row(what, wanted, f"{tried} commands, {len(wrong)} faults", not wrong, wrong[:10])]


def attempt(shell: Shell, times: Sequence[str] = TIMES) -> tuple[int, list[str]]:
    """Run each command at each time on one replica; return the number of runs, and the faults."""
    made = scene(shell.directory / "scene")
    inside = Shell(made.directory, shell.environment)
    expected = Counter(HELD)
    wrong = []
    tried = 0
    for number, time in enumerate(times):
        for command, added in _WRITES.items():
            expected.update(added)
            wrong += _fault(_at(inside, time, command.format(number)), "")
        if number == len(times) // 2:  # something is heard of others while the clock is wrong
            expected.update(WRITES["merge other.json"])
            wrong += _fault(_at(inside, time, "merge other.json"), "")
        for command in _READS:
            wrong += _fault(_at(inside, time, command), f"{expected['builds']}\n" if command == "show builds" else None)
        tried += len(_WRITES) + len(_READS)
    if made.values() != dict(expected):
        wrong.append(f"the replica reads {made.values()}, not {dict(expected)}")
    assert_sound(made.replica)
    return tried, wrong


def _at(shell: Shell, time: str, command: str) -> "subprocess.CompletedProcess[str]":
    """Run a command at a time."""
    return subprocess.run(
        ["faketime", "-f", time, *PROGRAM, *command.split()],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=shell.directory,
        env=shell.environment,
        timeout=60,
        check=False,
    )


def _fault(done: "subprocess.CompletedProcess[str]", stdout: str | None) -> list[str]:
    """Return the faults of a command that should have printed `stdout` (None: any output)."""
    is_right = done.returncode == 0 and not done.stderr and (done.stdout == stdout or (stdout is None and done.stdout))
    return [] if is_right else [f"{done.args}: {done.returncode}, {done.stdout!r}, {done.stderr!r}"]
