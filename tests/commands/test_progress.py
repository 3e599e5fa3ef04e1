"""A progress bar is for people who wait: on standard error, and only on a terminal."""

import os
import pty
import subprocess
import sys

import pytest

PROGRAM = """
import sys
from crdtctl.commands.progress import LONG, bar
with bar("merging", LONG - int(sys.argv[1])) as progress:
    print("shown" if progress else "not shown", flush=True)
    if progress:
        progress(LONG // 2)
"""


def run(environment: dict[str, str], less: int, *, terminal: bool) -> tuple[str, str]:
    """Return what goes to standard output, and what to a standard error that may be a terminal."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(less)],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=theirs,
            check=True,
            text=True,
        )
        os.write(theirs, b"end")
        seen = b""
        while not seen.endswith(b"end"):
            seen += os.read(ours, 4096)
        return done.stdout, seen.removesuffix(b"end").decode()
    finally:
        os.close(ours)
        os.close(theirs)


def test_long_work_shows_a_bar_on_a_terminal(environment: dict[str, str]) -> None:
    stdout, stderr = run(environment, 0, terminal=True)
    assert stdout == "shown\n"
    assert "merging" in stderr, repr(stderr)


@pytest.mark.parametrize(("less", "terminal", "term"), [(1, True, "xterm"), (0, False, "xterm"), (0, True, "dumb")])
def test_nobody_is_shown_a_bar_otherwise(environment: dict[str, str], less: int, terminal: bool, term: str) -> None:
    assert run({**environment, "TERM": term}, less, terminal=terminal) == ("not shown\n", "")
