"""The words that run this program where the PATH may lack it: from cron, from systemd, from git."""

from __future__ import annotations

import os
import sys


def words() -> list[str]:
    """Return the words that run this program, with absolute paths."""
    from shutil import which

    if sys.argv[0].endswith(".pyz"):
        return [sys.executable, os.path.abspath(sys.argv[0])]
    beside = os.path.join(os.path.dirname(sys.executable), "crdtctl")
    script = beside if os.access(beside, os.X_OK) else which("crdtctl")
    return [os.path.abspath(script)] if script else [sys.executable, "-m", "crdtctl"]
