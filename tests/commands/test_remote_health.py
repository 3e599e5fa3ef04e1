"""When a sync last went well is kept of each remote: ``status`` shows it, and ``sync --alert-after`` makes it heard."""

import json
import subprocess

import pytest

from crdtctl import Replica
from tests.commands.test_locks import held
from tests.conftest import PROGRAM, Result, Shell
from tests.support.expect import assert_refused


def at(shell: Shell, when: str, *words: str) -> Result:
    """Run the program at another time."""
    done = subprocess.run(
        ["faketime", "-f", when, *PROGRAM, *words],
        cwd=shell.directory,
        env=dict(shell.environment),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def away(shell: Shell, replica: Replica) -> str:
    """Make a remote that works, and fails in a way that passes by itself while there is a file `dead`."""
    program = shell.directory / "program"
    program.write_text(
        "#!/bin/sh\n"
        f'[ -e "{shell.directory}/dead" ] && {{ echo the network is away >&2; exit 75; }}\n'
        f'cd "{shell.directory}" && mkdir -p there && cd there || exit 1\n'
        'case $1 in list) find . -maxdepth 1 -type f -printf "%s %T@.%i %f\\n" ;; get) cat "$2" ;;\n'
        'put) cat >"$2" ;; delete) rm -f "$2" ;; esac\n'
    )
    program.chmod(0o755)
    replica.add_remote("away", f"exec:{program}")
    replica.increment("builds")
    return "away"


def test_status_shows_when_a_sync_last_went_well_and_what_failed_since(
    shell: Shell, replica: Replica, away: str
) -> None:
    assert "away: no sync yet" in shell.ok("status", "--format", "table")
    shell.ok("sync")
    [remote] = json.loads(shell.ok("status", "--format", "json"))["remotes"]
    assert (remote["name"], remote["failures"], remote["error"]) == ("away", 0, None)
    assert remote["last_ok"] == remote["last_try"]
    (shell.directory / "dead").touch()
    for _ in range(2):
        assert shell("sync", "--timeout", "1").status == 75
    shown = at(shell, "+3d", "status", "--format", "table").stdout
    assert "away: last sync 3 days ago, 2 failures since, the first 3 days ago: " in shown
    assert "the network is away" in shown
    (shell.directory / "dead").unlink()
    shell.ok("sync")
    assert "failure" not in shell.ok("status", "--format", "table")


def test_a_folder_without_a_name_is_shown_by_its_path(shell: Shell, replica: Replica) -> None:
    (shell.directory / "stick").mkdir()
    replica.increment("builds")
    shell.ok("sync", "./stick")
    assert f"{shell.directory}/stick: last sync" in shell.ok("status", "--format", "table")


def test_heard_is_a_time_or_null_in_json(shell: Shell, replica: Replica) -> None:
    [own] = json.loads(shell.ok("status", "--format", "json"))["replicas"]
    assert (own["heard"], own["own"]) == (None, True)


def test_a_failure_that_passes_is_silent_until_it_has_lasted_too_long(
    shell: Shell, replica: Replica, away: str
) -> None:
    shell.ok("sync", "--alert-after", "6h")
    (shell.directory / "dead").touch()
    words = ["sync", "--timeout", "1", "--alert-after", "6h"]
    for when in ("+1h", "+5h"):
        ended = at(shell, when, *words)
        assert (ended.status, ended.stdout, ended.stderr) == (75, "", "")
    said = assert_refused(at(shell, "+7h", *words), 69)
    assert "the network is away" in said
    assert "last sync 7 hours ago, 3 failures since" in said


def test_a_remote_that_never_answered_is_told_as_well(shell: Shell, replica: Replica, away: str) -> None:
    (shell.directory / "dead").touch()
    words = ["sync", "--timeout", "1", "--alert-after", "6h"]
    assert (shell(*words).status, at(shell, "+7h", *words).status) == (75, 69)


def test_what_does_not_pass_is_told_at_once(shell: Shell, replica: Replica) -> None:
    replica.add_remote("gone", "/nonexistent/place")
    assert_refused(shell("sync", "--alert-after", "6h"), 69)


def test_another_sync_that_never_ends_is_told(shell: Shell, replica: Replica, away: str) -> None:
    shell.ok("sync")
    words = ["sync", "--retry-lock", "0", "--alert-after", "6h"]
    with held(replica, "sync"):
        ended = at(shell, "+1h", *words)
        assert (ended.status, ended.stderr) == (75, "")
        assert "last sync 7 hours ago" in assert_refused(at(shell, "+7h", *words), 69)


def test_a_remote_that_was_removed_is_forgotten(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    hub = shell.directory / "hub"
    hub.mkdir()
    shell.ok("remote", "add", "hub", "./hub")
    shell.ok("sync")
    for path in hub.iterdir():
        path.unlink()
    assert "disappeared" in assert_refused(shell("sync"), 69)
    shell.ok("remote", "remove", "hub")
    assert "hub" not in shell.ok("status", "--format", "table").partition("remote ")[2]
    shell.ok("remote", "add", "hub", "./hub")
    shell.ok("sync")
