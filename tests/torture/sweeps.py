"""Every system call of a write is made to kill the program, and to fail, one at a time.

What must hold: the state is the old one or the new one, never a third; status 0 means the new one, and a status for
"not applied" the old one; no file is left over; and the next write works.
"""

import shutil
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from crdtctl import Replica
from crdtctl.crdt import LOCALLY_MERGED
from crdtctl.store.check import check_replica
from tests.conftest import Shell
from tests.support import every_type, large
from tests.support.clones import bind, clone
from tests.support.strace import (
    Point,
    Run,
    after_changes,
    at,
    load,
    missing,
    points,
    run,
    was_killed,
    with_few_loads,
    without_caches,
)
from tests.torture.report import Row, skipped
from tests.torture.scratch import scratch

NOT_APPLIED = {65, 66, 74, 75, 77}
PARTIAL = 3
FORK = 5
UNKNOWN = 76
INTERNAL = 70
UNREPORTED = 79
ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT")


@dataclass(frozen=True)
class Job:
    """A write to torture: its words, its status, and whether its replica is a copy, which it detects.

    With `two_files`, it commits one file and then the other, and its outcome is unknown if the second commit fails:
    then the local merge is not complete yet. `again` is the advice to the user after an unknown outcome.
    `later_syncs` is the number of fsyncs after its commit is done, whose failures are ignored.
    """

    words: str
    status: int = 0
    is_copy: bool = False
    changes: bool = True
    two_files: bool = False
    again: str = "--once"
    later_syncs: int = 0

    @property
    def is_silent(self) -> bool:
        """Whether it prints nothing if all is well."""
        return self.status == 0 and not self.is_copy


JOBS = {
    "increment, fast": Job("increment builds 2"),
    "increment, full": Job("increment builds=2 other=1"),
    "increment, large": Job("increment builds 3"),
    "increment, large, full": Job("increment builds=3 other=1"),
    "increment, all changes move": Job("increment --batch moved.txt", later_syncs=2),
    "increment, first large": Job("increment --batch large.txt", later_syncs=2),
    "once": Job("increment builds --once job-1"),
    "batch": Job("increment --batch batch.txt"),
    "stream": Job("increment --quiet --stream batch.txt", again="look at the values"),
    "follow": Job("increment --quiet --follow batch.txt --until-end", again="start it again"),
    "add": Job("add names x y"),
    "add to a distribution": Job("add sizes 0.35 12 --type hist"),
    "observe": Job("observe builds 40 --source eth0"),
    "increment of every type": Job("increment --batch types.txt"),
    "merge of every type": Job("merge types.json", two_files=True),
    "create": Job("create new --type gcounter"),
    "increment, with a journal": Job("increment builds 2"),
    "increment, with a note": Job("increment builds 2 --note x"),
    "undo": Job("undo"),
    "reset": Job("reset builds names"),
    "rename": Job("rename builds runs"),
    "forget": Job("forget builds names"),
    "merge, first": Job("merge other.json"),
    "merge, more": Job("merge other.json more.json"),
    "merge with a hand-off": Job("merge handoff.json"),
    "merge what another wrote under my id": Job("merge fork.json", status=FORK),
    "increment in a copy": Job("increment builds=2", is_copy=True),
    "merge in a copy": Job("merge other.json", is_copy=True),
    "settle": Job("settle FORKED builds=4"),
    "absorb": Job("absorb sealed.json", two_files=True, again="absorb them again"),
    "export": Job("export -o sent.json", changes=False),
}


#: Jobs of a replica with an ``own.recent.json``.
LARGE = [JOBS[f"increment, {what}"] for what in ("large", "large, full", "all changes move")]


class Bench:
    """A replica that can be put back to how it was, and the two states that a job may leave."""

    def __init__(self, job: Job, shell: Shell) -> None:
        self.job = job
        self.shell = shell
        self.directory = shell.directory / ".crdtctl"
        self.pristine = shell.directory / "pristine"
        self.witness = f"{shell.directory}/witness"
        here = Replica.init(self.directory, name="here")
        other = Replica.init(shell.directory / "other", name="other")
        with here.batch() as batch:
            batch.increment("builds", 3)
            batch.add("names", "a")
        other.increment("builds", 5)
        other.export_to(shell.directory / "more.json")
        if job in (JOBS["merge, more"], JOBS["merge in a copy"]):
            here.merge(shell.directory / "more.json")
        if job == JOBS["settle"]:
            self._fork(other, here)
        if job == JOBS["merge what another wrote under my id"]:
            self._usurp(here)
        if job in (JOBS["increment of every type"], JOBS["merge of every type"]):
            every_type.begin(here)
            every_type.begin(other)
            every_type.count(other)
            other.export_to(shell.directory / "types.json")
            (shell.directory / "types.txt").write_text(every_type.increments())
        if job == JOBS["merge with a hand-off"]:
            here.increment("hits", 1, tag="handoff")
            client = Replica.init(shell.directory / "client", name="client", tier=1)
            client.increment("hits", 4, tag="handoff")
            here.merge_bytes(client.export_bytes())
            client.merge_bytes(here.export_bytes())
            client.export_to(shell.directory / "handoff.json")
        if job in (JOBS["undo"], JOBS["increment, with a journal"], JOBS["increment, with a note"]):
            settings = self.directory / "config.toml"
            settings.write_text('journal = "counts"\n' + settings.read_text())
            here.increment("builds", 7)
        if job in LARGE:
            large.grow(here)
        names = [large.NAME.format(number) for number in range(large.COUNT)]
        (shell.directory / "moved.txt").write_text("\n".join(["builds 2", *names[:200]]))
        (shell.directory / "large.txt").write_text("\n".join(["builds 2", *names]))
        other.increment("failures", 1)
        other.export_to(shell.directory / "other.json")
        if job == JOBS["absorb"]:
            other.seal()
            other.export_to(shell.directory / "sealed.json")
            here.merge(shell.directory / "more.json")
        (shell.directory / "batch.txt").write_text("builds 2\nother\n")
        self.environment = {**shell.environment, "CRDTCTL_REPLICA": str(self.directory)}
        words = job.words.replace("FORKED", other.id).split()
        self.words = [str(shell.directory / word) if word.endswith((".json", ".txt")) else word for word in words]
        shutil.copytree(self.directory, self.pristine)
        self.restore()
        self.old = self.total()
        load(self.words, self.environment)
        self.restore()
        self.environment = without_caches(self.environment)
        self.points = with_few_loads(points(self.words, self.environment, shell.directory / "log", status=job.status))
        self.new = self.total()
        self.states = [self.old, self.new]
        if job.two_files:
            self.states.append([one for one in self.new if one[1] not in LOCALLY_MERGED or one in self.old])
        assert (self.new != self.old) == job.changes

    def _fork(self, other: Replica, here: Replica) -> None:
        """Merge two branches of `other` into `here`."""
        directory = self.shell.directory
        clone(directory / "other", directory / "clone")
        other.increment("builds", 1)
        Replica(directory / "clone").increment("builds", 4)
        here.merge_bytes(other.export_bytes(), Replica(directory / "clone").export_bytes(), check=False)

    def _usurp(self, here: Replica) -> None:
        """Let a clone of `here` write under its id, and send that."""
        directory = self.shell.directory
        here.export_bytes()
        clone(self.directory, directory / "clone")
        Replica(directory / "clone").increment("builds", 70)
        Replica(directory / "clone").export_to(directory / "fork.json")
        here.increment("builds", 2)

    def restore(self) -> None:
        shutil.rmtree(self.directory)
        shutil.copytree(self.pristine, self.directory)
        # The first run that is noticed as a copy makes the state directory: so does each of the later ones.
        shutil.rmtree(Path(self.shell.environment["HOME"], ".local"), ignore_errors=True)
        for sent in self.shell.directory.glob("sent.json*"):  # and the drafts of the exports that were killed
            sent.unlink()
        if not self.job.is_copy:
            bind(self.directory, self.witness)

    def total(self) -> list[tuple[str, str, int]]:
        return [(one.name, one.tag, one.value) for one in Replica(self.directory).counters()]

    def left_over(self) -> list[str]:
        """Return the files that no writer should leave behind."""
        places = (self.directory, self.shell.directory)
        return sorted(path.name for place in places for path in place.iterdir() if path.name.endswith(".new"))

    def sweep(
        self,
        how: str,
        judge: Callable[[Point, Run], list[str]],
        chosen: Sequence[Point] | None = None,
    ) -> list[str]:
        """Run the job once for each point, or for the chosen ones; return the faults."""
        faults = []
        for point in self.points if chosen is None else chosen:
            self.restore()
            ended = run(self.words, self.environment, **at(point, how))
            faults += [f"{point.line[:90]} {how}: {fault} {ended}" for fault in judge(point, ended)]
        return faults

    def goes_on(self) -> list[str]:
        """Return the faults of the replica after another write has cleaned up."""
        replica = Replica(self.directory)
        before = replica.value("builds", default=0)
        replica.increment("builds")
        replica.merge_bytes(replica.export_bytes(), check=False)
        faults = [one.found for one in check_replica(replica.path) if not one.ok and "several writers" not in one.found]
        return faults if replica.value("builds") == before + 1 else [*faults, "the next increment did not count"]


def kill(bench: Bench, chosen: Sequence[Point] | None = None) -> tuple[int, list[str]]:
    """Kill a job after every change of a file; return the number of kills, and the faults."""
    killed = 0

    def judge(_point: Point, ended: Run) -> list[str]:
        nonlocal killed
        killed += was_killed(ended)
        total = bench.total()
        if total not in bench.states:
            return [f"a third state {total}"]
        if ended.status in (0, FORK) and total != bench.new:
            return ["acknowledged, and lost"]
        return bench.goes_on()

    faults = bench.sweep("signal=SIGKILL", judge, after_changes(bench.points) if chosen is None else chosen)
    return killed, faults


def fail(bench: Bench, error: str, chosen: Sequence[Point] | None = None) -> tuple[int, list[str]]:
    """Let every system call of a job fail; return the number of failed jobs, and the faults."""
    failed = 0

    def judge(point: Point, ended: Run) -> list[str]:
        nonlocal failed
        failed += ended.status not in (0, FORK)
        total = bench.total()
        faults = []
        if ended.status in (0, FORK):
            faults += [] if total == bench.new else ["acknowledged, and lost"]
        elif ended.status in NOT_APPLIED:
            faults += [] if total == bench.old else ["applied, but reported as not applied"]
        elif point.loads and ended.status == UNREPORTED:  # what prints could not be loaded
            faults += [] if total == bench.new else ["not applied, but reported as applied"]
        elif ended.status == UNKNOWN:
            syncs = {"fsync"} if bench.job.changes else {"fsync", "openat"}  # an export opens the directory to sync it
            faults += [] if point.call in syncs or bench.job.two_files else ["unknown before the rename"]
        elif ended.status == PARTIAL:  # one of two files could not be read
            faults += [] if total in bench.states else [f"a third state {total}"]
        elif point.loads and ended.status in (INTERNAL, -signal.SIGSEGV):  # a part of the program cannot be loaded
            return [*([] if total == bench.old else ["applied, but reported as a fault"]), *bench.goes_on()]
        else:
            faults.append("an undocumented status")
        lines = {0: 0, PARTIAL: 2}.get(ended.status, 1)
        if bench.job.two_files:  # if the first file lost its identity, the second is detected as foreign
            lines += ended.stderr.count("continues as")
        if "Traceback" in ended.stderr or (bench.job.is_silent and ended.stderr.count("\n") != lines):
            faults.append("not the lines of words that it should be")
        if point.call != "unlinkat":
            faults += [f"left over {name}" for name in bench.left_over()]
        return faults + bench.goes_on()

    faults = bench.sweep(f"error={error}", judge, chosen)
    return failed, faults


def measure(part: float) -> list[Row]:
    """Sweep all jobs."""
    rows = (
        ("killed at every system call after the lock", "the old state or the new one; none acknowledged lost"),
        (f"every system call after the lock fails with {', '.join(ERRORS)}", "74 and 75 never applied, nothing left"),
    )
    if missing():
        return [skipped(*row, missing()) for row in rows]
    kills = errors = tried = 0
    lost: list[str] = []
    wrong: list[str] = []
    for job in JOBS.values():
        with scratch() as shell:
            bench = Bench(job, shell)
            step = max(1, round(1 / part))
            chosen = bench.points[::step]
            killed, faults = kill(bench, after_changes(bench.points)[::step])
            kills += killed
            lost += faults
            for error in ERRORS:
                failed, faults = fail(bench, error, chosen)
                errors += failed
                tried += len(chosen)
                wrong += faults
    seen = (
        f"{kills} kills in {len(JOBS)} jobs, {len(lost)} faults",
        f"{tried} errors in {len(JOBS)} jobs, {errors} of them reported, the others harmless; {len(wrong)} faults",
    )
    return [
        Row(*rows[0], seen[0], not lost and kills > 0, lost),
        Row(*rows[1], seen[1], not wrong and errors > 0, wrong),
    ]
