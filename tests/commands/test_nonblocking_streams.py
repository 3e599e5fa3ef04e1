"""Standard streams that do not block, as an event loop hands them to the programs that it starts."""

import os
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell


@contextmanager
def pipe(*, reads: bool) -> Iterator[tuple[int, int]]:
    """Make a pipe whose reading or writing end does not block; yield both ends."""
    reading, writing = os.pipe()
    os.set_blocking(reading if reads else writing, False)
    try:
        yield reading, writing
    finally:
        for fd in (reading, writing):
            try:
                os.close(fd)
            except OSError:
                pass


def started(shell: Shell, words: Sequence[str], **streams: int) -> subprocess.Popen[bytes]:
    everything = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.Popen(
        [*PROGRAM, *words],
        cwd=shell.directory,
        env=shell.environment,
        stdin=everything["stdin"],
        stdout=everything["stdout"],
        stderr=everything["stderr"],
    )


def drained(fd: int) -> bytes:
    """Read to the end, beginning late, so that the writer has filled the pipe."""
    time.sleep(0.5)
    pieces = []
    while piece := os.read(fd, 4096):
        pieces.append(piece)
    return b"".join(pieces)


@pytest.fixture
def large(replica: Replica) -> Replica:
    with replica.batch() as batch:
        for number in range(3000):
            batch.increment(f"counter {number:05}", number + 1)
    return replica


@pytest.mark.parametrize("words", [["export"], ["show"], ["show", "--format", "json"], ["export", "--format", "toml"]])
def test_output_that_does_not_block_gets_everything(shell: Shell, large: Replica, words: list[str]) -> None:
    expected = shell.ok(*words)
    assert len(expected) > 2**16  # more than a pipe holds
    with pipe(reads=False) as (reading, writing), started(shell, words, stdout=writing) as process:
        os.close(writing)
        printed = drained(reading)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert (process.returncode, printed.decode()) == (0, expected)


def test_errors_that_do_not_block_are_all_printed(shell: Shell, replica: Replica) -> None:
    names = [f"{number:060}.json" for number in range(1500)]
    for name in names:
        Path(shell.directory, name).write_text("no state")
    with pipe(reads=False) as (reading, writing), started(shell, ["merge", *names], stderr=writing) as process:
        os.close(writing)
        printed = drained(reading)
    assert process.returncode == 65
    assert printed.count(b"\n") == 1501


@pytest.mark.parametrize("words", [["merge", "-"], ["increment", "--batch", "-"], ["add", "set", "--batch", "-"]])
def test_input_that_does_not_block_is_waited_for(shell: Shell, replica: Replica, words: list[str]) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 41)
    data = other.export_bytes() if words[0] == "merge" else b"builds\nparcels\n"
    with pipe(reads=True) as (reading, writing), started(shell, words, stdin=reading) as process:
        time.sleep(0.3)
        for piece in (data[:10], data[10:]):
            os.write(writing, piece)
            time.sleep(0.2)
        os.close(writing)
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0
    assert {"merge": {"builds": 41}, "increment": {"builds": 1, "parcels": 1}, "add": {"set": 2}}[words[0]] == {
        one.name: one.value for one in replica.counters()
    }
