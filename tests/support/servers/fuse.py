"""A folder that is mounted with sshfs from a server on the other end of a pipe, which can be made to hang."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

_SERVERS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/lib/ssh/sftp-server")
#: Nothing that was seen is kept: each look asks the server.
_OPTIONS = "passive,cache=no,dir_cache=no,attr_timeout=0,entry_timeout=0,negative_timeout=0"


@dataclass
class Mount:
    """A mounted folder: its path, and the process that serves it."""

    path: Path
    server: int

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let the server be away for a while: it answers nothing."""
        os.kill(self.server, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.server, signal.SIGCONT)


@contextmanager
def mounted(own: Path) -> Iterator[Mount]:
    """Mount a folder of `own` at another, and take it down in the end."""
    server = next(filter(os.path.exists, _SERVERS), None)
    unmount = shutil.which("fusermount3") or shutil.which("fusermount")
    if server is None or unmount is None or shutil.which("sshfs") is None:
        pytest.skip("sshfs is not installed")
    (source := own / "source").mkdir(parents=True)
    (target := own / "mounted").mkdir()
    (there, back), (here, forth) = os.pipe(), os.pipe()
    serving = subprocess.Popen([server], stdin=there, stdout=forth)
    command = ["sshfs", "-f", "-o", _OPTIONS, f"none:{source}", str(target)]
    mounting = subprocess.Popen(command, stdin=here, stdout=back, stderr=subprocess.DEVNULL)
    for end in (there, back, here, forth):
        os.close(end)
    try:
        while not target.is_mount():
            if mounting.poll() is not None:
                pytest.skip("nothing can be mounted here")
            time.sleep(0.01)
        yield Mount(target, serving.pid)
    finally:
        subprocess.run([unmount, "-u", "-z", str(target)], check=False, capture_output=True)
        for process in (serving, mounting):
            process.kill()
            process.wait()
