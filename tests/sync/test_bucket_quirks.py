"""Buckets in the field: incomplete listings, wrong clocks, retention, pages of portals."""

import os
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, CrdtctlError, StorageError, TransientError, UnavailableError
from tests.conftest import Shell
from tests.support.servers.scripted import Handler, Scripted, scripted
from tests.sync.conformance import Remote

_PAGE = """<?xml version="1.0"?><ListBucketResult><Name>b</Name><Prefix>c/</Prefix><KeyCount>1</KeyCount>
<MaxKeys>1</MaxKeys><IsTruncated>{more}</IsTruncated>{token}<Contents><Key>c/{name}</Key>
<LastModified>2015-10-21T07:28:00.000Z</LastModified><ETag>"e"</ETag><Size>3</Size></Contents></ListBucketResult>"""
_NOTHING = b'<?xml version="1.0"?><ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>'
_HTML = b"<html>Please log in</html>"
_DATED = {"ETag": '"x"', "Last_Modified": "Wed, 21 Oct 2015 07:28:00 GMT"}


def page(name: str, token: str = "") -> bytes:
    told = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    return _PAGE.format(more="true" if token else "false", token=told, name=name).encode()


def error(code: str, message: str = "") -> bytes:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have keys, which no server here looks at, and no proxy."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "AZURE_")) or name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def bucket(server: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
    monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
    (tmp_path / "scratch").mkdir(exist_ok=True)
    return Remote("s3://b/c", tmp_path / "scratch")


# Listings -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (500, b"", TransientError),
        (403, error("AccessDenied"), AccessError),
        (400, error("InvalidArgument"), UnavailableError),
        (200, page("b.json")[:-40], UnavailableError),
    ],
)
def test_a_listing_of_which_the_second_page_fails_is_no_short_listing(
    status: int, body: bytes, kind: type[CrdtctlError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Handler) -> None:
        if "continuation-token" in request.path:
            request.reply(status, body)
        else:
            request.reply(200, page("a.json", "next"))

    with scripted(answer) as server, pytest.raises(kind):
        bucket(server, tmp_path, monkeypatch).list()


@pytest.mark.parametrize("headers", [{}, _DATED])
@pytest.mark.parametrize("body", [_HTML, b"<Error/>", b"<!DOCTYPE html><html></html>"])
def test_a_page_of_a_portal_is_no_empty_bucket(
    body: bytes, headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        scripted(lambda request: request.reply(200, body, **{"Content_Type": "text/html", **headers})) as server,
        pytest.raises(UnavailableError, match="endpoint"),
    ):
        bucket(server, tmp_path, monkeypatch).list()


@pytest.mark.parametrize("status", [404, 403])
def test_an_empty_bucket_is_one_where_no_name_is_found(
    status: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(200 if "list-type" in request.path else status, _NOTHING)) as server:
        assert bucket(server, tmp_path, monkeypatch).list() == {}


def test_a_page_instead_of_an_object_is_not_taken_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted(lambda request: request.reply(200, _HTML, **{"Content_Type": "text/html", **_DATED})) as server,
        bucket(server, tmp_path, monkeypatch).open() as transport,
        pytest.raises(UnavailableError, match=r"a web page instead of a\.json"),
    ):
        transport.get("a.json", print)


# What is said -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "body", "kind", "said"),
    [
        (403, error("RequestTimeTooSkewed"), AccessError, "the clock of this machine is wrong"),
        (
            403,
            error("SignatureDoesNotMatch", "Signature expired: 2026 is now earlier"),
            AccessError,
            "the clock of this",
        ),
        (403, error("AuthenticationFailed", "Request date header too old: 'Fri'"), AccessError, "the clock of this"),
        (
            403,
            error("AuthenticationFailed", "Signature not valid in the specified time frame"),
            AccessError,
            "new credentials",
        ),
        (400, error("ExpiredToken"), AccessError, "get new credentials"),
        (403, error("SignatureDoesNotMatch"), AccessError, "check the key and the secret"),
        (403, error("InvalidAccessKeyId"), AccessError, "check the key and the secret"),
        (403, error("AccessDenied"), AccessError, "the credentials and their permissions"),
        (507, error("XMinioStorageFull"), StorageError, "no space left"),
        (503, error("SlowDown"), TransientError, "busy or failing"),
        (429, b"", TransientError, "busy or failing"),
        (400, error("AuthorizationHeaderMalformed"), UnavailableError, "region and endpoint"),
        (400, b"<!DOCTYPE html><p>The plain HTTP request was sent to HTTPS port", UnavailableError, "web page"),
    ],
)
def test_what_is_wrong_is_blamed_and_nothing_else(
    status: int, body: bytes, kind: type[CrdtctlError], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(status, body)) as server, pytest.raises(kind, match=said) as caught:
        bucket(server, tmp_path, monkeypatch).list()
    assert type(caught.value) is kind


def test_azure_says_that_a_clock_is_wrong_in_words_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    body = (
        b"<?xml version='1.0'?><Error><Code>AuthenticationFailed</Code><Message>Server failed to authenticate."
        b"</Message><AuthenticationErrorDetail>Request date header too old: 'Fri, 27 Nov 2026 10:00:00 GMT'"
        b"</AuthenticationErrorDetail></Error>"
    )
    with scripted(lambda request: request.reply(403, body)) as server:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "x")
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
        monkeypatch.setenv("AZURE_STORAGE_ENDPOINT", server.url)
        with pytest.raises(AccessError, match="the clock of this machine is wrong"):
            Remote("az://container/c", tmp_path).list()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, error("AccessDenied", "Access Denied because object protected by object lock.")),
        (405, error("MethodNotAllowed")),
        (409, error("BlobImmutableDueToPolicy")),
        (409, error("SnapshotsPresent")),
        (400, error("InvalidRequest", "Object is WORM protected and cannot be overwritten: retention")),
        (412, b""),
    ],
)
def test_a_delete_that_a_bucket_refuses_is_no_passing_failure_and_no_unknown_one(
    status: int, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(request: Handler) -> None:
        if request.command == "DELETE":
            request.reply(status, body)
        else:
            request.reply(200, page("a.json"))

    with scripted(answer) as server, pytest.raises(AccessError):
        bucket(server, tmp_path, monkeypatch).delete("a.json")


def test_an_object_in_an_archive_is_told_as_that(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        scripted(lambda request: request.reply(403, error("InvalidObjectState"))) as server,
        pytest.raises(UnavailableError, match=r"archived.*restore it"),
    ):
        bucket(server, tmp_path, monkeypatch).get("a.json")


# Left behind --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "is_left"), [("crdtctl-probe-0123456789abcdef", True), ("a.json", False)])
def test_what_killed_checks_left_is_deleted_with_the_next_put(
    name: str, is_left: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with scripted(lambda request: request.reply(200, page(name), ETag='"e"')) as server:
        remote = bucket(server, tmp_path, monkeypatch)
        (tmp_path / "outgoing").write_bytes(b"one")
        with remote.open() as transport:
            transport.list()
            transport.put("b.json", str(tmp_path / "outgoing"))
    deleted = [request.path for request in server.requests if request.method == "DELETE"]
    assert deleted == ([f"/b/c/{name}"] if is_left else [])


def test_a_portal_in_the_way_puts_nothing_and_ends_with_69(shell: Shell, tmp_path: Path) -> None:
    shell.ok("init")
    shell.ok("increment", "hits")
    with scripted(lambda request: request.reply(200, _HTML, Content_Type="text/html")) as server:
        keys = {"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL": server.url}
        ended = shell("sync", "s3://b/c", environment=keys)
    assert ended.status == 69
    assert {request.method for request in server.requests} == {"GET", "HEAD"}
