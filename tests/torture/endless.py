"""Streams without an end, and files that change while they are read."""

import itertools
import os
import subprocess
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING

from crdtctl import Replica
from tests.conftest import PROGRAM
from tests.torture.documents import HEAD, ID, state

if TYPE_CHECKING:
    from tests.torture.hostile import Ground, Tally

MB = 10**6
GB = 2**30
_SECONDS = 120


def _canonical() -> Iterator[bytes]:
    """Yield the lines of a state without an end."""
    yield (HEAD + ',"counters":{\n').encode()
    for number in itertools.count():
        lines = (f'"{number:06}-{one:04}":{{"gcounter":{{"{ID}":[1,1]}}}},\n' for one in range(4000))
        yield "".join(lines).encode()


def _again(*parts: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: itertools.chain(parts[:-1], itertools.repeat(parts[-1]))


#: Stream → the most that may be read of it.
STREAMS: dict[str, tuple[Callable[[], Iterable[bytes]], int]] = {
    "zeros": (_again(bytes(MB)), 80 * MB),
    "a header": (_again(HEAD[:-1].encode() + b",", b'"x":1,' * MB), 80 * MB),
    "JSON in another layout": (_again(b"[" * MB), 80 * MB),
    "the lines of a state": (_canonical, GB + 10 * MB),
}


def streams(ground: "Ground", tally: "Tally", part: float) -> None:
    """Give streams to ``merge -`` and ``compare -``; they must stop reading."""
    for why, (stream, most) in STREAMS.items():
        if most > 100 * MB and part < 1:
            continue
        for verb in ("merge", "compare"):
            tally.files += 1
            tally.runs += 1
            process = subprocess.Popen(
                [*PROGRAM, verb, "-"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=ground.environment,
                cwd=ground.directory,
            )
            fed = _feed(process, stream())
            stdout, stderr = process.communicate(timeout=_SECONDS)
            if process.returncode != 65 or stdout or not stderr.startswith(b"crdtctl: "):
                tally.faults.append(f"{why} to {verb}: status {process.returncode}, {stderr!r}")
            if fed > most + MB:
                tally.faults.append(f"{why} to {verb}: it read {fed / MB:.0f} MB")


def _feed(process: subprocess.Popen[bytes], stream: Iterable[bytes]) -> int:
    """Write to a process until it has had enough; return how much it took."""
    fed = 0
    assert process.stdin is not None
    try:
        for block in stream:
            process.stdin.write(block)
            fed += len(block)
    except BrokenPipeError:
        pass
    with suppress(BrokenPipeError):
        process.stdin.close()
    process.stdin = None
    return fed


def _append(path: Path) -> None:
    with path.open("ab") as file:
        for _ in range(50):
            file.write(b"\n" * 1000)
            file.flush()


def _cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _empty(path: Path) -> None:
    os.truncate(path, 0)


def _overwrite(path: Path) -> None:
    """Change one digit near the end, and leave the size as it is."""
    with path.open("r+b") as file:
        file.seek(-60, os.SEEK_END)
        tail = file.read()
        file.seek(-60, os.SEEK_END)
        file.write(tail.replace(b"[1,1]", b"[1,9]"))


CHANGES: dict[str, Callable[[Path], None]] = {
    "appended to": _append,
    "cut": _cut,
    "emptied": _empty,
    "written over": _overwrite,
}


def changing(ground: "Ground", tally: "Tally", part: float) -> None:
    """Merge a file that changes during the merge, sooner and later: all or none of its first content is taken."""
    lines = [f'"{number:08}":{{"gcounter":{{"{ID}":[1,1]}}}}' for number in range(int(300_000 * max(part, 0.1)))]
    sound = state(*lines)
    path = ground.directory / "changing"
    for why, change in CHANGES.items():
        for delay in (0.0, 0.04, 0.08, 0.16, 0.32):
            tally.files += 1
            tally.runs += 1
            path.write_bytes(sound)
            replica = Replica.init(ground.directory / f"{why} {delay}", name="here")
            process = subprocess.Popen(
                [*PROGRAM, "merge", str(path)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**ground.environment, "CRDTCTL_REPLICA": replica.path},
            )
            sleep(delay)
            change(path)
            stdout, stderr = process.communicate(timeout=_SECONDS)
            found = sum(one.value for one in replica.counters())
            wanted = {0: len(lines), 65: 0}.get(process.returncode, -1)
            if found != wanted or stdout or bool(stderr) != bool(process.returncode):
                tally.faults.append(f"{why} after {delay} s: status {process.returncode}, {found} counted, {stderr!r}")
    path.unlink()
