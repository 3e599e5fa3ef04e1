"""Many processes at once on one replica, some of them killed: nothing acknowledged is lost, nothing counts twice."""

import sys
from collections import Counter

import pytest

from tests.conftest import Shell
from tests.torture.judge import Outcome
from tests.torture.processes import play

pytestmark = pytest.mark.timeout(300)

#: The program, which thinks for a while about what it has read, so that writers are sure to meet.
SLOW = """
import sys, time
from crdtctl.store import durable
read = durable.read_all
durable.read_all = lambda fd: (read(fd), time.sleep(0.03))[0]
{change}
from crdtctl.__main__ import run
sys.argv[0] = "crdtctl"
run()
"""
WITH_ITS_LOCK = [sys.executable, "-c", SLOW.format(change="")]
WITHOUT_A_LOCK = [sys.executable, "-c", SLOW.format(change="durable.try_lock = lambda lock: True")]


def test_processes_that_are_killed_at_random_leave_a_total_that_their_statuses_allow(shell: Shell) -> None:
    statuses: Counter[int] = Counter()
    applied = 0
    for seed in range(5):
        done = play(shell, seed)
        assert done.wrong == []
        statuses += done.statuses
        applied += sum(operation.outcome is Outcome.APPLIED for operation in done.operations)
    assert set(statuses) == {0, -9}  # or no process was killed
    assert applied > 50


@pytest.mark.harms_replicas
def test_without_the_lock_they_would_not(shell: Shell) -> None:
    assert play(shell, 0, WITH_ITS_LOCK, kills=0).wrong == []
    plays = (play(shell, seed, WITHOUT_A_LOCK, kills=0) for seed in range(1, 9))  # a busy machine takes turns by itself
    assert any(" reads " in fault for done in plays for fault in done.wrong)
