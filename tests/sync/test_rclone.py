"""rclone as a remote: over local files, and over a local sftp server."""

import base64
import os
import random
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import (
    AccessError,
    DataError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
)
from crdtctl.sync.schemes import check
from crdtctl.sync.transport import ListedObject
from crdtctl.sync.transports.rclone.environment import environment_changes
from tests.conftest import Shell
from tests.support.servers.scripted import scripted
from tests.sync.conformance import Conformance, Remote, content_of
from tests.sync.meetings import Meetings, is_silent, meet

RCLONE = shutil.which("rclone") or ""
USER, PASSWORD = "ann", "hunter2"

pytestmark = pytest.mark.skipif(not RCLONE, reason="there is no rclone")


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep rclone's configuration and what it caches in the test's directory."""
    path = tmp_path / "rclone.conf"
    path.write_text(f"[here]\ntype = alias\nremote = {tmp_path / 'place'}\n")
    monkeypatch.setenv("RCLONE_CONFIG", str(path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return path


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    path = tmp_path / "scratch"
    path.mkdir()
    return path


@pytest.fixture
def here(config: Path, scratch: Path, tmp_path: Path) -> Remote:
    """Return a folder of this machine as a remote of rclone's, which is not there yet."""
    return Remote("rclone:here:meeting", scratch, tmp_path / "place" / "meeting")


@dataclass
class Calls:
    """What rclone was started with, as a wrapper before it on PATH notes."""

    log: Path

    def operations(self) -> list[str]:
        """Return the operations since the last time."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        self.log.unlink(missing_ok=True)
        return [next(word for word in line.split() if not word.startswith("-")) for line in lines]


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Note each start of rclone."""
    programs = tmp_path / "programs"
    programs.mkdir()
    wrapper = programs / "rclone"
    wrapper.write_text(f"#!/bin/sh\necho \"$*\" >>'{tmp_path}/calls'\nexec '{RCLONE}' \"$@\"\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    return Calls(tmp_path / "calls")


def obscured(password: str) -> str:
    """Return a password as rclone's configuration holds it."""
    done = subprocess.run([RCLONE, "obscure", "-"], input=password.encode(), capture_output=True, check=True)
    return done.stdout.decode().strip()


@dataclass
class Server:
    """A process of ``rclone serve sftp``, whose user and password rclone's configuration knows as ``there:``."""

    process: subprocess.Popen[bytes]
    root: Path

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def server(config: Path, tmp_path: Path) -> Iterator[Server]:
    root = tmp_path / "served"
    root.mkdir()
    log = tmp_path / "server.log"
    options = ("--addr", "127.0.0.1:0", "--user", USER, "--pass", PASSWORD, "--dir-cache-time", "0s")
    with log.open("wb") as file:
        process = subprocess.Popen([RCLONE, "serve", "sftp", *options, str(root)], stderr=file)
    made = Server(process, root)
    try:
        while not (found := re.search(r"listening on 127\.0\.0\.1:(\d+)", log.read_text())):
            assert process.poll() is None, log.read_text()
            time.sleep(0.01)
        for name, password in (("there", PASSWORD), ("locked", "wrong")):
            with config.open("a") as file_of_config:
                file_of_config.write(
                    f"\n[{name}]\ntype = sftp\nhost = 127.0.0.1\nport = {found[1]}\nuser = {USER}\n"
                    f"pass = {obscured(password)}\n"
                )
        yield made
    finally:
        made.stop()


class TestOverAFolder(Conformance, Meetings):
    @pytest.fixture
    def remote(self, here: Remote) -> Remote:
        return here


class TestOverSftp(Conformance, Meetings):
    @pytest.fixture
    def remote(self, server: Server, scratch: Path) -> Remote:
        return Remote("rclone:there:a place/meeting", scratch, server.root / "a place" / "meeting")


def test_a_sync_without_news_is_one_process(here: Remote, calls: Calls, new_replica: Callable[[str], Replica]) -> None:
    replicas = [new_replica(name) for name in ("one", "two")]
    for replica in replicas * 2:
        replica.increment("hits")
        meet(replica, here)
    meet(replicas[0], here)
    calls.operations()
    assert is_silent(meet(replicas[0], here))
    assert calls.operations() == ["lsjson"]


def test_a_thousand_files_are_read_by_one_process(here: Remote, calls: Calls, tmp_path: Path) -> None:
    assert here.behind is not None
    here.behind.mkdir(parents=True)
    for number in range(1000):
        (here.behind / f"{number}.json").write_bytes(b"%d" % number)
    into = tmp_path / "into"
    into.mkdir()
    with here.open() as transport:
        listing = transport.list()
        (here.behind / "7.json").unlink()
        found = {entry.name: path for entry, path in transport.fetch(listing, str(into))}
    assert calls.operations() == ["lsjson", "copy"]
    assert isinstance(found.pop("7.json"), MissingError)
    assert {name: content_of(path) for name, path in found.items()} == {
        f"{number}.json": b"%d" % number for number in range(1000) if number != 7
    }


def test_of_no_files_none_is_read(here: Remote, calls: Calls, tmp_path: Path) -> None:
    here.put("a.json", b"one")
    calls.operations()
    into = tmp_path / "into"
    into.mkdir()
    with here.open() as transport:
        assert list(transport.fetch([], str(into))) == []
    assert (calls.operations(), list(into.iterdir())) == ([], [])


def test_names_of_files_are_in_no_process_list_while_they_are_read(here: Remote, calls: Calls) -> None:
    here.put("a-name.json", b"one")
    calls.operations()
    assert here.get("a-name.json") == b"one"
    here.delete("a-name.json")
    assert "a-name" not in calls.log.read_text()


def test_one_that_cannot_be_read_alone_cannot(here: Remote, tmp_path: Path) -> None:
    for name in ("a.json", "b.json", "c.json"):
        here.put(name, name.encode())
    assert here.behind is not None
    (here.behind / "b.json").unlink()
    (here.behind / "b.json").mkdir()  # a folder cannot be read by anybody, not even root
    into = tmp_path / "into"
    (into / "c.json").mkdir(parents=True)  # nor can a file be written where there is one
    with here.open() as transport:
        found = {
            entry.name: path
            for entry, path in transport.fetch([ListedObject(f"{one}.json", 6) for one in "abc"], str(into))
        }
    assert content_of(found["a.json"]) == b"a.json"
    assert isinstance(found["b.json"], MissingError)
    assert isinstance(found["c.json"], UnavailableError)
    assert "c.json" in found["c.json"].message


def test_what_is_put_where_files_can_be_renamed_appears_as_a_whole(here: Remote, calls: Calls) -> None:
    here.put("a.json", b"one")
    assert calls.operations() == ["backend", "copyto", "moveto"]
    assert here.behind is not None
    assert [path.name for path in here.behind.iterdir()] == ["a.json"]


def test_drafts_of_puts_that_were_cut_long_ago_are_swept_and_new_ones_are_not(
    here: Remote, calls: Calls, tmp_path: Path
) -> None:
    here.put("a.json", b"one")
    assert here.behind is not None
    old, new, probe = f".crdtctl-{'0' * 16}.new", f".crdtctl-{'1' * 16}.new", f"crdtctl-probe-{'0' * 16}"
    for name in (old, new, probe, ".crdtctl-notes.new"):
        (here.behind / name).touch()
    for name in (old, probe, ".crdtctl-notes.new"):
        os.utime(here.behind / name, (1, 1))
    calls.operations()
    (tmp_path / "outgoing").write_bytes(b"two")
    with here.open() as transport:
        transport.list()
        transport.put("a.json", str(tmp_path / "outgoing"))
        transport.put("b.json", str(tmp_path / "outgoing"))
    assert {path.name for path in here.behind.iterdir()} == {"a.json", "b.json", new, ".crdtctl-notes.new"}
    assert calls.operations().count("delete") == 1


#: What is set for something else, and would make each of these useless: a variable and a value.
STRANGE = {
    "BACKUP_DIR": "here:backup",
    "CHECKSUM": "true",
    "COMPARE_DEST": "here:compared",
    "DELETE_EXCLUDED": "true",
    "DIRS_ONLY": "true",
    "DRY_RUN": "true",
    "DUMP": "headers",
    "ERROR_ON_NO_TRANSFER": "true",
    "EXCLUDE": "*.json",
    "EXCLUDE_FROM": "/dev/null",
    "EXCLUDE_IF_PRESENT": "a.json",
    "FILES_FROM": "/dev/null",
    "FILTER": "- *.json",
    "HASH": "true",
    "HUMAN_READABLE": "true",
    "IGNORE_EXISTING": "true",
    "IGNORE_SIZE": "true",
    "IMMUTABLE": "true",
    "INCLUDE": "*.txt",
    "INTERACTIVE": "true",
    "LINKS": "true",
    "LOG_FILE": "/dev/null",
    "LOG_LEVEL": "DEBUG",
    "MAX_AGE": "1h",
    "MAX_DELETE": "0",
    "MAX_DEPTH": "0",
    "MAX_SIZE": "1",
    "MAX_TRANSFER": "1",
    "METADATA": "true",
    "MIN_AGE": "1h",
    "MIN_SIZE": "1M",
    "NO_MODTIME": "true",
    "ORDER_BY": "size,mixed,50",
    "PROGRESS": "true",
    "QUIET": "true",
    "RECURSIVE": "true",
    "SIZE_ONLY": "true",
    "SKIP_LINKS": "true",
    "STAT": "true",
    "STATS": "1ms",
    "STATS_ONE_LINE": "true",
    "SUFFIX": ".old",
    "UPDATE": "true",
    "VERBOSE": "3",
}


def test_variables_of_rclone_that_were_set_for_something_else_change_nothing(
    here: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in STRANGE.items():
        monkeypatch.setenv(f"RCLONE_{name}", value)
    assert here.behind is not None
    (here.behind / "folder").mkdir(parents=True)
    (here.behind / "folder" / "inner.json").touch()
    for data in (b"one", b"two", b"the third"):
        here.put("a.json", data)
        os.utime(here.behind / "a.json", (10**9, 10**9))
        assert here.get("a.json") == data
        assert {name: entry.size for name, entry in here.list().items()} == {"a.json": len(data)}
    with pytest.raises(MissingError):
        here.get("b.json")
    here.delete("a.json")
    assert here.list() == {}
    assert {path.name for path in here.behind.parent.rglob("*")} == {"meeting", "folder", "inner.json"}


def test_variables_of_rclone_that_tell_how_a_place_is_reached_are_kept(
    here: Remote, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text("")
    assert here.behind is not None
    monkeypatch.setenv("RCLONE_CONFIG_ELSEWHERE_TYPE", "alias")
    monkeypatch.setenv("RCLONE_CONFIG_ELSEWHERE_REMOTE", str(here.behind))
    remote = Remote("rclone:elsewhere:", here.scratch)
    remote.put("a.json", b"one")
    assert (here.behind / "a.json").read_bytes() == b"one"
    kept = ("BWLIMIT", "TPSLIMIT", "TRANSFERS", "S3_ENDPOINT", "SFTP_KEY_FILE", "CA_CERT", "CONFIG_PASS", "MAX_BACKLOG")
    for name in kept:
        monkeypatch.setenv(f"RCLONE_{name}", "1")
    assert not {f"RCLONE_{name}" for name in kept} & environment_changes().keys()


def test_several_puts_ask_once_what_the_place_can_do(here: Remote, calls: Calls, tmp_path: Path) -> None:
    path = tmp_path / "outgoing"
    path.write_bytes(b"one")
    with here.open() as transport:
        transport.put("a.json", str(path))
        transport.put("b.json", str(path))
    assert calls.operations() == ["backend", "copyto", "moveto", "copyto", "moveto"]


def test_what_is_put_where_files_cannot_be_renamed_is_put_under_its_name(
    here: Remote, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RCLONE_DISABLE", "Move")
    here.put("a.json", b"one")
    assert calls.operations() == ["backend", "copyto"]
    assert here.get("a.json") == b"one"


@pytest.mark.parametrize("disabled", ["", "Move"])
def test_a_file_of_the_same_size_and_time_is_replaced_nevertheless(
    here: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, disabled: str
) -> None:
    monkeypatch.setenv("RCLONE_DISABLE", disabled)
    path = tmp_path / "outgoing"
    for data in (b"one", b"two"):
        path.write_bytes(data)
        os.utime(path, ns=(10**18, 10**18))
        with here.open() as transport:
            transport.put("a.json", str(path))
        assert here.get("a.json") == data


def test_a_put_that_cannot_be_renamed_leaves_nothing(here: Remote) -> None:
    assert here.behind is not None
    (here.behind / "a.json" / "in the way").mkdir(parents=True)
    with pytest.raises(UnavailableError, match="cannot write in rclone:here:meeting: "):
        here.put("a.json", b"one")
    assert [path.name for path in here.behind.iterdir()] == ["a.json"]


def test_folders_and_links_are_left_out_and_what_cannot_be_read_is_named(here: Remote, tmp_path: Path) -> None:
    here.put(".hidden", b"one")
    assert here.behind is not None
    (here.behind / "folder").mkdir()
    (here.behind / "folder" / "inside.json").write_bytes(b"two")
    (here.behind / "link").symlink_to(".hidden")
    (here.behind / "a\u202eb.json").write_bytes(b"three")
    assert here.list().keys() == {".hidden", "a\u202eb.json"}
    with here.open() as transport:
        found = {entry.name: path for entry, path in transport.fetch(transport.list(), str(tmp_path))}
        with pytest.raises(DataError):
            transport.get("a\u202eb.json", print)
    assert content_of(found[".hidden"]) == b"one"
    assert isinstance(found["a\u202eb.json"], DataError)


def test_a_control_character_in_a_name_is_shown_by_a_sign_for_it(here: Remote) -> None:
    here.put("a.json", b"one")
    assert here.behind is not None
    (here.behind / "b\nc.json").write_bytes(b"two")
    assert here.list().keys() == {"a.json", "b␊c.json"}
    assert here.get("b␊c.json") == b"two"


def test_what_has_no_path_is_a_place_too_and_not_the_root(here: Remote, calls: Calls, tmp_path: Path) -> None:
    root = Remote("rclone:here:", here.scratch, tmp_path / "place")
    root.put("-a.json", b"one")
    assert root.list().keys() == {"-a.json"}
    assert root.get("-a.json") == b"one"
    assert (tmp_path / "place" / "-a.json").exists()
    assert "here:/" not in calls.log.read_text()


def test_a_remote_that_is_not_configured_is_told_with_what_to_do(here: Remote) -> None:
    away = Remote("rclone:away:meeting", here.scratch)
    with pytest.raises(UnavailableError, match=r"rclone:away:meeting: .*section.*rclone listremotes"):
        away.list()
    with pytest.raises(UnavailableError, match="rclone listremotes"):
        away.put("a.json", b"one")


def test_where_none_can_be_read_none_is_said_to_be_missing(config: Path, scratch: Path, tmp_path: Path) -> None:
    config.write_text("[keyless]\ntype = sftp\nhost = 127.0.0.1\nkey_file = /no/such/key\n")
    with Remote("rclone:keyless:meeting", scratch).open() as transport:
        found = [
            path for _, path in transport.fetch([ListedObject("a.json", 1), ListedObject("b.json", 1)], str(tmp_path))
        ]
    assert [type(path) for path in found] == [UnavailableError] * 2
    assert "no such file" in str(found[0])


def test_a_name_of_a_remote_is_no_option(config: Path, scratch: Path) -> None:
    with pytest.raises(UnavailableError, match="file system"):
        Remote("rclone:--version:x", scratch).list()


def test_words_in_a_path_are_not_taken_for_a_reason(config: Path, scratch: Path) -> None:
    config.write_text("[odd]\ntype = nothing\n")
    with pytest.raises(UnavailableError, match=r"called .nothing"):
        Remote("rclone:odd:dial tcp/timeout/permission denied", scratch).list()


@pytest.mark.parametrize("mark", [r"\357\273\277", ""])
def test_a_wrapper_of_rclone_may_end_lines_as_on_windows(
    here: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mark: str
) -> None:
    here.put("a.json", b"one")
    wrapper = tmp_path / "wrapped" / "rclone"
    wrapper.parent.mkdir()
    wrapper.write_text(f"#!/bin/sh\nprintf '{mark}'\n'{RCLONE}' \"$@\" | sed 's/$/\\r/'\n")
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    assert here.list().keys() == {"a.json"}
    wrapper.write_text(f"#!/bin/sh\necho 'Good morning'\nexec '{RCLONE}' \"$@\"\n")
    with pytest.raises(UnavailableError, match=r"printed 'Good morning.*instead of JSON.*must not print anything else"):
        here.list()


def test_without_rclone_it_says_so(here: Remote, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UnavailableError, match=r"cannot run 'rclone'.*install it"):
        here.list()


def test_a_locked_configuration_is_told_and_nothing_is_asked(
    here: Remote, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = base64.b64encode(random.Random(0).randbytes(200)).decode()  # as good as any, without the password
    config.write_text(f"# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n{sealed}\n")
    with pytest.raises(AccessError, match="RCLONE_CONFIG_PASS"):
        here.list()
    monkeypatch.setenv("RCLONE_CONFIG_PASS", "hunter3")
    with pytest.raises(AccessError, match="RCLONE_CONFIG_PASS") as raised:
        here.list()
    assert "hunter3" not in str(raised.value)


def test_a_wrong_password_is_told_and_not_shown(server: Server, scratch: Path) -> None:
    with pytest.raises(AccessError, match="unable to authenticate") as raised:
        Remote("rclone:locked:meeting", scratch).list()
    assert "wrong" not in str(raised.value)


def test_what_a_web_server_refuses_is_told_as_such_without_its_pages(
    config: Path, scratch: Path, tmp_path: Path
) -> None:
    page = b"<!DOCTYPE html><html><head><style>p {color: red}</style></head><body><h1>Not here</h1></body></html>"
    for status in (401, 403):
        with scripted(lambda request, status=status: request.reply(status, page)) as web:  # type: ignore[misc]
            config.write_text(f"[web]\ntype = webdav\nurl = {web.url}\nvendor = other\n")
            with pytest.raises(AccessError, match="cannot list rclone:web:meeting: ") as raised:
                Remote("rclone:web:meeting", scratch).list()
            assert "<" not in raised.value.message


def test_a_clock_that_is_wrong_is_not_taken_for_wrong_credentials(
    config: Path, scratch: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_CA_BUNDLE", raising=False)
    said = b"<Error><Code>RequestTimeTooSkewed</Code><Message>The difference is too large.</Message></Error>"
    with scripted(lambda request: request.reply(403, said)) as web:
        config.write_text(
            f"[s3]\ntype = s3\nprovider = Other\nendpoint = {web.url}\naccess_key_id = a\nsecret_access_key = b\n"
        )
        with pytest.raises(UnavailableError, match=r"RequestTimeTooSkewed.*clock of this machine"):
            Remote("rclone:s3:bucket/meeting", scratch).list()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_with_what_to_do(here: Remote, tmp_path: Path) -> None:
    here.put("a.json", b"one")
    assert here.behind is not None
    (here.behind / "a.json").chmod(0)
    with here.open() as transport:
        [(_, found)] = transport.fetch(transport.list(), str(tmp_path))
    assert isinstance(found, AccessError)
    assert found.hint == "check the owner and mode of the file there"


def test_without_a_network_it_may_be_tried_again(config: Path, scratch: Path) -> None:
    name = "x" * 64  # longer than a name can be: nobody need be asked
    config.write_text(f"[far]\ntype = sftp\nhost = {name}\nuser = me\npass = {obscured(PASSWORD)}\n")
    with pytest.raises(TransientError, match="try again"):
        Remote("rclone:far:meeting", scratch).list()


def test_what_rclone_cannot_do_comes_with_what_to_try(config: Path, scratch: Path) -> None:
    config.write_text("[odd]\ntype = nothing\n")
    with pytest.raises(UnavailableError, match=r"check that this works: rclone lsf odd:x/"):
        Remote("rclone:odd:x", scratch).list()


def test_a_server_that_is_gone_may_be_tried_again(server: Server, scratch: Path, tmp_path: Path) -> None:
    remote = Remote("rclone:there:meeting", scratch)
    remote.put("a.json", b"one")
    [entry] = remote.list().values()
    server.stop()
    for operate in (
        remote.list,
        lambda: remote.put("b.json", b"two"),
        lambda: remote.delete("a.json"),
    ):
        with pytest.raises(TransientError, match="connection refused"):
            operate()
    with remote.open() as transport:
        [(_, found)] = transport.fetch([entry], str(tmp_path))
    assert isinstance(found, TransientError)


def test_a_server_that_says_nothing_is_waited_for_until_time_is_over(config: Path, scratch: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config.write_text(
            f"[silent]\ntype = sftp\nhost = 127.0.0.1\nport = {silent.getsockname()[1]}\npass = {obscured(PASSWORD)}\n"
        )
        with (
            pytest.raises(TransientError),
            Remote("rclone:silent:meeting", scratch).open(seconds=1) as transport,
        ):
            transport.list()


def test_a_place_that_cannot_be_written_is_told(here: Remote, config: Path) -> None:
    config.write_text("[here]\ntype = alias\nremote = /proc/sys\n")
    with pytest.raises((AccessError, StorageError, UnavailableError), match="cannot write in rclone:here:meeting: "):
        here.put("a.json", b"one")


@pytest.mark.parametrize("url", ["rclone:/srv/meeting", "rclone:here", "rclone:here/there"])
def test_a_url_without_a_remote_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="rclone:REMOTE:PATH"):
        check(url)


@pytest.mark.parametrize("url", ["rclone::sftp,host=example.org,pass=x:y", "rclone:here,pass=x:y"])
def test_a_url_with_parameters_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match=r"parameters of rclone.*rclone config"):
        check(url)


def test_two_replicas_meet_on_the_command_line(shell: Shell, server: Server, config: Path) -> None:
    environment = {**shell.environment, "RCLONE_CONFIG": str(config)}
    shell = Shell(shell.directory, environment)
    for name, count in (("one", "2"), ("two", "3")):
        shell.ok("--replica", name, "init", "--name", name)
        shell.ok("--replica", name, "increment", "hits", count)
        shell.ok("--replica", name, "remote", "add", "there", "rclone:there:meeting")
    for name in ("one", "two", "one"):
        assert shell.ok("--replica", name, "sync") == ""
    assert [shell.ok("--replica", name, "show", "hits") for name in ("one", "two")] == ["5\n", "5\n"]
    assert "atomic" in shell.ok("--replica", "one", "remote", "check", "there")
    server.stop()
    ended = shell("--replica", "one", "sync")
    assert (ended.status, ended.stdout, ended.stderr.count("\n")) == (75, "", 1)
    assert "connection refused" in ended.stderr
    ended = shell("--replica", "one", "sync", "rclone:away:meeting")
    assert ended.status == 69
    assert PASSWORD not in ended.stderr
    ended = shell("--replica", "one", "sync", environment={"PATH": "/nowhere"})
    assert ended.status == 69
    assert "cannot run 'rclone'" in ended.stderr
    ended = shell("--replica", "one", "sync", "rclone:nowhere:meeting")
    assert (ended.status, ended.stderr.count("rclone:nowhere:meeting")) == (69, 1)
