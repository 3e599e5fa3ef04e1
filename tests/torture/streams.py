"""Standard streams that are closed or full: no file ever receives output, and the status is right."""

import itertools
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from crdtctl import Replica
from tests.conftest import PROGRAM, Result, Shell, assert_sound
from tests.support.expect import contents
from tests.torture.report import Row
from tests.torture.scenes import WRITES, Scene, scene
from tests.torture.scratch import scratch

READS = ("show builds", "show", "export", "clock", "status", "check")
#: What writes and prints → what it adds.
REPORTS: Mapping[str, dict[str, int]] = {
    "merge other.json --format json": WRITES["merge other.json"],
    "--replica another init --name another": {},
}
#: What fails → its status.
FAILURES = {"show nope": 66, "increment builds 1.5": 2, "merge nope.json": 66}
COMMANDS = (*WRITES, *READS, *REPORTS, *FAILURES)
#: Files that no command changes, except for those that it should make.
_UNTOUCHED = ("config.toml", ".gitignore", "own.lock", "known.lock")


@dataclass(frozen=True)
class Streams:
    """The closed ones of the descriptors 0 to 2, and the targets of the open ones."""

    closed: tuple[int, ...] = ()
    stdout: str = "a pipe"
    stderr: str = "a pipe"

    def __str__(self) -> str:
        return f"closed {self.closed}, stdout to {self.stdout}, stderr to {self.stderr}"

    @property
    def are_read(self) -> bool:
        """Return whether the output arrives."""
        return 1 not in self.closed and self.stdout == "a pipe"


KINDS = [Streams(closed) for size in (1, 2, 3) for closed in itertools.combinations((0, 1, 2), size)]
KINDS += [
    Streams(stdout="/dev/full"),
    Streams(stdout="/dev/full", stderr="/dev/full"),
    Streams((0, 2), stdout="/dev/full"),
    Streams(stdout="a closed pipe"),
    Streams((0,), stdout="a closed pipe", stderr="a closed pipe"),
]


def measure(part: float) -> list[Row]:
    """Run every command with every kind of streams."""
    with scratch() as shell:
        tried, wrong = attempt(shell, part)
    return [
        Row(
            "descriptors 0 to 2 closed in all combinations, /dev/full, a closed pipe",
            "no file receives output; 79 if applied and unreported, 74 if only output was wanted",
            f"{tried} runs of {len(COMMANDS)} commands, {len(wrong)} faults",
            not wrong,
            wrong[:10],
        )
    ]


def attempt(shell: Shell, part: float = 1.0) -> tuple[int, list[str]]:
    """Run each command with each kind of streams, or a part of them; return the number of runs, and the faults."""
    tried = 0
    wrong = []
    for number, (streams, command) in enumerate(itertools.product(KINDS, COMMANDS), 1):
        if int(number * part) == int((number - 1) * part):
            continue
        made = scene(shell.directory / "scene")
        before = contents(made.directory)
        ended = _run(shell, made, command, streams)
        tried += 1
        wrong += [f"{command}, {streams}: {fault}; {ended}" for fault in _judge(made, command, streams, ended, before)]
        shutil.rmtree(made.directory)
    return tried, wrong


def _judge(made: Scene, command: str, streams: Streams, ended: Result, before: Mapping[str, bytes]) -> Iterator[str]:
    expected = _expected(command, streams)
    if ended.status != expected:
        yield f"the status is not {expected}"
    if not made.has(WRITES.get(command) or REPORTS.get(command, {})):
        yield f"the replica reads {made.values()}"
    if " init " in command and Replica(made.directory / "another").clock() != {}:
        yield "the new replica is not new"
    assert_sound(made.replica)
    after = contents(made.directory)
    for name in before:
        is_ours = name in (".crdtctl/own.json", ".crdtctl/known.json", ".crdtctl/log.jsonl")
        if not is_ours and after.get(name) != before[name]:
            yield f"{name} has changed"
    new = {name for name in set(after) - set(before) if not name.startswith("another")}
    if new:
        yield f"there is something new: {sorted(new)}"


def _expected(command: str, streams: Streams) -> int:
    if command in FAILURES:
        return FAILURES[command]
    if command in WRITES or streams.are_read:
        return 0
    if command in REPORTS:
        return 79
    return 0 if 1 not in streams.closed and streams.stdout == "a closed pipe" else 74


def _run(shell: Shell, made: Scene, command: str, streams: Streams) -> Result:
    def close() -> None:
        for fd in streams.closed:
            os.close(fd)

    out, err = _open(streams.stdout), _open(streams.stderr)
    try:
        done = subprocess.run(
            [*PROGRAM, *command.split()],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=made.directory,
            env=shell.environment,
            preexec_fn=close,
            timeout=60,
            check=False,
        )
    finally:
        for fd in (out, err):
            if fd != subprocess.PIPE:
                os.close(fd)
    return Result(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


def _open(where: str) -> int:
    """Return a descriptor, or the constant for a pipe that is read."""
    if where == "a pipe":
        return subprocess.PIPE
    if where == "a closed pipe":
        reading, writing = os.pipe()
        os.close(reading)
        return writing
    return os.open(where, os.O_WRONLY)
