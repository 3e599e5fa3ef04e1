"""A folder on a web server as a remote."""

import select
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from crdtctl.errors import (
    AccessError,
    ConfigError,
    CrdtctlError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
)
from tests.conftest import Shell
from tests.support.servers.scripted import Handler, scripted
from tests.support.servers.webdav import Server, apache, nginx, rclone, wsgidav
from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings

_JSON = "autoindex_format json; location / { dav_methods PUT DELETE MKCOL MOVE; }"
_HTML = "autoindex_format html; location / { dav_methods PUT DELETE; create_full_put_path on; }"
#: Runs a server, with files of its own in a directory.
Run = Callable[[Path], AbstractContextManager[Server]]
_EMPTY = b'<multistatus xmlns="DAV:"><response><href>/shared/</href></response></multistatus>'
#: How WsgiDAV lets one user in, and what must never be seen anywhere.
_PASSWORD = "correct-horse-42"
_USERS = {"ann": _PASSWORD}


def remote_at(url: str, tmp_path: Path) -> Remote:
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return Remote(f"{url}/shared", tmp_path / "scratch")


@pytest.fixture(autouse=True)
def _nobody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be nobody, with an empty home, and no proxy."""
    (tmp_path / "nobody").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    for name in ("USER", "PASSWORD", "TOKEN"):
        monkeypatch.delenv(f"CRDTCTL_HTTP_{name}", raising=False)


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    """Run a server that lets in one user."""
    with wsgidav(tmp_path / "server", _USERS) as server:
        yield server


class TestWsgiDav(Conformance, Meetings):
    # It moves to what stands before these characters, however they are written.
    impossible = frozenset({"a?b=c&d#e.json", "a;b|c.json"})

    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with wsgidav(tmp_path / "server") as server:
            yield remote_at(server.url, tmp_path)


class TestRclone(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with rclone(tmp_path / "server") as server:
            yield remote_at(server.url, tmp_path)


class TestApache(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with apache() as server:
            yield remote_at(server.url, tmp_path)


class TestNginxThatListsInJson(Conformance):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with nginx(tmp_path / "server", _JSON) as server:
            yield remote_at(server.url, tmp_path)


class TestNginxThatListsInHtmlAndCannotMove(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Iterator[Remote]:
        with nginx(tmp_path / "server", _HTML) as server:
            yield remote_at(server.url, tmp_path)

    def test_a_put_is_known_not_to_be_atomic(self, remote: Remote) -> None:
        with remote.open() as transport:
            assert not transport.atomic


# The place ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "run",
    [lambda _: apache(), wsgidav, rclone, lambda own: nginx(own, _JSON)],
    ids=["apache", "wsgidav", "rclone", "nginx"],
)
def test_one_folder_is_made_but_not_those_that_it_is_in(run: Run, tmp_path: Path) -> None:
    with run(tmp_path / "server") as server:
        remote = Remote(f"{server.url}/not/there", remote_at(server.url, tmp_path).scratch)
        with pytest.raises(UnavailableError, match="make its parent folder"):
            remote.list()
        with pytest.raises(UnavailableError, match="make its parent folder"):
            remote.put("a.json", b"one")
        (server.root / "not").mkdir()
        assert list(server.root.rglob("*")) == [server.root / "not"]


@pytest.mark.parametrize(
    "run",
    [lambda _: apache(), wsgidav, rclone, lambda own: nginx(own, _JSON)],
    ids=["apache", "wsgidav", "rclone", "nginx"],
)
def test_what_is_put_is_moved_into_place_by_servers_that_can(run: Run, tmp_path: Path) -> None:
    with run(tmp_path / "server") as server:
        remote = remote_at(server.url, tmp_path)
        (tmp_path / "outgoing").write_bytes(b"one")
        with remote.open() as transport:
            transport.put("a.json", str(tmp_path / "outgoing"))
            assert transport.atomic
        assert [path.name for path in (server.root / "shared").iterdir()] == ["a.json"]


def test_a_url_may_end_with_a_slash_and_have_spaces_written_either_way(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        (server.root / "my folder é").mkdir()
        scratch = remote_at(server.url, tmp_path).scratch
        for number, path in enumerate(("my folder é", "my%20folder%20%C3%A9/", "my folder %C3%A9//")):
            remote = Remote(f"{server.url}/{path}", scratch)
            remote.put(f"{number}.json", b"one")
            assert len(remote.list()) == number + 1


def test_a_root_is_a_place_too(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        remote = Remote(server.url, remote_at(server.url, tmp_path).scratch)
        assert remote.list() == {}
        remote.put("a.json", b"one")
        assert remote.list().keys() == {"a.json"}


@pytest.mark.parametrize(
    "url", ["http:///x", "https://host:port/x", "http://host:99999/x", "https://" + "a" * 70 + "/x"]
)
def test_a_url_that_names_no_server_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        Remote(url, tmp_path).list()


def test_a_fragment_in_a_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="%23"):
        Remote("http://127.0.0.1/x#y", tmp_path).list()


@pytest.mark.parametrize("path", ["counts/", "%63ounts"])
def test_behind_a_proxy_that_rewrites_paths_two_replicas_meet(path: str, shell: Shell, tmp_path: Path) -> None:
    with wsgidav(tmp_path / "inner") as inner:
        (inner.root / "webdav" / "counts").mkdir(parents=True)
        passing = f"location /counts/ {{ proxy_pass {inner.url}/webdav/counts/; }}"
        with nginx(tmp_path / "outer", passing) as outer:
            for name in ("ann", "ben"):
                shell.ok("--replica", name, "init")
                shell.ok("--replica", name, "increment", "hits", "5")
            for name in ("ann", "ben", "ann"):
                shell.ok("--replica", name, "sync", f"{outer.url}/{path}")
        assert [shell.ok("--replica", name, "show", "hits") for name in ("ann", "ben")] == ["10\n", "10\n"]
        assert len(list((inner.root / "webdav" / "counts").iterdir())) == 2


@pytest.mark.parametrize("run", [lambda _: apache(), wsgidav, rclone], ids=["apache", "wsgidav", "rclone"])
def test_a_doubled_slash_is_understood_or_refused_and_no_empty_folder(run: Run, tmp_path: Path) -> None:
    with run(tmp_path / "server") as server:
        scratch = remote_at(server.url, tmp_path).scratch
        Remote(f"{server.url}/shared", scratch).put("a.json", b"one")
        (server.root / "shared" / "deep").mkdir(mode=0o777)
        for path in ("//shared/", "///shared"):
            try:
                found = Remote(f"{server.url}{path}", scratch).list()
            except UnavailableError:
                continue
            assert found.keys() == {"a.json"}


def test_what_is_in_folders_below_is_not_listed(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        remote = remote_at(server.url, tmp_path)
        remote.put("a.json", b"one")
        (server.root / "shared" / "below").mkdir()
        (server.root / "shared" / "below" / "b.json").write_bytes(b"two")
        assert remote.list().keys() == {"a.json"}


def test_a_folder_of_many_files_is_listed_as_a_whole(tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        (server.root / "shared").mkdir()
        for number in range(1500):
            (server.root / "shared" / f"{number}.json").write_bytes(b"x")
        assert len(remote_at(server.url, tmp_path).list()) == 1500
        assert server.requests() == ["PROPFIND /shared/ -"]


# Who we are ---------------------------------------------------------------------------------------------


def test_without_a_credential_it_says_where_to_keep_one(guarded: Server, tmp_path: Path) -> None:
    with pytest.raises(AccessError, match=r"401.*netrc.*CRDTCTL_HTTP_PASSWORD"):
        remote_at(guarded.url, tmp_path).list()


def test_netrc_says_who_we_are(guarded: Server, tmp_path: Path) -> None:
    netrc(tmp_path, f"machine 127.0.0.1 login ann password {_PASSWORD}\n")
    remote = remote_at(guarded.url, tmp_path)
    remote.put("a.json", b"one")
    assert remote.get("a.json") == b"one"
    assert all(line.endswith(" Basic") for line in guarded.requests())


def test_the_environment_says_so_before_netrc(guarded: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    netrc(tmp_path, "machine 127.0.0.1 login ann password wrong\n")
    remote = remote_at(guarded.url, tmp_path)
    with pytest.raises(AccessError, match="401"):
        remote.list()
    monkeypatch.setenv("CRDTCTL_HTTP_USER", "ann")
    monkeypatch.setenv("CRDTCTL_HTTP_PASSWORD", _PASSWORD)
    assert remote.list() == {}


def test_a_token_is_sent_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_TOKEN", "abc.def")
    with scripted(lambda request: request.reply(207, _EMPTY)) as server:
        remote_at(server.url, tmp_path).list()
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer abc.def"]


def test_netrc_of_another_host_is_not_ours(tmp_path: Path) -> None:
    netrc(tmp_path, f"machine other.example login ann password {_PASSWORD}\n")
    with scripted(lambda request: request.reply(207, _EMPTY)) as server:
        remote_at(server.url, tmp_path).list()
    assert "authorization" not in server.requests[0].headers


@pytest.mark.parametrize(
    "settings",
    [
        {"CRDTCTL_HTTP_USER": "ann"},
        {"CRDTCTL_HTTP_PASSWORD": "secret"},
        {"CRDTCTL_HTTP_USER": "a:b", "CRDTCTL_HTTP_PASSWORD": "secret"},
        {"CRDTCTL_HTTP_TOKEN": "secret\r\nX-Other: secret"},
    ],
)
def test_a_credential_that_is_none_is_refused_and_not_told(
    settings: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        remote_at("http://127.0.0.1:1", tmp_path).list()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "content", ["machine 127.0.0.1 secret", "secret secret", "machine 127.0.0.1 login a password \xff"]
)
def test_a_netrc_that_is_none_is_refused_and_not_told(content: str, tmp_path: Path) -> None:
    netrc(tmp_path, content)
    with pytest.raises(ConfigError, match="netrc") as caught:
        remote_at("http://127.0.0.1:1", tmp_path).list()
    assert "secret" not in str(caught.value)


def test_a_netrc_that_others_can_read_is_refused(tmp_path: Path) -> None:
    netrc(tmp_path, f"machine 127.0.0.1 login ann password {_PASSWORD}\n", mode=0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        remote_at("http://127.0.0.1:1", tmp_path).list()


def netrc(tmp_path: Path, content: str, mode: int = 0o600) -> None:
    path = tmp_path / "nobody" / ".netrc"
    path.write_bytes(content.encode("latin-1"))
    path.chmod(mode)


def test_no_credential_is_sent_over_http_beyond_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_TOKEN", "secret")
    with scripted(lambda request: request.reply(401)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        for host in ("files.example", "127.0.0.1:7"):
            with pytest.raises(AccessError, match="use https"):
                Remote(f"http://{host}/shared", tmp_path).list()
    assert [request.path for request in proxy.requests] == [
        "http://files.example:80/shared/",
        "http://127.0.0.1:7/shared/",
    ]
    assert "secret" not in str(proxy.requests)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_to_know_who_we_are_is_told_what_the_environment_says_or_that_is_said(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(407)) as proxy:
        monkeypatch.setenv(f"{scheme}_proxy", proxy.url.replace("://", "://ann:s%20cret@"))
        with pytest.raises(AccessError, match="407") as caught:
            Remote(f"{scheme}://files.example/shared", tmp_path).list()
    assert "cret" not in str(caught.value)
    assert proxy.requests[0].headers["proxy-authorization"] == "Basic YW5uOnMgY3JldA=="


def test_a_proxy_of_another_kind_is_refused_and_its_password_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "socks5://ann:secret@127.0.0.1:1")
    with pytest.raises(ConfigError, match="proxy") as caught:
        Remote("http://files.example/shared", tmp_path).list()
    assert "secret" not in str(caught.value)


def test_a_proxy_that_leads_to_a_server_with_tls_hears_nothing(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lead(request: Handler) -> None:
        with socket.create_connection(("127.0.0.1", int(request.path.rpartition(":")[2]))) as other:
            request.wfile.write(b"HTTP/1.1 200 Go on\r\n\r\n")
            ends = {request.connection: other, other: request.connection}
            is_open = True
            while is_open:
                for end in select.select([*ends], [], [])[0]:
                    said = end.recv(2**16)
                    ends[end].sendall(said)
                    is_open &= bool(said)
        request.close_connection = True

    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.cert")
    monkeypatch.setenv("CRDTCTL_HTTP_TOKEN", "secret")
    with (
        scripted(lead) as proxy,
        scripted(lambda request: request.reply(207, _EMPTY), certificate) as server,
    ):
        monkeypatch.setenv("https_proxy", proxy.url)
        assert remote_at(server.url, tmp_path).list() == {}
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert [request.method for request in proxy.requests] == ["CONNECT"]
    assert "secret" not in str(proxy.requests)


# Redirects ----------------------------------------------------------------------------------------------


def test_another_server_is_not_told_who_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_TOKEN", "secret")
    with (
        scripted(lambda request: request.reply(200, b"what it said")) as other,
        scripted(lambda request: request.reply(302, Location=f"{other.url}/signed?x=1")) as server,
    ):
        assert remote_get(remote_at(server.url, tmp_path), "a.json") == b"what it said"
    assert server.requests[0].headers["authorization"] == "Bearer secret"
    assert other.requests[0].path == "/signed?x=1"
    assert "secret" not in str(other.requests)


def remote_get(remote: Remote, name: str) -> bytes:
    pieces: list[bytes] = []
    with remote.open() as transport:
        transport.get(name, pieces.append)
    return b"".join(pieces)


def test_the_same_server_is_told_again_and_names_are_read_below_where_it_led(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_TOKEN", "abc")

    def answer(request: Handler) -> None:
        if request.path == "/shared/":
            request.reply(301, Location="/new place/")
        else:
            request.reply(
                207, b'<multistatus xmlns="DAV:"><response><href>/new%20place/a</href></response></multistatus>'
            )

    with scripted(answer) as server:
        assert remote_at(server.url, tmp_path).list().keys() == {"a"}
    assert [request.headers["authorization"] for request in server.requests] == ["Bearer abc", "Bearer abc"]


def test_what_is_written_is_not_redirected(tmp_path: Path) -> None:
    with (
        scripted(lambda request: request.reply(307, Location="http://evil.example/?secret")) as server,
        pytest.raises(UnavailableError, match=r"redirects to http://evil\.example/") as caught,
    ):
        remote_at(server.url, tmp_path).put("a.json", b"one")
    assert "secret" not in str(caught.value)
    assert len([request for request in server.requests if request.method == "PUT"]) == 1


@pytest.mark.parametrize(
    "target", ["/shared/", "", "ftp://127.0.0.1/", "http://[", "file:///etc/passwd", "http://x:y@/"]
)
def test_redirects_without_end_or_to_nowhere_are_not_followed(target: str, tmp_path: Path) -> None:
    with scripted(lambda request: request.reply(302, Location=target)) as server, pytest.raises(UnavailableError):
        remote_at(server.url, tmp_path).list()
    assert len(server.requests) <= 5


# TLS ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate that nobody signed, with its key in the same file."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    path = tmp_path_factory.mktemp("certificate") / "both.pem"
    subject = ["-subj", "/CN=loopback", "-addext", "subjectAltName=IP:127.0.0.1"]
    kind = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command = ["openssl", "req", "-x509", *kind, *subject, "-keyout", str(path), "-out", f"{path}.cert"]
    subprocess.run(command, check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + Path(f"{path}.cert").read_bytes())
    return path


def test_a_certificate_that_nobody_trusts_is_refused_unless_we_do(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_USER", "ann")
    monkeypatch.setenv("CRDTCTL_HTTP_PASSWORD", _PASSWORD)
    with wsgidav(tmp_path / "server", _USERS, certificate) as server:
        remote = remote_at(server.url, tmp_path)
        with pytest.raises(UnavailableError, match=r"certificate.*SSL_CERT_FILE"):
            remote.list()
        assert server.requests() == []
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.cert")
        remote.put("a.json", bytes(10**6))
        assert remote.get("a.json") == bytes(10**6)
        assert {line.split()[-1] for line in server.requests()} == {"Basic"}


def test_a_certificate_for_another_name_is_refused(
    certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.cert")
    with (
        wsgidav(tmp_path / "server", None, certificate) as server,
        pytest.raises(UnavailableError, match="certificate of localhost"),
    ):
        remote_at(server.url.replace("127.0.0.1", "localhost"), tmp_path).list()


def test_https_never_becomes_http(certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.cert")
    with (
        scripted(lambda request: request.reply(207, _EMPTY)) as plain,
        scripted(lambda request: request.reply(302, Location=f"{plain.url}/shared/"), certificate) as server,
        pytest.raises(UnavailableError, match="refusing to follow"),
    ):
        remote_at(server.url, tmp_path).list()
    assert plain.requests == []


def test_a_server_without_tls_at_https_is_no_passing_failure(tmp_path: Path) -> None:
    with (
        scripted(lambda request: request.reply(207, _EMPTY)) as server,
        pytest.raises(UnavailableError, match="TLS"),
    ):
        remote_at(server.url.replace("http:", "https:"), tmp_path).list()


# What goes wrong ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, AccessError),
        (403, AccessError),
        (407, AccessError),
        (408, TransientError),
        (423, TransientError),
        (425, TransientError),
        (429, TransientError),
        (500, TransientError),
        (502, TransientError),
        (503, TransientError),
        (504, TransientError),
        (507, StorageError),
        (413, UnavailableError),
        (418, UnavailableError),
        (505, UnavailableError),
    ],
)
def test_what_a_server_says_has_a_status_of_ours(status: int, kind: type[CrdtctlError], tmp_path: Path) -> None:
    with scripted(lambda request: request.reply(status, b"\x1b[31m because")) as server:
        remote = remote_at(server.url, tmp_path)
        for call in (remote.list, lambda: remote_get(remote, "a.json"), lambda: remote.put("a.json", b"one")):
            with pytest.raises(kind, match=f"{status}") as caught:
                call()
            assert type(caught.value) is kind
            assert str(caught.value).isprintable()


def test_who_refuses_a_large_file_before_it_is_all_there_is_heard(tmp_path: Path) -> None:
    def answer(request: Handler) -> None:
        request.reply(404 if request.command == "MOVE" else 413, Connection="close")

    with scripted(answer) as server, pytest.raises(UnavailableError, match="413"):
        remote_at(server.url, tmp_path).put("a.json", bytes(2**26))


def test_nobody_there_passes_by_itself(tmp_path: Path) -> None:
    with scripted(lambda request: None) as server:
        pass
    with pytest.raises(TransientError, match="refused"):
        remote_at(server.url, tmp_path).list()
    with pytest.raises(TransientError, match=r"cannot find no\.such\.invalid"):
        remote_at("http://no.such.invalid", tmp_path).list()


def test_a_server_that_hangs_ends_with_the_time(tmp_path: Path) -> None:
    with scripted(lambda request: time.sleep(3)) as server:
        remote = remote_at(server.url, tmp_path)
        with pytest.raises(TransientError, match="--timeout"), remote.open(seconds=0.3) as transport:
            transport.list()


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"])
def test_a_server_that_says_a_letter_now_and_then_ends_with_the_time_too(start: bytes, tmp_path: Path) -> None:
    def dribble(request: Handler) -> None:
        request.wfile.write(start)
        while True:  # until the client leaves
            request.wfile.write(b"H")
            time.sleep(0.02)

    with scripted(dribble) as server:
        remote = remote_at(server.url, tmp_path)
        with pytest.raises(TransientError, match="--timeout"), remote.open(seconds=0.3) as transport:
            transport.get("a.json", lambda _: None)


def test_a_body_that_is_cut_short_is_no_short_object(tmp_path: Path) -> None:
    def cut(request: Handler) -> None:
        request.reply(200, b"half", Content_Length="8")
        request.close_connection = True

    with scripted(cut) as server, pytest.raises(TransientError, match="early"):
        remote_get(remote_at(server.url, tmp_path), "a.json")


def test_a_chunked_body_that_is_cut_short_is_none_either(tmp_path: Path) -> None:
    def cut(request: Handler) -> None:
        request.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n")
        request.close_connection = True

    with scripted(cut) as server, pytest.raises(TransientError, match="early"):
        remote_get(remote_at(server.url, tmp_path), "a.json")


def test_a_kept_connection_that_the_server_let_go_is_made_anew(tmp_path: Path) -> None:
    def answer(request: Handler) -> None:
        request.reply(207 if request.command == "PROPFIND" else 200, _EMPTY)
        request.close_connection = True  # without saying so

    with scripted(answer) as server:
        remote = remote_at(server.url, tmp_path)
        with remote.open() as transport:
            for _ in range(3):
                assert transport.list() == []
                transport.get("a.json", lambda _: None)
    assert len(server.requests) == 6


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"\x00" * 100,
        b"HTTP/1.1 x\r\n\r\n",
        b"H" * 10**5,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 1000 + b"\r\n",
    ],
)
def test_what_is_not_http_is_said_to_be_none(said: bytes, tmp_path: Path) -> None:
    def answer(request: Handler) -> None:
        request.wfile.write(said)
        request.close_connection = True

    with scripted(answer) as server, pytest.raises(UnavailableError, match="does not answer with HTTP"):
        remote_at(server.url, tmp_path).list()


def test_a_listing_without_end_is_refused(tmp_path: Path) -> None:
    def answer(request: Handler) -> None:
        request.reply(207, b'<multistatus xmlns="DAV:">', Content_Length=str(2**40))
        for _ in range(2**10):
            request.wfile.write(b" " * 2**17)

    with scripted(answer) as server, pytest.raises(UnavailableError, match="larger than 64 MiB"):
        remote_at(server.url, tmp_path).list()


def test_a_put_that_fails_half_way_leaves_no_draft(tmp_path: Path) -> None:
    def answer(request: Handler) -> None:
        request.reply({"PUT": 201, "MOVE": 404, "DELETE": 204}[request.command])

    with scripted(answer) as server, pytest.raises(TransientError, match="disappeared"):
        remote_at(server.url, tmp_path).put("a.json", b"one")
    put, moved, deleted = (request.path for request in server.requests[-3:])
    assert put == moved == deleted != "/shared/a.json"


@pytest.mark.parametrize("takes_paths", [True, False], ids=["takes-paths", "takes-none"])
def test_behind_a_proxy_a_server_that_does_not_know_its_own_address_is_put_to_all_the_same(
    takes_paths: bool, tmp_path: Path
) -> None:
    statuses = iter([404, 201, 502, 201] if takes_paths else [404, 201, 502, 400, 204, 201])
    with scripted(lambda request: request.reply(next(statuses))) as server:
        remote_at(server.url, tmp_path).put("a.json", b"one")
    asked = [request.method for request in server.requests]
    assert asked == ["MOVE", "PUT", "MOVE", "MOVE", *([] if takes_paths else ["DELETE", "PUT"])]
    moves = [request.headers["destination"] for request in server.requests if request.method == "MOVE"]
    assert moves[1:] == [f"{server.url}/shared/a.json", "/shared/a.json"]


# Through the program ------------------------------------------------------------------------------------


def test_two_replicas_meet_and_a_second_sync_asks_for_the_listing_alone(
    guarded: Server, shell: Shell, tmp_path: Path
) -> None:
    with_password = {"CRDTCTL_HTTP_USER": "ann", "CRDTCTL_HTTP_PASSWORD": _PASSWORD}
    url = f"{guarded.url}/shared"
    for name in ("ann", "ben"):
        shell.ok("--replica", name, "init")
        shell.ok("--replica", name, "increment", "hits", "5")
        shell.ok("--replica", name, "remote", "add", "hub", url)
    said = [shell("--replica", name, "sync", environment=with_password) for name in ("ann", "ben", "ann")]
    assert [(one.status, one.stdout, one.stderr) for one in said] == [(0, "", "")] * 3
    assert [shell.ok("--replica", name, "show", "hits") for name in ("ann", "ben")] == ["10\n", "10\n"]
    guarded.requests()
    assert shell("--replica", "ann", "sync", environment=with_password).status == 0
    assert guarded.requests() == ["PROPFIND /shared/ Basic"]


def test_a_credential_is_in_no_output_and_no_file(guarded: Server, shell: Shell, tmp_path: Path) -> None:
    shell.ok("init")
    shell.ok("remote", "add", "hub", f"{guarded.url}/shared")
    seen = [
        shell(*command, environment={"CRDTCTL_HTTP_USER": "ann", "CRDTCTL_HTTP_PASSWORD": password})
        for password in (_PASSWORD, f"{_PASSWORD}-wrong")
        for command in (["sync"], ["sync", "--dry-run"], ["remote", "check"], ["sync", "--format", "json"])
    ]
    assert [one.status for one in seen[4:]] == [77, 77, 1, 77]
    assert not any(_PASSWORD in one.stdout + one.stderr for one in seen)
    assert not any(_PASSWORD.encode() in path.read_bytes() for path in shell.directory.rglob("*") if path.is_file())
    refused = shell("remote", "add", "other", guarded.url.replace("://", f"://ann:{_PASSWORD}@"))
    assert (refused.status, _PASSWORD in refused.stderr, "netrc" in refused.stderr) == (2, False, True)


@pytest.mark.parametrize("settings", [_JSON, _HTML], ids=["json", "html"])
def test_all_is_well_with_an_nginx_that_can_only_put_and_list(settings: str, shell: Shell, tmp_path: Path) -> None:
    with nginx(tmp_path / "server", settings) as server:
        shell.ok("init")
        shell.ok("remote", "add", "hub", f"{server.url}/shared")
        said = shell.ok("remote", "check", "hub")
        assert ("leaves nothing" in said) == (settings == _JSON)
        shell.ok("increment", "hits")
        shell.ok("sync")
        shell.ok("sync")
        server.requests()
        shell.ok("sync")
        asked = [line.split()[0] for line in server.requests()]
        assert asked == ["PROPFIND", "GET", *([] if settings == _JSON else ["HEAD"])]


def test_a_half_file_at_a_server_is_skipped_and_named(shell: Shell, tmp_path: Path) -> None:
    with wsgidav(tmp_path / "server") as server:
        remote_at(server.url, tmp_path).put("half.crdt.json", b'{"crdt": ')
        shell.ok("init")
        ended = shell("sync", f"{server.url}/shared")
        assert ended.status == 3
        assert "half.crdt.json" in ended.stderr
