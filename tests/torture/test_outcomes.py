"""A failure after the rename leaves the change applied: 79 if it was not reported, 76 only if it may not last."""

import pytest

from tests.conftest import Shell
from tests.support.strace import needs_strace
from tests.torture.outcomes import ALL, REPORTING, afterwards, unreported

pytestmark = [needs_strace, pytest.mark.timeout(300)]


@pytest.mark.parametrize("error", ["ENOSPC", "EPIPE"])
def test_whatever_cannot_be_written_to_standard_output_was_applied_and_is_unreported(shell: Shell, error: str) -> None:
    tried, wrong = unreported(shell, errors=[error])
    assert wrong == []
    assert tried >= len(REPORTING)


def test_an_outcome_is_unknown_only_if_it_may_not_last(shell: Shell) -> None:
    words = {
        "increment builds 2",
        "increment --batch batch.txt",
        "merge other.json --format json",
        "export -o out.json",
    }
    cases = [case for case in ALL if not case.terminal and (case.words in words or case.words.startswith("init"))]
    tried, wrong = afterwards(shell, 0.5, cases)
    assert wrong == []
    assert tried > 15
