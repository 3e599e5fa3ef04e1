"""A git daemon on loopback, which serves what is below a directory and takes pushes from anybody."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_TRIES = 600


@contextmanager
def git_daemon(base: Path, *, pushes: bool = True) -> Iterator[str]:
    """Serve the repositories below `base`; yield the URL of that directory, which ends with no slash."""
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    programs = subprocess.run(["git", "--exec-path"], capture_output=True, text=True, check=True).stdout.strip()
    if not Path(programs, "git-daemon").exists():
        pytest.skip("git daemon is not installed")
    for _ in range(5):  # somebody may take the port before the daemon does
        port = _free_port()
        command = [f"{programs}/git-daemon", "--export-all", f"--base-path={base}", "--listen=127.0.0.1"]
        command += [f"--port={port}", "--reuseaddr", "--max-connections=64"]
        command += ["--enable=receive-pack"] if pushes else []
        daemon = subprocess.Popen(
            [*command, str(base)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        try:
            if _answers(daemon, port):
                yield f"git://127.0.0.1:{port}"
                return
        finally:
            os.killpg(daemon.pid, signal.SIGKILL)
            daemon.wait()
    raise RuntimeError("git daemon does not start")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def _answers(daemon: "subprocess.Popen[bytes]", port: int) -> bool:
    for _ in range(_TRIES):
        if daemon.poll() is not None:
            return False
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            return True
        except OSError:
            time.sleep(0.05)
    return False
