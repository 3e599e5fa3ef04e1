"""Input and output that fail at random, and calls that are interrupted: the statuses are right."""

from collections import Counter

import pytest

from tests.conftest import Shell
from tests.support.strace import needs_strace
from tests.torture.faults import interrupt, missing, play

pytestmark = pytest.mark.timeout(300)


@pytest.mark.skipif(bool(missing()), reason=missing() or "libfiu works")
def test_faults_at_random_leave_a_total_that_the_statuses_allow(shell: Shell) -> None:
    statuses: Counter[int] = Counter()
    for seed in range(4):
        played = play(shell, seed, 0.05)
        assert played.wrong == []
        statuses += played.statuses
    assert statuses[0] > 20
    assert statuses[74] > 10  # or nothing was made to fail


@needs_strace
def test_a_signal_at_any_system_call_changes_nothing(shell: Shell) -> None:
    tried, wrong = interrupt(shell, 0.2)
    assert wrong == []
    assert tried >= 10
