"""Every system call of a write is made to kill the program, and to fail, one at a time.

What must hold: the state is the old one or the new one, never a third; status 0 means the new one, a status
that says "not applied" the old one; nothing is left over; and the next write works.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from crdtctl import Replica
from tests.clones import bind
from tests.conftest import Shell, assert_sound
from tests.torture.strace import CALLS, Point, Run, needs_strace, points, run, was_killed

pytestmark = [needs_strace, pytest.mark.timeout(900)]

NOT_APPLIED = {65, 66, 74, 75, 77}
PARTIAL = 3
UNKNOWN = 76
ERRORS = ("EIO", "ENOSPC", "EROFS", "EDQUOT")


@dataclass(frozen=True)
class Job:
    """A write to torture: its words, and the file that it replaces."""

    words: tuple[str, ...]
    file: str


JOBS = {
    "increment, hot": Job(("increment", "builds", "2"), "own.json"),
    "increment, full": Job(("increment", "builds=2", "other=1"), "own.json"),
    "once": Job(("increment", "builds", "--once", "job-1"), "own.json"),
    "batch": Job(("increment", "--batch", "batch.txt"), "own.json"),
    "add": Job(("add", "names", "x", "y"), "own.json"),
    "create": Job(("create", "new", "--type", "gcounter"), "own.json"),
    "merge, first": Job(("merge", "other.json"), "known.json"),
    "merge, more": Job(("merge", "other.json", "more.json"), "known.json"),
}


class Bench:
    """A replica that can be put back to how it was, and the two states that a job may leave."""

    def __init__(self, job: Job, shell: Shell) -> None:
        self.job = job
        self.directory = shell.directory / ".crdtctl"
        self.pristine = shell.directory / "pristine"
        self.file = self.directory / job.file
        here = Replica.init(self.directory, name="here")
        other = Replica.init(shell.directory / "other", name="other")
        with here.batch() as batch:
            batch.increment("builds", 3)
            batch.add("names", "a")
        other.increment("builds", 5)
        other.export_to(shell.directory / "more.json")
        if job == JOBS["merge, more"]:
            here.merge(shell.directory / "more.json")
        other.increment("failures", 1)
        other.export_to(shell.directory / "other.json")
        (shell.directory / "batch.txt").write_text("builds 2\nother\n")
        self.environment = {**shell.environment, "CRDTCTL_REPLICA": str(self.directory)}
        self.words = tuple(
            str(shell.directory / word) if word.endswith((".json", ".txt")) else word for word in job.words
        )
        shutil.copytree(self.directory, self.pristine)
        self.witness = f"{shell.directory}/witness"
        self.old = self.total()
        self.points = points(self.words, self.environment, shell.directory / "log")
        self.new = self.total()
        assert self.new != self.old

    def restore(self) -> None:
        shutil.rmtree(self.directory)
        shutil.copytree(self.pristine, self.directory)
        bind(self.directory, self.witness)

    def total(self) -> list[tuple[str, str, int]]:
        return [(one.name, one.tag, one.value) for one in Replica(self.directory).counters()]

    def left_over(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir() if path.name.endswith(".new"))

    def sweep(self, inject: Callable[[Point], str], judge: Callable[[Point, Run], list[str]]) -> list[str]:
        """Run the job once for each point; return what did not hold."""
        faults = []
        for point in self.points:
            self.restore()
            ended = run(self.words, self.environment, trace=CALLS, inject=inject(point))
            faults += [f"{point.line[:90]} {inject(point)}: {fault} {ended}" for fault in judge(point, ended)]
        return faults

    def goes_on(self) -> list[str]:
        """Return what is wrong with the replica, after another write has swept up."""
        replica = Replica(self.directory)
        before = replica.value("builds")
        replica.increment("builds")
        replica.merge_bytes(replica.export_bytes())
        assert_sound(replica)
        return [] if replica.value("builds") == before + 1 else ["the next increment did not count"]


@pytest.fixture(params=list(JOBS))
def bench(request: pytest.FixtureRequest, shell: Shell) -> Bench:
    return Bench(JOBS[request.param], shell)


def test_a_kill_at_any_system_call_leaves_the_old_state_or_the_new_one(bench: Bench) -> None:
    killed = 0

    def judge(_point: Point, ended: Run) -> list[str]:
        nonlocal killed
        killed += was_killed(ended)
        total = bench.total()
        if total not in (bench.old, bench.new):
            return [f"a third state {total}"]
        if ended.status == 0 and total != bench.new:
            return ["acknowledged, and lost"]
        return bench.goes_on()

    faults = bench.sweep(lambda point: f"{point.call}:signal=SIGKILL:when={point.when}", judge)
    assert faults == []
    assert killed >= len(bench.points) * 0.9  # or strace injected nothing


@pytest.mark.parametrize("error", ERRORS)
def test_a_failing_system_call_means_what_the_status_says(bench: Bench, error: str) -> None:
    failed = 0

    def judge(point: Point, ended: Run) -> list[str]:
        nonlocal failed
        failed += ended.status != 0
        total = bench.total()
        faults = []
        if ended.status == 0:
            faults += [] if total == bench.new else ["acknowledged, and lost"]
        elif ended.status in NOT_APPLIED:
            faults += [] if total == bench.old else ["not applied, they said, but it was"]
        elif ended.status == UNKNOWN:
            faults += [] if point.call == "fsync" and total == bench.new else ["unknown before the rename"]
        elif ended.status == PARTIAL:  # one of two files could not be read
            faults += [] if total in (bench.old, bench.new) else [f"a third state {total}"]
        else:
            faults.append("a status that says nothing")
        lines = {0: 0, PARTIAL: 2}.get(ended.status, 1)
        if "Traceback" in ended.stderr or ended.stderr.count("\n") != lines:
            faults.append("not the lines of words that it should be")
        if point.call != "unlinkat":
            faults += [f"left over {name}" for name in bench.left_over()]
        return faults + bench.goes_on()

    faults = bench.sweep(lambda point: f"{point.call}:error={error}:when={point.when}", judge)
    assert faults == []
    assert failed >= 1  # or strace injected nothing


def test_a_failing_fsync_of_the_directory_is_an_unknown_outcome(bench: Bench) -> None:
    last = [point for point in bench.points if point.call == "fsync"][-1]
    bench.restore()
    ended = run(bench.words, bench.environment, trace="fsync", inject=f"fsync:error=EIO:when={last.when}")
    assert ended.status == UNKNOWN
    assert "--once" in ended.stderr
    assert bench.total() == bench.new
