"""Credentials for web servers and proxies with different authentication schemes."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, CrdtctlError, TransientError, UnavailableError
from tests.support.servers.scripted import scripted
from tests.support.servers.webdav import Server, apache, wsgidav
from tests.sync.conformance import Remote, content_of
from tests.sync.test_webdav import remote_at

_PASSWORD = "correct-horse-42"
_USERS = {"ann": _PASSWORD}


@pytest.fixture(autouse=True)
def _ann(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Be a user with a password, with an empty home, and no proxy."""
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.delenv("CRDTCTL_HTTP_TOKEN", raising=False)
    monkeypatch.setenv("CRDTCTL_HTTP_USER", "ann")
    monkeypatch.setenv("CRDTCTL_HTTP_PASSWORD", _PASSWORD)


@pytest.fixture(
    params=[lambda own: wsgidav(own, _USERS, digest=True), lambda _: apache(_USERS)], ids=["wsgidav", "apache"]
)
def by_digest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """Run a server that speaks Digest only."""
    run: Callable[[Path], AbstractContextManager[Server]] = request.param
    with run(tmp_path / "server") as server:
        yield server


def test_a_server_that_speaks_digest_only_is_read_and_written(by_digest: Server, tmp_path: Path) -> None:
    remote = remote_at(by_digest.url, tmp_path)
    with remote.open() as transport:
        for number in range(20):
            (tmp_path / "outgoing").write_bytes(b"%d" % number * 10**5)
            transport.put(f"{number} \u00e4.json", str(tmp_path / "outgoing"))
        listing = transport.list()
        assert len(listing) == 20
        into = tmp_path / "into"
        into.mkdir()
        found = {entry.name: path for entry, path in transport.fetch(listing, str(into))}
    assert content_of(found["7 \u00e4.json"]) == b"7" * 10**5
    assert not any(isinstance(path, CrdtctlError) for path in found.values())


def test_a_wrong_password_by_digest_is_told_as_that(
    by_digest: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRDTCTL_HTTP_PASSWORD", "wrong")
    with pytest.raises(AccessError, match=r"401.*the server refuses the credential"):
        remote_at(by_digest.url, tmp_path).list()


def test_a_server_that_asks_anew_each_time_is_not_asked_for_ever(tmp_path: Path) -> None:
    nonces = iter(range(1000))
    with scripted(
        lambda request: request.reply(401, WWW_Authenticate=f'Digest realm="x", nonce="{next(nonces)}", qop="auth"')
    ) as server:
        with pytest.raises(AccessError, match="401"):
            remote_at(server.url, tmp_path).list()
        assert len(server.requests) == 3


def test_digest_is_spoken_to_nobody_over_http_beyond_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(401, WWW_Authenticate='Digest realm="x", nonce="n"')) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(AccessError, match="use https"):
            Remote("http://files.example/shared", tmp_path).list()
    assert "authorization" not in proxy.requests[0].headers


@pytest.mark.parametrize(
    ("challenge", "said"),
    [
        ("Negotiate", "asks for Negotiate; only Basic, Digest and Bearer"),
        ("Bearer realm=x", "set CRDTCTL_HTTP_TOKEN"),
        ("", "names no authentication scheme"),
    ],
)
def test_what_else_a_server_wants_is_named(challenge: str, said: str, tmp_path: Path) -> None:
    with (
        scripted(lambda request: request.reply(401, WWW_Authenticate=challenge)) as server,
        pytest.raises(AccessError, match=said),
    ):
        remote_at(server.url, tmp_path).list()


def test_a_403_does_not_blame_a_credential_that_was_taken(tmp_path: Path) -> None:
    with (
        scripted(lambda request: request.reply(403)) as server,
        pytest.raises(AccessError, match="check the permissions of that user"),
    ):
        remote_at(server.url, tmp_path).list()


# Proxies ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (403, UnavailableError, "proxy 127.0.0.1:.* answers with status 403; check the rules of the proxy"),
        (407, AccessError, "answers with status 407; the proxy asks for a user and password"),
        (502, TransientError, "proxy 127.0.0.1:.* answers with status 502"),
        (503, TransientError, "answers with status 503"),
    ],
)
def test_a_proxy_that_does_not_lead_to_a_server_is_blamed_itself(
    status: int, kind: type[CrdtctlError], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(status)) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        with pytest.raises(kind, match=said):
            Remote("https://files.example/shared", tmp_path).list()


def test_a_proxy_that_wants_what_is_not_spoken_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(lambda request: request.reply(407, Proxy_Authenticate="NTLM")) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.replace("://", "://ann:secret@"))
        with pytest.raises(AccessError, match="the proxy asks for NTLM; only Basic") as caught:
            Remote("http://files.example/shared", tmp_path).list()
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_not_there_is_named_and_not_the_server(
    scheme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: None) as proxy:
        pass
    monkeypatch.setenv(f"{scheme}_proxy", proxy.url)
    with pytest.raises(TransientError, match=r"cannot reach the proxy 127\.0\.0\.1:"):
        Remote(f"{scheme}://files.example/shared", tmp_path).list()


def test_a_gateway_that_fails_may_be_the_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with scripted(lambda request: request.reply(504)) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        with pytest.raises(TransientError, match=r"files\.example, or the proxy 127\.0\.0\.1:.*, answers with 504"):
            Remote("http://files.example/shared", tmp_path).list()
