"""What root does once in a user's replica leaves nothing there that the user cannot use."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.commands.users import READING
from tests.conftest import PROGRAM, Result, Shell

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")

USER = 5001
BECOMING = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups", *READING]


@pytest.fixture
def home() -> Iterator[Path]:
    """Return a user's home directory, which holds a folder and a repository to meet at."""
    place = Path(tempfile.mkdtemp()).resolve()
    place.chmod(0o755)
    subprocess.run(["git", "init", "-q", "--bare", "--shared=all", str(place / "r.git")], check=True)
    (place / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")  # so that root may use the repository, too
    (place / "shared").mkdir()
    for path in (place, *place.rglob("*")):
        os.chown(path, USER, USER)
    yield place
    shutil.rmtree(place)


def run(shell: Shell, home: Path, *words: str, becoming: tuple[str, ...] | list[str] = ()) -> Result:
    done = subprocess.run(
        [*becoming, *PROGRAM, *words],
        capture_output=True,
        cwd=home,
        env={**shell.environment, "HOME": str(home), "CRDTCTL_REPLICA": str(home / "r")},
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


#: Every way to make files in a replica; a batch of the user's own after each.
DEEDS = (
    ["sync", "./shared"],
    ["sync", "git+file://{home}/r.git"],
    ["remote", "add", "hub", "./shared"],
    ["increment", "builds"],
    ["increment", "builds=1"],
    ["merge", "other.json"],
    ["exchange", "other"],
    ["export", "-o", "out.json"],
    ["remote", "check", "./shared"],
)


def test_whatever_root_makes_belongs_to_the_owner_of_the_directory(shell: Shell, home: Path) -> None:
    assert run(shell, home, "init", becoming=BECOMING).status == 0
    other = [*PROGRAM, "--replica", "other"]
    for words in (["init"], ["increment", "tests"], ["export", "-o", "other.json"]):
        subprocess.run([*BECOMING, *other, *words], cwd=home, env={**shell.environment, "HOME": str(home)}, check=True)
    for words in DEEDS:
        words = [word.format(home=home) for word in words]
        ended = run(shell, home, *words)
        assert (ended.status, ended.stderr) == (0, ""), words
        strangers = [str(path) for path in (home / "r").rglob("*") if path.lstat().st_uid != USER]
        assert strangers == [], words
    for words in DEEDS:
        if words[:2] != ["remote", "add"]:
            ended = run(shell, home, *(word.format(home=home) for word in words), becoming=BECOMING)
            if words[0] != "export":  # which root made in the home directory, as any program would
                assert (ended.status, ended.stderr) == (0, ""), words


def test_a_replica_that_root_makes_in_a_users_directory_is_the_users(shell: Shell, home: Path) -> None:
    for words in (["init"], ["init", "deep/er"], ["increment", "builds"]):
        environment = {**shell.environment, "HOME": str(home)}
        subprocess.run([*PROGRAM, *words], cwd=home, env=environment, check=True, capture_output=True)
    assert [str(path) for path in home.rglob("*") if path.lstat().st_uid != USER] == []
    for directory in (home, home / "deep/er"):
        done = subprocess.run(
            [*BECOMING, *PROGRAM, "increment", "builds=1"],
            cwd=directory,
            env={**shell.environment, "HOME": str(home)},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")


def test_locks_that_root_left_behind_can_still_be_taken(shell: Shell, home: Path) -> None:
    assert run(shell, home, "init", becoming=BECOMING).status == 0
    for name in ("sync.lock", "own.lock", "known.lock"):
        (home / "r" / name).touch(0o644)
        os.chown(home / "r" / name, 0, 0)
    for words in (["increment", "builds"], ["increment", "builds=1"], ["sync", "./shared"]):
        assert run(shell, home, *words, becoming=BECOMING).status == 0
