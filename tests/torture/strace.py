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


def prefix(trace: str, inject: str = "", log: str | Path = os.devnull) -> list[str]:
    """Return the words that put a command under strace."""
    options = ["-f", "-qq", "-o", str(log), "-e", f"trace={trace}"]
    if "signal=" not in inject:  # with it, strace 6.1 sends none
        options.append("--seccomp-bpf")  # calls that are not traced run at full speed
    return ["strace", *options, *(["-e", f"inject={inject}"] if inject else [])]


def missing() -> str:
    """Return why strace cannot be used here, or nothing."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    probe = subprocess.run([*prefix("fsync"), "true"], capture_output=True, check=False)
    return "" if probe.returncode == 0 else "strace may not trace here"


needs_strace = pytest.mark.skipif(bool(missing()), reason=missing() or "strace works")


def run(
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    trace: str,
    inject: str = "",
    log: str | Path = os.devnull,
    directory: Path | None = None,
) -> Run:
    """Run the program under strace."""
    done = subprocess.run(
        [*prefix(trace, inject, log), *PROGRAM, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=directory,
        env=environment,
        timeout=60,
        check=False,
    )
    return Run(done.returncode, done.stdout.decode(), done.stderr.decode())


def points(words: Sequence[str], environment: Mapping[str, str], log: Path, *, status: int = 0) -> list[Point]:
    """Return the system calls of one run, which ends with `status`, after it has taken its first lock."""
    ended = run(words, environment, trace=CALLS, log=log)
    assert (ended.status, ended.stdout) == (status, "")
    found = logged(log)
    locked = [number for number, point in enumerate(found) if point.call == "flock"]
    return found[locked[0] + 1 :]


def logged(log: Path) -> list[Point]:
    """Return the system calls of a run that was logged, in order."""
    counts: Counter[str] = Counter()
    found = []
    for line in log.read_text().splitlines():
        match = re.match(r"\d+\s+(\w+)\(", line)
        if match is not None:
            counts[match[1]] += 1
            found.append(Point(match[1], counts[match[1]], line))
    return found


def was_killed(ended: Run) -> bool:
    """Return whether a run ended by the signal that was injected."""
    return ended.status in (-signal.SIGKILL, 128 + signal.SIGKILL)
