"""Watching a real command's system calls, and killing it at one of them, with strace."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Result, Shell
from tests.support.strace import without_caches


def _works() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


needs_strace = pytest.mark.skipif(not _works(), reason="strace is not there, or must not look at processes")

_CALLS = "openat,flock,write,writev,fsync,fdatasync,/^rename,/^unlink,/truncate,/^mkdir"
_LINE = re.compile(r"\d+ +(\w+)\((.*)\) += (\d+)")
_OPENED = re.compile(r"<([^>]*)>")
_QUOTED = re.compile(r'"([^"]*)"')
_DRAFT = re.compile(r"[.-][0-9a-f]*-?[0-9a-f]{8,16}\.new$")


def steps(shell: Shell, *words: str | Path) -> list[str]:
    """Run a command; return what it did to files in its directory and to standard output, in order.

    Equal steps that follow each other are one. Random parts of the names of drafts are left out.
    """
    log = shell.directory.parent / "strace.log"
    done = subprocess.run(
        ["strace", "-f", "-y", "-o", str(log), "-e", f"trace={_CALLS}", *PROGRAM, *map(str, words)],
        stdout=subprocess.PIPE,
        cwd=shell.directory,
        env=without_caches(shell.environment),
        check=True,
    )
    assert done.returncode == 0
    found: list[str] = []
    for step in _steps(log.read_text(), shell.directory):
        if found[-1:] != [step]:
            found.append(step)
    return found


def _steps(log: str, directory: Path) -> Iterator[str]:
    for line in log.splitlines():
        match = _LINE.match(line)
        if match is None:  # it failed, or is no call
            continue
        call, arguments, _ = match.groups()
        if call.startswith("write") and arguments.startswith("1<"):
            yield "print"
        if str(directory) not in line:  # Python looks for modules, and keeps what it compiled of them
            continue
        opened = _short(_OPENED.findall(arguments)[:1], directory)
        quoted = _short(_QUOTED.findall(arguments), directory)
        if call == "openat" and "O_DIRECTORY" not in arguments:
            yield f"{'create' if 'O_EXCL' in arguments else 'open'} {quoted[0]}"
        elif call == "flock":
            yield f"lock {opened[0]}"
        elif call in ("write", "writev"):
            yield f"write {opened[0]}"
        elif call in ("fsync", "fdatasync"):
            yield f"sync {opened[0]}"
        elif call.startswith("rename"):
            yield f"rename {quoted[0]} to {quoted[1]}"
        elif call.startswith(("unlink", "mkdir", "truncate", "ftruncate")):
            yield f"{call} {(quoted or opened)[0]}"


def _short(paths: list[str], directory: Path) -> list[str]:
    """Return the last parts of paths, without what is random; the command's own directory is '.'."""
    return ["." if path == str(directory) else _DRAFT.sub(".new", Path(path).name) for path in paths]


def killed(shell: Shell, call: str, number: int, *words: str | Path) -> bool:
    """Run a program and kill it at its `number`-th system call of the name; return whether it came to that."""
    calls = f"/^{call}(at|at2)?$"
    inject = f"inject={calls}:signal=KILL:when={number}"
    done = subprocess.run(
        ["strace", "-f", "-o", "/dev/null", "-e", f"trace={calls}", "-e", inject, *map(str, words)],
        capture_output=True,
        cwd=shell.directory,
        env=shell.environment,
        check=False,
    )
    assert done.returncode in (0, -9), done.stderr
    return done.returncode != 0


def unsynced(shell: Shell, error: str, *words: str | Path) -> Result:
    """Run the program while a sync of the shell's directory, or of the replica in it, fails with `error`."""
    places = [part for place in (".", ".crdtctl") for part in ("-P", str((shell.directory / place).resolve()))]
    inject = ["-e", "trace=fsync", "-e", f"inject=fsync:error={error}"]
    done = subprocess.run(
        ["strace", "-f", "-qq", "-o", "/dev/null", *places, *inject, *PROGRAM, *map(str, words)],
        capture_output=True,
        text=True,
        cwd=shell.directory,
        env=shell.environment,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr)
