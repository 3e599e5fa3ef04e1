"""A machine whose directories for temporary files are read-only."""

import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Result, Shell
from tests.sync.test_exec import EXAMPLE

#: Makes $1 visible at /mnt, and everything that Python may take for a temporary directory read-only; runs the rest.
READ_ONLY = """
mount --bind "$1" /mnt
for place in /tmp /var/tmp /usr/tmp; do
    if [ -d $place ] && [ ! -L $place ]; then
        mount --bind $place $place
        mount -o remount,bind,ro $place
    fi
done
cd /tmp
shift
exec "$@"
"""


def _can_unshare() -> bool:
    done = subprocess.run(["unshare", "-m", "mount", "--bind", "/tmp", "/mnt"], capture_output=True, check=False)
    return done.returncode == 0


pytestmark = pytest.mark.skipif(
    not (shutil.which("unshare") and _can_unshare()), reason="this user may not make mounts of its own"
)


@pytest.fixture
def run(shell: Shell, tmp_path: Path) -> Callable[..., Result]:
    """Run the program where only ``/mnt``, which is the test's directory, can be written to."""
    places = {"HOME": "/mnt/home", "XDG_STATE_HOME": "/mnt/state"}
    environment = {k: v for k, v in shell.environment.items() if k not in ("TMPDIR", "TEMP", "TMP")} | places

    def call(*arguments: str, stdin: str = "") -> Result:
        command = ["unshare", "-m", "sh", "-e", "-c", READ_ONLY, "sh", str(tmp_path), *PROGRAM, *arguments]
        done = subprocess.run(command, env=environment, input=stdin.encode(), capture_output=True, check=False)
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())

    return call


@pytest.fixture(params=["folder", "git", "exec", "rclone"])
def url(request: pytest.FixtureRequest, tmp_path: Path, shell: Shell) -> str:
    match request.param:
        case "git":
            if not shutil.which("git"):
                pytest.skip("git is not installed")
            subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "there"], check=True)
        case "exec":
            return f"exec:{shlex.join([str(EXAMPLE), 'sh -c', '/mnt/there'])}"
        case "rclone":
            if not shutil.which("rclone"):
                pytest.skip("rclone is not installed")
            configuration = tmp_path / "home" / ".config" / "rclone" / "rclone.conf"
            configuration.parent.mkdir(parents=True)
            configuration.write_text("[here]\ntype = alias\nremote = /mnt\n")
            return "rclone:here:there"
        case _:
            (tmp_path / "there").mkdir()
    return "/mnt/there"


def test_replicas_meet_without_a_temporary_directory(run: Callable[..., Result], shell: Shell, url: str) -> None:
    for name, count in (("one", "2"), ("two", "40")):
        assert run("init", f"/mnt/{name}").status == 0
        assert run("--replica", f"/mnt/{name}", "increment", "hits", count).status == 0
    for name in ("one", "two", "one"):
        assert run("--replica", f"/mnt/{name}", "sync", url) == Result(0, "", "")
    assert run("--replica", "/mnt/one", "show", "hits") == Result(0, "42\n", "")
    assert run("--replica", "/mnt/two", "increment", "hits").status == 0
    assert run("--replica", "/mnt/two", "sync", "--dry-run", url).status == 0
    checked = run("--replica", "/mnt/two", "remote", "check", url)
    assert (checked.status, checked.stderr) == (0, "")
    assert run("--replica", "/mnt/one", "exchange", "/mnt/two").status == 0
    assert run("--replica", "/mnt/one", "show", "hits") == Result(0, "43\n", "")


def test_without_any_place_for_temporary_files_the_message_names_the_variable(
    run: Callable[..., Result], shell: Shell, tmp_path: Path
) -> None:
    shell.ok("init", tmp_path / "one")
    lines = "".join(f"name-{number}-{'x' * 100} 1\n" for number in range(1000))
    shell.ok("--replica", tmp_path / "one", "increment", "--batch", "-", stdin=lines)
    state = shell.ok("--replica", tmp_path / "one", "export")
    ended = run("--replica", "/mnt/one", "merge", "-", stdin=state)  # too large to be kept in memory
    assert ended.status == 74
    assert "no writable directory for temporary files" in ended.stderr
    assert "TMPDIR" in ended.stderr


def test_run_reports_it_before_its_command_starts(run: Callable[..., Result], tmp_path: Path) -> None:
    ended = run("run", "--seal-to", "/mnt/job.json", "--", "touch", "/mnt/started")
    assert ended.status == 74
    assert "TMPDIR" in ended.stderr
    assert not (tmp_path / "started").exists()
