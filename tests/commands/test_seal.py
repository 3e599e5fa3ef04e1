"""``crdtctl seal``: a replica that has ended."""

import json
from collections.abc import Callable

import pytest

from tests.conftest import Result, Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal

REFUSED = (
    "crdtctl: this replica is sealed and takes no more commits; 'crdtctl export' still works; "
    "'crdtctl init --after-seal' continues in this directory under a new id\n"
)


def test_a_sealed_replica_refuses_every_write(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("increment", "builds")
    shell.ok("--replica", "other", "init")
    shell.ok("--replica", "other", "increment", "x")
    shell.ok("--replica", "other", "export", "-o", "other.json")
    assert shell.ok("seal", "--yes") == ""
    for words in (
        *("increment builds", "increment builds=2 x=1", "decrement builds", "add names a", "create y --type gcounter"),
        *("merge other.json", "merge --dry-run other.json", "absorb other.json", "increment builds --once k"),
    ):
        ended = shell(*words.split())
        assert (ended.status, ended.stdout, ended.stderr) == (4, "", REFUSED), words


def test_a_sealed_replica_is_read_and_exported_and_sealed_again_as_if_nothing_were(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("increment", "builds", "3")
    shell.ok("seal", "--yes")
    shell.ok("seal", "--yes")
    assert shell.ok("show", "builds") == "3\n"
    assert shell.ok("show") == "builds\tpncounter\t3\n"
    [author] = json.loads(shell.ok("export"))["counters"]["="]["membership"].items()
    assert author[1] == [2, 1]
    shell.ok("check")


def test_a_replica_that_counted_nothing_can_be_sealed(shell: Shell) -> None:
    shell.ok("init")
    shell.ok("seal", "--yes")
    shell.ok("export", "-o", "empty.json")
    shell.ok("--replica", "hub", "init")
    shell.ok("--replica", "hub", "absorb", "empty.json")
    assert shell.ok("--replica", "hub", "show") == ""
    assert len(shell.ok("--replica", "hub", "status").splitlines()) == 1


@pytest.mark.parametrize("words", [[], ["other"], ["job.json"], [""]])
@pytest.mark.parametrize("on", [Shell.__call__, on_terminal], ids=["pipe", "terminal"])
def test_a_replica_is_not_sealed_without_being_named(shell: Shell, on: Callable[..., Result], words: list[str]) -> None:
    who = shell.ok("init", "--name", "job").strip()
    shell.ok("increment", "builds")
    ended = on(shell, "seal", *words)
    assert (ended.status, ended.stdout) == (2, "")
    assert who in ended.stderr
    shell.ok("increment", "builds")


@pytest.mark.parametrize("by", ["id", "name"])
def test_a_replica_is_sealed_by_its_id_or_name(shell: Shell, by: str) -> None:
    who = shell.ok("init", "--name", "job-17").strip()
    shell.ok("seal", who if by == "id" else "job-17")
    assert shell("increment", "builds").stderr == REFUSED


def test_the_advice_after_sealing_goes_on_with_all_that_was_counted(shell: Shell) -> None:
    before = shell.ok("init", "--name", "laptop").strip()
    shell.ok("increment", "builds", "3")
    shell.ok("increment", "builds", "4", "--once", "k")
    (shell.directory / "shared").mkdir()
    shell.ok("remote", "add", "hub", "./shared")
    shell.ok("sync")
    shell.ok("seal", "laptop")
    assert "init --after-seal" in assert_refused(shell("init"), 73)
    shell.ok("export", "-o", "sealed.json")
    after = shell.ok("init", "--after-seal").strip()
    assert after != before
    assert after.startswith("laptop-")
    shell.ok("increment", "builds", "4", "--once", "k")
    shell.ok("increment", "builds")
    assert shell.ok("show", "builds") == "8\n"
    assert "it was sealed" in shell.ok("status")
    shell.ok("check")
    shell.ok("sync")
    shell.ok("--replica", "hub", "init")
    shell.ok("--replica", "hub", "absorb", "sealed.json")
    shell.ok("--replica", "hub", "sync", "./shared")
    shell.ok("sync")
    for one in (".crdtctl", "hub"):
        assert shell.ok("--replica", one, "show", "builds") == "8\n"


@pytest.mark.parametrize("words", [["--name", "x"], ["--tier", "1"]])
def test_going_on_after_sealing_takes_no_new_settings(shell: Shell, words: list[str]) -> None:
    shell.ok("init")
    shell.ok("seal", "--yes")
    assert_refused(shell("init", "--after-seal", *words), 2)


def test_only_a_sealed_replica_goes_on_under_a_new_id(shell: Shell) -> None:
    assert_refused(shell("init", "--after-seal"), 66)
    shell.ok("init")
    assert_refused(shell("init", "--after-seal"), 4)
