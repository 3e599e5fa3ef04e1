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

#: The same, for work that grows.
GROWING = """
import sys
from crdtctl.commands.progress import LONG, growing_bar
with growing_bar("merging") as progress:
    print("shown" if progress else "not shown", flush=True)
    if progress:
        progress(0, 10)
        progress(5, LONG - int(sys.argv[1]))
        progress(LONG // 2, 2 * LONG - 2 * int(sys.argv[1]))
"""


def run(environment: dict[str, str], less: int, *, terminal: bool, program: str = PROGRAM) -> tuple[str, str]:
    """Return what goes to standard output, and what to a standard error that may be a terminal."""
    ours, theirs = pty.openpty() if terminal else os.pipe()
    try:
        done = subprocess.run(
            [sys.executable, "-c", program, str(less)],
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


def test_a_bar_begins_when_the_work_turns_out_to_be_long(environment: dict[str, str]) -> None:
    stdout, stderr = run(environment, 0, terminal=True, program=GROWING)
    assert stdout == "shown\n"
    assert "merging" in stderr
    assert run(environment, 2**25 - 100, terminal=True, program=GROWING) == ("shown\n", "")
    assert run(environment, 0, terminal=False, program=GROWING) == ("not shown\n", "")
    assert run({**environment, "TERM": "dumb"}, 0, terminal=True, program=GROWING) == ("not shown\n", "")
