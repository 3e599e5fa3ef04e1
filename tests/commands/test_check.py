"""``crdtctl check`` verifies a replica or files, says what it looked at, and ends with 1 on a fault."""

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.layout import TRAILER_SIZE, trailer
from tests.conftest import Result, Shell
from tests.support.expect import assert_one_line, contents
from tests.support.handwritten import counted, document


@pytest.fixture
def damaged(shell: Shell) -> Path:
    """Return the directory of a replica that tests damage."""
    replica = Replica.init(shell.directory / ".crdtctl")
    replica.increment("builds", 41)
    replica.merge_bytes(document("other", 1, counted("builds", "other", 1, 7)))
    return shell.directory / ".crdtctl"


def verdicts(ended: Result) -> dict[str, str]:
    return {Path(file).name: verdict for file, verdict, _ in (row.split("\t") for row in ended.stdout.splitlines())}


def flipped(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def emptied(path: Path) -> None:
    path.write_bytes(b"")


def test_a_sound_replica_is_ok_and_stays_as_it_was(shell: Shell, damaged: Path) -> None:
    before = contents(damaged)
    ended = shell("check")
    assert (ended.status, ended.stderr) == (0, "")
    assert verdicts(ended) == {"own.json": "ok", "known.json": "ok", "config.toml": "ok"}
    assert contents(damaged) == before


@pytest.mark.parametrize("harm", [flipped, cut, emptied])
@pytest.mark.parametrize("file", ["own.json", "known.json"])
@pytest.mark.harms_replicas
def test_a_damaged_file_of_the_replica_is_found_and_left_alone(
    shell: Shell, damaged: Path, file: str, harm: Callable[[Path], None]
) -> None:
    harm(damaged / file)
    before = contents(damaged)
    ended = shell("check")
    assert ended.status == 1
    assert_one_line(ended.stderr)
    assert verdicts(ended) == {"own.json": "ok", "known.json": "ok", "config.toml": "ok", file: "FAULT"}
    fault = next(row for row in ended.stdout.splitlines() if "FAULT" in row)
    assert "from one backup" in fault, "it says what to do"
    assert contents(damaged) == before


@pytest.mark.harms_replicas
def test_wrong_settings_are_a_fault(shell: Shell, damaged: Path) -> None:
    (damaged / "config.toml").write_text("lock_timeuot = 3\n")
    ended = shell("check")
    assert ended.status == 1
    assert verdicts(ended)["config.toml"] == "FAULT"
    assert "lock_timeuot" in ended.stdout


def test_what_a_killed_writer_left_is_told_and_is_no_fault(shell: Shell, damaged: Path) -> None:
    (damaged / "own.json.123-0123abcd.new").write_bytes(b"half")
    ended = shell("check")
    assert ended.status == 0
    assert verdicts(ended)["own.json.123-0123abcd.new"] == "ok"
    shell.ok("increment", "builds")
    assert not (damaged / "own.json.123-0123abcd.new").exists()


@pytest.mark.harms_replicas
def test_known_that_speaks_for_this_replica_is_a_fault(shell: Shell, damaged: Path) -> None:
    mine = Replica(damaged).id
    head = {"kind": "known", "heard": {mine: "2026-01-01T00:00:00Z"}}
    (damaged / "known.json").write_bytes(document(mine, 1, counted("builds", mine, 1, 1), **head))
    ended = shell("check")
    assert ended.status == 1
    assert verdicts(ended)["known.json"] == "FAULT"


def test_files_are_checked_without_a_replica_if_they_are_named(shell: Shell) -> None:
    good = document("other", 1, counted("builds", "other", 1, 7))
    (shell.directory / "good.json").write_bytes(good)
    (shell.directory / "cut.json").write_bytes(good[:-20])
    (shell.directory / "newer.json").write_bytes(document("other", 1, crdtctl=2))
    (shell.directory / "clock.json").write_bytes(document("other", 1, counted("builds", "other", 2, 7)))
    assert shell("check", "good.json").status == 0
    ended = shell("check", "good.json", "cut.json", "newer.json", "clock.json")
    assert ended.status == 1
    assert "3 faults" in assert_one_line(ended.stderr)
    assert verdicts(ended) == {"good.json": "ok", "cut.json": "FAULT", "newer.json": "FAULT", "clock.json": "FAULT"}
    assert shell("check", "-", stdin=good).status == 0
    assert shell("check", "-", stdin=good[1:]).status == 1


def test_a_file_that_cannot_be_read_is_a_fault_and_the_others_are_checked(shell: Shell) -> None:
    (shell.directory / "good.json").write_bytes(document("other", 1, counted("builds", "other", 1, 7)))
    (shell.directory / "directory").mkdir()
    ended = shell("check", "missing.json", "directory", "good.json")
    assert ended.status == 1
    assert verdicts(ended) == {"missing.json": "FAULT", "directory": "FAULT", "good.json": "ok"}


def test_every_kind_of_file_that_is_written_passes(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 2**60, once="job 17")
    replica.add("visitors", "ada")
    clock = shell.ok("clock")
    replica.increment("builds")
    shell.ok("export", "-o", "state.json")
    shell.ok("export", "-o", "state.toml", "--format", "toml")
    shell.ok("export", "-o", "delta.json", "--since", clock)
    assert set(verdicts(shell("check", "state.json", "state.toml", "delta.json")).values()) == {"ok"}


def test_own_entries_of_another_replica_are_a_fault(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.increment("passed")
    path = Path(replica.path, "own.json")
    head, *lines = path.read_bytes()[:-TRAILER_SIZE].split(b"\n")
    me = replica.id.encode()
    head = head.replace(b'"clock":{', b'"clock":{"a-other":2,')
    for line in (lines[0].replace(me, b"a-other"), lines[0]):
        body = b"\n".join([head, line, lines[1], b""])
        path.write_bytes(body + trailer(zlib.crc32(body)))
        assert ("entries of another replica" in shell("check").stdout) == (b"a-other" in line)
