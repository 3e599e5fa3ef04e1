"""``crdtctl absorb``: what sealed replicas counted becomes this replica's own."""

import json
import shutil

import pytest

from tests.conftest import Shell
from tests.support.expect import assert_refused


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """Have a replica, and the state of a sealed one."""
    shell.ok("init", "--name", "hub")
    shell.ok("--replica", "job", "init", "--name", "job")
    shell.ok("--replica", "job", "increment", "builds", "3")
    shell.ok("--replica", "job", "export", "-o", "early.json")
    shell.ok("--replica", "job", "seal", "--yes")
    shell.ok("--replica", "job", "export", "-o", "job.json")
    return shell


def test_absorbing_is_silent_and_done_again_changes_nothing(shell: Shell) -> None:
    for _ in range(2):
        assert shell.ok("absorb", "job.json") == ""
        assert shell.ok("show", "builds") == "3\n"
    [row] = shell.ok("status").splitlines()
    assert row.startswith("hub-")


def test_status_says_how_many_were_absorbed(shell: Shell) -> None:
    shell.ok("absorb", "job.json")
    shell.ok("absorb", "--fence", "2001-02-03")
    status = json.loads(shell.ok("status", "--format", "json"))
    assert (status["absorbed"], status["fence"], status["sealed"]) == (1, "2001-02-03", False)
    assert "absorbed   1 sealed replicas; older than 2001-02-03 forgotten\n" in shell.ok("status", "--format", "table")


def test_a_file_without_a_sealed_replica_is_refused_and_the_others_are_taken(shell: Shell) -> None:
    said = assert_refused(shell("absorb", "early.json"), 4)
    assert said == "crdtctl: early.json holds no sealed replica; take it in with 'crdtctl merge'\n"
    ended = shell("absorb", "early.json", "job.json", "missing.json")
    assert ended.status == 3
    assert ended.stderr.splitlines()[-1] == "crdtctl: 2 of 3 files refused, 1 taken"
    assert shell.ok("show", "builds") == "3\n"


def test_without_a_file_or_a_fence_there_is_nothing_to_do(shell: Shell) -> None:
    assert_refused(shell("absorb"), 2)
    assert_refused(shell("absorb", "--fence", "soon"), 2)
    assert_refused(shell("absorb", "missing.json"), 66)


def test_a_merge_that_finds_one_absorbed_twice_says_so(shell: Shell) -> None:
    shell.ok("absorb", "job.json")
    shell.ok("--replica", "other", "init", "--name", "other")
    shell.ok("--replica", "other", "absorb", "job.json")
    shell.ok("--replica", "other", "export", "-o", "other.json")
    ended = shell("merge", "other.json")
    assert ended.status == 5
    assert "the sealed replica whose id ends with" in ended.stderr
    shell.ok("merge", "other.json")


def test_one_that_was_absorbed_twice_is_reported_until_it_is_settled(shell: Shell) -> None:
    shell.ok("absorb", "job.json")
    shell.ok("--replica", "other", "init", "--name", "other")
    shell.ok("--replica", "other", "absorb", "job.json")
    shell.ok("--replica", "other", "export", "-o", "other.json")
    ended = shell("merge", "--format", "json", "other.json")
    [double] = json.loads(ended.stdout)["doubled"]
    assert (ended.status, len(double["absorbers"])) == (5, 2)
    assert json.loads(shell.ok("status", "--format", "json"))["doubled"] == [double]
    assert "doubled    the sealed replica" in shell.ok("status", "--format", "table")
    faults = [one for one in json.loads(shell("check", "--format", "json").stdout)["files"] if not one["ok"]]
    assert double["record"] in faults[0]["found"]
    assert shell("check").status == 1
    for _ in range(2):
        shell.ok("settle", double["record"], "builds=3")
        assert shell.ok("show", "builds") == "3\n"
    shell.ok("check")
    assert json.loads(shell.ok("status", "--format", "json"))["doubled"] == []
    shell.ok("export", "-o", "settled.json")
    shell.ok("--replica", "other", "merge", "settled.json")
    shell.ok("--replica", "other", "settle", double["record"], "builds=3")
    assert shell.ok("--replica", "other", "show", "builds") == "3\n"


def test_a_write_that_prints_its_clock_can_be_waited_for_elsewhere(shell: Shell) -> None:
    clock = shell.ok("increment", "builds", "--print-clock")
    assert list(json.loads(clock).values()) == [1]
    assert shell.ok("add", "names", "ada", "--print-clock") != clock
    shell.ok("--replica", "far", "init")
    ended = shell("--replica", "far", "show", "--require", "-", stdin=clock)
    assert ended.status == 1
    assert "not up to date" in ended.stderr
    shell.ok("export", "-o", "hub.json")
    shell.ok("--replica", "far", "merge", "hub.json")
    shell.ok("--replica", "far", "show", "--require", "-", stdin=clock)


def test_who_was_absorbed_is_waited_for_no_longer(shell: Shell) -> None:
    clock = shell.ok("--replica", "job", "clock")
    assert shell("show", "--require", "-", stdin=clock).status == 1
    shell.ok("absorb", "job.json")
    shell.ok("show", "--require", "-", stdin=clock)
    assert shell.ok("compare", "early.json") == "ahead\n"


def test_a_client_that_hands_over_has_no_clock_to_print(shell: Shell) -> None:
    shell.ok("--replica", "client", "init", "--tier", "1")
    said = assert_refused(shell("--replica", "client", "increment", "x", "--print-clock"), 4)
    assert "works only on a permanent replica" in said
    assert shell.ok("--replica", "client", "show") == ""


def test_what_is_not_handed_over_or_given_away_keeps_a_replica_from_ending(shell: Shell) -> None:
    shell.ok("create", "seats", "--type", "bcounter", "--initial", "5")
    assert "'seats' holds 5 rights here" in assert_refused(shell("seal", "--yes"), 4)
    shell.ok("--replica", "client", "init", "--tier", "1")
    shell("--replica", "client", "increment", "hits", "--type", "handoff")
    assert "'hits' is not handed over yet" in assert_refused(shell("--replica", "client", "seal", "--yes"), 4)
    shell.ok("--replica", "client", "exchange", ".crdtctl")
    shell.ok("--replica", "client", "seal", "--yes")
    assert shell.ok("show", "hits") == "1\n"


def test_a_replica_that_was_put_back_absorbs_after_a_sync(shell: Shell) -> None:
    (shell.directory / "shared").mkdir()
    shell.ok("sync", "./shared")
    shutil.copytree(shell.directory / ".crdtctl", shell.directory / "backup")
    shell.ok("absorb", "job.json")
    shell.ok("sync", "./shared")
    shutil.rmtree(shell.directory / ".crdtctl")
    shutil.copytree(shell.directory / "backup", shell.directory / ".crdtctl")
    ended = shell("absorb", "job.json")
    assert (ended.status, "nothing is lost" in ended.stderr) == (5, False)
    assert "no replica was absorbed; sync or merge first" in ended.stderr
    assert "unheard" in shell.ok("status", "--format", "table")
    assert [one["unheard"] for one in json.loads(shell.ok("status", "--format", "json"))["past"]] == [True]
    shell.ok("sync", "./shared")
    shell.ok("absorb", "job.json")
    assert shell.ok("show", "builds") == "3\n"
    assert [one["unheard"] for one in json.loads(shell.ok("status", "--format", "json"))["past"]] == [False]
