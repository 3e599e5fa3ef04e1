"""Input without an end is refused, in bounded memory."""

import sys

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.sh import in_sh

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is limited on Linux only")

#: Far more than any of these needs, and far less than what comes.
LIMITED = "ulimit -v 600000; ulimit -t 10; "


@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("merge -", 65),
        ("compare -", 65),
        ("increment --batch -", 2),
        ("increment --batch /dev/zero", 2),
        ("add visitors --batch -", 2),
        ("show --require -", 2),
        ("show --require /dev/zero", 2),
        ("export --since -", 2),
    ],
)
def test_a_stream_of_zeros_is_refused(shell: Shell, replica: Replica, command: str, status: int) -> None:
    replica.increment("builds")
    before = contents(replica.path)
    assert_refused(in_sh(shell, f"{LIMITED} crdtctl {command} < /dev/zero"), status)
    assert contents(replica.path) == before


def test_check_finds_a_fault_in_a_stream_of_zeros(shell: Shell) -> None:
    assert in_sh(shell, f"{LIMITED} crdtctl check - < /dev/zero").status in (1, 65)
