"""``status --max-age`` names the remotes that are late, and ``sync --on-change`` runs a command after news."""

import os
import shlex

import pytest

from crdtctl import Replica
from tests.commands.test_remote_health import at
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused


@pytest.fixture
def synced(shell: Shell, replica: Replica) -> Replica:
    (shell.directory / "there").mkdir()
    shell.ok("remote", "add", "hub", "./there")
    shell.ok("sync")
    return replica


def news(shell: Shell, name: str = "other") -> None:
    """Let another replica count and sync."""
    other = Replica.init(shell.directory / name, name=name)
    other.increment("builds")
    shell.ok("--replica", name, "sync", "./there")


def test_max_age_names_the_remotes_that_are_late(shell: Shell, synced: Replica) -> None:
    usual = shell.ok("status")
    assert shell.ok("status", "--max-age", "1h") == usual
    late = at(shell, "+3h", "status", "--max-age", "1h")
    assert (late.status, late.stdout) == (1, usual)
    assert "1 of 1 remotes had no successful sync within 60 minutes: hub (3 hours ago); " in late.stderr
    shell.ok("remote", "add", "stick", "./nowhere/at-all")
    never = at(shell, "+3h", "status", "--max-age", "4h")
    assert never.status == 1
    assert "1 of 2 remotes" in never.stderr
    assert "stick (never)" in never.stderr
    assert "hub" not in never.stderr


def test_time_of_a_clock_that_is_far_ahead_is_late(shell: Shell, synced: Replica) -> None:
    assert at(shell, "-1m", "status", "--max-age", "1h").status == 0
    assert "hub (in 23 hours, by this clock)" in at(shell, "-1439m", "status", "--max-age", "1h").stderr


def test_replica_without_a_remote_is_late(shell: Shell, replica: Replica) -> None:
    done = shell("status", "--max-age", "1h")
    assert done.status == 1
    assert "has no remote" in done.stderr
    assert_refused(shell("status", "--max-age", "soon"), 2)


def test_place_without_a_name_is_late_until_it_is_removed(shell: Shell, synced: Replica) -> None:
    assert shell("sync", "./nowhere/shared").status == 69
    assert "./nowhere" not in shell("status", "--max-age", "1h").stderr.split("nowhere/shared")[0]
    assert shell("status", "--max-age", "1h").status == 1
    shell.ok("remote", "remove", "./nowhere/shared")
    shell.ok("status", "--max-age", "1h")
    assert "was never synced" in assert_refused(shell("remote", "remove", "./nowhere/shared"), 66)
    shell.ok("remote", "remove", "hub")


def test_command_runs_after_news_only_and_finds_the_replica(shell: Shell, synced: Replica) -> None:
    words = ["sync", "--on-change", f'cd / && {shlex.join(PROGRAM)} show builds && echo "$CRDTCTL_REPLICA"']
    assert shell.ok(*words) == ""
    news(shell)
    assert shell.ok(*words) == f"1\n{os.path.realpath(synced.path)}\n"
    assert shell.ok(*words) == ""


def test_command_runs_also_if_another_remote_fails(shell: Shell, synced: Replica) -> None:
    news(shell)
    shell.ok("remote", "add", "gone", "./nowhere/shared")
    done = shell("sync", "--on-change", "echo news")
    assert (done.status, done.stdout) == (69, "news\n")


@pytest.mark.parametrize(("command", "how"), [("exit 7", "status 7"), ("kill -9 $$", "signal 9")])
def test_command_that_fails_is_reported(shell: Shell, synced: Replica, command: str, how: str) -> None:
    news(shell)
    assert f"ended with {how}" in assert_refused(shell("sync", "--on-change", command), 1)
    assert "--dry-run" in assert_refused(shell("sync", "--dry-run", "--on-change", command), 2)
