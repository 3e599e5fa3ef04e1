"""A folder on another machine as a remote: a real sshd, and the real ssh."""

import json
import os
import shlex
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crdtctl.errors import (
    AccessError,
    DataError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    UsageError,
)
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.transport import Deadline, ListedObject
from crdtctl.sync.transports.sftp.ssh import Destination, Ssh
from crdtctl.sync.transports.sftp.transport import Sftp
from tests.conftest import Shell
from tests.support.servers.sshd import Sshd, make_key, serve
from tests.sync.conformance import Conformance, Remote, content_of
from tests.sync.meetings import Meetings

Configure = Callable[[str], None]


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serve(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


@pytest.fixture(autouse=True)
def _ssh(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", sshd.command)


@pytest.fixture
def remote(sshd: Sshd, tmp_path: Path) -> Remote:
    return remote_at(sshd, tmp_path, tmp_path / "shared")


@pytest.fixture
def configure(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """Put something before the server's own client configuration, where it wins; a key, in its stead."""

    def before(text: str) -> None:
        own = sshd.config.read_text()
        if "IdentityFile" in text:
            own = own.replace(f"IdentityFile {sshd.directory}/key\n", "")
        config = tmp_path / "ssh_config"
        config.write_text(f"{text}\n{own}")
        monkeypatch.setenv("CRDTCTL_SSH", shlex.join(["ssh", "-F", str(config)]))

    return before


def remote_at(sshd: Sshd, scratch: Path, place: Path, path: str | None = None) -> Remote:
    (scratch / "scratch").mkdir()
    return Remote(sshd.url(path or place), scratch / "scratch", place)


def behind(remote: Remote) -> Path:
    assert remote.behind is not None
    remote.behind.mkdir(exist_ok=True)
    return remote.behind


class TestSftp(Conformance, Meetings):
    @pytest.fixture
    def remote(self, sshd: Sshd, tmp_path: Path) -> Remote:
        return remote_at(sshd, tmp_path, tmp_path / "shared")


# What is there, and under which name ---------------------------------------------------------------------


def test_what_cannot_be_read_is_listed_and_refused_as_in_a_folder(
    remote: Remote, sshd: Sshd, shell: Shell, tmp_path: Path
) -> None:
    place = behind(remote)
    odd = [os.fsdecode(raw) for raw in (b"a\nb.json", b"\xff.json", b"\x1b[31m.json")]
    for name in (*odd, "plain.json"):
        (place / name).touch()
    (place / "folder").mkdir()
    (place / "link").symlink_to("plain.json")
    os.mkfifo(place / "pipe")
    assert remote.list().keys() == {"plain.json", "link", "pipe", *odd}
    with remote.open() as transport:
        found = {entry.name: path for entry, path in transport.fetch(transport.list(), str(remote.scratch))}
        for name in ("link", "pipe", *odd):
            with pytest.raises(DataError):
                transport.get(name, print)
    assert isinstance(found.pop("plain.json"), LocalFile)
    assert {type(one) for one in found.values()} == {DataError}
    (place / "plain.json").unlink()
    shell.ok("init")
    told = []
    for url in (remote.url, str(place)):
        ended = shell("sync", url, environment={"CRDTCTL_SSH": sshd.command})
        assert ended.status == 3
        told.append(sorted(line.split(": ", 1)[1].replace(url, "") for line in ended.stderr.splitlines()))
    assert told[0] == told[1]


def test_names_that_look_like_each_other_are_two(remote: Remote) -> None:
    names = ["ä.json", "a\u0308.json", r"\303\244.json", "a b.json", "a  b.json"]
    for name in names:
        remote.put(name, name.encode())
    assert remote.list().keys() == set(names)
    assert [remote.get(name) for name in names] == [name.encode() for name in names]


def test_a_path_may_be_percent_encoded(sshd: Sshd, tmp_path: Path) -> None:
    remote = remote_at(sshd, tmp_path, tmp_path / "our counts #1", f"{tmp_path}/our%20counts%20#1")
    remote.put("a.json", b"one")
    assert (tmp_path / "our counts #1" / "a.json").read_bytes() == b"one"


def test_a_path_after_a_tilde_begins_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir()
    with serve(tmp_path / "server", f"sftp internal-sftp -d {home}") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        remote = remote_at(server, tmp_path, home / "counts", "/~/counts")
        remote.put("a.json", b"one")
        assert (home / "counts" / "a.json").read_bytes() == b"one"
        remote.url = server.url("/~")
        remote.put("b.json", b"two")
        assert remote.list().keys() == {"b.json"}


@pytest.mark.parametrize(
    "url",
    [
        "ssh://-oProxyCommand=touch%20pwned/x",
        "ssh://-l@host/x",
        "ssh://-F/x",
        "ssh://host;touch/x",
        "ssh://$(touch)/x",
        "ssh://host:99999/x",
        "ssh:///x",
        "ssh://host",
        "ssh://host/a%00b",
    ],
)
def test_what_ssh_might_take_for_something_else_is_refused(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError), Remote(url, tmp_path).open() as transport:
        transport.list()


# Reading and writing -------------------------------------------------------------------------------------


def test_a_thousand_files_come_over_one_connection_and_each_has_its_own_result(
    remote: Remote, sshd: Sshd, tmp_path: Path
) -> None:
    place, into = behind(remote), tmp_path / "into"
    into.mkdir()
    content = {f"{number}.json": os.urandom(number * 97) for number in range(1000)}
    for name, data in content.items():
        (place / name).write_bytes(data)
    before = sshd.connections
    with remote.open() as transport:
        listing = transport.list()
        (place / "7.json").unlink()
        (place / "8.json").write_bytes(content["8.json"] * 500)  # it grew since
        (place / "9.json").write_bytes(b"")
        (place / "10.json").unlink()
        (place / "10.json").mkdir()
        found = {entry.name: result for entry, result in transport.fetch(listing, str(into))}
    assert sshd.connections == before + 1
    assert isinstance(found.pop("7.json"), MissingError)
    assert isinstance(found.pop("10.json"), StorageError)
    content |= {"8.json": content["8.json"] * 500, "9.json": b""}
    assert {name: content_of(path) for name, path in found.items()} == {
        name: data for name, data in content.items() if name not in ("7.json", "10.json")
    }


def test_a_file_that_cannot_be_asked_for_holds_up_no_other(remote: Remote, tmp_path: Path) -> None:
    (behind(remote) / "a.json").write_bytes(b"one")
    (tmp_path / "secret").write_bytes(b"secret")
    entries = [ListedObject("../secret", 6), ListedObject("a.json", 3)]
    with remote.open() as transport:
        found = dict(transport.fetch(entries, str(remote.scratch)))
    assert isinstance(found[entries[0]], MissingError)
    assert content_of(found[entries[1]]) == b"one"


def test_the_folder_that_a_place_is_in_must_be_there(sshd: Sshd, tmp_path: Path) -> None:
    remote = remote_at(sshd, tmp_path, tmp_path / "no" / "shared")
    with pytest.raises(UnavailableError, match=r"the folder .* does not exist"):
        remote.list()
    with pytest.raises(UnavailableError, match=r"the folder .* does not exist"):
        remote.put("a.json", b"one")
    assert not (tmp_path / "no").exists()


def test_a_file_where_the_folder_should_be_is_not_written_to(remote: Remote, tmp_path: Path) -> None:
    (tmp_path / "shared").write_bytes(b"mine")
    with pytest.raises(UnavailableError, match=f"^{remote.url} is not a folder"):
        remote.list()
    with pytest.raises(UnavailableError, match=r"the folder .* does not exist"):
        remote.put("a.json", b"one")
    assert (tmp_path / "shared").read_bytes() == b"mine"


def test_a_put_that_fails_leaves_no_draft(remote: Remote) -> None:
    place = behind(remote)
    (place / "a.json").mkdir()
    with pytest.raises(StorageError, match=r"cannot write .*a\.json"):
        remote.put("a.json", b"one")
    assert [found.name for found in place.iterdir()] == ["a.json"]


def test_drafts_of_puts_that_were_cut_long_ago_are_swept_and_new_ones_are_not(remote: Remote, tmp_path: Path) -> None:
    place = behind(remote)
    old, new, other = f".crdtctl-{'0' * 16}.new", f".crdtctl-{'1' * 16}.new", ".crdtctl-notes.new"
    probe = f"crdtctl-probe-{'0' * 16}"
    for name in (old, new, other, probe):
        (place / name).touch()
    for name in (old, other, probe):
        os.utime(place / name, (1, 1))
    with remote.open() as transport:
        transport.list()
        (tmp_path / "outgoing").write_bytes(b"one")
        transport.put("a.json", str(tmp_path / "outgoing"))
    assert {found.name for found in place.iterdir()} == {"a.json", new, other}


def test_a_server_that_can_neither_rename_over_a_file_nor_fsync_will_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(tmp_path / "server", "sftp internal-sftp -P posix-rename,fsync") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        remote = remote_at(server, tmp_path, tmp_path / "shared")
        for data in (b"a longer one that was there before", b"short"):
            remote.put("a.json", data)
            assert remote.get("a.json") == data
        assert [found.name for found in behind(remote).iterdir()] == ["a.json"]
        (behind(remote) / "b.json").mkdir()
        with pytest.raises(StorageError):
            remote.put("b.json", b"one")
        assert {found.name for found in behind(remote).iterdir()} == {"a.json", "b.json"}


def test_a_server_that_is_read_only_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(tmp_path / "server", "sftp internal-sftp -R") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        remote = remote_at(server, tmp_path, tmp_path / "shared")
        (behind(remote) / "a.json").write_bytes(b"one")
        assert remote.get("a.json") == b"one"
        with pytest.raises(AccessError, match="permission denied"):
            remote.put("b.json", b"two")
        with pytest.raises(AccessError, match="permission denied"):
            remote.delete("a.json")
        assert remote.list().keys() == {"a.json"}


# Getting there, and not ----------------------------------------------------------------------------------


def test_a_key_that_is_not_let_in_is_told_with_what_to_do(remote: Remote, configure: Configure, tmp_path: Path) -> None:
    configure(f"LogLevel QUIET\nIdentityFile {make_key(tmp_path / 'other')}")
    with pytest.raises(AccessError, match=r"Permission denied \(publickey\).*'ssh -p \d+ 127.0.0.1' must work"):
        remote.list()


def test_a_passphrase_is_never_asked_for(remote: Remote, sshd: Sshd, configure: Configure, tmp_path: Path) -> None:
    key = make_key(tmp_path / "locked", "a passphrase")
    authorized = sshd.directory / "authorized_keys"
    before = authorized.read_text()
    authorized.write_text(before + Path(f"{key}.pub").read_text())
    try:
        configure(f"IdentityFile {key}")
        with pytest.raises(AccessError, match="must work without asking anything"):
            remote.list()
    finally:
        authorized.write_text(before)


@pytest.mark.parametrize(("known", "told"), [("", "is not known on this machine"), ("other", "has changed")])
def test_a_host_key_that_is_not_the_known_one_is_told_and_not_accepted(
    remote: Remote, sshd: Sshd, configure: Configure, tmp_path: Path, known: str, told: str
) -> None:
    hosts = tmp_path / "known_hosts"
    if known:
        make_key(tmp_path / known)
        hosts.write_text(f"[127.0.0.1]:{sshd.port} {(tmp_path / f'{known}.pub').read_text()}")
    else:
        hosts.touch()
    content = hosts.read_text()
    configure(f"UserKnownHostsFile {hosts}")
    with pytest.raises(AccessError, match=f"its host key {told}.*connect once with 'ssh -p"):
        remote.list()
    assert hosts.read_text() == content


def test_a_port_where_nobody_listens_may_be_tried_again(remote: Remote) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        remote.url = f"ssh://127.0.0.1:{nobody.getsockname()[1]}/x"
        with pytest.raises(TransientError, match="Connection refused"):
            remote.list()


def test_a_host_without_an_address_may_be_tried_again(remote: Remote) -> None:
    remote.url = f"ssh://{'x' * 64}/x"  # longer than a name can be: nobody need be asked
    with pytest.raises(TransientError, match="check the network and the name of the host"):
        remote.list()


def test_a_host_that_says_nothing_is_given_up_when_time_is_over(remote: Remote) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        remote.url = f"ssh://127.0.0.1:{silent.getsockname()[1]}/x"
        with pytest.raises(TransientError), remote.open(seconds=1) as transport:
            transport.list()


def test_a_configuration_that_ssh_refuses_is_not_tried_again(remote: Remote, configure: Configure) -> None:
    configure("NoSuchOption yes")
    with pytest.raises(UnavailableError, match="terminating, 1 bad configuration option"):
        remote.list()


def test_without_ssh_it_says_what_to_install(remote: Remote, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", "no-such-ssh")
    with pytest.raises(UnavailableError, match=r"cannot run 'no-such-ssh'.*install the OpenSSH client"):
        remote.list()
    monkeypatch.setenv("CRDTCTL_SSH", "ssh 'unbalanced")
    with pytest.raises(UsageError, match="CRDTCTL_SSH"):
        remote.list()


@pytest.mark.parametrize(
    ("subsystem", "told"),
    [
        ("other internal-sftp", "it does not offer sftp"),
        ("sftp /bin/echo Welcome to this machine", "cannot list .*; .*its shell prints nothing at login"),
        ("sftp /bin/false", "cannot list .*: ssh ended with status 1"),
    ],
)
def test_a_server_without_sftp_is_told(
    subsystem: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serve(tmp_path / "server", subsystem) as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        with pytest.raises(UnavailableError, match=told):
            remote_at(server, tmp_path, tmp_path / "shared").list()


def test_a_jump_host_of_the_configuration_is_jumped_over(remote: Remote, sshd: Sshd, configure: Configure) -> None:
    here = f"HostName 127.0.0.1\n  Port {sshd.port}"
    configure(f"Host far\n  {here}\n  ProxyJump hop\nHost hop\n  {here}\nHost *")
    remote.url = remote.url.replace(f"127.0.0.1:{sshd.port}", "far")
    before = sshd.connections
    remote.put("a.json", b"one")
    assert sshd.connections == before + 2
    assert (behind(remote) / "a.json").read_bytes() == b"one"


def test_one_that_never_answered_is_not_waited_for(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("crdtctl.sync.transports.sftp.ssh.END_SECONDS", 600)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ssh = Ssh(Destination("127.0.0.1", port=str(silent.getsockname()[1])), "sftp", Deadline(600), str(tmp_path))
        ssh.close()
    assert ssh._process.returncode == -signal.SIGKILL  # or it would have ended by itself, half a minute later


def test_a_server_that_dies_amid_a_transfer_may_be_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(tmp_path / "server") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        remote = remote_at(server, tmp_path, tmp_path / "shared")
        big = bytes(2**26)
        (behind(remote) / "big.json").write_bytes(big)
        taken: list[int] = []

        def take(data: bytes) -> None:
            if not taken:
                server.stop()
            taken.append(len(data))

        with remote.open() as transport:
            with pytest.raises(TransientError, match="cannot read"):
                transport.get("big.json", take)
            assert 0 < sum(taken) < len(big)
            entries = [ListedObject("big.json", len(big)), ListedObject("other.json", 3)]
            found = dict(transport.fetch(entries, str(remote.scratch)))
        assert found.keys() == set(entries)
        assert all(isinstance(error, TransientError) for error in found.values())


def test_ssh_that_dies_without_a_word_may_be_tried_again_and_is_there_anew(remote: Remote) -> None:
    (behind(remote) / "a.json").write_bytes(b"one")
    with remote.open() as transport:
        assert isinstance(transport, Sftp)
        before = transport.list()
        assert transport._ssh is not None
        transport._ssh._process.kill()
        with pytest.raises(TransientError, match=r"cannot list .*ssh ended with status -9; try again"):
            transport.list()
        assert transport.list() == before


# As users meet it ----------------------------------------------------------------------------------------


def test_two_replicas_agree_over_ssh_and_a_second_sync_moves_nothing(
    sshd: Sshd, shell: Shell, remote: Remote, environment: dict[str, str]
) -> None:
    here = Shell(shell.directory, {**environment, "CRDTCTL_SSH": sshd.command})
    for name, amount in (("one", "3"), ("two", "4")):
        here.ok("--replica", name, "init", "--name", name)
        here.ok("--replica", name, "increment", "parts", amount)
    for name in ("one", "two", "one"):
        before = sshd.connections
        assert here.ok("--replica", name, "sync", remote.url) == ""
        assert sshd.connections == before + 1
    assert [here.ok("--replica", name, "show", "parts") for name in ("one", "two")] == ["7\n", "7\n"]
    there = {found.name: found.stat().st_ino for found in behind(remote).iterdir()}
    assert len(there) == 2
    here.ok("--replica", "two", "sync", remote.url)  # it has not seen what the other put last
    for name in ("one", "two"):
        before = sshd.connections
        report = json.loads(here.ok("--replica", name, "sync", "--format", "json", remote.url))
        assert (report["changed"], report["moved"]) == (False, [])
        assert sshd.connections == before + 1
    assert {found.name: found.stat().st_ino for found in behind(remote).iterdir()} == there
    assert "clean" in here.ok("--replica", "one", "remote", "check", remote.url)


def test_statuses_tell_what_passes_from_what_does_not(
    sshd: Sshd, shell: Shell, remote: Remote, environment: dict[str, str], tmp_path: Path
) -> None:
    shell.ok("init")
    strangers = tmp_path / "config"
    strangers.write_text("UserKnownHostsFile none\nGlobalKnownHostsFile none\n")
    ended = shell("sync", remote.url, environment={"CRDTCTL_SSH": f"ssh -F {strangers}"})
    assert ended.status == 77
    assert "its host key is not known on this machine" in ended.stderr
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"ssh://127.0.0.1:{nobody.getsockname()[1]}/x"
        ended = shell("sync", url, environment={"CRDTCTL_SSH": sshd.command})
    assert ended.status == 75
    assert "Connection refused" in ended.stderr
    ended = shell("sync", f"{remote.url}/not/there", environment={"CRDTCTL_SSH": sshd.command})
    assert ended.status == 69
    assert "does not exist" in ended.stderr
