"""Replicas meet at private remotes of several kinds: all that holds at a plain remote holds there."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.sync.keys import Key
from tests.support.servers.sshd import serve
from tests.support.servers.webdav import wsgidav
from tests.sync.conformance import Remote
from tests.sync.meetings import Meetings, meet, values
from tests.sync.test_git import bare

KEY = Key(bytes(range(32)))


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("CRDTCTL_REMOTE_KEY", KEY.text())


class PrivateMeetings(Meetings):
    """The tests of plain remotes, but what another program put there is never read."""

    def test_copies_halves_and_strangers_are_joined_or_skipped_and_never_trusted(
        self, remote: Remote, new_replica: Callable[[str], Replica]
    ) -> None:
        here, there = new_replica("here"), new_replica("there")
        there.increment("hits", 3)
        meet(there, remote)
        [name] = remote.list()
        whole = remote.get(name)
        assert b"there" not in whole
        assert "there" not in name
        assert b"hits" not in whole
        remote.put(f"{name[:-12]} (1).crdt.sealed", whole)
        remote.put("plain.crdt.json", there.export_bytes())
        remote.put("notes.txt", b"buy milk")
        [report] = meet(here, remote).remotes
        assert values([here], "hits") == [3]
        assert [error.message.partition(":")[0] for error in report.unread] == [
            "1 object there is still plain",
            "2 files there were not put with the key",
        ]


class TestFolder(PrivateMeetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        return Remote(str(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


class TestGit(PrivateMeetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        if shutil.which("git") is None:
            pytest.skip("git is not installed")
        return Remote(f"git+file://{bare(tmp_path / 'hub.git')}#counts", tmp_path / "scratch")


class TestSsh(PrivateMeetings):
    @pytest.fixture
    def remote(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Remote]:
        with serve(tmp_path / "server") as server:
            monkeypatch.setenv("CRDTCTL_SSH", server.command)
            yield Remote(server.url(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


class TestWebDav(PrivateMeetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with wsgidav(tmp_path / "server") as server:
            yield Remote(f"{server.url}/shared", tmp_path / "scratch")
