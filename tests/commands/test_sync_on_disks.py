"""``crdtctl sync`` on disks that are full or read-only, here or at the remote: what is told is what was done."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.meeting import neighbour, objects
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a file system of 128 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=128k", "crdtctl-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Fill a disk to the last byte."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (4096, 1):
            try:
                while True:
                    file.write(bytes(size))
            except OSError:
                pass
    return filler


def test_a_full_remote_gets_nothing_of_ours_and_gives_what_it_has(shell: Shell, replica: Replica, disk: Path) -> None:
    hub = disk / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    replica.increment("builds", 3)
    filler = fill(disk)
    before = contents(hub)
    (shell.directory / "south").mkdir()
    said = assert_refused(shell("sync", hub, "./south"), 74)
    assert str(hub) in said
    assert "No space left" in said
    assert contents(hub) == before
    assert replica.value("builds") == 7
    assert len(objects(shell.directory / "south")) == 1  # which has room
    filler.unlink()
    shell.ok("sync", hub)
    assert len(objects(hub)) == 2


def test_a_read_only_remote_gives_what_it_has(shell: Shell, replica: Replica, disk: Path) -> None:
    hub = disk / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    replica.increment("builds", 3)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    for _ in range(2):
        assert "read-only" in assert_refused(shell("sync", hub), 74).lower()
    assert replica.value("builds") == 7
    assert "FAULT" in shell("remote", "check", str(hub)).stdout


def test_who_has_no_news_needs_no_right_to_write(shell: Shell, replica: Replica, disk: Path) -> None:
    hub = disk / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    shell.ok("sync", hub)
    assert replica.value("builds") == 4


def test_on_a_full_disk_of_its_own_nothing_is_applied_and_nothing_left(
    shell: Shell, disk: Path, tmp_path: Path
) -> None:
    hub = shell.directory / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    small = Shell(disk, shell.environment)
    replica = Replica.init(disk / ".crdtctl", name="small")
    replica.increment("builds", 3)
    small.ok("sync", hub)
    neighbour(shell.directory, "third", hub, builds=5)
    filler = fill(disk)
    before = contents(disk)
    assert_refused(small("sync", hub), 74)
    assert contents(disk) == before
    assert replica.value("builds") == 7
    filler.unlink()
    small.ok("sync", hub)
    assert replica.value("builds") == 12


def test_on_a_read_only_disk_of_its_own_nothing_is_applied_and_a_plan_is_told(shell: Shell, disk: Path) -> None:
    hub = shell.directory / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    small = Shell(disk, shell.environment)
    Replica.init(disk / ".crdtctl", name="small").increment("builds", 3)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    before = contents(disk), contents(hub)
    assert "read-only" in assert_refused(small("sync", hub), 74).lower()
    assert small.ok("sync", "--dry-run", hub).count("\n") == 2
    assert (contents(disk), contents(hub)) == before
