"""A part of the hostile files of the torture program; here their time is not judged, for tests run on busy machines."""

import json
import sys
import tomllib
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.support.child import Measured, run
from tests.support.expect import contents
from tests.torture import endless, odd
from tests.torture.documents import SMALL
from tests.torture.hostile import LIMITS_OF_THE_DENSEST, Ground, Tally, densest, misdeeds, scaled, small
from tests.torture.scaled import SCALED, SOUND

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def ground(tmp_path: Path, environment: dict[str, str]) -> Ground:
    directory = tmp_path / "ground"
    directory.mkdir()
    return Ground(directory, environment, tries=0)


@pytest.fixture
def tally() -> Tally:
    return Tally()


def test_small_hostile_files_are_refused_by_everything_that_reads_them(ground: Ground, tally: Tally) -> None:
    small(ground, tally, 1 / 10)
    assert tally.faults == []
    assert tally.runs > 50


def test_hostile_files_of_a_megabyte_are_refused_with_little_memory(ground: Ground, tally: Tally) -> None:
    scaled(ground, tally, 1 / 10)
    assert tally.faults == []
    assert tally.runs > 50


def test_hostile_files_in_toml_hold_the_counters_of_those_in_json() -> None:
    for why, make in SOUND.items():
        in_json, in_toml = make(200_000), SCALED[f"{why}, as TOML"](400_000)
        counters = json.loads(in_json)["counters"]
        assert len(counters) > 1, why
        assert tomllib.loads(in_toml.decode())["counters"] == counters, why


def test_of_many_hostile_files_each_is_named_and_none_is_taken(ground: Ground) -> None:
    shell = Shell(ground.directory, ground.environment)
    paths = []
    for number, data in enumerate(SMALL.values()):
        paths.append(f"{number}.json")
        (ground.directory / paths[-1]).write_bytes(data)
    before = contents(ground.replica.path)
    ended = shell("merge", *paths)
    assert (ended.status, ended.stdout) == (65, "")
    assert sorted(line.split()[1] for line in ended.stderr.splitlines()[:-1]) == sorted(paths)
    checked = shell("check", *paths)
    assert checked.status == 1
    assert [line.split("\t")[:2] for line in checked.stdout.splitlines()] == [[path, "FAULT"] for path in paths]
    assert (ended.stderr + checked.stdout + checked.stderr).replace("\n", "").replace("\t", "").isprintable()
    assert contents(ground.replica.path) == before


def test_a_good_file_among_hostile_ones_is_taken(ground: Ground) -> None:
    shell = Shell(ground.directory, ground.environment)
    paths = [f"{number}.json" for number in range(len(SMALL))]
    for path, data in zip(paths, SMALL.values(), strict=True):
        (ground.directory / path).write_bytes(data)
    assert shell("merge", *paths[:20], "good.json", *paths[20:]).status == 3
    assert ground.replica.value("builds") == 8


def test_the_densest_files_are_refused_with_more_memory_but_not_without_limit(ground: Ground) -> None:
    tally = Tally(LIMITS_OF_THE_DENSEST)
    densest(ground, tally, 1 / 8)
    assert tally.faults == []


def test_what_is_no_file_is_refused_and_nothing_waits_for_it(ground: Ground, tally: Tally) -> None:
    odd.paths(ground, tally)
    assert tally.faults == []


def test_what_is_planted_in_a_replica_is_neither_followed_nor_replaced(ground: Ground, tally: Tally) -> None:
    odd.planted(ground, tally, 1 / 6)
    assert tally.faults == []


def test_streams_without_an_end_are_left(ground: Ground, tally: Tally) -> None:
    endless.streams(ground, tally, 0.1)
    assert tally.faults == []


def test_a_file_that_changes_while_it_is_read_is_taken_as_it_was_or_refused(ground: Ground, tally: Tally) -> None:
    endless.changing(ground, tally, 0.1)
    assert tally.faults == []


# That all of this can fail -----------------------------------------------------------------------------


def ended(status: int = 65, *, hung: bool = False, stdout: bytes = b"", stderr: bytes = b"crdtctl: no\n") -> Measured:
    return Measured(status, 0.1, 2**20, hung, stdout, stderr)


@pytest.mark.parametrize(
    "bad",
    [
        ended(hung=True),
        ended(70),
        ended(-11),
        ended(stdout=b"\x1b[31m"),
        ended(stderr=b"\xc2\x9b"),
        ended(stderr="\u202e".encode()),
        ended(stderr=b"\xff"),
        ended(stderr=b"Traceback (most recent call last):\n"),
    ],
)
def test_what_no_run_may_do_is_noticed(bad: Measured) -> None:
    assert list(misdeeds(bad))
    assert list(misdeeds(ended())) == []


def test_a_process_that_hangs_is_ended_and_noticed(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "here").mkdir(exist_ok=True)
    assert run([], tmp_path / "here", environment, program=["/bin/sleep", "600"], seconds=0.5).hung
    assert not run([], tmp_path / "here", environment, program=["/bin/sleep", "0"], seconds=30).hung


def test_memory_is_that_of_the_process_and_not_of_this_one(tmp_path: Path, environment: dict[str, str]) -> None:
    (tmp_path / "here").mkdir(exist_ok=True)
    here = bytearray(b"x") * 300_000_000

    def peak(size: int) -> int:
        program = [sys.executable, "-c", f"x = bytearray(b'x') * {size}"]
        return run([], tmp_path / "here", environment, program=program).peak

    assert peak(100_000_000) - peak(1) == pytest.approx(100_000_000, rel=0.05)
    assert peak(1) < 100_000_000 < len(here)


def test_a_file_that_takes_time_or_memory_or_is_taken_is_noticed(ground: Ground, tally: Tally) -> None:
    ground.tries = 1
    ground.start = -1.0  # as if the program took a second and all of its memory for this
    ground.base = 0
    ground.outside(tally, "a sound file", (ground.directory / "good.json").read_bytes())
    for word in ("ms for each MB", "times its size of memory", "merge FILE: status 0", "check FILE: status 0"):
        assert any(word in fault for fault in tally.faults)
