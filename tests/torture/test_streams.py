"""Any standard streams are closed or full: no file receives output, and the status is right."""

import os

import pytest

from tests.conftest import Shell
from tests.torture.streams import attempt


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="/dev/full is missing")
def test_no_file_ever_receives_output_and_the_status_says_what_was_applied(shell: Shell) -> None:
    tried, wrong = attempt(shell, 0.24)
    assert wrong == []
    assert tried > 40
