"""Handoff counters in real files: who takes part, what is written, and what is left of those who came and went."""

import os
import shutil
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import InMemory, assemble
from crdtctl.codec.lines import encode_line
from crdtctl.codec.reader import Source
from crdtctl.crdt.base import Entry, Operation, OperationContext
from crdtctl.crdt.handoff import Handoff
from crdtctl.errors import ExistsError, OutcomeUnknownError, RefusedError, StorageError, UsageError
from crdtctl.store import durable, spill
from crdtctl.store.durable import Draft
from crdtctl.store.files import Directory
from crdtctl.store.inputs import Input
from crdtctl.store.merge import limits
from tests.conftest import assert_sound

#: Clients that come and go as replicas, each with files of its own; and those that come and go as states.
CLIENTS, MANY = 100, 2_000
#: So many of those are merged at once.
AT_ONCE = 25
KIND = Handoff()


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Replica]:
    def make(name: str, tier: int = 0) -> Replica:
        return Replica.init(tmp_path / name, name=name, tier=tier)

    return make


Make = Callable[..., Replica]


def send(to: Replica, of: Replica) -> bool:
    return to.merge_bytes(of.export_bytes()).changed


def files(replica: Replica) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(replica.path).iterdir()}


def test_four_merges_hand_a_count_over_and_nothing_is_left_of_the_client(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    hub.increment("hits", 1021, tag="handoff")
    job.increment("hits", 9, tag="handoff")
    values = []
    for to, of in ((hub, job), (job, hub), (hub, job), (job, hub)):
        assert send(to, of)
        values.append((hub.value("hits"), job.value("hits")))
    assert values == [(1021, 9), (1021, 1030), (1030, 1030), (1030, 1030)]
    assert not send(hub, job)
    assert job.reasons_to_keep() == []
    assert job.id.encode() not in b"".join(files(hub).values())
    assert hub.log() == []


def test_a_permanent_replica_is_never_to_be_thrown_away_and_a_client_only_when_all_has_left(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    assert hub.reasons_to_keep() == ["it is permanent (tier 0)"]
    assert job.reasons_to_keep() == []
    job.increment("hits", 9, tag="handoff")
    job.decrement("hits", 2)
    found = job.reasons_to_keep()
    assert found[0] == "+9 -2 of 'hits' not handed over yet"
    assert "its last state was not exported" in found[1]
    send(hub, job)
    send(job, hub)
    assert "a token of 'hits' over +9 -2" in job.reasons_to_keep()[0]
    relay, leaf = make("relay", 1), make("leaf", 2)
    leaf.increment("hits", tag="handoff")
    send(relay, leaf)
    assert relay.reasons_to_keep()[0] == f"a slot of 'hits' waits for a token of {leaf.id}"
    leaf.increment("builds")
    assert leaf.reasons_to_keep()[0] == "'builds' is a pncounter, which is not handed over"


def test_a_client_that_only_hands_over_stands_in_no_clock_but_one_that_does_more_stands_there(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    job.increment("hits", 9, tag="handoff")
    send(hub, job)
    assert job.commits == 1
    assert job.clock() == {}
    assert set(hub.clock()) == {hub.id}
    assert hub.heard() == {}
    job.increment("builds", 3)
    send(hub, job)
    assert (hub.value("builds"), hub.clock()[job.id]) == (3, 2)
    assert_sound(hub)


def test_what_others_hand_over_is_never_kept_as_theirs(make: Make) -> None:
    hub, other, job = make("hub"), make("other"), make("job", 1)
    other.increment("hits", 5, tag="handoff")
    other.increment("builds", 2)
    job.increment("hits", 1, tag="handoff")
    hub.merge_bytes(other.export_bytes(), job.export_bytes())
    assert b"handoff" not in files(hub)["known.json"]
    assert (hub.value("hits"), hub.value("builds")) == (5, 2)
    send(other, hub)
    assert other.value("hits") == 5


def test_many_files_and_two_processes_hand_over_as_well(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PARALLEL_FROM_BYTES", 1)
    monkeypatch.setattr(limits, "GROUP_SIZE", 2)
    monkeypatch.setattr(limits, "GROUP_SMALL", 2)
    monkeypatch.setattr(spill, "IN_MEMORY", 100)
    hub = make("hub")
    jobs = [make(f"job-{number}", 1) for number in range(5)]
    with hub.batch() as batch:
        for name in ("a", "m", "z"):
            batch.increment(name, tag="handoff")
            batch.increment(name, tag="gcounter", also=True)
    for number, job in enumerate(jobs):
        for name in ("a", "m", "z"):
            job.increment(name, number + 1, tag="handoff")
    for _ in range(2):
        inputs = [Input(f"job {number}", data=job.export_bytes()) for number, job in enumerate(jobs)]
        assert hub.merge_inputs(inputs, processes=2).own_changes == 3
        state = hub.export_bytes()
        for job in jobs:
            job.merge_inputs([Input("hub", data=state)], processes=2)
    total = 1 + len(jobs) * (len(jobs) + 1) // 2
    assert [hub.value(name, "handoff") for name in ("a", "m", "z")] == [total] * 3
    assert {job.value(name, "handoff") for job in jobs for name in "amz"} <= set(range(total + 1))
    assert all(job.reasons_to_keep()[0].startswith("its last state was not exported") for job in jobs)
    assert_sound(hub)


def test_what_only_the_second_process_meets_is_met(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "PARALLEL_FROM_BYTES", 1)
    hub, other = make("hub"), make("other")
    with other.batch() as batch:
        for name in "abcdef":
            batch.increment(name)
        batch.increment("z", 7, tag="handoff")
    hub.merge_inputs([Input("other", data=other.export_bytes())], processes=2)
    assert (hub.value("a"), hub.value("z")) == (1, 7)


def test_a_dry_run_says_what_would_change_and_changes_nothing(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    hub.increment("hits", 5, tag="handoff")
    state = hub.export_bytes()
    before = files(job)
    report = job.merge_inputs([Input("hub", data=state)], dry_run=True, details=5)
    assert (report.changed, [(one.name, one.before, one.after) for one in report.changes]) == (
        True,
        [("hits", None, 5)],
    )
    assert files(job) == before


def test_a_merge_in_which_nobody_takes_part_leaves_own_json_alone(make: Make) -> None:
    here, other = make("here"), make("other")
    here.increment("hits", 5, tag="handoff")
    other.increment("builds")
    state, before = other.export_bytes(), files(here)["own.json"]
    inode = Path(here.path, "own.json").stat().st_ino
    here.merge_bytes(state)
    assert files(here)["own.json"] == before
    assert Path(here.path, "own.json").stat().st_ino == inode


def test_who_counts_during_a_merge_is_not_lost(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, job = make("hub"), make("job", 1)
    hub.increment("hits", 5, tag="handoff")
    job.increment("hits", 9, tag="handoff")
    state = job.export_bytes()
    found, others = Directory.locked, [100]

    def locked(directory: Directory, which: str, timeout: float | None) -> AbstractContextManager[int]:
        if which == durable.OWN and others:  # somebody else was quicker
            hub.increment("hits", others.pop())
        return found(directory, which, timeout)

    monkeypatch.setattr(Directory, "locked", locked)
    hub.merge_bytes(state)
    monkeypatch.undo()
    assert hub.value("hits") == 105
    job.exchange(hub)
    assert hub.value("hits") == 114


def failing_own(monkeypatch: pytest.MonkeyPatch) -> None:
    found = Draft.commit

    def commit(draft: Draft) -> None:
        if draft.which == durable.OWN:
            raise OSError(28, "full")
        found(draft)

    monkeypatch.setattr(Draft, "commit", commit)


def test_if_own_json_cannot_be_written_after_known_json_was_the_outcome_is_unknown_and_repeating_is_harmless(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, other = make("hub"), make("other")
    other.increment("hits", 5, tag="handoff")
    other.increment("builds")
    state = other.export_bytes()
    failing_own(monkeypatch)
    with pytest.raises(OutcomeUnknownError, match=r"known\.json was replaced, but own\.json was not") as caught:
        hub.merge_bytes(state)
    assert caught.value.status == 76
    with pytest.raises(StorageError):  # nothing else is new now
        hub.merge_bytes(state)
    monkeypatch.undo()
    hub.merge_bytes(state)
    assert (hub.value("hits"), hub.value("builds")) == (5, 1)


def test_a_delta_always_holds_the_nodes(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    hub.increment("hits", 5, tag="handoff")
    hub.increment("builds")
    delta = hub.export_bytes(since=hub.clock())
    source = Source(InMemory(delta), len(delta))
    assert [name for name, _ in source.lines()] == [b"hits"]
    send(job, hub)
    assert job.merge_bytes(delta).taken


def test_an_export_does_not_replace_a_file_with_counts_that_were_not_taken_over(make: Make, tmp_path: Path) -> None:
    hub, job = make("hub"), make("job", 1)
    job.increment("hits", 9, tag="handoff")
    shared = tmp_path / "shared.json"
    job.export_to(shared)
    hub.increment("builds")
    with pytest.raises(ExistsError, match="holds what is not known here"):
        hub.export_to(shared)
    for replica in (hub, job, hub, job):  # one file that both write does for a hand-off
        replica.merge(shared)
        replica.export_to(shared)
    assert hub.value("hits") == 9


# Ids that end ------------------------------------------------------------------------------------------


def moved(replica: Replica, name: str) -> Replica:
    """Return a copy of a replica, which notices that at its next write."""
    copy = Path(replica.path).with_name(name)
    shutil.copytree(replica.path, copy)
    return Replica(copy)


@pytest.mark.harms_replicas
def test_a_copied_permanent_replica_goes_on_and_nothing_is_lost_or_doubled(make: Make) -> None:
    hub = make("hub")
    hub.increment("hits", 5, tag="handoff")
    copy = moved(hub, "copy")
    copy.increment("hits", 2)
    hub.increment("hits", 10)
    assert (copy.value("hits"), copy.tier, copy.id != hub.id) == (7, 0, True)
    send(copy, hub)
    send(hub, copy)
    assert hub.value("hits") == copy.value("hits") == 17


@pytest.mark.harms_replicas
def test_a_copied_client_hands_nothing_over_twice_and_says_what_it_did_not_hand_over(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    hub.create("hits", "handoff")
    job.exchange(hub)
    job.increment("hits", 9)
    copy = moved(job, "copy")
    copy.increment("hits", 1)
    assert (copy.tier, copy.value("hits")) == (1, 10)
    former = [one for one in copy.open_handoffs() if one.replica == job.id]
    assert [(one.name, one.pending.counted) for one in former] == [("hits", (9, 0))]
    copy.exchange(hub)
    assert hub.value("hits") == 1
    assert copy.reasons_to_keep() == []
    job.exchange(hub)
    assert hub.value("hits") == 10
    assert job.id.encode() not in b"".join(files(hub).values())
    assert copy.clock().keys() == {hub.id}
    assert_sound(copy)


@pytest.mark.harms_replicas
def test_what_a_copied_client_knows_of_its_former_id_never_leaves(make: Make) -> None:
    job = make("job", 1)
    job.increment("hits", 9, tag="handoff")
    copy = moved(job, "copy")
    copy.increment("hits", 1)
    copy.increment("builds", 1)
    assert job.id.encode() in files(copy)["known.json"]
    assert job.id.encode() not in copy.export_bytes()
    assert copy.past()[0].replica == job.id


# Exchanging --------------------------------------------------------------------------------------------


def test_an_exchange_settles_everything_in_both_directions(make: Make) -> None:
    hub, job = make("hub"), make("job", 1)
    job.increment("hits", 9, tag="handoff")
    job.increment("builds", 2)
    hub.add("visitors", "ada")
    done = hub.exchange(job)
    assert (done.settled, done.rounds <= 4) == (True, True)
    assert [(one.name, one.value) for one in hub.counters()] == [("builds", 2), ("hits", 9), ("visitors", 1)]
    assert [(one.name, one.value) for one in job.counters()] == [("builds", 2), ("hits", 9), ("visitors", 1)]
    before = files(hub), files(job)
    assert hub.exchange(job).rounds == 1
    assert (files(hub), files(job)) == before


def test_an_exchange_that_never_ends_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    hub, job = make("hub"), make("job", 1)
    found = Replica.export

    def export(replica: Replica, *arguments: object, **more: object) -> None:
        job.increment("hits", tag="handoff")  # somebody else counts all the time
        found(replica, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Replica, "export", export)
    assert not hub.exchange(job).settled


def test_a_replica_does_not_exchange_with_itself(make: Make) -> None:
    hub = make("hub")
    with pytest.raises(UsageError, match="with itself"):
        hub.exchange(Replica(hub.path))


@pytest.mark.parametrize("tier", [-1, 100])
def test_a_tier_has_at_most_two_digits(make: Make, tier: int) -> None:
    with pytest.raises(UsageError, match="tier"):
        make("job", tier)


def test_a_once_key_is_refused(make: Make) -> None:
    job = make("job", 1)
    with pytest.raises(RefusedError, match="idempotency keys"):
        job.increment("hits", once="job-1", tag="handoff")


# Thousands that come and go ----------------------------------------------------------------------------


def size(replica: Replica) -> int:
    return sum(len(data) for data in files(replica).values())


def calls(job: Callable[[], object]) -> int:
    """Return how many calls of functions a job takes."""
    made = 0

    def count(_frame: object, event: str, _what: object) -> None:
        nonlocal made
        made += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        job()
    finally:
        sys.setprofile(None)
    return made


def efforts(hub: Replica, guest: Replica) -> list[int]:
    """Return how many calls it takes to read a counter, to merge what brings nothing, and to export."""
    state = guest.export_bytes()
    jobs: list[Callable[[], object]] = [
        lambda: hub.value("hits"),
        lambda: hub.merge_bytes(state),
        lambda: hub.export_bytes(),
    ]
    for job in jobs:
        job()  # what is done once for all
    return [calls(job) for job in jobs]


@dataclass
class Client:
    """A client in memory: what a replica of tier 1 does, without its files."""

    id: str
    row: Entry

    @classmethod
    def counted(cls, number: int) -> "Client":
        """Return one that has counted 2 up and 1 down."""
        who = f"job-019ab3d81c00{number:020x}"
        up = KIND.apply(None, Operation("increment", 2), OperationContext(who, 1, tier=1))
        both = KIND.apply(up, Operation("decrement", 1), OperationContext(who, 2, tier=1))
        assert both is not None
        return cls(who, both)

    @property
    def state(self) -> bytes:
        return assemble(encode_head(Head("state", self.id, {})), [encode_line("hits", {KIND.tag: {self.id: self.row}})])

    def meet(self, hub: Replica, row: Entry) -> None:
        merging = KIND.local_merge(self.row, OperationContext(self.id, self.row[0] + 1, tier=1))
        merging.merge(hub.id, row)
        self.row = merging.row or self.row


def test_clients_in_memory_say_what_replicas_say(make: Make) -> None:
    job = make("job", 1)
    with job.batch() as batch:
        batch.increment("hits", 2, tag="handoff")
    job.decrement("hits")
    assert Client(job.id, Client.counted(1).row).state.splitlines()[1] in job.export_bytes().splitlines()


def test_to_merge_more_clients_at_once_takes_no_longer_for_each(make: Make) -> None:
    made: list[float] = []
    for number in (100, 100, 400):  # the first time something is done once for all
        hub = make(f"hub-{len(made)}")
        states = [Client.counted(one).state for one in range(number)]
        made.append(calls(partial(hub.merge_bytes, *states)) / number)
    assert made[2] < made[1] * 1.5


def test_a_permanent_replica_does_not_grow_with_the_clients_that_came_and_went(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda fd: None)  # this is about sizes
    hub = make("hub")
    hub.increment("hits", tag="handoff")
    hub.increment("builds")
    guest = make("guest", 1)
    guest.increment("hits", tag="handoff")
    for to, of in ((hub, guest), (guest, hub), (hub, guest), (guest, hub)):
        send(to, of)
    before, sent, effort = size(hub), len(hub.export_bytes()), efforts(hub, guest)
    for number in range(CLIENTS):
        job = make(f"job-{number}", 1)
        with job.batch() as batch:
            batch.increment("hits", 2, tag="handoff")
            batch.decrement("hits", 1, tag="handoff")
        for to, of in ((hub, job), (job, hub), (hub, job), (job, hub)):
            send(to, of)
        job.export_bytes()
        assert job.reasons_to_keep() == []
        shutil.rmtree(job.path)
    for start in range(0, MANY, AT_ONCE):
        clients = [Client.counted(number) for number in range(start, start + AT_ONCE)]
        for _ in range(2):
            hub.merge_bytes(*(client.state for client in clients))
            row = hub.reading("hits").state[hub.id]
            for client in clients:
                client.meet(hub, row)
        assert not any(KIND.seal_blocker(client.id, {client.id: client.row}) for client in clients)
    assert hub.value("hits") == 2 + CLIENTS + MANY
    assert (
        size(hub) - before < 4096
    )  # and so does what is read and written by a merge or an export, which is these files
    assert len(hub.export_bytes()) < sent + 4096
    assert [path for path in files(hub) if path.endswith(("known.json", "log.jsonl"))] == []
    assert hub.clock().keys() == {hub.id}
    assert all(after <= was * 1.05 for was, after in zip(effort, efforts(hub, guest), strict=True))
