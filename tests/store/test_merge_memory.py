"""Merging needs the same little memory however much is merged."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from tests.conftest import Shell

LINES = 30_000
AUTHORS = 10
MEGABYTE = 2**20

#: The most memory that a process had, in kilobytes, as Linux says. (What getrusage says includes its parent's.)
MEASURED = """
import sys
from crdtctl import Replica
report = Replica(sys.argv[1]).merge(*sys.argv[2:])
assert not report.refused
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")), report.counters)
"""


def large(path: Path, writer: str, lines: int, extra: int) -> None:
    """Write a state of many lines, each of many authors; `extra` makes it differ on every line."""
    authors = sorted([*(f"author-{number:02}-00112233445566778899" for number in range(AUTHORS - 1)), writer])
    row = ",".join(f'"{author}":[%d,%d,1]' for author in authors)

    def line(number: int) -> bytes:
        numbers = [part for author in authors for part in (1, number + (extra if author == writer else 0))]
        return f'"counter {number:05}":{{"pncounter":{{{row % tuple(numbers)}}}}}'.encode()

    head = encode_head(Head("state", writer, dict.fromkeys(authors, 1)))
    path.write_bytes(assemble(head, [line(number) for number in range(lines)]))


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process had")
def test_two_states_of_thirty_thousand_lines_by_ten_authors_need_48_megabytes_and_hardly_more_than_small_ones(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    def memory(lines: int) -> int:
        replica = new_replica(f"of-{lines}")
        large(shell.directory / "one.json", "one", lines, 1)
        large(shell.directory / "two.json", "two", lines, 2)
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, replica.path, "one.json", "two.json"],
            capture_output=True,
            text=True,
            cwd=shell.directory,
            env=shell.environment,
            check=True,
        )
        kilobytes, counters = map(int, done.stdout.split())
        assert counters == lines
        return kilobytes * 1024

    few, many = memory(LINES // 10), memory(LINES)
    assert (shell.directory / "one.json").stat().st_size > 12 * MEGABYTE
    assert many < 48 * MEGABYTE
    assert many - few < 8 * MEGABYTE
