"""Rows: the power is cut right after a command has ended with status 0."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import PROGRAM
from tests.torture.bars import BARS, Bar
from tests.torture.careless import WITHOUT_FSYNC_OF_DIRECTORIES
from tests.torture.disks import KINDS, Disk, made, missing, mounted
from tests.torture.report import Row, skipped
from tests.torture.victim import CORRUPT, LOST, WRITES, Victim, judge

CUTS = 20
WANTED = "0 acknowledged lost, 0 corrupt"
CARELESS_WANTED = "loses, or the other rows prove nothing"


def faults(disk: Disk, safe: Path, cuts: int, program: Sequence[str] = PROGRAM) -> list[str]:
    """Let a command acknowledge, cut the power, read the disk, and repeat; return a line for each cut with a fault."""
    victim = Victim(disk.mount, safe, program)
    held = victim.init()
    disk.settle()
    found_faults = []
    for cut in range(cuts):
        what = WRITES[cut % len(WRITES)]
        before = held
        held = victim.write(what, before)
        disk.cut_power()
        found = victim.holds()
        verdict = judge(found, [held], [before])
        if verdict:
            found_faults.append(f"{verdict} after {what}: {found} instead of {held}")
        elif left := victim.left_over():
            found_faults.append(f"{CORRUPT} after {what}: left over {left}")
        if isinstance(found, str):
            break
        held = found
    return found_faults


def lost_by(bar: Bar, disk: Disk, cuts: int) -> int:
    """Return how many acknowledged commits another program loses in as many cuts."""
    lost = 0
    for cut in range(cuts):
        where = disk.mount / f"cut-{cut}"  # a new one each time: what was cut may be past repair
        where.mkdir()
        bar.commit(where, 1)
        disk.settle()
        bar.commit(where, 2)
        disk.cut_power()
        lost += not bar.has(where, 2)
    return lost


def measure(part: float) -> list[Row]:
    """Return a row for each file system, and the proof that a loss would be seen."""
    if missing():
        return [skipped(f"power cut on {name}", WANTED, missing()) for name in KINDS]
    cuts = max(len(WRITES), round(CUTS * part))
    return [*(_row(name, cuts) for name in KINDS), *(_careless_row(name, cuts) for name in ("ext4", "xfs"))]


def _row(name: str, cuts: int) -> Row:
    with new_disk(name) as (disk, safe):
        bad = faults(disk, safe, cuts)
    notes = list(bad)
    for bar in BARS:
        with new_disk(name) as (disk, _):
            lost = lost_by(bar, disk, cuts)
        notes.append(f"{bar.name} in its default settings lost {lost} of {cuts} acknowledged commits in the same cuts")
    lost = sum(fault.startswith(LOST) for fault in bad)
    return Row(f"power cut on {name}", WANTED, f"{cuts} cuts: {lost} lost, {len(bad) - lost} corrupt", not bad, notes)


def _careless_row(name: str, cuts: int) -> Row:
    with new_disk(name) as (disk, safe):
        bad = faults(disk, safe, cuts, WITHOUT_FSYNC_OF_DIRECTORIES)
    lost = sum(fault.startswith(LOST) for fault in bad)
    seen = f"{cuts} cuts: {lost} lost, {len(bad) - lost} corrupt"
    return Row(f"power cut on {name}, but directories are not fsynced", CARELESS_WANTED, seen, bool(bad))


@contextmanager
def new_disk(name: str) -> Iterator[tuple[Disk, Path]]:
    """Make and mount a file system of a kind; return it, and a directory that is safe from its power cuts."""
    with tempfile.TemporaryDirectory() as directory, mounted(made(KINDS[name], Path(directory))) as disk:
        yield disk, Path(directory)
