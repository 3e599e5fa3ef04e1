"""A lock file is deleted or replaced in every way, at every moment: only acknowledged counts count, and once."""

import pytest

from tests.conftest import Shell
from tests.support.strace import needs_strace
from tests.torture.locks import attempt


@needs_strace
@pytest.mark.timeout(300)
def test_a_lock_file_that_is_taken_away_costs_no_count(shell: Shell) -> None:
    tried, wrong = attempt(shell, 0.34)
    assert wrong == []
    assert tried > 15
