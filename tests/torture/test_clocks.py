"""Clocks that are wrong change no value."""

import pytest

from tests.conftest import Shell
from tests.torture.clocks import TIMES, attempt, missing


@pytest.mark.skipif(bool(missing()), reason=missing() or "faketime works")
def test_a_clock_that_is_wrong_changes_no_value(shell: Shell) -> None:
    _, wrong = attempt(shell, (TIMES[2], TIMES[4]))
    assert wrong == []
