"""Ctrl-C ends every command, also where Python drops the exception that it raises."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.test_locks import held
from tests.conftest import Shell
from tests.support.clones import contents
from tests.support.waiting import ended, started, wait_until_it_opens

#: A command that interrupts itself in a callback of a weak reference, or in a destructor, and then goes on for long.
DROPPED = """
import signal, sys, time, weakref
from crdtctl.commands import clock
from crdtctl.cli import main

class Thing:
    def __del__(self):
        if sys.argv[1] == "destructor":
            signal.raise_signal(signal.SIGINT)

def interrupt(_):
    signal.raise_signal(signal.SIGINT)

def work(*_):
    thing = Thing()
    if sys.argv[1] == "weak reference":
        watched = weakref.ref(thing, interrupt)
    del thing
    time.sleep(20)
    print("went on")

clock.session = work
sys.exit(main.main(["clock"]))
"""


@pytest.mark.parametrize("place", ["weak reference", "destructor"])
def test_an_interruption_that_python_drops_ends_the_command(shell: Shell, place: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", DROPPED, place],
        cwd=shell.directory,
        env=shell.environment,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize(("words", "lock"), [(["increment", "builds=1"], "own"), (["merge", "other.json"], "known")])
def test_an_interruption_at_any_moment_of_a_wait_ends_it_without_a_traceback(
    shell: Shell, replica: Replica, words: list[str], lock: str
) -> None:
    replica.increment("builds", 42)
    Path(shell.directory, "other.json").write_bytes(replica.export_bytes())
    before = contents(Path(replica.path))
    moments = random.Random(lock)  # spread, and the same each time
    with held(replica, lock):
        for _ in range(10):  # on the way are imports, in which Python drops exceptions
            process = started(shell, *words)
            wait_until_it_opens(process, f"{lock}.lock")
            time.sleep(moments.uniform(0, 0.06))
            process.send_signal(signal.SIGINT)
            assert ended(process) == (130, b"", b"")
    assert contents(Path(replica.path)) == before
