"""A real process on a real terminal (a pseudo-terminal of the system)."""

import os
import pty
import subprocess
import termios
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.conftest import PROGRAM, Result, Shell

ESCAPE = "\x1b"


def on_terminal(
    shell: Shell,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    columns: int = 100,
    program: Sequence[str] = PROGRAM,
) -> Result:
    """Run the program with a terminal of so many columns as standard input and output."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    with subprocess.Popen(
        [*program, *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env={**shell.environment, **(environment or {})},
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while block := _read(ours):
            shown += block
        os.close(ours)
        assert process.stderr is not None
        stderr = process.stderr.read()
    return Result(process.returncode, shown.decode().replace("\r\n", "\n"), stderr.decode())


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 2**16)
    except OSError:  # what Linux says when the last process has left the terminal
        return b""
