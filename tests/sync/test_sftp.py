"""A folder at another machine as a remote: a real sshd, and the real ssh."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.conformance import Conformance, Remote
from tests.sync.servers.sshd import Sshd, serve


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serve(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def _ssh(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", sshd.command)


@pytest.fixture
def remote(sshd: Sshd, tmp_path: Path) -> Remote:
    (tmp_path / "scratch").mkdir()
    return Remote(sshd.url(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


class TestSftp(Conformance):
    @pytest.fixture
    def remote(self, sshd: Sshd, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(sshd.url(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")
