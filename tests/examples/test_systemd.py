"""A systemd timer with a path unit: systemd itself finds nothing wrong, and what they start is run."""

import os
import shutil
import subprocess
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import pytest

from tests.conftest import PROGRAM
from tests.examples.recipes import EXAMPLES, Machine
from tests.support.large import COUNT, NAME

UNITS = EXAMPLES / "systemd"


def unit(ending: str) -> ConfigParser:
    """Return what a unit says."""
    parser = ConfigParser(interpolation=None, strict=False)  # a path unit may watch several files
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(UNITS / f"crdtctl-sync.{ending}")
    return parser


@pytest.fixture
def laptop(machine: Callable[[str], Machine]) -> Machine:
    made = machine("laptop")
    place = made.home / ".local" / "bin"
    place.mkdir(parents=True)
    (place / "crdtctl").symlink_to(PROGRAM[0])
    return made.with_environment(XDG_RUNTIME_DIR=str(made.home))


def test_systemd_finds_nothing_wrong_with_the_units(laptop: Machine) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here")
    units = sorted(UNITS.iterdir())
    assert [path.suffix for path in units] == [".path", ".service", ".timer"]
    ended = laptop.run(["systemd-analyze", "verify", "--user", *units])
    assert (ended.status, ended.stdout) == (0, "")
    # Of other packages' units it may say something, too.
    assert [line for line in ended.stderr.splitlines() if "crdtctl-sync" in line] == []


def watched_by_the_path_unit(home: Path) -> list[Path]:
    """Return the paths that the path unit watches."""
    lines = (UNITS / "crdtctl-sync.path").read_text().splitlines()
    return [Path(line[12:].replace("%h", str(home))) for line in lines if line.startswith("PathChanged=")]


def test_the_path_unit_watches_what_a_count_in_a_large_replica_changes(laptop: Machine) -> None:
    laptop.ok("crdtctl increment builds 2>/dev/null")
    own, recent = watched_by_the_path_unit(laptop.home)
    assert not recent.exists()
    names = "\n".join(NAME.format(number) for number in range(COUNT))
    (laptop.home / "batch.txt").write_text(names)
    laptop.ok(["crdtctl", "increment", "--batch", laptop.home / "batch.txt"])
    before = own.stat().st_ino, recent.stat().st_ino
    laptop.ok("crdtctl increment builds")
    assert own.stat().st_ino == before[0]
    assert recent.stat().st_ino != before[1]


def test_the_service_syncs_the_replica_whose_file_the_path_unit_watches(laptop: Machine, tmp_path: Path) -> None:
    laptop.ok("crdtctl increment builds 2>/dev/null")  # makes the replica in the data directory
    laptop.ok(["crdtctl", "remote", "add", "hub", tmp_path / "hub"])
    watched, _ = watched_by_the_path_unit(laptop.home)
    before = watched.stat().st_ino
    laptop.ok("crdtctl increment builds")
    assert watched.stat().st_ino != before
    command = unit("service")["Service"]["ExecStart"].replace("%h", str(laptop.home))
    bare = subprocess.run(
        command.split(), env={"HOME": str(laptop.home)}, cwd="/", capture_output=True, timeout=60, check=False
    )
    assert (bare.returncode, bare.stdout, bare.stderr) == (0, b"", b"crdtctl: created the folder of hub\n")
    assert len(os.listdir(tmp_path / "hub")) == 1
    settled = watched.stat().st_ino
    assert laptop.run(command).status == 0
    assert watched.stat().st_ino == settled  # or the path unit would start it for ever


def test_a_sync_that_is_busy_is_no_failure_of_the_service(laptop: Machine) -> None:
    assert unit("service")["Service"]["SuccessExitStatus"] == "75"
