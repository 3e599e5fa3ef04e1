"""A remote with a thousand replicas: only new objects are read, and memory stays flat."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.sync import connecting
from crdtctl.sync.engine import sync
from crdtctl.sync.kept_files import CACHE, directory, file_of
from crdtctl.sync.report import Remote, SyncReport
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject
from crdtctl.sync.transports.folder.transport import Folder
from tests.conftest import Shell
from tests.support import crowd

REPLICAS = 1_000
COUNTERS = 1_000
MEGABYTE = 2**20

#: The most memory that a process had, in kilobytes, as Linux says. (What getrusage says includes its parent's.)
MEASURED = """
import sys
from crdtctl import Replica
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Remote
report = sync(Replica(sys.argv[1]), [Remote("hub", sys.argv[2])])
assert not report.merge.refused and report.remotes[0].error is None
counted = report.merge.counters, len(report.remotes[0].read)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM:")), *counted)
"""


@dataclass
class Asked:
    """What a remote was asked for."""

    lists: int = 0
    gets: int = 0
    puts: int = 0
    deletes: int = 0


class Counting(Folder):
    """A folder that notes what it is asked for."""

    def __init__(self, path: Path, asked: Asked) -> None:
        super().__init__(Endpoint(str(path), str(path), Deadline(300), ""))
        self._asked = asked

    def list(self) -> Sequence[ListedObject]:
        self._asked.lists += 1
        return super().list()

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        self._asked.gets += 1
        super().get(name, write)

    def put(self, name: str, path: str) -> None:
        self._asked.puts += 1
        super().put(name, path)

    def delete(self, name: str) -> None:
        self._asked.deletes += 1
        super().delete(name)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Note what the remotes are asked for."""
    counts = Asked()
    monkeypatch.setattr(connecting, "connect", lambda url, *_: Counting(Path(url), counts))
    return counts


def meet(replica: Replica, place: Path, asked: Asked) -> tuple[SyncReport, Asked]:
    """Let a replica sync; return what came of it, and what it asked for."""
    asked.lists = asked.gets = asked.puts = asked.deletes = 0
    report = sync(replica, [Remote("hub", str(place))])
    assert report.remotes[0].error is None
    return report, Asked(asked.lists, asked.gets, asked.puts, asked.deletes)


def test_a_sync_among_a_thousand_reads_the_listing_and_what_changed(
    tmp_path: Path, new_replica: Callable[[str], Replica], asked: Asked
) -> None:
    place = tmp_path / "hub"
    crowd.meeting(place, REPLICAS, 10)
    replica = new_replica("here")
    replica.increment("mine")
    report, first = meet(replica, place, asked)
    assert first == Asked(lists=1, gets=REPLICAS, puts=1)
    assert len(report.replicas) == REPLICAS + 1
    for _ in range(2):
        report, again = meet(replica, place, asked)
        assert not report.changed
        assert again == Asked(lists=1)
    crowd.put(place, 7, range(10), commits=2)
    report, changed = meet(replica, place, asked)
    assert changed == Asked(lists=1, gets=1)
    assert [moved.owner for moved in report.remotes[0].read] == [crowd.identity(7)]
    assert replica.value(crowd.counter(3)) == sum(crowd.amount(one, 3) for one in range(REPLICAS)) + 1
    replica.increment("mine")
    assert meet(replica, place, asked)[1] == Asked(lists=1, puts=1, deletes=1)
    assert meet(replica, place, asked)[1] == Asked(lists=1)


def test_the_first_at_a_remote_does_not_read_its_own_object_again(
    tmp_path: Path, new_replica: Callable[[str], Replica], asked: Asked
) -> None:
    replica = new_replica("here")
    replica.increment("mine")
    assert meet(replica, tmp_path / "hub", asked)[1] == Asked(lists=1, puts=1)
    assert meet(replica, tmp_path / "hub", asked)[1] == Asked(lists=1)


def test_what_is_remembered_of_a_thousand_objects_is_written_only_when_it_changed(
    tmp_path: Path, new_replica: Callable[[str], Replica], asked: Asked
) -> None:
    place = tmp_path / "hub"
    crowd.meeting(place, 50, 1)
    replica = new_replica("here")
    meet(replica, place, asked)
    remembered = Path(file_of(directory(replica.path), str(place), CACHE))
    before = remembered.stat()
    meet(replica, place, asked)
    assert os.path.samestat(before, remembered.stat())
    crowd.put(place, 7, range(1), commits=2)
    meet(replica, place, asked)
    assert not os.path.samestat(before, remembered.stat())


@pytest.mark.timeout(600)  # it makes and reads a million entries
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux says how much memory a process had")
def test_the_first_sync_of_a_thousand_objects_needs_hardly_more_memory_than_that_of_a_hundred(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    def memory(replicas: int) -> int:
        place = shell.directory / f"hub-{replicas}"
        crowd.meeting(place, replicas, COUNTERS)
        replica = new_replica(f"among-{replicas}")
        done = subprocess.run(
            [sys.executable, "-c", MEASURED, replica.path, place],
            capture_output=True,
            text=True,
            cwd=shell.directory,
            env=shell.environment,
            check=True,
        )
        kilobytes, counters, read = map(int, done.stdout.split())
        assert (counters, read) == (COUNTERS, replicas)
        for file in place.iterdir():
            file.unlink()
        return kilobytes * 1024

    few, many = memory(REPLICAS // 10), memory(REPLICAS)
    assert many < 64 * MEGABYTE
    assert many < 2 * few
