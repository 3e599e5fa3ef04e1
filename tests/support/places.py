"""Where to put files."""

import os
from tempfile import TemporaryDirectory

_MEMORY = "/dev/shm"


def quick_directory() -> "TemporaryDirectory[str]":
    """Return a directory in memory, if the system has that: for many writes that no power cut threatens."""
    return TemporaryDirectory(dir=_MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else None)
