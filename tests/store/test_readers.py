"""Readers take no lock and wait for nobody; what they see was true at some moment."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.store import counters, durable
from tests.support import every_type
from tests.support.forked import child
from tests.support.stored_states import counted_state

New = Callable[[str], Replica]
WRITES = 60


def test_a_reader_sees_whole_states_that_never_go_back_while_others_count_and_merge(
    new_replica: New, tmp_path: Path
) -> None:
    replica = new_replica("here")
    replica.increment("builds")
    replica.increment("other")

    def count() -> None:
        for _ in range(WRITES):
            replica.increment("builds")

    def count_several() -> None:
        for number in range(WRITES):
            with replica.batch() as batch:
                batch.increment("builds")
                batch.increment(f"new {number}")

    def learn() -> None:
        for number in range(1, WRITES + 1):
            replica.merge_bytes(counted_state("far", {"builds": number, f"far {number}": 1}, seq=number))

    readings = 0
    before = 0
    clock: dict[str, int] = {}
    seen: set[str] = set()
    with ExitStack() as stack:
        ends = [stack.enter_context(child(work)) for work in (count, count_several, learn)]
        while replica.value("builds") < 3 * WRITES + 1:
            value = replica.value("builds")
            assert value >= before
            before = value
            later = replica.clock()
            assert all(later.get(author, 0) >= seq for author, seq in clock.items())
            clock = later
            names = {one.name for one in replica.counters()}
            assert names >= seen
            seen = names
            copy = Replica.init(tmp_path / f"copy {readings}", name="copy")
            report = copy.merge_bytes(replica.export_bytes())
            assert report.refused == {}
            assert copy.value("builds") >= value
            readings += 1
        for end in ends:
            assert end().status == 0, end().stderr
    assert readings > 0
    assert replica.value("builds") == 3 * WRITES + 1
    assert len(list(replica.counters())) == 2 + 2 * WRITES


@pytest.mark.parametrize("name", ["own.json", "known.json"])
def test_a_state_that_is_replaced_while_it_is_being_opened_is_read_as_it_was(
    new_replica: New, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    replica = new_replica("here")
    replica.increment("builds", 3)
    replica.merge_bytes(counted_state("far", {"builds": 4}))

    def open_and_replace(directory: int, file: str) -> int:
        fd = durable.open_state(directory, file)
        if file == name:
            path = Path(replica.path, name)
            path.with_name("next").write_bytes(path.read_bytes())
            path.with_name("next").rename(path)
        return fd

    monkeypatch.setattr("crdtctl.store.files.open_state", open_and_replace)
    assert replica.value("builds") == 7
    assert [(one.name, one.value) for one in replica.counters()] == [("builds", 7)]
    assert sorted(replica.clock().values()) == [1, 9]


def test_counters_of_a_large_replica_are_read_many_at_a_time_and_are_the_same(
    new_replica: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = new_replica("here")
    runs = [new_replica(f"run-{attempt}") for attempt in (1, 2)]
    for attempt, run in enumerate(runs, 1):
        run.begin_attempt("nightly", attempt)
        run.increment("failed", attempt)
    every_type.begin(here)
    every_type.count(here)
    other = new_replica("other")
    other.increment("builds", 2, once="a key")
    other.increment("a gset", 2, tag="gcounter", also=True)
    states = [one.export_bytes() for one in (other, *runs)]
    here.merge_bytes(*states, counted_state("far", {"builds": 7, 'a "b"': 1}))
    few = list(here.counters())
    monkeypatch.setattr(counters, "MANY_BYTES", 0)
    assert list(here.counters()) == few
    assert {one.name: one.value for one in few}["builds"] == 9
    assert {one.name: one.value for one in few}["failed"] == 2
    assert {(one.name, one.tag) for one in few} >= {("a gset", "gcounter"), ("a gset", "gset"), ("failed", "pncounter")}
