"""Where the torture program works: an empty directory, and a home in it, which is gone in the end."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import Shell


@contextmanager
def scratch() -> Iterator[Shell]:
    """Yield a shell in an empty directory. Within the context, this process has the same environment."""
    before = dict(os.environ)
    with tempfile.TemporaryDirectory() as place:
        home = Path(place, "home")
        here = Path(place, "here")
        home.mkdir()
        here.mkdir()
        for variable in before:
            if variable.startswith(("CRDTCTL", "_CRDTCTL", "XDG_", "GITHUB_")):
                del os.environ[variable]
        os.environ.update({"HOME": str(home), "LC_ALL": "C.UTF-8", "TERM": "xterm"})
        try:
            yield Shell(here, dict(os.environ))
        finally:
            os.environ.clear()
            os.environ.update(before)
