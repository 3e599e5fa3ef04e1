"""Temporary files have no name, and are where `tempfile` puts them, without its import."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import os, sys
from crdtctl.store.temporary import temporary_file
with temporary_file() as file:
    file.write(b"kept")
    file.seek(0)
    print(file.read(), "tempfile" in sys.modules, os.readlink(f"/proc/self/fd/{file.fileno()}"))
"""

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the paths of open files are not known")


def place(variables: dict[str, str]) -> tuple[bool, str]:
    """Return whether `tempfile` was needed for a file, and its directory."""
    environment = {key: value for key, value in os.environ.items() if key not in ("TMPDIR", "TEMP", "TMP")}
    done = subprocess.run(
        [sys.executable, "-S", "-c", CODE],
        env={**environment, "PYTHONPATH": str(Path(__file__).parents[2]), **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    content, needed, path, *_ = done.stdout.split()
    assert content == "b'kept'"
    return needed == "True", os.path.dirname(path)


def can_be_unnamed(directory: Path) -> bool:
    """Return whether the file system of a directory has files that never have a name."""
    try:
        os.close(os.open(directory, os.O_RDWR | os.O_TMPFILE))
    except OSError:
        return False
    return True


@pytest.mark.parametrize("name", ["TMPDIR", "TEMP", "TMP"])
def test_a_temporary_file_is_in_the_directory_of_the_variables(tmp_path: Path, name: str) -> None:
    needed, found = place({"TMP": "/nowhere", name: str(tmp_path)})
    assert found == str(tmp_path)
    assert needed is not can_be_unnamed(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there_is_left_to_tempfile() -> None:
    needed, found = place({"TMPDIR": "/nowhere"})
    assert needed
    assert found != "/nowhere"
