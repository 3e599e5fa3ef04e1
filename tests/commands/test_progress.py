"""A progress bar is for people who wait: on standard error, and only on a terminal."""

import os
import pty
import subprocess
import sys

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.handwritten import counted, document

PROGRAM = """
import sys
import threading
from crdtctl.cli.progress import LONG, bar
with bar("merging", LONG - int(sys.argv[1])) as progress:
    print("shown" if progress else "not shown", flush=True)
    if progress:
        progress(LONG // 2)
        print(f"threads: {threading.active_count()}")
"""

#: The same, for work that grows.
GROWING = """
import sys
from crdtctl.cli.progress import LONG, growing_bar
with growing_bar() as progress:
    print("shown" if progress else "not shown", flush=True)
    if progress:
        progress("merging", 0, 10)
        progress("merging", 5, LONG - int(sys.argv[1]))
        progress("merging", LONG // 2, 2 * LONG - 2 * int(sys.argv[1]))
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
    assert stdout == "shown\nthreads: 1\n", "a merge forks meanwhile"
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


#: A merge for which little work is long.
MERGE = """
import sys
from crdtctl.cli import progress
progress.LONG = int(sys.argv[1])
from crdtctl.cli.main import main
sys.exit(main(["merge", "0.json", "1.json"]))
"""


def test_many_files_are_as_long_as_one_of_their_size(
    shell: Shell, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = []
    for number in range(2):
        data = document(f"other-{number}", 1, counted("builds", f"other-{number}", 1, 1))
        (shell.directory / f"{number}.json").write_bytes(data)
        sizes.append(len(data))
    monkeypatch.chdir(shell.directory)
    assert "merging" not in run(dict(shell.environment), 2 * sum(sizes) + 1, terminal=True, program=MERGE)[1]
    assert "merging" in run(dict(shell.environment), 2 * max(sizes) + 1, terminal=True, program=MERGE)[1]
