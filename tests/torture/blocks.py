"""Rows: every prefix of the block writes, and torn sectors.

Real processes write on a disk that records (`recorder`). Then the power is cut at every point of that log, on paper:
the image that a disk would hold is put together, mounted, and read. At each point, all acknowledged counts must be
there, no others may be there, and the next write must work.
"""

import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.conftest import PROGRAM
from tests.torture import disks, recorder, sectors
from tests.torture.careless import WITHOUT_FSYNC_OF_DIRECTORIES, WITHOUT_FSYNC_OF_FILES
from tests.torture.disks import Disk, Kind, made, mounted, unmount
from tests.torture.recorder import FLUSH, Log
from tests.torture.report import Row, skipped
from tests.torture.sectors import Platter, Sectors
from tests.torture.victim import CORRUPT, LOST, WRITES, Held, Victim, judge

_EXT4 = ("mkfs.ext4", "-q", "-b", "4096", "-J", "size=4", "-E", "lazy_itable_init=0,lazy_journal_init=0")
KINDS = {
    "ext4": Kind(_EXT4, "loop", 16),
    "ext4 noauto_da_alloc": Kind(_EXT4, "loop,noauto_da_alloc", 16),
    "xfs": Kind(("mkfs.xfs", "-q"), "loop", 320),
}
#: This number of small transactions nearly fills a journal of 4 MiB.
_ROUNDS = 120

#: Precautions that the program or the file system leaves out. The torture must catch them, or it proves nothing.
CARELESS = {
    "directories are not fsynced": (KINDS["ext4"], WITHOUT_FSYNC_OF_DIRECTORIES),
    "files are not fsynced": (KINDS["ext4 noauto_da_alloc"], WITHOUT_FSYNC_OF_FILES),
    "ext4 leaves the order of its writes to the disk": (Kind(_EXT4, "loop,nobarrier", 16), PROGRAM),
}

WANTED = "0 acknowledged lost, 0 corrupt, the next write works"
CARELESS_WANTED = "loses or damages, or the other rows prove nothing"


def missing() -> str:
    """Return the reason why this machine cannot do this, or an empty text."""
    return disks.missing() or recorder.missing()


@dataclass(frozen=True)
class Step:
    """A command: the length of the log when it began and when it had acknowledged, and the totals then."""

    began: int
    acknowledged: int
    held: Held


@dataclass(frozen=True)
class History:
    """A disk at its mount, the writes since then, and the totals that it should hold at each point."""

    disk: Disk
    victim: Victim
    start: Sectors
    log: Log
    steps: list[Step]

    def right(self, point: int) -> tuple[list[Held], list[Held]]:
        """Return the totals that are allowed at a point of the log, and those that are too old."""
        before = [Held(), *(step.held for step in self.steps if step.acknowledged <= point)]
        at_work = [step.held for step in self.steps if step.began < point < step.acknowledged]
        return [before[-1], *at_work], before[:-1]


@dataclass
class Seen:
    """The number of images that were read, and their faults."""

    prefixes: int = 0
    torn: int = 0
    faults: list[str] = field(default_factory=list)
    mended: int = 0

    def note(self, where: str, fault: str) -> None:
        """Record a fault, if there is one."""
        if fault:
            self.faults.append(f"{where}: {fault[:600]}")

    def __str__(self) -> str:
        lost = sum(f": {LOST}: " in fault for fault in self.faults)
        bad = f"{lost} lost, {len(self.faults) - lost} corrupt"
        mended = f" ({self.mended} with a torn superblock, repaired by e2fsck)" if self.mended else ""
        return f"{self.prefixes} prefixes, {self.torn} cuts with torn sectors{mended}: {bad}"


def record(kind: Kind, directory: Path, writes: Sequence[str], program: Sequence[str] = PROGRAM) -> History:
    """Let processes write on a recording disk, one after the other."""
    disk = made(kind, directory)
    victim = Victim(disk.mount, directory, program)
    platter = Platter(sectors.read(disk.image))
    with recorder.recorded(disk.image) as log, mounted(disk):
        _age(disk.mount)
        disk.settle()
        while log:  # the mount wrote these blocks, not the program
            platter.take(log.pop(0))
        steps = []
        held = Held()
        for what in ("", *writes):
            began = len(log)
            held = victim.write(what, held) if what else victim.init()
            steps.append(Step(began, len(log), held))
        return History(disk, victim, platter.written, list(log), steps)  # without what unmounting writes


def _age(mount: Path) -> None:
    """Fill most of a file system's journal, so that it comes round to its beginning while it is recorded."""
    for _ in range(_ROUNDS):
        with (mount / "age").open("wb") as file:
            file.write(bytes(5000))
            file.flush()
            os.fsync(file.fileno())


def replay(history: History, prefixes: int, torn: int) -> Seen:
    """Cut the power at `prefixes` points of the log, evenly, and tear unflushed sectors at `torn` points."""
    chance = random.Random(0)
    points = range(len(history.log) + 1)
    whole = {points[(len(points) - 1) * i // max(prefixes - 1, 1)] for i in range(prefixes)}
    unflushed = [point for point in points if point and history.log[point - 1] is not FLUSH]
    tears = Counter(chance.choices(unflushed, k=torn))
    seen = Seen()
    platter = Platter(history.start)
    with _in_memory(history.disk) as disk:
        for point in points:
            if point:
                platter.take(history.log[point - 1])
            if point in whole:
                seen.prefixes += 1
                seen.note(f"prefix {point}", _fault(history, point, platter.written, disk, seen))
            for _ in range(tears[point]):
                seen.torn += 1
                seen.note(f"torn at {point}", _fault(history, point, platter.torn(chance), disk, seen))
    return seen


def _attach(disk: Disk, seen: Seen) -> None:
    """Mount the image. A torn superblock of ext4 is repaired first, as the check at boot does."""
    try:
        disk.attach()
    except subprocess.CalledProcessError:
        if subprocess.run(["e2fsck", "-fy", disk.image], capture_output=True, check=False).returncode > 1:
            raise
        disk.attach()
        seen.mended += 1


def _fault(history: History, point: int, image: Sectors, disk: Disk, seen: Seen) -> str:
    """Return the fault of a disk whose power was cut at a point of the log, or an empty text."""
    sectors.write(image, history.disk.image.stat().st_size, disk.image)
    try:
        _attach(disk, seen)
    except subprocess.CalledProcessError as error:
        return f"{CORRUPT}: the file system cannot be mounted: {error.stderr.decode().strip()}"
    try:
        right, past = history.right(point)
        found = history.victim.holds()
        if verdict := judge(found, right, past):
            return f"{verdict}: {found} instead of {right}"
        assert isinstance(found, Held)
        held = found if found.replicas else history.victim.init()
        held = history.victim.write("increment, fast", held)
        found = history.victim.holds()
        if found != held:
            return f"{CORRUPT}: {found} after the next write, instead of {held}"
        if left := sorted(history.victim.replica.glob("own.json.*")):
            return f"{CORRUPT}: the next write does not sweep up {left}"
    except AssertionError as error:
        return f"{CORRUPT}: the next write does not work: {error}"
    finally:
        disk.detach()
    return ""


@contextmanager
def _in_memory(disk: Disk) -> Iterator[Disk]:
    """Return a copy of the disk with its image in memory, where a flush costs nothing."""
    memory = disk.image.parent / "memory"
    memory.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "memory", memory], check=True)
    try:
        yield Disk(memory / "image", disk.mount, disk.options)
    finally:
        unmount(memory)


def measure(part: float) -> list[Row]:
    """Return a row for each file system, and the proof that a loss would be seen."""
    if missing():
        return [skipped(f"every prefix of the writes to {name}", WANTED, missing()) for name in KINDS]
    rows = []
    for name, kind in KINDS.items():
        seen = look(kind, writes=max(len(WRITES), round(18 * part)), share=part, torn=round(200 * part))
        what = f"every prefix of the writes to {name}, and torn sectors"
        rows.append(Row(what, WANTED, str(seen), not seen.faults, seen.faults))
    for name, (kind, program) in CARELESS.items():
        seen = look(kind, writes=len(WRITES), share=0.3, torn=20, program=program)
        rows.append(Row(f"the same, but {name}", CARELESS_WANTED, str(seen), bool(seen.faults)))
    return rows


def look(kind: Kind, *, writes: int, share: float, torn: int, program: Sequence[str] = PROGRAM) -> Seen:
    """Record a number of writes on a new disk; read a share of the prefixes of its log, and a number of torn ones."""
    with tempfile.TemporaryDirectory() as directory:
        commands = [WRITES[number % len(WRITES)] for number in range(writes)]
        history = record(kind, Path(directory), commands, program)
        return replay(history, round(share * (len(history.log) + 1)), torn)
