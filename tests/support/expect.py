"""What these tests expect again and again: a refusal as a user should see it, and files left as they were."""

import os
import stat
from pathlib import Path

from tests.conftest import Result


def assert_refused(ended: Result, status: int) -> str:
    """Assert that a command failed with `status`, said so in one line and wrote nothing else; return the line."""
    assert (ended.status, ended.stdout) == (status, "")
    return assert_one_line(ended.stderr)


def assert_one_line(stderr: str) -> str:
    """Assert that a process said one line, as a failure is told: ours, and fit for a terminal; return it."""
    assert stderr.startswith("crdtctl: ")
    assert stderr.endswith("\n")
    assert stderr[:-1].isprintable()
    return stderr


def contents(directory: str | Path) -> dict[str, bytes]:
    """Return path → bytes of everything below a directory; of what is not a regular file, only that it is there."""
    found: dict[str, bytes] = {}
    for parent, directories, files in os.walk(directory):
        for name in (*directories, *files):
            path = Path(parent, name)
            is_file = stat.S_ISREG(path.lstat().st_mode)
            found[str(path.relative_to(directory))] = path.read_bytes() if is_file else b"(not a file)"
    return found
