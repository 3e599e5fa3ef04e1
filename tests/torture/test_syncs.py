"""A sync over a folder that is killed, interrupted or let down at any system call harms nothing, and the next heals."""

import pytest

from tests.conftest import Shell
from tests.support.strace import after_changes, needs_strace
from tests.torture.syncs import Meeting

pytestmark = [needs_strace, pytest.mark.timeout(900)]


@pytest.fixture
def meeting(shell: Shell) -> Meeting:
    return Meeting(shell)


def test_a_kill_at_any_system_call_loses_nothing(meeting: Meeting) -> None:
    chosen = after_changes(meeting.points)
    assert len(chosen) > 10
    assert meeting.sweep("signal=SIGKILL", chosen) == []


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_at_any_system_call_ends_it_in_order(meeting: Meeting, name: str) -> None:
    chosen = meeting.points[1::8]
    assert meeting.sweep(f"signal={name}", chosen) == []


@pytest.mark.parametrize(("number", "error"), list(enumerate(["EIO", "ENOSPC", "EROFS", "EACCES"])))
def test_a_failing_system_call_means_what_the_status_says(meeting: Meeting, number: int, error: str) -> None:
    """Each call fails with one of the errors."""
    assert meeting.sweep(f"error={error}", meeting.points[number::4]) == []
    assert meeting.seen > 0
