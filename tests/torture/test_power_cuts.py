"""The power is cut right after a command has ended with status 0: what it acknowledged is there."""

import subprocess
import sys
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell, assert_sound
from tests.torture.disks import KINDS, Disk, disk, needs_disks

pytestmark = [needs_disks, pytest.mark.timeout(300)]
CUTS = 5

#: The program, but for the fsync of the directory.
CARELESS = """
import os, stat, sys
fsync = os.fsync
os.fsync = lambda fd: None if stat.S_ISDIR(os.fstat(fd).st_mode) else fsync(fd)
from crdtctl.__main__ import run
sys.argv[0] = "crdtctl"
run()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_survives_a_power_cut(kind: str, shell: Shell, tmp_path: Path) -> None:
    with disk(kind, tmp_path) as where:
        counted = 0
        for cut in range(CUTS):
            home = where.mount / f"replica-{cut}"
            shell("--replica", home, "init", "--name", "here")
            other = shell.directory / f"other-{cut}"
            shell("--replica", other, "init", "--name", "other")
            shell.ok("--replica", other, "increment", "elsewhere", "7")
            shell.ok("--replica", other, "export", "-o", where.mount / f"state-{cut}.json")
            shell.ok("--replica", home, "increment", "builds")  # makes the counter, the full way
            for _ in range(cut + 1):
                shell.ok("--replica", home, "increment", "builds")
            shell.ok("--replica", home, "increment", "--batch", "-", stdin="builds 2\nbuilds\n")
            shell.ok("--replica", home, "merge", where.mount / f"state-{cut}.json")
            where.cut_power()
            replica = Replica(home)
            assert_sound(replica)
            assert {one.name: one.value for one in replica.counters()} == {"builds": cut + 5, "elsewhere": 7}
            assert [path.name for path in home.iterdir() if path.name.endswith(".new")] == []
            counted += 1
        assert counted == CUTS


@pytest.mark.parametrize("kind", KINDS)
def test_the_last_of_many_increments_survives_a_power_cut(kind: str, shell: Shell, tmp_path: Path) -> None:
    with disk(kind, tmp_path) as where:
        replica = Replica.init(where.mount / "replica", name="here")
        replica.create("builds", "pncounter")
        assert lost(where, replica, [str(Path(sys.executable).parent / "crdtctl")], shell) == 0


@pytest.mark.parametrize("kind", ["ext4", "xfs"])
def test_without_the_fsync_of_the_directory_it_would_not(kind: str, shell: Shell, tmp_path: Path) -> None:
    with disk(kind, tmp_path) as where:
        replica = Replica.init(where.mount / "replica", name="here")
        replica.create("builds", "pncounter")
        assert lost(where, replica, [sys.executable, "-c", CARELESS], shell) > 0


def lost(where: Disk, replica: Replica, program: list[str], shell: Shell) -> int:
    """Increment, cut the power, count again; return how many acknowledged increments are gone."""
    gone = 0
    for _ in range(CUTS):
        before = replica.value("builds")
        command = [*program, "increment", "builds"]
        subprocess.run(command, env={**shell.environment, "CRDTCTL_REPLICA": replica.path}, check=True)
        where.cut_power()
        assert_sound(replica)
        gone += before + 1 - replica.value("builds")
    return gone
