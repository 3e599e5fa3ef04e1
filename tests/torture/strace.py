"""Running the program under strace: which system calls it makes, and what happens when one fails or kills."""

import os
import re
import shutil
import signal
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import PROGRAM

#: The calls that touch files or directories, which is all that a write consists of.
CALLS = (
    "openat,open,read,pread64,write,writev,pwrite64,close,fsync,fdatasync,rename,renameat,renameat2,unlink,"
    "unlinkat,newfstatat,fstat,stat,lseek,getdents64,ftruncate,flock,fcntl,ioctl,mkdir,link,linkat"
)


@dataclass(frozen=True)
class Point:
    """One system call of a run: the `when`-th of its name."""

    call: str
    when: int
    line: str


@dataclass(frozen=True)
class Run:
    """How a run ended."""

    status: int
    stdout: str
    stderr: str


def missing() -> str:
    """Return why strace cannot be used here, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run(["strace", "-qq", "-o", os.devnull, "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "strace may not trace here"


needs_strace = pytest.mark.skipif(bool(missing()), reason=missing() or "strace works")


def run(
    words: Sequence[str], environment: Mapping[str, str], *, trace: str, inject: str = "", log: str = os.devnull
) -> Run:
    """Run the program under strace."""
    options = ["-f", "-qq", "-o", log, "-e", f"trace={trace}", *(["-e", f"inject={inject}"] if inject else [])]
    done = subprocess.run(
        ["strace", *options, *PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=environment,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def points(words: Sequence[str], environment: Mapping[str, str], log: Path) -> list[Point]:
    """Return the system calls of one run after it has taken its first lock."""
    ended = run(words, environment, trace=CALLS, log=str(log))
    assert ended == Run(0, "", "")
    counts: Counter[str] = Counter()
    found = []
    locked = False
    for line in log.read_text().splitlines():
        match = re.match(r"\d+\s+(\w+)\(", line)
        if match is None:
            continue
        call = match[1]
        counts[call] += 1
        if locked:
            found.append(Point(call, counts[call], line))
        locked = locked or call == "flock"
    assert locked
    return found


def was_killed(ended: Run) -> bool:
    """Return whether a run ended by the signal that was injected."""
    return ended.status in (-signal.SIGKILL, 128 + signal.SIGKILL)
