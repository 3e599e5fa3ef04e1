"""A process that is caught while it waits for a file."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Shell


def started(shell: Shell, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
    )


def wait_until_it_opens(process: subprocess.Popen[bytes], name: str) -> None:
    if sys.platform != "linux":
        pytest.skip("which files a process has open is known on Linux only")
    opened = Path(f"/proc/{process.pid}/fd")
    while process.poll() is None:
        try:
            if any(os.readlink(link).endswith(f"/{name}") for link in opened.iterdir()):
                return
        except FileNotFoundError:  # closed in between
            pass
        time.sleep(0.005)
    pytest.fail("it ended before it opened the file")


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    stdout, stderr = process.communicate()
    return process.returncode, stdout, stderr
