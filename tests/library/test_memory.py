"""Reading everything needs the same little memory however much there is."""

import subprocess
import sys
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from tests.conftest import Shell

LINES = 60_000

#: The most memory that a process had, in kilobytes, as Linux says. (What getrusage says includes its parent's.)
MEASURED = """
import sys
from crdtctl import Replica
replica = Replica(sys.argv[1])
count = 0
if sys.argv[2] == "counters":
    count = sum(1 for _ in replica.counters())
else:
    def write(data):
        global count
        count += data.count(b"pncounter")
    replica.export(write)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")), count)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process had")
@pytest.mark.parametrize("what", ["counters", "export"])
def test_counters_and_exports_come_piece_by_piece(shell: Shell, replica: Replica, what: str) -> None:
    row = b",".join(b'"author-%02d-00112233445566778899":[1,%d,1]' % (number, number + 7) for number in range(10))
    clock = {f"author-{number:02}-00112233445566778899": 1 for number in range(10)}
    head = encode_head(Head("known", replica.id, clock))
    data = assemble(head, [b'"counter %05d":{"pncounter":{%b}}' % (number, row) for number in range(LINES)])
    Path(replica.path, "known.json").write_bytes(data)
    assert len(data) > 24 * 2**20
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, replica.path, what],
        capture_output=True,
        text=True,
        env=shell.environment,
        check=True,
    )
    kilobytes, count = map(int, done.stdout.split())
    assert count == LINES
    assert kilobytes * 1024 < 48 * 2**20
