"""``crdtctl export`` writes the state to send, as a whole or not at all."""

import json
import os
from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.sh import in_sh


def test_a_file_holds_the_same_bytes_as_standard_output(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 3)
    printed = shell.ok("export")
    assert shell.ok("export", "-o", "state.json") == ""
    assert (shell.directory / "state.json").read_text() == printed
    assert shell.ok("export", "-o", "-") == printed
    assert json.loads(printed)["counters"] == {"builds": {"pncounter": {replica.id: [1, 3, 0]}}}


def test_it_holds_what_was_learned_too_and_nothing_of_this_machine(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("tests", 2)
    replica.increment("builds", 3)
    replica.merge_bytes(other.export_bytes())
    state = json.loads(shell.ok("export"))
    assert state.keys() == {"crdtctl", "kind", "replica", "clock", "tags", "counters", "crc32"}
    assert state["clock"] == {replica.id: 1, other.id: 1}
    assert state["counters"].keys() == {"builds", "tests"}


def test_an_empty_replica_exports_a_state_that_others_take(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    here, there = new_replica("here"), new_replica("there")
    shell.ok("--replica", here.path, "export", "-o", "empty.json")
    assert shell.ok("--replica", there.path, "merge", "empty.json") == ""


def test_an_older_state_is_replaced_and_no_temporary_file_is_left(shell: Shell, replica: Replica) -> None:
    for form in ("json", "toml", "json"):
        replica.increment("builds")
        assert shell.ok("export", "-o", "state", "--format", form) == ""
        assert sorted(os.listdir(shell.directory)) == [".crdtctl", "state"]
    assert (shell.directory / "state").read_bytes() == replica.export_bytes()


def test_a_link_to_an_older_state_stays_a_link(shell: Shell, replica: Replica) -> None:
    (shell.directory / "shared").mkdir()
    shell.ok("export", "-o", "shared/state.json")
    (shell.directory / "state.json").symlink_to("shared/state.json")
    replica.increment("builds")
    shell.ok("export", "-o", "state.json")
    assert (shell.directory / "state.json").is_symlink()
    assert (shell.directory / "shared/state.json").read_bytes() == replica.export_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link look like somebody else's")
@pytest.mark.parametrize("aim", ["empty.txt", "older.json", "nowhere.txt", "pipe"])
@pytest.mark.parametrize("hops", [1, 2])
def test_a_link_that_another_user_planted_is_not_followed(shell: Shell, replica: Replica, aim: str, hops: int) -> None:
    home, shared = shell.directory / "home", shell.directory / "shared"
    home.mkdir()
    shared.mkdir()
    (home / "empty.txt").touch()
    shell.ok("export", "-o", "home/older.json")
    os.mkfifo(home / "pipe")
    (shared / "laptop.json").symlink_to(home / aim)
    os.chown(shared / "laptop.json", 12345, 12345, follow_symlinks=False)
    (shell.directory / "mine.json").symlink_to("shared/laptop.json")
    replica.increment("builds")
    before = contents(shell.directory)
    path = "shared/laptop.json" if hops == 1 else "mine.json"
    for form in ((), ("--format", "toml")):
        assert path in assert_refused(shell("export", "-o", path, *form), 73)
    assert contents(shell.directory) == before


def test_links_in_a_circle_are_refused(shell: Shell, replica: Replica) -> None:
    (shell.directory / "a.json").symlink_to("b.json")
    (shell.directory / "b.json").symlink_to("a.json")
    assert "a.json" in assert_refused(shell("export", "-o", "a.json"), 65)


@pytest.mark.parametrize("other", [b"my diary\n", b"{}", b'{"crdtctl":2,"kind":"state"', b"\x00"])
def test_any_other_file_is_not_overwritten(shell: Shell, replica: Replica, other: bytes) -> None:
    (shell.directory / "diary.txt").write_bytes(other)
    before = contents(shell.directory)
    assert "diary.txt" in assert_refused(shell("export", "-o", "diary.txt"), 73)
    assert_refused(shell("export", "-o", "diary.txt", "--format", "toml"), 73)
    assert contents(shell.directory) == before


def test_a_replicas_own_files_are_not_overwritten(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    before = contents(shell.directory)
    for name in ("own.json", "config.toml"):
        assert_refused(shell("export", "-o", f".crdtctl/{name}"), 73)
    assert_refused(shell("export", "-o", ".crdtctl"), 73)
    assert contents(shell.directory) == before


def test_where_there_is_no_directory_nothing_is_written(shell: Shell, replica: Replica) -> None:
    assert "nowhere" in assert_refused(shell("export", "-o", "nowhere/state.json"), 66)
    assert os.listdir(shell.directory) == [".crdtctl"]


def test_a_failed_export_keeps_the_older_state_and_leaves_no_temporary_file(shell: Shell, replica: Replica) -> None:
    shell.ok("export", "-o", "state.json")
    replica.increment("builds")
    before = contents(shell.directory)
    assert_refused(in_sh(shell, "ulimit -f 0; crdtctl export -o state.json"), 74)
    assert contents(shell.directory) == before


def test_a_named_pipe_is_written_to_and_not_replaced(shell: Shell, replica: Replica) -> None:
    # Not tried with a device: root with a broken program would lose it.
    replica.increment("builds")
    ended = in_sh(shell, "mkfifo pipe; cat pipe & crdtctl export -o pipe; wait")
    assert ended.stdout.encode() == replica.export_bytes()
    assert (shell.directory / "pipe").is_fifo()


def test_toml_is_merged_like_json(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    here, there = new_replica("here"), new_replica("there")
    here.increment("page views", 2**60)
    here.increment("builds", 5, once="job 17")
    here.add("visitors", "ada", 'say "hi"')
    shell.ok("--replica", here.path, "export", "--format", "toml", "-o", "here.toml")
    assert shell.ok("--replica", there.path, "merge", "here.toml") == ""
    showing = ["show", "--members", "--format", "json"], ["show", "--format", "tsv"]
    for words in showing:
        mine, theirs = (shell.ok("--replica", one.path, *words).replace(one.id, "") for one in (here, there))
        assert mine == theirs


def test_only_formats_that_can_be_merged_are_exported(shell: Shell, replica: Replica) -> None:
    for form in ("csv", "table", "value", "yaml"):
        assert "toml" in assert_refused(shell("export", "--format", form, "-o", "state"), 2)
    assert os.listdir(shell.directory) == [".crdtctl"]
