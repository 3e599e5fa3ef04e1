"""A reader that leaves early is no failure, and nothing is read that was not asked for."""

import os
import subprocess

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.handwritten import counted, document


@pytest.fixture
def listing(replica: Replica) -> None:
    """Fill the replica with more than a pipe holds, in a few columns of each row."""
    lines = [counted(f"counter {number:06}", "other", 1, number + 1) for number in range(20_000)]
    replica.merge_bytes(document("other", 1, *lines))


@pytest.mark.usefixtures("listing")
@pytest.mark.parametrize(
    "command",
    [
        "show",
        "show --state",
        "show --by-replica",
        "show --format json",
        "show --format csv",
        "show --format table",
        "export",
        "export --format toml",
    ],
)
def test_a_closed_pipe_ends_quietly(shell: Shell, command: str) -> None:
    with subprocess.Popen(
        [*PROGRAM, *command.split()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


@pytest.mark.parametrize("command", ["show", "show builds", "--help", "show --help", "--version", "clock", "schema"])
def test_a_pipe_that_nobody_ever_read_ends_quietly_too(shell: Shell, replica: Replica, command: str) -> None:
    replica.increment("builds")
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [*PROGRAM, *command.split()],
        stdin=subprocess.DEVNULL,
        stdout=writing,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_nothing_reads_standard_input_unless_it_is_named(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.export_to(shell.directory / "state.json")
    reading, writing = os.pipe()
    os.write(writing, b"builds 100\n")
    os.close(writing)
    for command in (
        "increment builds",
        "increment builds=1",
        "decrement builds=1",
        "add visitors ada",
        "increment --batch /dev/null",
        "show",
        "show builds",
        "export",
        "merge state.json",
        "compare state.json",
        "check",
        "check state.json",
        "status",
        "clock",
        "schema",
        "init elsewhere",
    ):
        done = subprocess.run(
            [*PROGRAM, *command.split()],
            stdin=reading,
            capture_output=True,
            cwd=shell.directory,
            env=shell.environment,
            check=False,
        )
        assert done.returncode == 0, command
    assert os.read(reading, 100) == b"builds 100\n"
    os.close(reading)
    assert replica.value("builds") == 2
