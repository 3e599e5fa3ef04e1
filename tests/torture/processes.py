"""Eight processes at once on one replica, and a killer among them.

They count up and down, on the fast and the full path, in batches and with idempotency keys, add to a set, merge states
of peers, export and read. Random ones are killed by SIGKILL. Their statuses are judged by Maelstrom's rule: see
`tests.torture.judge`.
"""

import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.check import check_replica
from tests.conftest import PROGRAM, Shell
from tests.torture.judge import Operation, faults, outcome
from tests.torture.report import Row
from tests.torture.scratch import scratch

AT_ONCE = 8
ROUNDS = 100
#: The maximum number of kills in a round. It keeps the number of allowed totals small.
KILLS = 8


@dataclass(frozen=True)
class Job:
    """A process to run: its words, and the amount that it adds to each counter."""

    words: tuple[str, ...]
    amounts: Mapping[str, int] = field(default_factory=dict)
    key: str = ""


@dataclass
class Round:
    """The events: an operation for each process that writes, the exported files, and the faults."""

    operations: list[Operation] = field(default_factory=list)
    exported: list[Path] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


def measure(part: float) -> list[Row]:
    """Run rounds of processes."""
    rounds = max(1, round(ROUNDS * part))
    wrong: list[str] = []
    statuses: Counter[int] = Counter()
    with scratch() as shell:
        for seed in range(rounds):
            done = play(shell, seed)
            wrong += [f"round {seed}: {fault}" for fault in done.wrong]
            statuses += done.statuses
    killed = sum(number for status, number in statuses.items() if status < 0)
    return [
        Row(
            f"{AT_ONCE} processes at once on one replica, killed at random",
            "every total is one that the statuses allow",
            f"{rounds} runs, {statuses.total()} processes, {killed} killed, {len(wrong)} faults",
            not wrong,
            wrong[:10],
        )
    ]


def play(shell: Shell, seed: int, program: Sequence[str] = PROGRAM, kills: int = KILLS) -> Round:
    """Play one round in a new replica; return the events and all faults."""
    chance = random.Random(seed)
    place = Path(tempfile.mkdtemp(dir=shell.directory))
    replica = Replica.init(place / "replica", name="here")
    for name in ("builds", "other"):
        replica.create(name, "pncounter")
    jobs = _jobs(place, chance)
    done = Round()
    environment = {**shell.environment, "CRDTCTL_REPLICA": replica.path}
    _run(jobs, program, environment, chance, kills, done)
    last = Job(("increment", "builds", "1"), {"builds": 1})  # sweeps up what the killed have left
    _run([last], program, environment, chance, 0, done)
    done.wrong += faults(done.operations, _reads(place, replica, done, chance))
    done.wrong += [f"{finding.path}: {finding.found}" for finding in check_replica(replica.path) if not finding.ok]
    done.wrong += [f"left over: {name}" for name in os.listdir(replica.path) if name.startswith("own.json.")]
    return done


def _jobs(place: Path, chance: random.Random) -> list[Job]:
    """Return the processes of a round, in random order. Any two sums of different amounts differ, almost surely."""

    def amount() -> int:
        return chance.randrange(1, 10**9)

    jobs: list[Job] = []
    for _ in range(10):
        some = amount()
        jobs.append(Job(("increment", "builds", str(some)), {"builds": some}))
    for _ in range(3):
        some = amount()
        jobs.append(Job(("decrement", "builds", str(some)), {"builds": -some}))
    for _ in range(2):
        some, more = amount(), amount()
        jobs.append(Job(("increment", f"builds={some}", f"other={more}"), {"builds": some, "other": more}))
    for number in range(2):
        some, more = amount(), amount()
        batch = place / f"batch-{number}.txt"
        batch.write_text(f"builds {some}\nother {more}\n")
        jobs.append(Job(("decrement", "--batch", str(batch)), {"builds": -some, "other": -more}))
    some = amount()
    jobs += [Job(("increment", "other", str(some), "--once", "job-1"), {"other": some}, "job-1")] * 2
    jobs.append(Job(("add", "names", "ada"), {"names": 1}))
    for number in range(3):
        some = amount()
        jobs += [Job(("merge", str(_peer(place, number, some))), {"builds": some}, f"peer {number}")] * (1 + number % 2)
    jobs += [Job(("export", "-o", str(place / f"export-{number}.json"))) for number in range(2)]
    jobs += [Job(("show", "builds")), Job(("show",)), Job(("status",))]
    chance.shuffle(jobs)
    return jobs


def _peer(place: Path, number: int, amount: int) -> Path:
    """Return the state that another replica has sent, which has counted once."""
    peer = Replica.init(place / f"peer-{number}", name="peer")
    peer.increment("builds", amount)
    peer.export_to(place / f"peer-{number}.json")
    return place / f"peer-{number}.json"


def _run(
    jobs: Sequence[Job],
    program: Sequence[str],
    environment: Mapping[str, str],
    chance: random.Random,
    kills: int,
    done: Round,
) -> None:
    """Run processes, up to `AT_ONCE` of them at the same time, kill some, and note how they end."""
    waiting = list(jobs)
    running: dict[subprocess.Popen[bytes], tuple[Job, IO[bytes]]] = {}
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            job = waiting.pop()
            said: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed when the process has ended
            process = subprocess.Popen(
                [*program, *job.words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                env=environment,
            )
            running[process] = (job, said)
        time.sleep(0.001)
        if kills and chance.random() < 0.03:
            chance.choice(list(running)).kill()
            kills -= 1
        for process in list(running):
            status = process.poll()
            if status is not None:
                job, said = running.pop(process)
                with said:
                    said.seek(0)
                    _note(job, status, said.read().decode(), done)


def _note(job: Job, status: int, said: str, done: Round) -> None:
    done.statuses[status] += 1
    if status >= 0 and (status != 0 or said):
        done.wrong.append(f"{' '.join(job.words)} ended with status {status}, and printed: {said.strip()}")
    if job.amounts:
        done.operations.append(Operation(job.amounts, outcome(status), job.key))
    if job.words[0] == "export" and status == 0:
        done.exported.append(Path(job.words[-1]))


def _reads(place: Path, replica: Replica, done: Round, chance: random.Random) -> dict[str, dict[str, int]]:
    """Return the values of the replica, and those of a replica that received all its states, early and late."""
    hub = Replica.init(place / "hub", name="hub")
    replica.export_to(place / "last.json")
    states = [*done.exported, place / "last.json"]
    chance.shuffle(states)
    for state in states:
        report = hub.merge(state, check=False)
        done.wrong += [f"refused: {reason}" for reason in report.refused.values()]
    return {"the replica": _values(replica), "the hub": _values(hub)}


def _values(replica: Replica) -> dict[str, int]:
    try:
        return {reading.name: reading.value for reading in replica.counters()}
    except CrdtctlError as error:
        return {f"nothing: {error}": 1}
