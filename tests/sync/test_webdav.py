"""A folder at a web server as a remote."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sync.conformance import Conformance, Remote
from tests.sync.servers.webdav import Server, nginx, rclone, wsgidav

_JSON = "autoindex_format json; location / { dav_methods PUT DELETE MKCOL MOVE; }"
_HTML = "autoindex_format html; location / { dav_methods PUT DELETE; create_full_put_path on; }"


def remote_at(server: Server, tmp_path: Path) -> Remote:
    (tmp_path / "scratch").mkdir()
    return Remote(f"{server.url}/shared", tmp_path / "scratch", server.root / "shared")


class TestWsgiDav(Conformance):
    # It moves to what stands before these characters, however they are written.
    impossible = frozenset({"a?b=c&d#e.json", "a;b|c.json"})

    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with wsgidav(tmp_path / "server") as server:
            yield remote_at(server, tmp_path)


class TestRclone(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with rclone(tmp_path / "server") as server:
            yield remote_at(server, tmp_path)


class TestNginxThatListsInJson(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with nginx(tmp_path / "server", _JSON) as server:
            yield remote_at(server, tmp_path)


class TestNginxThatListsInHtmlAndCannotMove(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with nginx(tmp_path / "server", _HTML) as server:
            yield remote_at(server, tmp_path)
