"""A user with several replicas is told of the others where one of them may have been meant."""

from pathlib import Path

import pytest

from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal


@pytest.fixture
def home(shell: Shell) -> Path:
    return Path(shell.environment["HOME"])


@pytest.fixture
def other(shell: Shell, tmp_path: Path) -> Path:
    """Make another replica, with two counters and a remote, beside the user's own."""
    place = tmp_path / "project"
    assert shell("init", str(place)).status == 0
    assert shell("increment", "builds=1", "tests=1", directory=place).status == 0
    assert shell("remote", "add", "hub", "./hub", directory=place).status == 0
    assert shell("increment", "mine=1").status == 0
    return place / ".crdtctl"


def test_status_on_a_terminal_lists_them(shell: Shell, other: Path) -> None:
    shown = on_terminal(shell, "status", columns=250).stdout
    assert f"another replica of yours is in {other}, with 2 counters and the remote hub" in shown
    assert "another replica" not in shell.ok("status")


def test_sync_without_remotes_names_the_replica_that_has_some(shell: Shell, other: Path) -> None:
    said = assert_refused(shell("sync"), 2)
    assert f"'crdtctl --replica {other} sync'" in said


def test_counting_on_a_terminal_names_the_one_that_may_have_been_meant(shell: Shell, other: Path, home: Path) -> None:
    for words in (["increment", "builds"], ["increment", "mine"], ["increment", "fresh=1"]):
        ended = on_terminal(shell, *words)
        assert ended.status == 0
        assert f"counted in {home}/.local/share/crdtctl; another replica of yours is in {other}" in ended.stderr
    assert shell("remote", "add", "hub", "./hub").status == 0
    for words in (["increment", "mine"], ["--replica", str(other), "increment", "builds"]):
        assert on_terminal(shell, *words).stderr == ""
    assert shell("increment", "fresh", "2").stderr == ""


def test_nothing_is_said_where_there_is_one_replica(shell: Shell) -> None:
    assert shell("init").stderr == ""
    for words in (["increment", "builds"], ["increment", "builds=1"]):
        assert on_terminal(shell, *words).stderr == ""
    assert "another replica" not in on_terminal(shell, "status").stdout


@pytest.fixture
def of_project(shell: Shell, tmp_path: Path) -> Path:
    """Make replicas without counters, and one with a counter and a remote; none is the user's own."""
    for name in ("a", "b", "project", "y", "z"):
        assert shell("init", str(tmp_path / name)).status == 0
    place = tmp_path / "project"
    assert shell("increment", "builds=1", directory=place).status == 0
    assert shell("remote", "add", "hub", "./hub", directory=place).status == 0
    return place / ".crdtctl"


@pytest.mark.parametrize("words", [["sync"], ["show"], ["status"], ["export"], ["increment", "builds", "--existing"]])
def test_a_command_without_a_replica_is_led_to_the_one_in_use(shell: Shell, of_project: Path, words: list[str]) -> None:
    said = assert_refused(shell(*words), 66)
    assert f"another replica of yours is in {of_project}, with 1 counter and the remote hub: select it with" in said


def test_the_first_count_elsewhere_names_the_replica_in_use(shell: Shell, of_project: Path) -> None:
    ended = shell("increment", "builds")
    assert ended.status == 0
    assert f"another replica of yours is in {of_project}, with 1 counter and the remote hub" in ended.stderr


def test_a_named_replica_that_is_not_there_is_not_another_one(shell: Shell, of_project: Path) -> None:
    assert "another replica" not in assert_refused(shell("--replica", "nowhere", "show"), 66)
