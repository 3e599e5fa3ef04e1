"""Attempts of jobs: wherever several are known, one of them counts, in whatever order their states come."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.errors import RefusedError, UsageError
from crdtctl.store.inputs import Input
from tests.support.places import quick_directory

New = Callable[[str], Replica]


def attempt(new_replica: New, number: int, passed: int, failed: int = 0, key: str = "tests") -> bytes:
    """Return the sealed state of one attempt."""
    replica = new_replica(f"attempt-{number}")
    replica.begin_attempt(key, number)
    with replica.batch() as batch:
        batch.increment("passed", passed)
        if failed:
            batch.increment("failed", failed)
    replica.seal()
    return replica.export_bytes()


def values(replica: Replica) -> dict[str, int]:
    return {reading.name: reading.value for reading in replica.counters()}


@pytest.fixture
def hub(new_replica: New) -> Replica:
    return new_replica("hub")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_the_latest_attempt_counts_and_a_counter_that_it_did_not_touch_does_not(
    hub: Replica, new_replica: New, order: list[int]
) -> None:
    states = [attempt(new_replica, 1, 7, 1), attempt(new_replica, 2, 8)]
    for number in order:
        hub.merge_bytes(states[number], check=False)
    assert values(hub) == {"passed": 8}
    found = [(one.name, one.attempt.number, one.value, one.counts) for one in hub.attempts()]
    assert found == [("failed", 1, 1, False), ("passed", 1, 7, False), ("passed", 2, 8, True)]
    assert [one.value for one in hub.attempts("failed")] == [1]
    there = new_replica("there")
    there.merge_bytes(hub.export_bytes(), check=False)
    assert values(there) == {"passed": 8}
    assert len(list(there.attempts())) == 3


def test_what_changes_by_a_merge_is_what_is_read(hub: Replica, new_replica: New) -> None:
    first, second = attempt(new_replica, 1, 7, 1), attempt(new_replica, 2, 8)
    hub.merge_bytes(first, check=False)
    changes = hub.merge_bytes(second, details=10, check=False).changes
    assert [(one.name, one.before, one.after) for one in changes] == [("passed", 7, 8)]


@pytest.mark.parametrize("split", [False, True])
def test_absorbing_takes_over_the_latest_attempt_only(hub: Replica, new_replica: New, split: bool) -> None:
    states = [attempt(new_replica, 1, 7, 1), attempt(new_replica, 2, 8)]
    for some in ([states[1]], [states[0]]) if split else (states,):
        hub.absorb(*some, check=False)
    assert values(hub) == {"passed": 8}
    for state in states:
        hub.merge_bytes(state, check=False)
    assert values(hub) == {"passed": 8}
    assert list(hub.clock()) == [hub.id]
    assert [*hub.attempts()] == []


def test_an_earlier_attempt_waits_until_the_one_that_counts_is_absorbed(hub: Replica, new_replica: New) -> None:
    first, second = attempt(new_replica, 1, 7, 1), attempt(new_replica, 2, 8)
    hub.merge_bytes(second, check=False)
    report = hub.absorb(first, check=False)
    assert (report.absorbed, report.superseded) == ([], [])
    assert values(hub) == {"passed": 8}
    report = hub.absorb(first, second, check=False)
    assert (len(report.absorbed), len(report.superseded)) == (1, 1)
    assert values(hub) == {"passed": 8}


def test_an_attempt_after_one_that_was_absorbed_is_refused_and_does_not_count(hub: Replica, new_replica: New) -> None:
    first, second = attempt(new_replica, 1, 7, 1), attempt(new_replica, 2, 8)
    hub.absorb(first, check=False)
    before = hub.export_bytes()
    [reason] = hub.absorb(Input("second", data=second), check=False).merge.refused.values()
    assert isinstance(reason, RefusedError)
    assert "attempt 2 of job 'tests', but attempt 1 was absorbed" in reason.message
    assert hub.export_bytes() == before
    report = hub.merge_bytes(second, check=False)
    assert [str(one.attempt.number) for one in report.late] == ["2"]
    assert hub.merge_bytes(second, check=False).late == []
    assert values(hub) == {"passed": 7, "failed": 1}
    there = new_replica("there")
    there.merge_bytes(second, check=False)
    assert values(there) == {"passed": 8}
    assert len(there.merge_bytes(hub.export_bytes(), check=False).late) == 1
    assert values(there) == values(hub)


def test_a_once_key_of_an_attempt_that_does_not_count_is_not_used_up(hub: Replica, new_replica: New) -> None:
    for number in (1, 2):
        replica = new_replica(f"attempt-{number}")
        replica.begin_attempt("tests", number)
        if number == 1:
            replica.increment("deploys", 5, once="release")
        hub.merge_bytes(replica.export_bytes(), check=False)
    hub.increment("deploys", 4, once="release")
    assert hub.value("deploys") == 4


def test_an_attempt_that_is_copied_goes_on_as_the_same_attempt(hub: Replica, new_replica: New, tmp_path: Path) -> None:
    replica = new_replica("job")
    replica.begin_attempt("tests", 1)
    replica.increment("passed", 3)
    copy = Replica(shutil.copytree(replica.path, tmp_path / "copy"))
    copy.increment("passed", 4)
    assert copy.id != replica.id
    hub.merge_bytes(copy.export_bytes(), check=False)
    assert values(hub) == {"passed": 7}
    hub.merge_bytes(attempt(new_replica, 2, 8), check=False)
    assert values(hub) == {"passed": 8}


@pytest.mark.parametrize("tag", ["bcounter", "handoff"])
def test_what_cannot_be_left_out_later_is_refused_in_an_attempt(new_replica: New, tag: str) -> None:
    replica = new_replica("job")
    replica.begin_attempt("tests", 1)
    with pytest.raises(RefusedError, match="could not be taken back"):
        replica.create("seats", tag)
    assert values(replica) == {}


@pytest.mark.parametrize(("key", "number"), [("", 1), ("x\n", 1), ("k", 0), ("k", -1), ("k", 10**100), ("k", True)])
def test_wrong_keys_and_numbers_are_refused(new_replica: New, key: str, number: int) -> None:
    replica = new_replica("job")
    with pytest.raises(UsageError):
        replica.begin_attempt(key, number)
    assert replica.clock() == {}


def test_a_replica_that_has_counted_is_no_attempt_any_more(new_replica: New) -> None:
    replica = new_replica("job")
    replica.increment("passed")
    with pytest.raises(RefusedError):
        replica.begin_attempt("tests", 1)


# Anything, in any order --------------------------------------------------------------------------------


@dataclass
class Job:
    """An attempt, and what it counted, commit by commit; the first commit says what it is."""

    replica: Replica
    key: str
    number: int
    counted: list[int] = field(default_factory=lambda: [0])
    sealed: bool = False


@dataclass
class Known:
    """What a replica has learned of: of each job so many commits, and so many of the hub's absorptions."""

    commits: dict[int, int] = field(default_factory=dict)
    absorptions: int = 0

    def join(self, other: "Known") -> None:
        for job, number in other.commits.items():
            self.commits[job] = max(number, self.commits.get(job, 0))
        self.absorptions = max(self.absorptions, other.absorptions)

    def copy(self) -> "Known":
        return Known(dict(self.commits), self.absorptions)


def expected(jobs: list[Job], absorptions: list[int], known: Known) -> int:
    """Return what the counter must read: the operations of the attempts that count, and nothing of a state."""
    absorbed = absorptions[: known.absorptions]
    total = 0
    for key in {job.key for job in jobs}:
        taken = [jobs[one] for one in absorbed if jobs[one].key == key]
        seen = {one: number for one, number in known.commits.items() if jobs[one].key == key}
        latest = taken[0].number if taken else max((jobs[one].number for one in seen), default=0)
        total += sum(sum(job.counted) for job in taken)
        total += sum(
            sum(jobs[one].counted[:number])
            for one, number in seen.items()
            if jobs[one].number == latest and one not in absorbed
        )
    return total


def play(tape: bytes, directory: Path) -> None:
    """Play what a tape tells, four bytes a step: a hub absorbs, a laptop learns, and attempts of two jobs count."""
    hub, laptop = (Replica.init(directory / name, name=name) for name in ("hub", "laptop"))
    jobs: list[Job] = []
    absorptions: list[int] = []
    knows = {hub.id: Known(), laptop.id: Known()}
    sent: list[tuple[bytes, Known]] = []
    for what, who, a, b in zip(*[iter(tape)] * 4, strict=False):
        receiver = (hub, laptop)[who % 2]
        match what % 8:
            case 0 | 1 if len(jobs) < 5:
                job = Job(Replica.init(directory / f"job{len(jobs)}", name="job"), "xy"[a % 2], 1 + b % 3)
                job.replica.begin_attempt(job.key, job.number)
                jobs.append(job)
            case 2 if jobs and not jobs[a % len(jobs)].sealed:
                job = jobs[a % len(jobs)]
                job.replica.increment("passed", b + 1)
                job.counted.append(b + 1)
            case 3 if jobs:
                job = jobs[a % len(jobs)]
                if b % 2 and not job.sealed:
                    job.replica.seal()
                    job.sealed = True
                    job.counted.append(0)
                sent.append((job.replica.export_bytes(), Known({jobs.index(job): len(job.counted)})))
            case 4:
                sent.append((receiver.export_bytes(), knows[receiver.id].copy()))
            case 5 if sent:
                state, known = sent[a % len(sent)]
                receiver.merge_bytes(state, check=False)
                knows[receiver.id].join(known)
            case 6 | 7 if sent:
                state, known = sent[a % len(sent)]
                report = hub.absorb(state, check=False)
                taken = [i for who in report.absorbed for i, job in enumerate(jobs) if job.replica.id == who]
                if not report.merge.refused:
                    knows[hub.id].join(known)
                if taken:
                    absorptions.extend(taken)
                    knows[hub.id].absorptions = len(absorptions)
            case _:
                continue
        for replica in (hub, laptop):
            read = replica.value("passed") if replica.tags("passed") else 0
            assert read == expected(jobs, absorptions, knows[replica.id])
    for one, other in ((laptop, hub), (hub, laptop)):
        one.merge_bytes(other.export_bytes(), check=False)
        knows[one.id].join(knows[other.id])
    assert {(one.name, one.value) for one in hub.counters()} == {(one.name, one.value) for one in laptop.counters()}
    assert sum(one.value for one in hub.counters()) == expected(jobs, absorptions, knows[hub.id])


@settings(max_examples=120, deadline=None)
@given(tape=st.binary(min_size=4 * 10, max_size=4 * 40))
def test_everybody_reads_one_attempt_of_each_job_they_have_learned_of(tape: bytes) -> None:
    with quick_directory() as place:
        play(tape, Path(place))
