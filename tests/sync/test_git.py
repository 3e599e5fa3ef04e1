"""A branch of a git repository as a remote."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.conformance import Conformance, Remote
from tests.sync.servers.gitd import git_daemon

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def git(where: Path, *arguments: str) -> str:
    """Run git as a user of a repository does."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
    who = {f"GIT_{r}_{k}": v for r in ("AUTHOR", "COMMITTER") for k, v in (("NAME", "u"), ("EMAIL", "u@example.org"))}
    done = subprocess.run(
        ["git", *arguments], cwd=where, env={**environment, **who}, capture_output=True, text=True, check=True
    )
    return done.stdout


def bare(path: Path) -> Path:
    path.mkdir(parents=True)
    git(path, "init", "--quiet", "--bare", ".")
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    made = tmp_path / "scratch"
    made.mkdir()
    return made


class TestFile(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path, scratch: Path) -> Remote:
        return Remote(f"git+file://{bare(tmp_path / 'shared.git')}", scratch)


class TestDaemon(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path, scratch: Path) -> Iterator[Remote]:
        bare(tmp_path / "served" / "shared.git")
        with git_daemon(tmp_path / "served") as url:
            yield Remote(f"git+{url}/shared.git", scratch)
