"""One process of the program, measured: time, peak memory, output, and whether it had to be killed.

The time is that on the wall, or that of the processor if it is less, so that other work of the machine does not count.

The system adds the memory of the parent at the start to that of a process. So a small process starts it, and not the
process of the tests.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.conftest import PROGRAM

#: A process that takes longer than this hangs.
SECONDS = 60.0
#: ru_maxrss is in bytes on macOS, and in KiB on Linux.
_UNIT = 1 if sys.platform == "darwin" else 1024

_LAUNCH = """
import os, sys
from time import perf_counter
stdin, stdout, stderr, seconds, *words = sys.argv[1:]
files = [(os.POSIX_SPAWN_OPEN, 0, stdin, os.O_RDONLY, 0)]
for fd, path in (1, stdout), (2, stderr):
    files.append((os.POSIX_SPAWN_OPEN, fd, path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))
began = perf_counter()
process = os.posix_spawn(words[0], words, os.environ, file_actions=files, setpgroup=0)
watch = os.fork()
if not watch:
    import time
    time.sleep(float(seconds))
    os.killpg(process, 9)
    os._exit(0)
_, status, usage = os.wait4(process, 0)
took = perf_counter() - began
os.kill(watch, 9)
os.waitpid(watch, 0)
hung = took >= float(seconds) and os.waitstatus_to_exitcode(status) == -9
took = min(took, usage.ru_utime + usage.ru_stime)
print([os.waitstatus_to_exitcode(status), took, usage.ru_maxrss, int(hung)])
"""


def plain_environment(home: Path) -> dict[str, str]:
    """Return an environment without settings of ours, whose home is `home`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("CRDTCTL", "_CRDTCTL", "XDG_", "GITHUB_"))}
    return {**kept, "HOME": str(home), "LC_ALL": "C.UTF-8"}


@dataclass(frozen=True)
class Measured:
    """The status, the output and the usage of a process."""

    status: int
    seconds: float
    peak: int
    hung: bool
    stdout: bytes
    stderr: bytes


def run(
    words: Sequence[str | Path],
    directory: Path,
    environment: Mapping[str, str],
    *,
    stdin: str | Path = os.devnull,
    seconds: float = SECONDS,
    program: Sequence[str] = PROGRAM,
) -> Measured:
    """Run the program, or another one, in a directory; its output goes to files beside that directory."""
    outputs = [directory.parent / f"{directory.name}.{name}" for name in ("stdout", "stderr")]
    launched = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _LAUNCH, stdin, *outputs, str(seconds), *program, *words],
        cwd=directory,
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    status, took, peak, hung = json.loads(launched.stdout)
    stdout, stderr = (path.read_bytes() for path in outputs)
    return Measured(status, took, peak * _UNIT, bool(hung), stdout, stderr)
