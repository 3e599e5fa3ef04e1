"""Where no write can succeed, no change is applied, and reads still work. See also commands/test_io_failures.py."""

import pytest

from tests.conftest import Shell
from tests.torture.disks import needs_disks
from tests.torture.places import PLACES, attempt

pytestmark = [needs_disks, pytest.mark.timeout(300)]


@pytest.mark.parametrize("name", ["a disk without inodes", "an immutable directory"])
def test_where_nothing_can_be_written_nothing_is_applied_and_reading_goes_on(shell: Shell, name: str) -> None:
    tried, wrong = attempt(shell, PLACES[name], 2)
    assert wrong == []
    assert tried > 8
