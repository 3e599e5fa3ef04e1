"""A permanent replica takes over what sealed ones counted: exactly once, whatever comes when and how often."""

import json
import zlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from crdtctl.codec.lines import encode_line
from crdtctl.crdt.counter import Counter
from crdtctl.crdt.membership import minted
from crdtctl.errors import RefusedError, UsageError
from crdtctl.store.absorb import AbsorbReport
from crdtctl.store.inputs import Input
from tests.library.operations import CounterOperation, History, Knowledge, join
from tests.support.clones import contents
from tests.support.places import quick_directory

New = Callable[[str], Replica]
COUNTERS = [("builds", "pncounter"), ("hits", "gcounter")]


def absorb(hub: Replica, *states: bytes, fence: str | None = None) -> AbsorbReport:
    return hub.absorb(*states, fence=fence, check=False)


def job(new_replica: New, name: str, builds: int = 3) -> tuple[Replica, bytes, bytes]:
    """Return a sealed replica, what it sent before it was, and after."""
    replica = new_replica(name)
    replica.increment("builds", builds)
    before = replica.export_bytes()
    replica.increment("hits", 2, tag="gcounter")
    replica.increment("deploys", once="release 1")
    replica.add("names", name, "everybody")
    replica.seal()
    return replica, before, replica.export_bytes()


@pytest.fixture
def hub(new_replica: New) -> Replica:
    return new_replica("hub")


def values(replica: Replica) -> dict[str, int]:
    return {reading.name: reading.value for reading in replica.counters()}


COUNTED = {"builds": 3, "deploys": 1, "hits": 2, "names": 2}


def test_the_replica_whose_counts_do_not_fit_any_more_is_named_and_nothing_is_taken_over(
    hub: Replica, new_replica: New
) -> None:
    states = [job(new_replica, name, builds)[2] for name, builds in (("one", 3), ("two", 10**100 - 1), ("three", 4))]
    with pytest.raises(RefusedError, match=r"cannot absorb 'builds' of two-.*more than 100 digits"):
        absorb(hub, *states)
    assert values(hub) == {}


def test_what_a_sealed_replica_counted_becomes_the_absorbers_own(hub: Replica, new_replica: New) -> None:
    done, _, state = job(new_replica, "job")
    report = absorb(hub, state)
    assert (report.absorbed, report.before, report.merge.refused) == ([done.id], [], {})
    assert values(hub) == COUNTED
    assert hub.clock() == {hub.id: 1}
    assert hub.reading("builds").shares == {hub.id: 3}
    assert done.id not in hub.export_bytes().decode()


def test_absorbing_again_changes_nothing(hub: Replica, new_replica: New) -> None:
    done, _, state = job(new_replica, "job")
    absorb(hub, state)
    there = contents(Path(hub.path))
    report = absorb(hub, state, state)
    assert (report.absorbed, report.before) == ([], [done.id])
    assert values(hub) == COUNTED
    assert contents(Path(hub.path))["own.json"] == there["own.json"]


def test_one_file_twice_in_one_command_counts_once(hub: Replica, new_replica: New) -> None:
    done, _, state = job(new_replica, "job")
    assert absorb(hub, state, state).absorbed == [done.id]
    assert values(hub) == COUNTED


def test_a_stale_file_changes_nothing_before_or_after(hub: Replica, new_replica: New) -> None:
    _, before, state = job(new_replica, "job")
    hub.merge_bytes(before, check=False)
    assert hub.value("builds") == 3
    absorb(hub, state)
    assert values(hub) == COUNTED
    hub.merge_bytes(before, check=False)
    hub.merge_bytes(state, check=False)
    assert values(hub) == COUNTED
    assert hub.clock() == {hub.id: 1}


def test_whoever_learns_of_it_leaves_the_sealed_one_out(hub: Replica, new_replica: New) -> None:
    done, before, state = job(new_replica, "job")
    laptop = new_replica("laptop")
    laptop.merge_bytes(state, check=False)
    laptop.increment("builds", 10)
    absorb(hub, state)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    assert values(laptop) == {**COUNTED, "builds": 13}
    assert laptop.clock() == {hub.id: 1, laptop.id: 1}
    laptop.merge_bytes(before, state, check=False)
    assert values(laptop) == {**COUNTED, "builds": 13}
    hub.merge_bytes(laptop.export_bytes(), check=False)
    assert values(hub) == values(laptop)
    assert done.id not in laptop.export_bytes().decode()


def test_a_delta_carries_the_counts_and_the_record_together(hub: Replica, new_replica: New) -> None:
    _, _, state = job(new_replica, "job")
    laptop = new_replica("laptop")
    hub.increment("builds", 5)
    laptop.merge_bytes(hub.export_bytes(), state, check=False)
    since = laptop.clock()
    absorb(hub, state)
    laptop.merge_bytes(hub.export_bytes(since=since), check=False)
    assert values(laptop) == {**COUNTED, "builds": 8}
    assert values(hub) == values(laptop)


def test_who_was_absorbed_is_no_gap_before_a_delta_and_nothing_that_is_missing(hub: Replica, new_replica: New) -> None:
    done, _, state = job(new_replica, "job")
    laptop = new_replica("laptop")
    laptop.merge_bytes(state, check=False)
    since = laptop.clock()
    laptop.increment("builds", 10)
    absorb(hub, state)
    report = hub.merge_bytes(laptop.export_bytes(since={**since}), check=False)
    assert report.refused == {}
    assert hub.value("builds") == 13
    assert hub.missing({done.id: 5, laptop.id: 2}) == {laptop.id: 2}
    assert hub.compare(Input("state", data=state)) == "ahead"


def test_a_replica_that_is_not_sealed_is_not_absorbed(hub: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.increment("builds")
    report = absorb(hub, there.export_bytes())
    [refused] = report.merge.refused.values()
    assert refused.message == "state 1 holds no sealed replica"
    assert list(hub.counters()) == []


def test_others_in_the_file_are_merged(hub: Replica, new_replica: New) -> None:
    laptop = new_replica("laptop")
    laptop.increment("builds", 10)
    _, _, state = job(new_replica, "job")
    laptop.merge_bytes(state, check=False)
    absorb(hub, laptop.export_bytes())
    assert hub.value("builds") == 13
    assert hub.clock() == {hub.id: 1, laptop.id: 1}


def test_what_was_absorbed_is_left_out_if_known_json_was_not_written_any_more(hub: Replica, new_replica: New) -> None:
    done, before, state = job(new_replica, "job")
    laptop = new_replica("laptop")
    laptop.increment("builds", 10)
    hub.merge_bytes(before, state, laptop.export_bytes(), check=False)
    known = Path(hub.path, "known.json")
    old = known.read_bytes()
    absorb(hub, state)
    new = known.read_bytes()
    known.write_bytes(old)
    assert done.id in old.decode()
    expected = {**COUNTED, "builds": 13}
    assert values(hub) == expected
    assert hub.value("builds") == 13
    assert hub.clock() == {hub.id: 1, laptop.id: 1}
    assert done.id not in hub.export_bytes().decode()
    hub.increment("builds", 2)
    assert values(hub) == {**expected, "builds": 15}
    laptop.merge_bytes(hub.export_bytes(), check=False)
    assert values(laptop) == values(hub)
    assert absorb(hub, state).absorbed == []
    assert known.read_bytes().count(done.id.encode()) == 0
    assert len(known.read_bytes()) == len(new)


def test_a_key_that_a_job_counted_under_stays_used(hub: Replica, new_replica: New) -> None:
    _, _, state = job(new_replica, "job")
    absorb(hub, state)
    hub.increment("deploys", once="release 1")
    _, _, other = job(new_replica, "other")
    absorb(hub, other)
    assert values(hub) == {"builds": 6, "deploys": 1, "hits": 4, "names": 3}


def test_two_who_absorb_the_same_one_are_found(hub: Replica, new_replica: New) -> None:
    _, _, state = job(new_replica, "job")
    other = new_replica("other-hub")
    absorb(hub, state)
    absorb(other, state)
    assert hub.merge_bytes(other.export_bytes(), check=False).absorbed_twice
    assert hub.merge_bytes(other.export_bytes(), check=False).absorbed_twice == {}


def test_a_replica_cannot_absorb_itself(new_replica: New) -> None:
    _, _, state = job(new_replica, "job")
    there = new_replica("there")
    there.seal()
    with pytest.raises(RefusedError, match="sealed"):
        absorb(there, state)


# Absorbers that end, too -------------------------------------------------------------------------------


def test_whom_a_sealed_one_absorbed_goes_over_with_what_it_counted(hub: Replica, new_replica: New) -> None:
    _, early, state = job(new_replica, "job")
    old, laptop = new_replica("old-hub"), new_replica("laptop")
    absorb(old, state)
    stale = old.export_bytes()
    old.increment("builds", 10)
    old.seal()
    assert absorb(hub, old.export_bytes()).absorbed == [old.id]
    for replica in (hub, laptop):
        replica.merge_bytes(hub.export_bytes(), check=False)
        assert replica.merge_bytes(early, state, stale, check=False).absorbed_twice == {}
        assert values(replica) == {**COUNTED, "builds": 13}
        assert replica.clock().keys() <= {hub.id}
    assert absorb(hub, state, stale).absorbed == []
    assert values(hub) == {**COUNTED, "builds": 13}


@pytest.mark.parametrize("turned", [False, True])
def test_one_whom_a_file_beside_it_has_absorbed_is_left_to_that(hub: Replica, new_replica: New, turned: bool) -> None:
    done, _, state = job(new_replica, "job")
    other = new_replica("other-hub")
    absorb(other, state)
    other.increment("builds", 10)
    other.seal()
    states = [state, other.export_bytes()]
    report = absorb(hub, *(reversed(states) if turned else states))
    assert (report.absorbed, report.before, report.merge.absorbed_twice) == ([other.id], [done.id], {})
    assert values(hub) == {**COUNTED, "builds": 13}


def test_one_who_absorbed_what_was_absorbed_here_as_well_is_not_absorbed(hub: Replica, new_replica: New) -> None:
    _, _, state = job(new_replica, "job")
    other = new_replica("other-hub")
    absorb(other, state)
    other.seal()
    absorb(hub, state)
    with pytest.raises(RefusedError, match="which counts twice"):
        absorb(hub, other.export_bytes())
    assert values(hub) == COUNTED
    assert hub.merge_bytes(other.export_bytes(), check=False).absorbed_twice


def test_the_fence_of_a_sealed_one_goes_over_as_well(hub: Replica, new_replica: New) -> None:
    state = made(job(new_replica, "job")[2], IN_2024)
    old = new_replica("old-hub")
    absorb(old, state)
    absorb(old, fence="2025-01-01")
    old.seal()
    absorb(hub, old.export_bytes())
    assert values(hub) == COUNTED
    assert "is from beyond the fence of 2025-01-01" in hub.merge_bytes(state, check=False).refused["state 1"].message
    assert values(hub) == COUNTED


# Fences ------------------------------------------------------------------------------------------------


def minted_in(replica: str, day: int, milliseconds: str) -> str:
    """Return an id like `replica` that was minted then."""
    other = replica[:-32] + milliseconds + replica[-20:]
    assert minted(other) == day
    return other


#: Days, and milliseconds in them, as ids tell them.
IN_2024 = (20240505, "018f4b2a3c00")
IN_2025 = (20251124, "019ab3d81c00")


def made(replica: bytes, day: tuple[int, str]) -> bytes:
    """Return a state as if its one author had been minted on another day."""
    author = json.loads(replica)["replica"]
    other = minted_in(author, *day)
    body = replica.replace(author.encode(), other.encode()).rpartition(b"},")[0]
    return body + b'},"crc32":"%08x"}\n' % zlib.crc32(body)


def test_behind_a_fence_nothing_is_remembered_and_old_files_of_strangers_are_refused(
    hub: Replica, new_replica: New
) -> None:
    states = [made(job(new_replica, f"job-{day[0]}")[2], day) for day in (IN_2024, IN_2025)]
    absorb(hub, *states)
    counted = values(hub)
    absorb(hub, fence="2025-01-01")
    assert b"2024-05-05" not in hub.export_bytes()
    assert b"2025-11-24" in hub.export_bytes()
    report = hub.merge_bytes(*states, check=False)
    assert report.taken == ["state 2"]
    assert "is from beyond the fence of 2025-01-01: job-20240505-" in report.refused["state 1"].message
    assert absorb(hub, states[0]).merge.refused.keys() == {"state 1"}
    assert values(hub) == counted


def test_whoever_still_knows_what_is_forgotten_elsewhere_refuses_the_news(hub: Replica, new_replica: New) -> None:
    state = made(job(new_replica, "job")[2], IN_2024)
    laptop = new_replica("laptop")
    laptop.merge_bytes(state, check=False)
    absorb(hub, state)
    absorb(hub, fence="2025-01-01")
    report = laptop.merge_bytes(hub.export_bytes(), check=False)
    [refused] = report.refused.values()
    assert "beyond the fence" in refused.message
    assert laptop.value("builds") == 3


@pytest.mark.parametrize("old_first", [True, False])
def test_one_that_begins_refuses_an_old_file_beside_the_fence_behind_which_it_may_be_forgotten(
    hub: Replica, new_replica: New, old_first: bool
) -> None:
    state = made(job(new_replica, "job")[2], IN_2024)
    absorb(hub, state)
    absorb(hub, fence="2025-01-01")
    states = [state, hub.export_bytes()] if old_first else [hub.export_bytes(), state]
    old = "state 1" if old_first else "state 2"
    merged, absorbing = new_replica("merges"), new_replica("absorbs")
    assert "is from beyond the fence of 2025-01-01" in merged.merge_bytes(*states, check=False).refused[old].message
    assert values(merged) == COUNTED
    assert absorb(absorbing, *states).absorbed == []
    assert absorbing.merge_bytes(hub.export_bytes(), check=False).refused.keys() == {"state 1"}
    assert values(absorbing) == COUNTED


def test_one_from_before_the_fence_is_taken_if_somebody_says_so(hub: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.increment("builds", 4)
    state = made(there.export_bytes(), IN_2024)
    absorb(hub, fence="2025-01-01")
    item = [Input("old.json", data=state)]
    assert hub.merge_inputs(item).refused.keys() == {"old.json"}
    assert hub.merge_inputs(item, beyond_fence=True).refused == {}
    assert hub.value("builds") == 4
    laptop = new_replica("laptop")
    assert laptop.merge_bytes(hub.export_bytes(), check=False).refused == {}, "it was looked at behind the same fence"
    assert laptop.value("builds") == 4
    assert laptop.merge_inputs(item).refused == {}


@pytest.mark.parametrize("day", ["", "2025", "2025-13-01", "20250101", "2025-02-30", "tomorrow"])
def test_a_fence_is_a_day(hub: Replica, day: str) -> None:
    with pytest.raises(UsageError, match="is not a day"):
        absorb(hub, fence=day)


def test_a_fence_is_not_a_day_to_come_for_it_could_never_be_taken_back(hub: Replica, new_replica: New) -> None:
    today = datetime.now(UTC).date()
    with pytest.raises(UsageError, match="is in the future"):
        absorb(hub, fence=str(today + timedelta(days=2)))
    assert hub.retired().cutoff == 0
    absorb(hub, fence=str(today))
    there = new_replica("there")
    there.increment("builds")
    assert hub.merge_bytes(there.export_bytes(), check=False).refused == {}


# Many --------------------------------------------------------------------------------------------------


def finished(number: int) -> bytes:
    """Return the sealed state of a job that counted ten counters."""
    author = f"runner-{IN_2024[1]}{number:020x}"
    lines: dict[str, Counter] = {"=": {"membership": {author: (2, 1)}}}
    lines |= {f"tests.part{part}": {"pncounter": {author: (1, number % 7 + part, 0)}} for part in range(10)}
    return assemble(
        encode_head(Head("state", author, {author: 2})), [encode_line(name, lines[name]) for name in sorted(lines)]
    )


def test_two_thousand_jobs_take_32_bytes_each_and_none_behind_the_fence(hub: Replica) -> None:
    """The figure is that of the whole state: what the replica keeps, and what it sends."""

    def size() -> int:
        kept = sum(path.stat().st_size for path in Path(hub.path).glob("*.json"))
        return max(kept, len(hub.export_bytes()))

    absorb(hub, finished(0))
    before = size()
    for start in range(1, 2001, 200):
        absorb(hub, *(finished(number) for number in range(start, start + 200)))
    assert hub.value("tests.part3") == sum(number % 7 + 3 for number in range(2001))
    assert size() - before <= 32 * 2000
    absorb(hub, fence="2025-01-01")
    assert size() - before <= 256
    assert hub.value("tests.part3") == sum(number % 7 + 3 for number in range(2001))


# Anything, in any order --------------------------------------------------------------------------------


def play(tape: bytes, directory: Path) -> None:
    """Play what a tape tells, four bytes a step, and compare with what everybody has learned of.

    Three permanent replicas, of which the first absorbs, and jobs. The one that absorbs may end, and is absorbed by the
    next one, which goes on. Every state that was ever sent may come again.
    """
    history = History()
    permanent = [Replica.init(directory / name, name=name) for name in ("hub", "laptop", "desk")]
    absorbers = list(permanent)
    jobs: list[Replica] = []
    knows: dict[str, Knowledge] = {replica.id: {} for replica in permanent}
    sealed: set[str] = set()
    sent: list[tuple[bytes, Knowledge]] = []

    def everybody() -> list[Replica]:
        return [*permanent, *jobs]

    for what, who, a, b in zip(*[iter(tape)] * 4, strict=False):
        replica = everybody()[who % len(everybody())]
        mine = replica.id
        match what % 8:
            case 0 if len(jobs) < 4:
                jobs.append(Replica.init(directory / f"job{len(jobs)}", name="job"))
                knows[jobs[-1].id] = {}
            case 1 | 2 if mine not in sealed:
                key = COUNTERS[a % 2]
                once = f"key {b % 4}" if b % 3 == 0 else None
                try:
                    replica.increment(key[0], a + 1, once=once, tag=key[1])
                except RefusedError:  # the key stands for another amount
                    assert {one.up for one in history.of(knows[mine]) if (one.key, one.once) == (key, once)} - {a + 1}
                    continue
                if history.commit(mine, knows[mine], [CounterOperation(key, up=a + 1, once=once)]):
                    knows[mine] = {**knows[mine], mine: len(history.commits[mine])}
            case 3 if replica in jobs:
                replica.seal()
                sealed.add(mine)
            case 3 if replica is absorbers[0] and len(absorbers) > 1:
                replica.seal()
                sealed.add(mine)
                del absorbers[0]
                sent.append((replica.export_bytes(), knows[mine]))
                assert mine in absorb(absorbers[0], sent[-1][0]).absorbed
                knows[absorbers[0].id] = join(knows[absorbers[0].id], knows[mine])
            case 4:
                sent.append((replica.export_bytes(), knows[mine]))
            case 5 | 6 if sent and mine not in sealed:
                state, known = sent[a % len(sent)]
                replica.merge_bytes(state, check=False)
                knows[mine] = join(knows[mine], known)
            case 7 if sent:
                state, known = sent[a % len(sent)]
                hub = absorbers[0]
                if not absorb(hub, state).merge.refused:
                    knows[hub.id] = join(knows[hub.id], known)
    for replica in everybody():
        read = {(one.name, one.tag): one.value for one in replica.counters()}
        assert read == history.values(knows[replica.id])
    hub = absorbers[0]
    for replica in everybody():
        hub.merge_bytes(replica.export_bytes(), check=False)
        absorb(hub, replica.export_bytes())
    whole = join(*knows.values())
    for replica in absorbers:
        replica.merge_bytes(hub.export_bytes(), check=False)
        read = {(one.name, one.tag): one.value for one in replica.counters()}
        assert read == history.values(whole)
        assert not replica.clock().keys() & sealed


@settings(max_examples=150)
@given(tape=st.binary(min_size=4 * 12, max_size=4 * 40))
def test_everybody_reads_exactly_what_they_have_learned_of(tape: bytes) -> None:
    with quick_directory() as place:
        play(tape, Path(place))
