"""A bucket as a remote: with moto's S3 server, Azurite, a stand-in for Google, and faulty servers."""

import os
import re
import shlex
import shutil
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, DataError, MissingError, TransientError, UnavailableError, UsageError
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import Deadline, ListedObject
from crdtctl.sync.transports.bucket.transport import Bucket
from tests.conftest import PROGRAM, Shell
from tests.support.servers import azure, gcs
from tests.support.servers.s3 import S3, serving
from tests.support.servers.unruly import front, nobody, saying, silent
from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings

#: An answer that ends before its end.
HALF = b'HTTP/1.1 200 OK\r\nETag: "x"\r\nLast-Modified: Wed, 21 Oct 2015 07:28:00 GMT\r\nContent-Length: 99\r\n\r\nhalf'
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with serving(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[azure.Azure]:
    with azure.serving(tmp_path_factory.mktemp("azure")) as server:
        yield server


@pytest.fixture
def environment(environment: dict[str, str], s3: S3) -> dict[str, str]:
    """Return an environment in which the server is found."""
    return {**environment, **s3.environment}


@pytest.fixture
def bucket(s3: S3, monkeypatch: pytest.MonkeyPatch) -> str:
    """Make a bucket, and tell this process and those that it starts how to reach it."""
    for name, value in s3.environment.items():
        monkeypatch.setenv(name, value)
    return s3.new_bucket()


@pytest.fixture
def remote(bucket: str, tmp_path: Path) -> Remote:
    (tmp_path / "scratch").mkdir()
    return Remote(f"s3://{bucket}/team/counts", tmp_path / "scratch")


@pytest.fixture
def replicas(shell: Shell, bucket: str) -> tuple[str, str]:
    """Make two replicas, each with something of its own, and the bucket as a remote of both."""
    for name in ("here", "there"):
        shell.ok("--replica", name, "init", "--name", name)
        shell.ok("--replica", name, "increment", name)
        shell.ok("--replica", name, "remote", "add", "hub", f"s3://{bucket}/counts")
    return "here", "there"


class TestS3(Conformance, Meetings):
    shows_absence = False

    @pytest.fixture
    def remote(self, remote: Remote) -> Remote:
        return remote


class TestS3WithoutAPrefix(Conformance):
    shows_absence = False

    @pytest.fixture
    def remote(self, bucket: str, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(f"s3://{bucket}", tmp_path / "scratch")


class TestGoogle(Conformance, Meetings):
    shows_absence = False

    @pytest.fixture
    def google(self, monkeypatch: pytest.MonkeyPatch) -> Iterator[gcs.Gcs]:
        with gcs.serving() as server:
            for name, value in server.environment.items():
                monkeypatch.setenv(name, value)
            yield server

    @pytest.fixture
    def remote(self, google: gcs.Gcs, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(f"gs://{google.new_bucket()}/team/counts", tmp_path / "scratch")

    def test_a_bucket_that_is_not_there_is_unavailable(self, remote: Remote) -> None:
        remote.url = "gs://no-such-bucket/counts"
        with pytest.raises(UnavailableError, match="no-such-bucket"):
            remote.list()

    def test_all_pages_of_a_listing_are_read(self, remote: Remote, google: gcs.Gcs) -> None:
        names = {f"{number}.json" for number in range(10)}
        for name in names:
            remote.put(name, name.encode())
        google.requests.clear()
        assert remote.list().keys() == names
        assert len(google.requests) == 4


class TestAzure(Conformance, Meetings):
    shows_absence = False
    impossible = frozenset({"a\\b.json"})  # a backslash is taken for a slash

    @pytest.fixture
    def remote(self, azurite: azure.Azure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Remote:
        for name, value in azurite.environment.items():
            monkeypatch.setenv(name, value)
        (tmp_path / "scratch").mkdir()
        return Remote(f"az://{azurite.new_container()}/team/counts", tmp_path / "scratch")

    def test_a_wrong_key_is_not_allowed_and_is_not_told(self, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", "c2VjcmV0")
        with pytest.raises(AccessError, match="403") as caught:
            remote.list()
        assert "c2VjcmV0" not in str(caught.value)

    def test_a_container_that_is_not_there_is_unavailable(self, remote: Remote) -> None:
        remote.url = "az://no-such-container/counts"
        for call in (remote.list, lambda: remote.get("a.json"), lambda: remote.put("a.json", b"one")):
            with pytest.raises(UnavailableError, match=r"the bucket does not exist \(404 ContainerNotFound\)"):
                call()


def test_what_is_replaced_by_as_many_bytes_is_listed_as_another(remote: Remote) -> None:
    remote.put("a.json", b"one")
    before = remote.list()
    remote.put("a.json", b"two")
    assert remote.list() != before


def test_more_than_a_thousand_objects_are_all_listed(remote: Remote, tmp_path: Path) -> None:
    path = tmp_path / "outgoing"
    path.write_bytes(b"x")
    names = {f"{number}.json" for number in range(1010)}
    with remote.open() as transport:
        for name in names:
            transport.put(name, str(path))
    assert remote.list().keys() == names


def test_only_what_is_directly_below_the_prefix_is_there(s3: S3, bucket: str, remote: Remote) -> None:
    remote.put("a.json", b"here")
    for key in ("team/counts/", "team/counts/below/b.json", "team/c.json", "team/counts-2/d.json", "team/counts.json"):
        s3.client("s3").put_object(Bucket=bucket, Key=key, Body=b"elsewhere")
    assert remote.list().keys() == {"a.json"}


def test_a_name_that_cannot_be_listed_is_told_of(s3: S3, bucket: str, remote: Remote) -> None:
    remote.put("a.json", b"here")
    s3.client("s3").put_object(Bucket=bucket, Key="team/counts//b.json", Body=b"elsewhere")
    with pytest.raises(UnavailableError, match=r"the name of an object contains.*; delete"):
        remote.list()


def test_an_object_is_deleted_by_itself_which_every_server_can(s3: S3, bucket: str, remote: Remote) -> None:
    remote.put("a.json", b"one")
    remote.delete("a.json")
    assert s3.requests(bucket)[-2:] == [f"GET /{bucket}", f"DELETE /{bucket}/team/counts/a.json"]


def test_a_large_object_is_put_in_parts_and_got_whole(remote: Remote) -> None:
    data = bytes(range(256)) * (20 * 2**20 // 256)
    remote.put("large.json", data)
    assert remote.list()["large.json"].size == len(data)
    assert remote.get("large.json") == data


@pytest.mark.parametrize("name", ["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID"])
def test_a_wrong_key_is_not_allowed_and_is_not_told(
    remote: Remote, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    remote.put("a.json", b"here")
    monkeypatch.setenv(name, "s3cr3t/s3cr3t+s3cr3t")
    for call in (remote.list, lambda: remote.get("a.json"), lambda: remote.put("b.json", b"there")):
        with pytest.raises(AccessError, match="403") as caught:
            call()
        assert "s3cr3t" not in str(caught.value)
        assert "\n" not in str(caught.value)


def test_who_has_no_credentials_is_told_how_to_give_them(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(AccessError, match="no credentials were found; set AWS_ACCESS_KEY_ID"):
        remote.list()


def test_a_bucket_that_is_not_there_is_unavailable(bucket: str, tmp_path: Path) -> None:
    path = tmp_path / "outgoing"
    path.write_bytes(b"one")
    with Remote("s3://no-such-bucket/counts", tmp_path).open() as transport:
        for call in (
            transport.list,
            partial(transport.get, "a.json", print),
            partial(transport.put, "a.json", str(path)),
            partial(transport.delete, "a.json"),
        ):
            with pytest.raises(UnavailableError, match=r"the bucket does not exist \(404 NoSuchBucket\)"):
                call()


def test_a_server_that_only_says_404_means_the_object_or_where_one_is_put_the_bucket(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "outgoing"
    path.write_bytes(b"one")
    with front([(404, b"")] * 4) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with remote.open() as transport:
            transport.delete("a.json")
            with pytest.raises(MissingError, match="it does not exist"):
                transport.get("a.json", print)
            with pytest.raises(UnavailableError, match="the bucket does not exist"):
                transport.put("a.json", str(path))
            with pytest.raises(UnavailableError, match="the bucket does not exist"):
                transport.list()


def test_what_cannot_be_a_state_is_not_read_to_its_end(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crdtctl.codec.other_layouts.MAX_BYTES", 2**20)
    remote.put("film.json", bytes(2**23))
    with remote.open() as transport:
        [(_, found)] = transport.fetch(transport.list(), str(tmp_path))
    assert isinstance(found, DataError)
    assert "film.json is not a valid state: it is larger than 1 MiB" in str(found)
    assert sum(path.stat().st_size for path in tmp_path.iterdir() if path.is_file()) <= 2**20


def test_a_server_that_is_gone_may_come_back(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", nobody())
    with pytest.raises(TransientError, match=r"127\.0\.0\.1:\d+ does not answer"):
        remote.list()


def test_a_server_that_hangs_is_waited_for_as_long_as_is_said(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "outgoing"
    path.write_bytes(b"one")
    with silent() as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(TransientError, match="timed out after 1 seconds"), remote.open(1) as transport:
            transport.list()
        with pytest.raises(TransientError, match="timed out after 1 seconds"), remote.open(1) as transport:
            transport.put("a.json", str(path))
        with pytest.raises(TransientError, match="timed out after 1 seconds"), remote.open(1) as transport:
            transport.get("a.json", print)
        with remote.open(1) as transport:
            found = dict(transport.fetch([ListedObject("a.json", 1), ListedObject("b.json", 1)], str(tmp_path)))
        assert [type(error) for error in found.values()] == [TransientError, TransientError]


@pytest.mark.parametrize("answer", [b"", HALF, HALF.partition(b"\r\n")[0], b"SSH-2.0-OpenSSH_9.9\r\n"])
def test_a_connection_that_is_lost_may_be_made_again(
    remote: Remote, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    with saying(answer) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{address}")
        with remote.open() as transport:
            with pytest.raises(TransientError, match=r"the connection was lost|does not answer"):
                transport.list()
            with pytest.raises(TransientError, match=r"the connection was lost|does not answer"):
                transport.get("a.json", print)


def test_a_certificate_that_is_not_trusted_is_named(
    remote: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=nobody -addext subjectAltName=IP:127.0.0.1"
    command = [*shlex.split(made), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with saying(HALF, context) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"https://{address}")
        with pytest.raises(
            UnavailableError, match=f"the certificate of {address} is not trusted; if you trust it, set SSL_CERT_FILE"
        ):
            remote.list()


def test_a_busy_server_is_asked_again(s3: S3, remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    remote.put("a.json", b"one")
    with front([(503, SLOW_DOWN)] * 2, s3.url) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        assert remote.list().keys() == {"a.json"}
        assert server.first == []


def test_a_server_that_stays_busy_may_be_asked_later(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    with front([(503, SLOW_DOWN)] * 20) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(TransientError, match=r"busy or failing \(503 SlowDown\)"):
            remote.list()


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, b"", AccessError),
        (403, b"<Error><Code>AccessDenied</Code></Error>", AccessError),
        (400, b"<Error><Code>ExpiredToken</Code></Error>", AccessError),
        (400, b"<Error><Code>AuthorizationHeaderMalformed</Code></Error>", UnavailableError),
        (301, b"<Error><Code>PermanentRedirect</Code></Error>", UnavailableError),
        (200, b"<html>Welcome to the captive portal", UnavailableError),
        (500, b"\x1b[31mred", TransientError),
    ],
)
def test_what_a_server_answers_is_told_as_what_it_is(
    remote: Remote, status: int, body: bytes, kind: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    with front([(status, body)] * 3) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        with pytest.raises(kind) as caught:
            remote.list()
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("url", "settings", "kind"),
    [
        ("s3://bucket", {"AWS_SECRET_ACCESS_KEY": "s3cr3t"}, AccessError),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "s3cr3t"}, UsageError),
        ("s3://bucket", {"AWS_ENDPOINT_URL_S3": "ftp://s3cr3t"}, UsageError),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "http://me:s3cr3t@127.0.0.1"}, UsageError),
        ("s3://bucket", {"AWS_ENDPOINT_URL": "http://s3cr3t s3cr3t"}, UsageError),
        ("gs://bucket", {"GOOGLE_SERVICE_ACCOUNT_KEY": '"s3cr3t"'}, AccessError),
        ("az://container", {}, AccessError),
        ("az://container", {"AZURE_STORAGE_ACCOUNT_NAME": "x", "AZURE_STORAGE_ACCOUNT_KEY": "s3cr3t!"}, AccessError),
    ],
)
def test_settings_that_are_wrong_are_named_but_not_told(
    url: str, settings: dict[str, str], kind: type[Exception], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "GOOGLE_", "AZURE_"))]:
        monkeypatch.delenv(name)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(kind) as caught:
        connect(check(url), Deadline(1), str(tmp_path))
    assert "s3cr3t" not in str(caught.value)
    assert re.search("AWS_|GOOGLE_|AZURE_", str(caught.value))


@pytest.mark.parametrize(
    "url", ["s3:bucket", "s3:///x", "s3://buc ket/a", "s3://bucket/a//b", "s3://bucket/../a", "s3://bucket/a/."]
)
def test_what_is_no_place_in_a_bucket_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="s3:"):
        connect(check(url), Deadline(1), str(tmp_path))


def test_two_replicas_meet_in_a_bucket(shell: Shell, replicas: tuple[str, str]) -> None:
    for name in ("here", "there", "here"):
        assert shell.ok("--replica", name, "sync") == ""
    for name in replicas:
        assert shell.ok("--replica", name, "show") == "here\tpncounter\t1\nthere\tpncounter\t1\n"


def test_a_sync_without_news_asks_for_a_listing_and_nothing_else(
    shell: Shell, replicas: tuple[str, str], s3: S3, bucket: str
) -> None:
    for name in ("here", "there", "here", "there"):
        shell.ok("--replica", name, "sync")
    before = s3.requests(bucket)
    shell.ok("--replica", "here", "sync")
    assert s3.requests(bucket)[len(before) :] == [f"GET /{bucket}"]


def test_no_credential_is_in_the_output_or_in_a_file(
    shell: Shell, replicas: tuple[str, str], s3: S3, bucket: str
) -> None:
    said = [shell("--replica", "here", *words) for words in (("sync", "--format", "json"), ("remote", "check", "hub"))]
    wrong = {"AWS_SECRET_ACCESS_KEY": "s3cr3t"}
    said.append(shell("--replica", "here", "sync", "hub", environment=wrong))
    assert [one.status for one in said] == [0, 0, AccessError.status]
    files = [path.read_text("utf-8", "replace") for path in (shell.directory / "here").rglob("*") if path.is_file()]
    for text in (*files, *(one.stdout + one.stderr for one in said)):
        for secret in (s3.key, s3.secret, "s3cr3t", "Signature="):
            assert secret not in text


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_waiting_for_a_server_that_hangs(
    shell: Shell, replicas: tuple[str, str], number: int, status: int
) -> None:
    with silent() as (url, listening):
        environment = {**shell.environment, "AWS_ENDPOINT_URL": url}
        command = [*PROGRAM, "--replica", "here", "sync", "--timeout", "3000"]
        with subprocess.Popen(command, cwd=shell.directory, env=environment) as process:
            connection, _ = listening.accept()
            process.send_signal(number)
            assert process.wait(60) == status
            connection.close()


def test_without_the_package_it_is_told_how_to_get_it(tmp_path: Path) -> None:
    tried = """
import sys
sys.modules["obstore"] = sys.modules["obstore.store"] = None
from crdtctl.sync.schemes import connect
from crdtctl.sync.transport import Deadline, ListedObject
try:
    connect("s3://bucket/x", Deadline(60), "state")
except Exception as error:
    print(type(error).__name__, error)
"""
    said = subprocess.run([sys.executable, "-c", tried], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert said.stdout == ("UnavailableError s3:// needs the package obstore; run: pip install 'crdtctl[cloud]'\n")


def test_other_commands_and_transports_do_not_import_it(shell: Shell, tmp_path: Path) -> None:
    shell.ok("init")
    tried = """
import sys
from crdtctl.cli.main import main
try:
    main(["sync", sys.argv[1]])
except SystemExit as ended:
    assert not ended.code
assert "crdtctl.sync.transports.folder.transport" in sys.modules
assert "obstore" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", tried, str(tmp_path / "shared")], check=True, cwd=shell.directory)


@pytest.mark.parametrize(
    ("url", "kind", "bucket", "prefix"),
    [
        ("s3://bucket/a/b/", "S3Store", "bucket", "a/b"),
        ("S3://bucket", "S3Store", "bucket", ""),
        ("gs://bucket/a%20b", "GCSStore", "bucket", "a%20b"),
        ("az://container/a b", "AzureStore", "container_name", "a b"),
    ],
)
def test_a_url_names_a_bucket_and_a_prefix_as_they_are(
    url: str, kind: str, bucket: str, prefix: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "token")
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_NAME", "account")
    with connect(check(url), Deadline(1), str(tmp_path)) as transport:
        assert isinstance(transport, Bucket)
        store = transport._store
        assert (type(store).__name__, store.prefix) == (kind, prefix)
        assert bucket.removesuffix("_name") in store.config.values()
