"""A git remote that refuses pushes, is damaged, or has no space left."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, TransientError, UnavailableError
from crdtctl.sync.process import ProgramResult
from crdtctl.sync.transports.git.errors import failure
from tests.conftest import PROGRAM, Shell
from tests.sync.conformance import Remote
from tests.sync.test_git import bare, git
from tests.sync.test_git_as_configured import hook

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return bare(tmp_path / "shared.git")


@pytest.fixture
def remote(there: Path, scratch: Path) -> Remote:
    return Remote(str(there), scratch, there)


@pytest.mark.parametrize(("present", "wanted"), [("crdtctl/feature", "crdtctl"), ("crdtctl", "crdtctl/feature")])
def test_a_branch_that_makes_another_impossible_is_named_at_once(
    remote: Remote, scratch: Path, present: str, wanted: str
) -> None:
    Remote(f"{remote.url}#{present}", scratch).put("a.json", b"one")
    with pytest.raises(UnavailableError, match=rf"'{present}' at .* excludes a branch '{wanted}'.*URL#BRANCH"):
        Remote(f"{remote.url}#{wanted}", scratch).put("a.json", b"one")


def test_a_lock_that_a_killed_git_left_is_named(remote: Remote, there: Path) -> None:
    lock = there / "refs" / "heads" / "crdtctl.lock"
    lock.touch()
    with pytest.raises(TransientError, match=r"refs/heads/crdtctl\.lock exists.*delete it"):
        remote.put("a.json", b"one")
    lock.unlink()
    remote.put("a.json", b"one")


def test_a_lock_that_goes_away_is_waited_for(remote: Remote, there: Path) -> None:
    lock = there / "refs" / "heads" / "crdtctl.lock"
    lock.touch()
    threading.Timer(0.3, lock.unlink).start()
    remote.put("a.json", b"one")
    assert remote.list().keys() == {"a.json"}


def test_a_branch_that_is_hidden_is_told_as_such(remote: Remote, there: Path, scratch: Path) -> None:
    remote.put("a.json", b"one")
    git(there, "config", "uploadpack.hideRefs", "refs/heads/crdtctl")
    with pytest.raises(UnavailableError, match=r"has a hidden branch 'crdtctl'.*hideRefs"):
        remote.put("b.json", b"two")


@pytest.mark.skipif(os.geteuid() != 0, reason="needs a small file system of its own")
@pytest.mark.parametrize("full", ["there", "here"])
def test_a_full_disk_is_told_as_such(shell: Shell, tmp_path: Path, full: str) -> None:
    there = bare(tmp_path / "there" / "shared.git")
    shell.ok("init", tmp_path / "here" / "a")
    lines = "".join(f"{os.urandom(32).hex()} 1\n" for _ in range(6000))
    shell.ok("--replica", tmp_path / "here" / "a", "increment", "--batch", "-", stdin=lines)
    small = tmp_path / "small"
    small.mkdir()
    script = (
        'mount -t tmpfs -o size=1500k none "$1"; cp -a "$2/." "$1"; cd "$1"; '
        'head -c "$3" /dev/zero > fill 2>/dev/null || true; shift 3; exec "$@"'
    )
    place = tmp_path / full
    replica = tmp_path / "here" / "a" if full == "there" else small / "a"
    url = small / "shared.git" if full == "there" else there
    statuses = set()
    for size in ("10000000", "400000", "700000") if full == "here" else ("10000000",):
        command = ["unshare", "-m", "sh", "-c", script, "sh", str(small), str(place), size]
        command += [*PROGRAM, "--replica", str(replica), "sync", str(url)]
        done = subprocess.run(command, env=dict(shell.environment), capture_output=True, text=True, check=False)
        statuses.add(done.returncode)
        assert done.returncode in (0, 74), done.stderr
        if done.returncode:
            assert "No space left" in done.stderr
    assert 74 in statuses


def test_what_the_other_side_could_not_store_just_now_may_be_tried_again(remote: Remote, there: Path) -> None:
    hook(there, "pre-receive", "chmod 500 $GIT_DIR/objects 2>/dev/null; echo unable to migrate objects >&2; exit 1")
    with pytest.raises(TransientError, match="unable to migrate"):
        remote.put("a.json", b"one")


def test_a_warning_is_not_taken_for_the_reason() -> None:
    warning = "warning: unable to access '/root/.config/git/attributes': Permission denied"
    for said, kind in (
        ("fatal: unable to connect to example.org: Connection refused", TransientError),
        ("fatal: read error: Connection reset by peer", TransientError),
        ("fatal: Authentication failed for 'https://example.org/'", AccessError),
    ):
        assert type(failure(ProgramResult(128, b"", f"{warning}\n{said}\n"), "https://example.org/")) is kind


@pytest.mark.parametrize("lost", ["objects", "branch"])
def test_a_repository_that_is_damaged_is_told_as_such(remote: Remote, there: Path, scratch: Path, lost: str) -> None:
    remote.put("a.json", b"one")
    other = Remote(remote.url, scratch / "other")
    other.scratch.mkdir()
    if lost == "objects":
        for path in (there / "objects").glob("??/*"):
            path.unlink()
    else:
        (there / "refs" / "heads" / "crdtctl").write_text("")
    operations: list[Callable[[], object]] = [other.list, lambda: remote.put("b.json", b"two")]
    for operate in operations:
        with pytest.raises(UnavailableError, match=r"is damaged or not readable.*git fsck"):
            operate()


def test_what_a_server_refused_is_not_missed_there_afterwards(there: Path, shell: Shell) -> None:
    shell.ok("init")
    shell.ok("increment", "hits")
    hook(there, "pre-receive", "exit 1")
    assert shell("sync", str(there)).status == 77
    (there / "hooks" / "pre-receive").unlink()
    assert shell.ok("sync", str(there)) == ""
    assert git(there, "rev-list", "--count", "crdtctl") == "1\n"
