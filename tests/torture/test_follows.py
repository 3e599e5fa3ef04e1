"""A followed log is rotated, and the program is killed, or fails, at its system calls: each line counts once."""

import pytest

from tests.conftest import Shell
from tests.support.strace import needs_strace, was_killed
from tests.torture.follows import WAYS, Scene
from tests.torture.sweeps import ERRORS

pytestmark = [needs_strace, pytest.mark.timeout(900)]
#: A sixteenth of the calls: ``python -m tests.torture --only follows`` takes all of them.
STEP = 16


@pytest.mark.parametrize("way", WAYS)
def test_every_line_counts_once_after_a_kill_at_any_system_call(shell: Shell, way: str) -> None:
    scene = Scene(shell, way)
    ends, faults = scene.sweep("signal=SIGKILL", scene.points()[WAYS.index(way) :: STEP])
    assert faults == []
    assert sum(map(was_killed, ends)) > 5


@pytest.mark.parametrize("way", WAYS)
def test_every_line_counts_once_after_a_failing_system_call(shell: Shell, way: str) -> None:
    scene = Scene(shell, way)
    number = WAYS.index(way)
    ends, faults = scene.sweep(f"error={ERRORS[number % len(ERRORS)]}", scene.points()[STEP - 1 - number :: STEP])
    assert faults == []
    assert any(ended.status for ended in ends)
