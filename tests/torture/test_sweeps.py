"""Every system call of a write is made to kill the program, and to fail, one at a time."""

import pytest

from tests.conftest import Shell
from tests.support.strace import needs_strace, run
from tests.torture.sweeps import ERRORS, JOBS, UNKNOWN, Bench, fail, kill

pytestmark = [needs_strace, pytest.mark.timeout(900)]


@pytest.fixture(params=list(JOBS))
def bench(request: pytest.FixtureRequest, shell: Shell) -> Bench:
    return Bench(JOBS[request.param], shell)


def test_a_kill_at_any_system_call_leaves_the_old_state_or_the_new_one(bench: Bench) -> None:
    killed, faults = kill(bench)
    assert faults == []
    assert killed >= 5


def test_a_failing_system_call_means_what_the_status_says(bench: Bench) -> None:
    """Each call fails with one of the errors; ``python -m tests.torture`` lets each fail with all of them."""
    failed = 0
    for number, error in enumerate(ERRORS):
        some, faults = fail(bench, error, bench.points[number :: len(ERRORS)])
        assert faults == []
        failed += some
    assert failed >= 1


def test_a_failing_fsync_of_the_directory_is_an_unknown_outcome(bench: Bench) -> None:
    last = [point for point in bench.points if point.call == "fsync"][-1 - bench.job.later_syncs]
    bench.restore()
    ended = run(bench.words, bench.environment, trace="fsync", inject=f"fsync:error=EIO:when={last.when}")
    assert ended.status == UNKNOWN
    assert bench.job.again in ended.stderr
    assert bench.total() == bench.new
