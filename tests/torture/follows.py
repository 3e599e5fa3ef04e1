"""Rows: a followed log is rotated, and the program that follows it is killed, or fails, at every system call.

What must hold: after it was started again, every line is counted once.
"""

import os
import shutil
from collections import Counter
from collections.abc import Sequence

from crdtctl import Replica
from crdtctl.store.check import check_replica
from tests.conftest import Shell
from tests.support.strace import CALLS, Point, Run, at, load, logged, missing, run, was_killed, without_caches
from tests.torture.report import Row, skipped
from tests.torture.scratch import scratch
from tests.torture.sweeps import ERRORS

#: The ways to rotate a log between two runs, the second one after lines were left unread.
WAYS = ("none", "renamed", "renamed twice", "named by date", "copied and emptied")


class Scene:
    """A log of which some lines are counted, that was written on and rotated since. `make` begins it again."""

    def __init__(self, shell: Shell, way: str) -> None:
        self.place = shell.directory / "scene"
        self.log = self.place / "log"
        self.way = way
        self.environment = without_caches({**shell.environment, "CRDTCTL_REPLICA": str(self.place / "here")})
        self.words = ["increment", "--follow", str(self.log), "--until-end", "--quiet", "--group", "2"]
        self.lines: Counter[str] = Counter()

    def make(self) -> None:
        """Begin again: a replica that has counted the first three lines, and the log after it was rotated."""
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        self.lines.clear()
        Replica.init(self.place / "here", name="here")
        self._write("a", "b", "a")
        load(self.words, self.environment)
        self._write("c", "a", "d")
        for turn in range({"none": 0, "renamed twice": 2}.get(self.way, 1)):
            self._rotate(turn)
            self._write("e", f"f{turn}", "a")

    def _write(self, *lines: str) -> None:
        with self.log.open("a") as file:
            file.write("".join(f"{line}\n" for line in lines))
        self.lines.update(lines)

    def _rotate(self, turn: int) -> None:
        if self.way == "named by date":
            self.log.rename(f"{self.log}-20260101")
            return
        if turn:
            os.rename(f"{self.log}.1", f"{self.log}.2")
        if self.way == "copied and emptied":
            shutil.copyfile(self.log, f"{self.log}.1")
            os.truncate(self.log, 0)
        else:
            self.log.rename(f"{self.log}.1")

    def points(self) -> list[Point]:
        """Return the system calls of a run from the first look at the replica on."""
        self.make()
        log = self.place / "trace"
        ended = run(self.words, self.environment, trace=CALLS, log=log)
        assert (ended.status, ended.stderr, self.faults()) == (0, "", [])
        found = logged(log)
        return found[next(number for number, point in enumerate(found) if "own.json" in point.line) :]

    def faults(self) -> list[str]:
        """Return what is wrong with the values, after everything was read."""
        replica = Replica(self.place / "here")
        found = {one.name: one.value for one in replica.counters()}
        faults = [one.found for one in check_replica(replica.path) if not one.ok]
        return faults if found == self.lines else [*faults, f"{found} instead of {dict(self.lines)}"]

    def sweep(self, how: str, chosen: Sequence[Point]) -> tuple[list[Run], list[str]]:
        """Run once for each point, and then to the end; return the first ends, and the faults."""
        ends: list[Run] = []
        faults: list[str] = []
        for point in chosen:
            self.make()
            ended = run(self.words, self.environment, **at(point, how))
            ends.append(ended)
            if ended.status == 0 or "Traceback" in ended.stderr:
                faults += [f"{point.line[:90]} {how}: ended with 0: {fault}" for fault in self.faults()]
            load(self.words, self.environment)
            faults += [f"{self.way}, {point.line[:90]} {how}: {fault} {ended}" for fault in self.faults()]
        return ends, faults


def measure(part: float) -> list[Row]:
    """Sweep all ways."""
    wanted = "started again, it counts every line once"
    rows = ("a log that is followed and rotated, killed at every system call", "the same, and every system call fails")
    if missing():
        return [skipped(row, wanted, missing()) for row in rows]
    killed = failed = tried = 0
    lost: list[str] = []
    wrong: list[str] = []
    for number, way in enumerate(WAYS):
        with scratch() as shell:
            scene = Scene(shell, way)
            chosen = scene.points()[:: max(1, round(1 / part))]
            ends, faults = scene.sweep("signal=SIGKILL", chosen)
            killed += sum(map(was_killed, ends))
            lost += faults
            ends, faults = scene.sweep(f"error={ERRORS[number % len(ERRORS)]}", chosen)
            tried += len(chosen)
            failed += sum(ended.status != 0 for ended in ends)
            wrong += faults
    seen = f"{killed} kills in {len(WAYS)} ways to rotate, {len(lost)} faults"
    errors = f"{tried} errors in {len(WAYS)} ways to rotate, {failed} of them reported; {len(wrong)} faults"
    return [
        Row(rows[0], wanted, seen, not lost and killed > 0, lost),
        Row(rows[1], wanted, errors, not wrong and failed > 0, wrong),
    ]
