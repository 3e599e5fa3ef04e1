"""``crdtctl init`` makes a replica, prints its id, and refuses where one is."""

import os
import re
from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

FILES = {".gitignore", "config.toml", "known.lock", "own.json", "own.lock"}


def files(directory: Path) -> set[str]:
    return set(contents(directory))


def test_init_makes_a_replica_here_and_prints_its_id(shell: Shell) -> None:
    printed = shell.ok("init", "--name", "laptop")
    assert re.fullmatch(r"laptop-[0-9a-f]{32}\n", printed)
    assert files(shell.directory / ".crdtctl") == FILES
    assert os.listdir(shell.directory) == [".crdtctl"]
    assert printed.strip() in shell.ok("status")
    assert shell.ok("show") == ""
    assert shell.ok("clock") == "{}\n"


def test_a_new_replica_is_never_committed_to_a_repository_around_it(shell: Shell) -> None:
    shell.ok("init")
    assert (shell.directory / ".crdtctl/.gitignore").read_text() == "*\n"


def test_the_name_defaults_to_the_machines_and_ids_are_never_the_same(shell: Shell) -> None:
    machine = re.sub("[^A-Za-z0-9._-]", "-", os.uname().nodename)[:100]
    first, second = shell.ok("init", "a"), shell.ok("init", "b")
    assert first[:-33] == second[:-33] == f"{machine}-"
    assert first != second


@pytest.mark.parametrize("path", ["deep/er", "deep/er/.crdtctl", "deep/er/"])
def test_init_of_a_path_puts_the_replica_below_it(shell: Shell, path: str) -> None:
    shell.ok("init", path)
    assert files(shell.directory / "deep/er/.crdtctl") == FILES


def test_init_with_replica_makes_exactly_the_directory_named(shell: Shell) -> None:
    printed = shell.ok("--replica", "counts", "init")
    assert files(shell.directory / "counts") == FILES
    assert shell.ok("--replica", "counts", "status").startswith(printed.strip())


def test_init_takes_the_place_of_an_empty_directory(shell: Shell) -> None:
    (shell.directory / ".crdtctl").mkdir()
    shell.ok("init")
    assert files(shell.directory / ".crdtctl") == FILES


def test_init_refuses_where_a_replica_is(shell: Shell) -> None:
    shell.ok("init")
    before = contents(shell.directory)
    for arguments in (["init"], ["init", "."], ["--replica", ".crdtctl", "init"], ["init", "--name", "other"]):
        assert "already" in assert_refused(shell(*arguments), 73)
    assert contents(shell.directory) == before


def test_init_refuses_where_something_else_is(shell: Shell) -> None:
    (shell.directory / ".crdtctl").mkdir()
    (shell.directory / ".crdtctl/diary.txt").write_text("mine")
    (shell.directory / "file").write_text("mine")
    before = contents(shell.directory)
    assert_refused(shell("init"), 73)
    assert_refused(shell("--replica", "file", "init"), 73)
    assert contents(shell.directory) == before


def test_init_below_a_file_is_refused(shell: Shell) -> None:
    (shell.directory / "file").write_text("mine")
    before = contents(shell.directory)
    assert_refused(shell("init", "file/below"), 66)
    assert contents(shell.directory) == before


@pytest.mark.parametrize("name", ["", " laptop", "my laptop", "lap\ttop", "lap\u202etop", "n" * 101])
def test_init_refuses_a_wrong_name_and_makes_nothing(shell: Shell, name: str) -> None:
    assert_refused(shell("init", "--name", name), 2)
    assert contents(shell.directory) == {}


def test_init_reports_the_replica_that_was_used_here_until_now(shell: Shell) -> None:
    shell("increment", "builds=1", "tests=1")
    made = shell("init")
    assert made.status == 0
    assert "another replica of yours is in" in made.stderr
    assert "with 2 counters; commands below" in made.stderr
    (shell.directory / "deep/er").mkdir(parents=True)
    below = shell("init", directory=shell.directory / "deep/er")
    assert f"commands use this replica from now on, no longer {shell.directory}/.crdtctl" in below.stderr
    between = shell("init", directory=shell.directory / "deep")
    assert f"commands still use {shell.directory}/deep/er/.crdtctl" in between.stderr


@pytest.mark.parametrize("kind", [".git", ".hg", ".svn"])
def test_init_in_a_work_tree_warns_of_what_deletes_it(shell: Shell, kind: str) -> None:
    (shell.directory / kind).mkdir()
    for words in (["init"], ["init", "deep/er"], ["--replica", "counts", "init"]):
        made = shell(*words)
        assert made.status == 0
        assert f"{shell.directory} is a work tree" in made.stderr


def test_init_in_an_empty_directory_keeps_its_mode(shell: Shell) -> None:
    place = shell.directory / "counts"
    place.mkdir()
    place.chmod(0o2770)
    shell.ok("--replica", "counts", "init")
    assert place.stat().st_mode & 0o7777 == 0o2770
    assert files(place) == FILES


def test_init_goes_on_where_an_attempt_was_killed(shell: Shell) -> None:
    place = shell.directory / "counts"
    place.mkdir()
    for name in (".gitignore", "config.toml", "own.lock", "own.json.12-ab.new"):
        (place / name).write_text("half")
    shell.ok("--replica", "counts", "init")
    assert files(place) == FILES
    shell.ok("--replica", "counts", "increment", "builds")
    assert (place / ".gitignore").read_text() == "*\n"
