"""Rows: the power is cut right after a command has ended with status 0."""

import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from crdtctl import Replica
from tests.conftest import PROGRAM
from tests.torture.bars import BARS, Bar
from tests.torture.careless import WITHOUT_FSYNC_OF_DIRECTORIES
from tests.torture.disks import KINDS, Disk, made, missing, mounted
from tests.torture.report import Row, skipped
from tests.torture.victim import CORRUPT, LARGE_WRITES, LOST, WRITES, Victim, judge

CUTS = 20
WANTED = "0 acknowledged lost, 0 corrupt"
_WITH_RECENT = ", of a replica with own.recent.json"
_IN_A_STREAM = ", while a stream and a followed log count"
CARELESS_WANTED = "loses, or the other rows prove nothing"


def faults(
    disk: Disk, safe: Path, cuts: int, program: Sequence[str] = PROGRAM, writes: Sequence[str] = WRITES
) -> list[str]:
    """Let a command acknowledge, cut the power, read the disk, and repeat; return a line for each cut with a fault."""
    victim = Victim(disk.mount, safe, program)
    held = victim.init()
    disk.settle()
    found_faults = []
    for cut in range(cuts):
        what = writes[cut % len(writes)]
        before = held
        held = victim.write(what, before)
        disk.cut_power()
        found = victim.holds()
        verdict = judge(found, [held], [before])
        if verdict:
            found_faults.append(f"{verdict} after {what}: {found} instead of {held}"[:2000])
        elif left := victim.left_over():
            found_faults.append(f"{CORRUPT} after {what}: left over {left}")
        if isinstance(found, str):
            break
        held = found
    return found_faults


def faults_in_a_stream(disk: Disk, safe: Path, cuts: int, program: Sequence[str] = PROGRAM) -> list[str]:
    """Cut the power while a stream and a followed log count, and start both again; return a line for each fault.

    The log is on the safe disk, and has to be counted exactly. Of the lines of the stream, those that were acknowledged
    must be on the disk, and perhaps some more.
    """
    victim = Victim(disk.mount, safe, program)
    victim.init()
    disk.settle()
    log = safe / "log"
    wrong: list[str] = []
    sent = least = 0
    for cut in range(cuts):
        with log.open("a") as file:
            file.write("logged\n" * 100)
        group = str(1 + cut % 7)
        following = victim.start("increment", "--follow", log, "--group", group)
        streaming = victim.start("increment", "--stream", "--group", group)
        assert streaming.stdin
        streaming.stdin.write(b"streamed\n" * 100)
        streaming.stdin.flush()
        acknowledged = [_some_answers(process, 1 + cut % 5) for process in (following, streaming)]
        for process in (following, streaming):
            process.kill()
            acknowledged.append(_last_answer(process))
        disk.cut_power()
        found = victim.holds()
        if isinstance(found, str):
            return [*wrong, f"{CORRUPT} in cut {cut}: {found}"]
        totals = dict(found.totals)
        least, sent = least + max(acknowledged[1::2]), sent + 100
        if not least <= totals.get("streamed", 0) <= sent:
            wrong.append(f"{LOST} in cut {cut}: {totals.get('streamed', 0)} streamed, {least} to {sent} acknowledged")
        least = totals.get("streamed", 0)
        victim.run("increment", "--follow", log, "--until-end")
        total = Replica(victim.replica).value("logged")
        if total != 100 * (cut + 1):
            wrong.append(f"{LOST if total < 100 * (cut + 1) else CORRUPT} in cut {cut}: {total} lines of the log")
        disk.settle()
    return wrong


def _some_answers(process: subprocess.Popen[bytes], number: int) -> int:
    """Wait for acknowledgements; return how many lines they cover."""
    assert process.stdout
    return [_lines(process.stdout.readline()) for _ in range(number)][-1]


def _last_answer(process: subprocess.Popen[bytes]) -> int:
    """Return how many lines a process that was killed has acknowledged since; 0 if it printed nothing more."""
    answers = process.communicate()[0].splitlines()
    return _lines(answers[-1]) if answers else 0


def _lines(answer: bytes) -> int:
    return int(answer.removeprefix(b"OK "))


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
        whats = [f"power cut on {name}{more}" for more in ("", _WITH_RECENT, _IN_A_STREAM) for name in KINDS]
        return [skipped(what, WANTED, missing()) for what in whats]
    cuts = max(len(WRITES), round(CUTS * part))
    return [
        *(_row(name, cuts) for name in KINDS),
        *(_large_row(name, cuts) for name in KINDS),
        *(_stream_row(name, cuts) for name in KINDS),
        *(_careless_row(name, cuts) for name in ("ext4", "xfs")),
    ]


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


def _large_row(name: str, cuts: int) -> Row:
    with new_disk(name) as (disk, safe):
        bad = faults(disk, safe, cuts, writes=LARGE_WRITES)
    lost = sum(fault.startswith(LOST) for fault in bad)
    seen = f"{cuts} cuts: {lost} lost, {len(bad) - lost} corrupt"
    return Row(f"power cut on {name}{_WITH_RECENT}", WANTED, seen, not bad, bad)


def _stream_row(name: str, cuts: int) -> Row:
    with new_disk(name) as (disk, safe):
        bad = faults_in_a_stream(disk, safe, cuts)
    lost = sum(fault.startswith(LOST) for fault in bad)
    seen = f"{cuts} cuts: {lost} lost, {len(bad) - lost} corrupt"
    return Row(f"power cut on {name}{_IN_A_STREAM}", WANTED, seen, not bad, bad)


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
