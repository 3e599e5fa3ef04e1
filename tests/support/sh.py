"""The program in a POSIX shell, for what a test cannot arrange from outside: redirections, limits, loops."""

import shlex
import subprocess
from collections.abc import Mapping, Sequence

from tests.conftest import PROGRAM, Result, Shell


def command(script: str) -> list[str]:
    """Return the command that runs a script in which ``crdtctl`` is the program under test."""
    return ["sh", "-c", f'crdtctl() {{ {shlex.join(PROGRAM)} "$@"; }}\n{script}']


def in_sh(shell: Shell, script: str, environment: Mapping[str, str] | None = None) -> Result:
    """Run a script in the shell's directory."""
    done = subprocess.run(
        command(script),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=shell.directory,
        env={**shell.environment, **(environment or {})},
        timeout=60,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def together(shell: Shell, scripts: Sequence[str]) -> list[Result]:
    """Run scripts at the same time, and wait for all of them."""
    running = [
        subprocess.Popen(
            command(script),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=shell.directory,
            env=shell.environment,
        )
        for script in scripts
    ]
    ended = []
    for process in running:
        stdout, stderr = process.communicate()
        ended.append(Result(process.returncode, stdout.decode(), stderr.decode()))
    return ended
