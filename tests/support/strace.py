"""The program under strace: its system calls, and its end when one of them fails or kills."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import pytest

import crdtctl
from tests.conftest import PROGRAM

#: The calls that touch files or directories, which is all that a write consists of.
CALLS = (
    "openat,open,read,pread64,write,writev,pwrite64,close,fsync,fdatasync,rename,renameat,renameat2,unlink,"
    "unlinkat,newfstatat,fstat,stat,lseek,getdents64,ftruncate,flock,fcntl,ioctl,mkdir,link,linkat"
)


#: The calls that leave files and directories as they are; `openat` does too unless it creates a file.
_READING = {"read", "pread64", "close", "newfstatat", "fstat", "stat", "lseek", "getdents64", "fcntl", "ioctl"}


@dataclass(frozen=True)
class Point:
    """One system call of a run: the `when`-th of its name in its thread. Threads are numbered as they appear.

    `loads`: it is one of the many by which Python searches for a module and reads it.
    """

    call: str
    when: int
    line: str
    thread: int = 0
    loads: bool = False

    @property
    def changes(self) -> bool:
        """Whether the call may change the disk, or a lock."""
        return self.call not in _READING and (self.call != "openat" or "O_CREAT" in self.line)


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
    """Return the reason why this machine cannot use strace, or an empty text."""
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
    log: Path | None = None,
    directory: Path | None = None,
    program: Sequence[str] = PROGRAM,
) -> Run:
    """Run the program under strace. The injected call must be reached, or the run tests nothing."""
    if log is None:
        with tempfile.TemporaryDirectory() as place:
            there = Path(place, "log")
            return run(words, environment, trace=trace, inject=inject, log=there, directory=directory, program=program)
    done = subprocess.run(
        [*prefix(trace, inject, log), *program, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=directory,
        env=environment,
        timeout=60,
        check=False,
    )
    ended = Run(done.returncode, done.stdout.decode(), done.stderr.decode())
    assert_reached(inject, log, was_killed(ended))
    return ended


class Injected(TypedDict):
    """The options of `run` that make something happen at a system call."""

    trace: str
    inject: str


def load(words: Sequence[str], environment: Mapping[str, str], directory: Path | None = None) -> None:
    """Run the program once, so that Python has compiled all that it loads: the next runs make the same calls."""
    command = [*PROGRAM, *words]
    subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, cwd=directory, env=environment, timeout=60, check=False
    )


def without_caches(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which Python does not write what it compiles: under faults, it would be damaged."""
    return {**environment, "PYTHONDONTWRITEBYTECODE": "1"}


def at(point: Point, how: str) -> Injected:
    """Return the options of `run` that make something happen at a point. No other call is traced, which takes time."""
    return {"trace": point.call, "inject": f"{point.call}:{how}:when={point.when}"}


def assert_reached(inject: str, log: Path, is_killed: bool) -> None:
    """Assert that the injected call was made once."""
    if "signal=SIGKILL" in inject:
        assert is_killed, f"{inject} was not reached"
        return
    signals = re.search("signal=([A-Z]+)", inject)
    sign = f"--- {signals[1]} " if signals else "(INJECTED)"
    assert not inject or log.read_text().count(sign) == 1, f"{inject} was not reached, or more than once"


def after_changes(found: Sequence[Point]) -> list[Point]:
    """Return the points that follow a change, and the first one.

    A kill at one of the others leaves the same files as a kill at the last of these.
    """
    return [point for number, point in enumerate(found) if not number or found[number - 1].changes]


def points(words: Sequence[str], environment: Mapping[str, str], log: Path, *, status: int = 0) -> list[Point]:
    """Return the system calls of one run, which ends with `status`, after it has taken its first lock."""
    ended = run(words, environment, trace=CALLS, log=log)
    assert (ended.status, ended.stdout) == (status, "")
    found = logged(log)
    locked = [number for number, point in enumerate(found) if point.call == "flock"]
    return found[locked[0] + 1 :]


def logged(log: Path) -> list[Point]:
    """Return the system calls of a run that was logged, in order."""
    threads: dict[str, Counter[str]] = {}
    modules: set[str] = set()  # descriptors
    found = []
    for line in log.read_text().splitlines():
        match = re.match(r"(\d+)\s+(\w+)\(", line)
        if match is not None:
            counts = threads.setdefault(match[1], Counter())
            counts[match[2]] += 1
            loads = _loads(line, modules)
            found.append(Point(match[2], counts[match[2]], line, list(threads).index(match[1]), loads))
    return found


#: Where modules are: the standard library, what is installed, and the project itself.
_PLACES = tuple(f'"{place}' for place in {sys.base_prefix, sys.prefix, str(Path(crdtctl.__file__).parent)})
#: What a module in C is linked with, and where that is looked up.
_LIBRARY = re.compile(r'"/etc/ld\.so\.|"/[^"]*\.so[."]')
#: One in this number of calls that load a module is tried: they are alike, and there are hundreds.
_EVERY = 16


def _loads(line: str, modules: set[str]) -> bool:
    """Return whether a call searches for a module or reads it. `modules` are the open files of modules."""
    if any(place in line for place in _PLACES) or _LIBRARY.search(line):
        opened = re.search(r"\bopenat\(.* = (\d+)", line)
        if opened is not None:
            modules.add(opened[1])
        return True
    used = re.match(r"\d+\s+(\w+)\((\d+)\b", line)
    if used is None or used[2] not in modules:
        return False
    if used[1] == "close":
        modules.remove(used[2])
    return True


def with_few_loads(found: Sequence[Point]) -> list[Point]:
    """Return the points, but few of those that load modules before the first file gets its name.

    After that, something may be applied already: if a module cannot be loaded then, a command has more to answer for.
    """
    first = next((place for place, point in enumerate(found) if point.call.startswith("rename")), len(found))
    kept = {*[point for point in found[:first] if point.loads][::_EVERY], *found[first:]}
    return [point for point in found if not point.loads or point in kept]


def was_killed(ended: Run) -> bool:
    """Return whether a run ended by the signal that was injected."""
    return ended.status in (-signal.SIGKILL, 128 + signal.SIGKILL)
