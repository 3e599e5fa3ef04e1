"""The power is cut right after a command has ended with status 0: its counts are there."""

import pytest

from tests.torture.bars import BARS, Bar
from tests.torture.careless import WITHOUT_FSYNC_OF_DIRECTORIES
from tests.torture.disks import KINDS, needs_disks
from tests.torture.power import faults, faults_in_a_stream, new_disk
from tests.torture.victim import LARGE_WRITES, WRITES

pytestmark = [needs_disks, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_survives_a_power_cut(kind: str) -> None:
    with new_disk(kind) as (disk, safe):
        assert faults(disk, safe, len(WRITES)) == []


@pytest.mark.parametrize("kind", KINDS)
def test_large_replica_survives_power_cuts(kind: str) -> None:
    with new_disk(kind) as (disk, safe):
        assert faults(disk, safe, len(LARGE_WRITES), writes=LARGE_WRITES) == []


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_large_replica_without_the_fsync_of_directories_would_not(kind: str) -> None:
    with new_disk(kind) as (disk, safe):
        assert faults(disk, safe, len(LARGE_WRITES), WITHOUT_FSYNC_OF_DIRECTORIES, LARGE_WRITES) != []


@pytest.mark.parametrize("kind", KINDS)
def test_stream_and_followed_log_survive_power_cuts(kind: str) -> None:
    with new_disk(kind) as (disk, safe):
        assert faults_in_a_stream(disk, safe, 4) == []


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_without_the_fsync_of_directories_it_would_not(kind: str) -> None:
    with new_disk(kind) as (disk, safe):
        assert faults(disk, safe, 2, WITHOUT_FSYNC_OF_DIRECTORIES) != []


def test_without_the_fsync_of_directories_a_stream_would_not() -> None:
    with new_disk("ext4") as (disk, safe):  # a journal may be written out just in time
        assert faults_in_a_stream(disk, safe, 20, WITHOUT_FSYNC_OF_DIRECTORIES) != []


@pytest.mark.parametrize("bar", BARS, ids=lambda bar: bar.name)
def test_what_others_committed_and_what_was_written_out_since_is_found_again(bar: Bar) -> None:
    with new_disk("ext4") as (disk, _):
        bar.commit(disk.mount, 1)
        bar.commit(disk.mount, 2)
        disk.settle()
        disk.cut_power()
        assert bar.has(disk.mount, 2)
        assert not bar.has(disk.mount, 3)
