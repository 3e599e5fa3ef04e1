"""Web servers in the field: hardened, without folders, behind portals, compressing, interrupting."""

import gzip
import os
import time
import zlib
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, CrdtctlError, MissingError, StorageError, TransientError, UnavailableError
from crdtctl.sync.retry import retry
from crdtctl.sync.transport import Deadline, new_draft
from tests.conftest import Shell
from tests.support.servers.scripted import Handler, scripted
from tests.support.servers.webdav import nginx, wsgidav
from tests.sync.test_webdav import remote_at, remote_get

_HARDENED = (
    "location ~ /\\. {{ deny all; }} location / {{ dav_methods PUT DELETE MKCOL MOVE; autoindex_format {format}; }}"
)
_LISTING = b"""<multistatus xmlns="DAV:"><response><href>/shared/</href></response><response><href>/shared/a.json</href>
</response></multistatus>"""


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be nobody, with an empty home, and no proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


# Writing ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("style", ["json", "html"])
def test_a_server_that_denies_names_with_a_dot_is_put_to_in_place(style: str, shell: Shell, tmp_path: Path) -> None:
    with nginx(tmp_path / "server", _HARDENED.format(format=style)) as server:
        for name in ("ann", "ben"):
            shell.ok("--replica", name, "init")
            shell.ok("--replica", name, "increment", "hits")
        for name in ("ann", "ben", "ann"):
            shell.ok("--replica", name, "sync", f"{server.url}/shared")
        assert [shell.ok("--replica", name, "show", "hits") for name in ("ann", "ben")] == ["2\n", "2\n"]
        assert len(os.listdir(server.root / "shared")) == 2
        assert "may leave half a file" in shell.ok("--replica", "ann", "remote", "check", f"{server.url}/shared")


def test_what_is_forbidden_in_place_too_is_told_with_what_may_be_wrong(tmp_path: Path) -> None:
    settings = "location / { dav_methods PUT DELETE MKCOL MOVE; limit_except GET { deny all; } }"
    with nginx(tmp_path / "server", settings) as server:
        (server.root / "shared").mkdir()
        with pytest.raises(AccessError, match=r"403.*check the server's permissions"):
            remote_at(server.url, tmp_path).put("a.json", b"one")


def test_where_there_is_no_folder_and_no_mkcol_the_folder_is_to_be_made(shell: Shell, tmp_path: Path) -> None:
    with nginx(tmp_path / "server", "autoindex_format json; location / { dav_methods PUT; }") as server:
        shell.ok("init")
        shell.ok("increment", "hits")
        ended = shell("sync", f"{server.url}/shared")
        assert (ended.status, "make the folder on the server" in ended.stderr) == (69, True)
        (server.root / "shared").mkdir()
        shell.ok("sync", f"{server.url}/shared")


def test_a_server_that_fails_where_the_folder_is_there_is_tried_again(tmp_path: Path) -> None:
    statuses = {"PUT": 500, "MKCOL": 405, "HEAD": 200, "MOVE": 405}
    with (
        scripted(lambda request: request.reply(statuses[request.command])) as server,
        pytest.raises(TransientError, match="500"),
    ):
        remote_at(server.url, tmp_path).put("a.json", b"one")


def test_drafts_that_killed_syncs_left_are_deleted_after_a_day(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        remote = remote_at(server.url, tmp_path)
        remote.put("a.json", b"one")
        shared = server.root / "shared"
        old, new, probe = new_draft(), new_draft(), "crdtctl-probe-0123456789abcdef"
        (tmp_path / "outgoing").write_bytes(b"two")
        for name in (old, new, probe, "crdtctl-probe-mine", ".other.new"):
            (shared / name).touch()
        for name in (old, probe, "crdtctl-probe-mine", ".other.new", "a.json"):
            os.utime(shared / name, (time.time() - 100_000,) * 2)
        with remote.open() as transport:
            transport.list()
            transport.put("b.json", str(tmp_path / "outgoing"))
        assert set(os.listdir(shared)) == {new, "crdtctl-probe-mine", ".other.new", "a.json", "b.json"}


def test_a_draft_that_may_not_be_deleted_does_not_end_a_put(tmp_path: Path) -> None:
    """A server for uploads alone: what cannot be moved there is put in place."""
    statuses = {"PUT": 201, "MKCOL": 405, "DELETE": 403}
    with scripted(
        lambda request: request.reply(
            {**statuses, "MOVE": 404 if ".new" in request.headers.get("Destination", "") else 400}[request.command]
        )
    ) as server:
        remote_at(server.url, tmp_path).put("a.json", b"one")
    assert server.requests[-1].path == "/shared/a.json"


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (413, UnavailableError, "limit for file sizes"),
        (507, StorageError, "free some space there"),
        (511, TransientError, "log in"),
    ],
)
def test_what_a_server_says_is_told_in_its_own_sense(
    status: int, kind: type[CrdtctlError], said: str, tmp_path: Path
) -> None:
    with scripted(lambda request: request.reply(status)) as server, pytest.raises(kind, match=f"{status}.*{said}"):
        remote_at(server.url, tmp_path).put("a.json", b"one")


# Portals ------------------------------------------------------------------------------------------------


def test_a_portal_that_answers_for_a_server_is_no_empty_folder(tmp_path: Path) -> None:
    page = b'<html><a href="/">Home</a> Welcome! <a href="/terms">Terms</a></html>'
    with (
        scripted(lambda request: request.reply(200, page, Content_Type="text/html")) as server,
        pytest.raises(UnavailableError, match="does not list"),
    ):
        remote_at(server.url, tmp_path).list()


def test_a_redirect_to_a_portal_is_told_as_that(tmp_path: Path) -> None:
    page = b"<html>Log in</html>"
    with (
        scripted(lambda request: request.reply(200, page, Content_Type="text/html")) as portal,
        scripted(
            lambda request: request.reply(302, Location=portal.url.replace("127.0.0.1", "localhost") + "/x")
        ) as server,
        pytest.raises(UnavailableError, match=r"127\.0\.0\.1 redirects to localhost, which does not list"),
    ):
        remote_at(server.url, tmp_path).list()


def test_a_page_instead_of_an_object_is_not_remembered_as_a_damaged_object(shell: Shell, tmp_path: Path) -> None:
    """A portal that begins amid a sync must not make a good object be skipped later."""
    for name in ("ann", "ben"):
        shell.ok("--replica", name, "init")
        shell.ok("--replica", name, "increment", "hits")
    state = shell.ok("--replica", "ann", "export").encode()
    is_portal = True

    def answer(request: Handler) -> None:
        if request.command == "PROPFIND":
            request.reply(207, _LISTING)
        elif request.command == "GET" and is_portal:
            request.reply(200, b"<html>Log in</html>", Content_Type="text/html; charset=utf-8")
        else:
            is_probe = request.command == "MOVE" and ".new" in request.headers["Destination"]
            request.reply(404 if is_probe else 200 if request.command == "GET" else 201, state)

    with scripted(answer) as server:
        ended = shell("--replica", "ben", "sync", f"{server.url}/shared")
        assert (ended.status, "web page instead of a.json" in ended.stderr) == (3, True)
        assert "requires a log-in" in ended.stderr
        is_portal = False
        shell("--replica", "ben", "sync", f"{server.url}/shared")
    assert shell.ok("--replica", "ben", "show", "hits") == "2\n"


# Bodies -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("encoding", "compress"),
    [("gzip", gzip.compress), ("x-gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)],
)
def test_an_answer_that_is_compressed_unasked_is_read(encoding: str, compress: object, tmp_path: Path) -> None:
    assert callable(compress)
    data = bytes(range(256)) * 10**4

    def answer(request: Handler) -> None:
        body = _LISTING if request.command == "PROPFIND" else data
        request.reply(207 if request.command == "PROPFIND" else 200, compress(body), Content_Encoding=encoding)

    with scripted(answer) as server:
        remote = remote_at(server.url, tmp_path)
        assert remote.list().keys() == {"a.json"}
        assert remote_get(remote, "a.json") == data


@pytest.mark.parametrize(
    ("encoding", "body", "kind"),
    [
        ("br", b"x", UnavailableError),
        ("gzip", gzip.compress(b"x" * 100, mtime=0)[:-9], TransientError),
        ("gzip", b"what is none", TransientError),
        ("gzip, gzip", b"x", UnavailableError),
    ],
)
def test_a_compressed_answer_that_cannot_be_read_is_no_short_object(
    encoding: str, body: bytes, kind: type[CrdtctlError], tmp_path: Path
) -> None:
    with scripted(lambda request: request.reply(200, body, Content_Encoding=encoding)) as server, pytest.raises(kind):
        remote_get(remote_at(server.url, tmp_path), "a.json")


def test_a_page_that_is_cut_where_nothing_says_how_long_it_is_is_no_short_listing(tmp_path: Path) -> None:
    page = b'<html><a href="../">up</a><a href="a.json">a</a><a href="b.json">b</a></html>'
    end = 50

    def answer(request: Handler) -> None:
        if request.command == "GET":
            request.wfile.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + page[:end])
            request.close_connection = True
        else:
            request.reply(405 if request.command == "PROPFIND" else 200)

    with scripted(answer) as server:
        remote = remote_at(server.url, tmp_path)
        with pytest.raises(TransientError, match="is incomplete"):
            remote.list()
        end = len(page)
        assert remote.list().keys() == {"a.json", "b.json"}


def test_a_file_that_is_shown_and_not_there_is_listed_so_that_it_is_told(tmp_path: Path) -> None:
    statuses = {"PROPFIND": 405, "HEAD": 404}

    def answer(request: Handler) -> None:
        request.reply(statuses.get(request.command, 200), b'<a href="a.json">a</a>', Content_Type="text/html")

    with scripted(answer) as server:
        assert remote_at(server.url, tmp_path).list().keys() == {"a.json"}
        statuses["GET"] = 404
        with pytest.raises(MissingError):
            remote_get(remote_at(server.url, tmp_path), "a.json")


# Patience -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    "said",
    [
        {"Retry_After": "7"},
        {"Date": "Fri, 27 Nov 2026 16:00:00 GMT", "Retry_After": "Fri, 27 Nov 2026 16:00:07 GMT"},
    ],
    ids=["seconds", "date"],
)
def test_a_server_that_asks_to_be_left_alone_is_so_for_as_long(
    status: int, said: dict[str, str], tmp_path: Path
) -> None:
    pauses: list[float] = []

    def answer(request: Handler) -> None:
        request.send_response_only(status if len(server.requests) < 3 else 207)
        body = b"" if len(server.requests) < 3 else _LISTING
        for name, value in {**said, "Content_Length": str(len(body))}.items():
            request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(body)

    with scripted(answer) as server, remote_at(server.url, tmp_path).open() as transport:
        assert len(retry(transport.list, Deadline(60), pauses.append)) == 1
    assert pauses == [7.0, 7.0]


@pytest.mark.parametrize("said", ["999", "-1", "soon", "9" * 50, "Fri, 27 Nov 1999 16:00:07 GMT"])
def test_a_time_to_wait_that_is_too_long_or_none_is_not_waited_for(said: str, tmp_path: Path) -> None:
    pauses: list[float] = []
    with (
        scripted(lambda request: request.reply(429, Retry_After=said)) as server,
        remote_at(server.url, tmp_path).open() as transport,
        pytest.raises(TransientError, match="after 999 seconds" if said == "999" else "try again"),
    ):
        retry(transport.list, Deadline(60), pauses.append)
    assert all(pause < 5 for pause in pauses)
