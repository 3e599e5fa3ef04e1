"""OpenSSH's own sshd on loopback, as the user who runs the tests, with keys and configuration of its own."""

import os
import pwd
import shlex
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

#: Where Debian puts it; it must be run by its whole path.
PROGRAM = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@dataclass
class Sshd:
    """A server that runs: `config` is the client's, `key` the one that is let in, `log` what the server said."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    @property
    def config(self) -> Path:
        return self.directory / "ssh_config"

    @property
    def log(self) -> Path:
        return self.directory / "sshd.log"

    @property
    def command(self) -> str:
        """The ssh that reaches this server without what the user has in his own configuration."""
        return shlex.join(["ssh", "-F", str(self.config)])

    def url(self, path: str | Path) -> str:
        return f"ssh://127.0.0.1:{self.port}{path}"

    @property
    def connections(self) -> int:
        """How many were let in so far."""
        return self.log.read_text().count("Accepted publickey")

    def stop(self) -> None:
        """Stop the server, and the processes that serve its connections, which would outlive it."""
        children = _descendants(self.process.pid)
        self.process.terminate()
        self.process.wait()
        for pid in children:
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                continue


def _descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they did."""
    found: list[int] = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [int(child), *_descendants(int(child))]
    return found


def make_key(path: Path, passphrase: str = "") -> Path:
    """Make a key, and what is public of it beside it."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)]
    subprocess.run(command, check=True)
    return path


@contextmanager
def serve(directory: Path, subsystem: str = "sftp internal-sftp") -> Iterator[Sshd]:
    """Run a server that lets its own key in and has this subsystem; it is gone afterwards."""
    if PROGRAM is None or shutil.which("ssh") is None:
        pytest.skip("needs sshd and ssh: the Debian packages openssh-server and openssh-client")
    if os.getuid() == 0:  # where it locks itself up; the package's service makes it
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    directory.mkdir()
    host, key = make_key(directory / "host_key"), make_key(directory / "key")
    shutil.copy(f"{key}.pub", directory / "authorized_keys")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (directory / "sshd_config").write_text(
        f"""
ListenAddress 127.0.0.1:{port}
HostKey {host}
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
LogLevel VERBOSE
MaxStartups 100
Subsystem {subsystem}
"""
    )
    (directory / "known_hosts").write_text(f"[127.0.0.1]:{port} {Path(f'{host}.pub').read_text()}")
    (directory / "ssh_config").write_text(
        f"""
Host *
  User {pwd.getpwuid(os.getuid()).pw_name}
  IdentityFile {key}
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile {directory}/known_hosts
  GlobalKnownHostsFile none
  KexAlgorithms curve25519-sha256
"""
    )
    with open(directory / "sshd.log", "wb") as log:
        process = subprocess.Popen(
            [PROGRAM, "-D", "-e", "-f", str(directory / "sshd_config")],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
        )
    server = Sshd(port, directory, process)
    try:
        _await(server)
        yield server
    finally:
        server.stop()


def _await(server: Sshd) -> None:
    """Wait until a server answers."""
    while server.process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
                if connection.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError(f"sshd ended: {server.log.read_text()}")
