"""The real program, which takes the fast path where it can, against the full command in an interpreter of its own."""

import os
import pty
import shutil
import subprocess
import sys

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Result, Shell
from tests.support.clones import bind, contents

FULL = [sys.executable, "-c", "import sys; from crdtctl.cli.main import main; sys.exit(main(sys.argv[1:]))"]

COMMANDS = (
    "increment builds",
    "inc builds 41",
    "decrement builds 2",
    "dec pages",
    "show builds",
    "show visitors",
    "show nothing",
    "increment fresh",
    "increment builds 0",
    "increment builds --once job-1",
    "decrement pages --once job-1",
    "show",
)


@pytest.fixture
def twin(shell: Shell, replica: Replica, new_replica: object) -> Shell:
    """Return a shell in a copy of the replica's directory."""
    replica.increment("builds", 3)
    replica.create("pages", "gcounter")
    replica.add("visitors", "ada")
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 4)
    replica.merge_bytes(other.export_bytes())
    copy = shell.directory.parent / "copy"
    shutil.copytree(shell.directory, copy)
    bind(copy / ".crdtctl", f"{copy}.witness")
    return Shell(copy, shell.environment)


def full(shell: Shell, words: list[str]) -> Result:
    done = subprocess.run(
        [*FULL, *words], capture_output=True, cwd=shell.directory, env=shell.environment, text=True, check=False
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("words", COMMANDS)
def test_the_program_does_what_the_full_command_does(shell: Shell, twin: Shell, words: str) -> None:
    assert shell(*words.split()) == full(twin, words.split())
    assert contents(shell.directory) == contents(twin.directory)


def on_terminal(program: list[str], words: list[str], shell: Shell) -> tuple[int, bytes]:
    """Run a program whose standard output is a terminal; return its status and what stands there."""
    outer, inner = pty.openpty()
    try:
        done = subprocess.run(
            [*program, *words], stdin=subprocess.DEVNULL, stdout=inner, cwd=shell.directory, env=shell.environment
        )
        os.set_blocking(outer, False)
        try:
            return done.returncode, os.read(outer, 4096)
        except BlockingIOError:
            return done.returncode, b""
    finally:
        os.close(outer)
        os.close(inner)


@pytest.mark.parametrize("words", ["increment builds", "decrement builds 2", "show builds"])
def test_on_a_terminal_the_program_says_what_the_full_command_says(shell: Shell, twin: Shell, words: str) -> None:
    status, said = on_terminal(PROGRAM, words.split(), shell)
    assert (status, said) == on_terminal(FULL, words.split(), twin)
    assert status == 0
    assert said
    assert contents(shell.directory) == contents(twin.directory)


def test_a_lock_that_is_held_is_busy_both_ways(shell: Shell, twin: Shell) -> None:
    with Replica(shell.directory)._open() as one, Replica(twin.directory)._open() as two:
        (shell.directory / ".crdtctl/config.toml").write_text("lock_timeout = 0\n")
        (twin.directory / ".crdtctl/config.toml").write_text("lock_timeout = 0\n")
        with one.locked("own", 0), two.locked("own", 0):
            ours, theirs = shell("increment", "builds"), full(twin, ["increment", "builds"])
    assert (ours.status, theirs.status) == (75, 75)
    assert ours.stderr.replace(str(shell.directory), "") == theirs.stderr.replace(str(twin.directory), "")
    assert contents(shell.directory) == contents(twin.directory)
