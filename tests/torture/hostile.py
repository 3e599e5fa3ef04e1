"""Hostile files, given to every command that reads one, and put in the place of a replica's own.

Each file must be refused with its documented status, within 100 ms for each MB and in ten times its size of memory.
The start of the program and one MB are free. Nothing may hang, the replica must be unchanged, and no control byte may
reach standard output or standard error.
"""

import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crdtctl import Replica
from tests.support.child import Measured, plain_environment, run
from tests.support.clones import bind
from tests.support.expect import contents
from tests.torture import endless, odd
from tests.torture.documents import SMALL, harmless, placed
from tests.torture.report import Row
from tests.torture.scaled import DENSEST, SCALED

MB = 10**6
#: Milliseconds for each MB, and how many times its size of memory, a file may take to be refused.
LIMITS = (100, 10)
#: Nothing is known of these files before their last entry is read, and until then they are decoded like any other.
LIMITS_OF_THE_DENSEST = (200, 30)

_INTERNAL = 70
#: Files that are batches like any other.
_BATCHES = {"empty", "a shell script", "a web page"}


@dataclass(frozen=True)
class Deed:
    """Something done with a hostile file: the words, and the statuses that it may end with."""

    words: tuple[str, ...]
    statuses: frozenset[int]
    stdin: bool = False

    @property
    def called(self) -> str:
        """The words, for messages."""
        return " ".join(self.words)


def _deed(words: str, *statuses: int, stdin: bool = False) -> Deed:
    return Deed(tuple(words.split()), frozenset(statuses), stdin)


#: The commands that read a file from outside, `FILE`. A delta that leaves a gap ends with 66.
OUTSIDE = [
    _deed("merge FILE", 65, 66),
    _deed("merge -", 65, 66, stdin=True),
    _deed("check FILE", 1),
    _deed("compare FILE", 0, 65),  # it reads the header and sums up the rest, and 0 is its answer to that
    _deed("show --require FILE", 1, 2, 65),  # a state is a clock too, and 1 is its answer to a sound one
    _deed("increment --batch FILE", 2),
]
#: Its place in a replica, and the commands that run then. An own file with a right checksum is trusted.
INSIDE: dict[str, list[Deed]] = {
    "config.toml": [_deed("check", 0, 1), _deed("increment builds", 0)],
    "own.json": [
        _deed("show", 0, 65),
        _deed("show --state", 0, 65),
        _deed("check", 1),
        _deed("merge good.json", 0, 65),
        _deed("increment builds", 0, 65),
    ],
    "known.json": [
        _deed("show", 0, 65),
        _deed("show --by-replica --format csv", 0, 65),
        _deed("status --format value", 0, 65),
        _deed("check", 1),
        _deed("merge good.json", 0, 65),
        _deed("increment builds", 0, 65),
    ],
}
_READING = {"show", "check", "compare", "status"}


@dataclass
class Tally:
    """The results of many runs."""

    limits: tuple[int, int] = LIMITS
    files: int = 0
    runs: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[float, str] = (0.0, "")

    @property
    def seen(self) -> str:
        """Return the results in words."""
        seen = f"{self.files} files, {self.runs} runs"
        if not self.slowest[1]:
            return seen
        return (
            f"{seen}: at most {self.slowest[0]:.0f} ms for each MB ({self.slowest[1]}), "
            f"{self.largest[0]:.1f} times its size of memory ({self.largest[1]})"
        )


class Ground:
    """A directory with a replica; the program's time on a tiny sound file, and its memory on a larger one, are free."""

    def __init__(self, directory: Path, environment: Mapping[str, str], *, tries: int = 3) -> None:
        """Use the directory. With 0 `tries`, the time is not judged. Otherwise it is the best of these tries."""
        self.directory = directory
        self.environment = {**environment, "CRDTCTL_REPLICA": str(directory / "replica")}
        self.replica = Replica.init(directory / "replica", name="here")
        self.replica.increment("builds", 3)
        other = Replica.init(directory / "other", name="other")
        other.increment("builds", 4)
        other.export_to(directory / "good.json")
        self.replica.merge(directory / "good.json")
        other.increment("builds", 1)
        other.export_to(directory / "good.json")
        self.tries = tries
        starts = [self._run(["check", "good.json"], None) for _ in range(3)]
        self.start = min(start.seconds for start in starts)
        with other.batch() as batch:
            for number in range(8000):
                batch.increment(f"counter {number}")
        other.export_to(directory / "large.json")  # reading both needs the modules for such files, and hardly more
        (directory / "pretty.json").write_text(json.dumps(json.loads((directory / "good.json").read_bytes()), indent=1))
        # As much as any command takes for sound files.
        sound = (["check", "large.json", "pretty.json"], ["merge", "--dry-run", "large.json", "pretty.json"])
        self.base = max(self._run(words, None).peak for words in sound for _ in range(3))
        (directory / "large.json").unlink()
        (directory / "pretty.json").unlink()

    def bind(self) -> None:
        """Record the restored files as the replica's own, so that it detects no restored backup."""
        bind(Path(self.replica.path), f"{self.replica.path}.witness")

    def _run(self, words: Sequence[str], stdin: Path | None) -> Measured:
        return run(words, self.directory, self.environment, stdin=stdin or os.devnull)

    def outside(self, tally: Tally, why: str, data: bytes) -> None:
        """Give a file to every command that reads one."""
        tally.files += 1
        path = self.directory / "hostile"
        path.write_bytes(data)
        for deed in OUTSIDE:
            if deed.words[0] != "increment" or why not in _BATCHES:
                self.judge(tally, why, deed, len(data), path)
        path.unlink()

    def inside(self, tally: Tally, why: str, data: bytes, *, allowed: frozenset[int] = frozenset()) -> None:
        """Put a file in the place of each of the replica's own."""
        tally.files += 1
        for name, deeds in INSIDE.items():
            kept = contents(self.replica.path)
            Path(self.replica.path, name).write_bytes(placed(data, name))
            for deed in deeds:
                self.judge(tally, f"{why} as {name}", deed, len(data), None, allowed=allowed)
            for file, was in kept.items():
                Path(self.replica.path, file).write_bytes(was)
            self.bind()

    def judge(
        self,
        tally: Tally,
        why: str,
        deed: Deed,
        size: int,
        path: Path | None,
        *,
        timed: bool = True,
        allowed: frozenset[int] = frozenset(),
    ) -> Measured:
        """Run it, and record the faults."""
        words = [word if word != "FILE" else str(path) for word in deed.words]
        judged = deed.words[0] not in ("show", "status") or path is not None  # or it also prints what is sound
        timed = timed and judged and self.tries > 0
        before = self._state()
        ended = self._run(words, path if deed.stdin else None)
        took = self._cost(ended, size)
        for _ in range(self.tries - 1):  # this machine may have been busy with something else
            if timed and took[0] > tally.limits[0]:
                ended = self._run(words, path if deed.stdin else None)
                took = min(took, self._cost(ended, size))
        tally.runs += 1
        what = f"{why}, {size / MB:.1f} MB: {deed.called}"
        if judged:
            tally.slowest = max(tally.slowest, (took[0], what))
            tally.largest = max(tally.largest, (took[1], what))
        faults = list(misdeeds(ended))
        if ended.status not in deed.statuses | allowed:
            faults.append(f"status {ended.status}")
        if self._state() != before and (ended.status or deed.words[0] in _READING):
            faults.append("the replica was changed")
        if timed and took[0] > tally.limits[0]:
            faults.append(f"{took[0]:.0f} ms for each MB")
        if judged and took[1] > tally.limits[1]:
            faults.append(f"{took[1]:.1f} times its size of memory")
        tally.faults += [f"{what}: {fault} {ended.stderr[:200]!r}" for fault in faults]
        return ended

    def _state(self) -> dict[str, bytes]:
        """Return the contents of the replica's files, except for large holes."""
        if any(file.stat(follow_symlinks=False).st_size > 100 * MB for file in os.scandir(self.replica.path)):
            return {}
        return contents(self.replica.path)

    def _cost(self, ended: Measured, size: int) -> tuple[float, float]:
        """Return milliseconds for each MB, and how many times its size of memory; of a small file, as of one MB."""
        size = max(size, MB)
        return (ended.seconds - self.start) * 1000 * MB / size, (ended.peak - self.base) / size


def misdeeds(ended: Measured) -> Iterator[str]:
    """Yield the faults that no run may have, with any status."""
    if ended.hung:
        yield "it hung"
    if ended.status == _INTERNAL or ended.status < 0:
        yield f"status {ended.status}"
    for name, output in (("output", ended.stdout), ("messages", ended.stderr)):
        try:
            text = output.decode()
        except UnicodeDecodeError:
            yield f"its {name} are not UTF-8"
            continue
        if not text.replace("\n", "").replace("\t", "").isprintable():
            yield f"its {name} hold a control character"
        if "Traceback" in text:
            yield f"its {name} hold a traceback"


# Rows --------------------------------------------------------------------------------------------------


def small(ground: Ground, tally: Tally, part: float) -> None:
    """Give a part of the small files to everything, and a third of these as the replica's own."""
    for number, (why, data) in enumerate(_part(SMALL, part)):
        ground.outside(tally, why, data)
        if number % 3 == 0:
            ground.inside(tally, why, data)
    ground.inside(tally, "odd names", harmless(), allowed=frozenset({0}))


def scaled(ground: Ground, tally: Tally, part: float, size: int = MB) -> None:
    """Give a part of the files of any size, and some of these as the replica's own."""
    for number, (why, make) in enumerate(_part(SCALED, part)):
        data = make(size)
        ground.outside(tally, why, data)
        if number % 6 == 0 and size <= MB:
            ground.inside(tally, why, data)


def densest(ground: Ground, tally: Tally, part: float) -> None:
    """Give files that hold as many entries as fit, all of them sound but the last."""
    for why, make in _part(DENSEST, part):
        ground.outside(tally, why, make(MB))


def _part(table: Mapping[str, Any], part: float) -> list[tuple[str, Any]]:
    """Return every so-and-so-many-th entry."""
    return list(table.items())[:: max(1, round(1 / part))]


def measure(part: float) -> list[Row]:
    """Give each hostile file to each command; return the results."""
    with tempfile.TemporaryDirectory() as where:
        directory = Path(where) / "here"
        directory.mkdir()
        ground = Ground(directory, plain_environment(Path(where)))
        files, dense, paths, streams = Tally(), Tally(LIMITS_OF_THE_DENSEST), Tally(), Tally()
        small(ground, files, part)
        scaled(ground, files, part)
        scaled(ground, files, part / 16, 16 * MB)
        if part >= 1:
            scaled(ground, files, 1 / 40, 70 * MB)
        densest(ground, dense, part)
        odd.paths(ground, paths)
        odd.planted(ground, paths, part)
        endless.streams(ground, streams, part)
        endless.changing(ground, streams, part)
    return [
        _row("hostile files, from outside and in the place of a replica's own", files, ground),
        _row("the densest files, sound except for their last entry", dense, ground),
        _row("pipes, devices, links, sockets, directories, holes, in every place", paths, ground),
        _row("streams without an end, files that change while they are read", streams, ground),
    ]


def _row(what: str, tally: Tally, ground: Ground) -> Row:
    wanted = (
        f"refused, within {tally.limits[0]} ms for each MB and {tally.limits[1]} times its size of memory; "
        "no hang, no control byte, the replica unchanged"
    )
    free = f"free are the start of `crdtctl check` ({ground.start * 1000:.0f} ms, {ground.base / MB:.0f} MB) and one MB"
    return Row(what, wanted, tally.seen, not tally.faults, (free, *tally.faults[:20]))
