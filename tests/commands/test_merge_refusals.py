"""``crdtctl merge`` takes the good files, refuses the bad ones, and names them."""

import json

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.clones import clone
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document


@pytest.fixture(autouse=True)
def _files(shell: Shell) -> None:
    for number, name in enumerate(("good", "fine"), 1):
        (shell.directory / f"{name}.json").write_bytes(document(name, 1, counted("builds", name, 1, number)))
    (shell.directory / "bad.json").write_bytes(document("bad", 1, counted("builds", "bad", 1, 100))[:-9])


def test_good_files_are_taken_and_the_bad_one_is_named(shell: Shell, replica: Replica) -> None:
    ended = shell("merge", "good.json", "bad.json", "fine.json")
    assert (ended.status, ended.stdout) == (3, "")
    assert all(line.startswith("crdtctl: ") for line in ended.stderr.splitlines())
    assert "bad.json" in ended.stderr
    assert "good.json" not in ended.stderr
    assert "1 of 3" in ended.stderr
    assert shell.ok("show", "builds") == "3\n"
    assert replica.clock() == {"good": 1, "fine": 1}


def test_each_bad_file_is_named(shell: Shell, replica: Replica) -> None:
    ended = shell("merge", "bad.json", "good.json", "missing.json", ".")
    assert ended.status == 3
    named, missing, directory, said = ended.stderr.splitlines()
    assert "bad.json" in named
    assert "missing.json" in missing
    assert "directory" in directory
    assert "3 of 4" in said


def test_a_file_that_cannot_be_read_is_not_said_to_have_changed_nothing(shell: Shell, replica: Replica) -> None:
    ended = shell("merge", "good.json", "/proc/self/mem")
    assert ended.status == 3
    assert ended.stderr.splitlines() == [
        "crdtctl: cannot read /proc/self/mem: Input/output error",
        "crdtctl: 1 of 2 files refused, 1 taken",
    ]
    assert replica.clock() == {"good": 1}


def test_a_file_that_turns_out_bad_far_inside_is_not_taken_at_all(shell: Shell, replica: Replica) -> None:
    lines = [counted(f"c{number:05}", "late", 1, 1) for number in range(20_000)]
    lines[-1] = counted("c20000", "late", 2, 1)  # newer than its clock
    (shell.directory / "late.json").write_bytes(document("late", 1, *lines))
    ended = shell("merge", "late.json", "good.json")
    assert ended.status == 3
    assert "late.json" in ended.stderr
    assert shell.ok("show") == "builds\tpncounter\t1\n"
    assert replica.clock() == {"good": 1}


def test_all_or_nothing_takes_none_then(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    assert "bad.json" in assert_refused(shell("merge", "--all-or-nothing", "good.json", "bad.json"), 65)
    assert contents(replica.path) == before
    assert shell.ok("merge", "--all-or-nothing", "good.json", "fine.json") == ""
    assert replica.value("builds") == 3


def test_one_bad_file_alone_says_what_it_is(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    assert "bad.json" in assert_refused(shell("merge", "bad.json"), 65)
    assert "missing.json" in assert_refused(shell("merge", "missing.json"), 66)
    assert_refused(shell("merge"), 2)
    assert contents(replica.path) == before


def test_none_of_several_taken_is_no_part(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    ended = shell("merge", "bad.json", "missing.json")
    assert (ended.status, ended.stdout) == (65, "")
    assert "bad.json" in ended.stderr
    assert "missing.json" in ended.stderr
    assert contents(replica.path) == before


def test_dry_run_refuses_as_the_merge_would(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    ended = shell("merge", "--dry-run", "--format", "json", "good.json", "bad.json")
    assert ended.status == 3
    found = json.loads(ended.stdout)
    assert found["taken"] == ["good.json"]
    (refused,) = found["refused"]
    assert (refused["file"], refused["error"], refused["exit"]) == ("bad.json", "data", 65)
    assert contents(replica.path) == before


def test_a_state_that_knows_more_of_me_than_i_did_ends_my_id(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 1)
    before = replica.id
    clone(shell.directory / ".crdtctl", shell.directory / "clone")
    replica.increment("builds", 10)
    replica.export_to(shell.directory / "sent.json")
    ended = shell("--replica", "clone", "merge", "sent.json")
    assert ended.status == 5
    assert "sent.json" in ended.stderr
    cloned = Replica(shell.directory / "clone")
    assert before in ended.stderr
    assert cloned.id in ended.stderr
    assert cloned.id != before
    assert cloned.value("builds") == 11


def test_good_files_beside_a_fork_are_taken_and_the_fork_decides_the_status(shell: Shell, replica: Replica) -> None:
    (shell.directory / "fork.json").write_bytes(document(replica.id, 5, counted("builds", replica.id, 5, 50)))
    ended = shell("merge", "good.json", "fork.json", "missing.json")
    assert ended.status == 5
    assert "fork.json" in ended.stderr
    assert "missing.json" in ended.stderr
    assert replica.value("builds") == 51
