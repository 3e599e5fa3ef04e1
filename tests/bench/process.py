"""One process: how long it took from start to end, and its peak memory."""

import os
import sys
from collections.abc import Mapping
from time import perf_counter
from typing import NamedTuple

#: ru_maxrss is in bytes on macOS, and in KiB on Linux.
_UNIT = 1 if sys.platform == "darwin" else 1024


class Wrong(Exception):
    """A command failed, or its answer is wrong."""


class Usage(NamedTuple):
    """The usage of a process: seconds of wall time, and bytes of memory at its peak."""

    seconds: float
    peak: int


def measure(words: list[str], environment: Mapping[str, str], output: str, errors: str) -> Usage:
    """Run the program `words[0]` (its path) in the current directory; raise `Wrong` unless its status is 0.

    The peak is that of the largest of the process and the children that it waited for. The system also counts the
    memory of the starting process, so no peak below that of this process can be seen.
    """
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    before = perf_counter()
    process = os.posix_spawn(words[0], words, environment, file_actions=files)
    _, status, usage = os.wait4(process, 0)
    seconds = perf_counter() - before
    if status != 0:
        with open(errors, encoding="utf-8", errors="replace") as file:
            printed = file.read().strip()[-1000:]
        raise Wrong(f"'{' '.join(words)}' ended with {os.waitstatus_to_exitcode(status)}: {printed}")
    return Usage(seconds, usage.ru_maxrss * _UNIT)
