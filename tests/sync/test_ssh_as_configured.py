"""ssh as a remote with an unusual connection, server or configuration."""

import os
import select
import shlex
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl.errors import AccessError, TransientError, UnavailableError
from tests.conftest import Shell
from tests.support.servers.sshd import Sshd, serve
from tests.sync.conformance import Remote


@pytest.fixture(scope="module")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with serve(tmp_path_factory.mktemp("sshd") / "server") as server:
        yield server


def configured(server: Sshd, tmp_path: Path, text: str) -> str:
    """Return the ssh that has these settings before those that reach the server."""
    path = tmp_path / "ssh_config"
    path.write_text(f"{text}\n{server.config.read_text()}")
    return shlex.join(["ssh", "-F", str(path)])


@contextmanager
def cutting(port: int, size: int, *, resets: bool) -> Iterator[int]:
    """Stand before a server: of each connection, pass on so many bytes from it, then end it; yield the port."""

    def pass_on(client: socket.socket) -> None:
        with client, socket.create_connection(("127.0.0.1", port)) as server:
            left = size
            while left:
                ready, _, _ = select.select([client, server], [], [])
                if client in ready:
                    server.sendall(client.recv(2**16))
                if server in ready:
                    data = server.recv(left)
                    client.sendall(data)
                    left -= len(data)
            if resets:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=pass_on, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("resets", [True, False])
@pytest.mark.parametrize("size", [10, 45, 300, 1200, 1700])
def test_a_connection_that_ends_before_log_in_may_be_tried_again(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, resets: bool
) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", configured(sshd, tmp_path, f"HostKeyAlias [127.0.0.1]:{sshd.port}"))
    with cutting(sshd.port, size, resets=resets) as port:
        remote = Remote(f"ssh://127.0.0.1:{port}{tmp_path}/shared", tmp_path)
        with pytest.raises(TransientError, match=r"(?i)connection (closed|reset)|lost the connection"):
            remote.list()


def test_ssh_that_prints_no_reason_may_be_tried_again(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", "sh -c 'exit 255' sh")
    with pytest.raises(TransientError, match="lost the connection without a reason"):
        Remote(sshd.url(tmp_path / "shared"), tmp_path).list()


def test_what_both_sides_cannot_agree_on_is_told(sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CRDTCTL_SSH", configured(sshd, tmp_path, "Ciphers 3des-cbc"))
    with pytest.raises(UnavailableError, match="no matching cipher found"):
        Remote(sshd.url(tmp_path / "shared"), tmp_path).list()


def test_what_a_server_shows_before_log_in_is_no_reason(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    banner = tmp_path / "banner"
    banner.write_text("Users who may not be here\nwill have their connection closed by the operator.\n")
    with serve(tmp_path / "server", f"sftp /bin/false\nBanner {banner}") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        with pytest.raises(UnavailableError):
            Remote(server.url(tmp_path / "shared"), tmp_path).list()


def test_a_shell_that_prints_at_login_is_told_as_such(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chatty = tmp_path / "chatty"
    chatty.write_text("#!/bin/sh\necho Good morning\nexec /usr/lib/openssh/sftp-server\n")
    chatty.chmod(0o755)
    with serve(tmp_path / "server", f"sftp {chatty}") as server:
        monkeypatch.setenv("CRDTCTL_SSH", server.command)
        with pytest.raises(UnavailableError, match="its shell prints nothing at login"):
            Remote(server.url(tmp_path / "shared"), tmp_path).list()


@pytest.mark.parametrize(
    "settings",
    [
        "RemoteCommand echo something else",
        "RequestTTY force",
        "BatchMode no",
        "LogLevel DEBUG3",
        "LogLevel QUIET",
        "VisualHostKey yes",
        "PermitLocalCommand yes\nLocalCommand echo something",
        "RemoteForward 1 127.0.0.1:1\nExitOnForwardFailure yes",
        "ForwardX11 yes\nForwardAgent yes",
        "ControlMaster auto\nControlPath {place}/%C\nControlPersist 1",
        "ControlMaster ask\nControlPath {place}/%C",
        "EscapeChar none\nSendEnv *",
        "Compression yes",
        "SessionType none",
    ],
)
def test_settings_of_the_user_do_no_harm(
    sshd: Sshd, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, settings: str
) -> None:
    sockets = Path("/tmp") / f"ssh-{os.getpid()}"  # the path of a socket has a hundred bytes at most
    sockets.mkdir(exist_ok=True)
    monkeypatch.setenv("CRDTCTL_SSH", configured(sshd, tmp_path, settings.format(place=sockets)))
    remote = Remote(sshd.url(tmp_path / "shared"), tmp_path)
    remote.put("a.json", b"one\r\n\x03~.two")
    assert remote.get("a.json") == b"one\r\n\x03~.two"
    assert remote.list().keys() == {"a.json"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_with_what_to_do(sshd: Sshd, shell: Shell, tmp_path: Path) -> None:
    place = tmp_path / "shared"
    place.mkdir()
    (place / "a.crdt.json").touch(mode=0)
    shell.ok("init")
    for url in (sshd.url(place), str(place)):
        ended = shell("sync", url, environment={"CRDTCTL_SSH": sshd.command})
        assert ended.status == 3
        assert "check the owner and mode of the file" in ended.stderr
        assert "upload it again" not in ended.stderr


def test_a_key_that_is_not_let_in_is_told_though_nothing_may_be_logged(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = sshd.config.read_text().replace(f"IdentityFile {sshd.directory}/key\n", "IdentityFile /nowhere\n")
    (tmp_path / "config").write_text(f"LogLevel QUIET\n{own}")
    monkeypatch.setenv("CRDTCTL_SSH", shlex.join(["ssh", "-F", str(tmp_path / "config")]))
    with pytest.raises(AccessError, match="Permission denied"):
        Remote(sshd.url(tmp_path / "shared"), tmp_path).list()
