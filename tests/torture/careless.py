"""The program without one of its precautions. The torture must catch this, or it proves nothing."""

import sys

_PROGRAM = """
import os, stat, sys
fsync = os.fsync
os.fsync = lambda fd: None if {skipped} else fsync(fd)
from crdtctl.__main__ import run
sys.argv[0] = "crdtctl"
run()
"""


def _without(skipped: str) -> list[str]:
    return [sys.executable, "-c", _PROGRAM.format(skipped=skipped)]


WITHOUT_FSYNC_OF_DIRECTORIES = _without("stat.S_ISDIR(os.fstat(fd).st_mode)")
WITHOUT_FSYNC_OF_FILES = _without("stat.S_ISREG(os.fstat(fd).st_mode)")
