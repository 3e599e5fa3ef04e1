"""Large states are joined on all cores; nothing but the time that it takes shows it."""

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError, StorageError
from crdtctl.store.inputs import Input
from crdtctl.store.merge import MergeReport, limits
from crdtctl.store.merge.merge_pass import MergePass
from crdtctl.store.parallel import in_child
from tests.support.forked import in_process_of_its_own
from tests.support.stored_states import counted_state, with_new_checksum

New = Callable[[str], Replica]


def merged(replica: Replica, states: list[bytes], processes: int) -> MergeReport:
    inputs = [Input(f"state {number}", data=data) for number, data in enumerate(states)]
    return replica.merge_inputs(inputs, processes=processes)


def known(replica: Replica) -> dict[str, object]:
    """Return ``known.json`` without what depends on who wrote it when."""
    tree = dict(json.loads(Path(replica.path, "known.json").read_bytes()))
    return {**tree, "heard": sorted(tree["heard"]), "replica": "", "crc32": ""}


def lines(replica: Replica) -> list[bytes]:
    return Path(replica.path, "known.json").read_bytes().splitlines()[1:-1]


@pytest.fixture
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every state large enough for any number of processes, and to be joined in blocks."""
    for limit in ("PARALLEL_FROM_BYTES", "BLOCKS_FROM_BYTES"):
        monkeypatch.setattr(limits, limit, 0)
    monkeypatch.setattr(limits, "PROCESS_BYTES", 1)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize(("size", "processes"), [(0, 2), (1, 2), (2, 2), (3, 4), (500, 2), (500, 5)])
def test_several_processes_write_the_same_bytes_as_one(
    new_replica: New, monkeypatch: pytest.MonkeyPatch, size: int, processes: int
) -> None:
    one, two = new_replica("one"), new_replica("two")
    old = counted_state("old", {f"c{number:04}": 1 for number in range(0, size, 5)})
    states = [
        counted_state(author, {f"c{number:04}": number + 1 for number in range(start, size)})
        for author, start in (("a", 0), ('b "b"', size // 2), ("ü", 1))
    ]

    def both() -> None:
        for replica, number in ((two, processes), (one, 1)):
            merged(replica, [old], number)
            report = merged(replica, states, number)
            assert (report.counters, report.refused) == (size, {})
            assert not merged(replica, states, number).changed
            monkeypatch.setattr(limits, "BLOCKS_FROM_BYTES", 2**40)  # the one process joins line by line

    in_process_of_its_own(both)
    assert lines(one) == lines(two)
    assert known(one) == known(two)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("position", [5, 250, 495])
def test_a_bad_line_is_found_in_each_range(new_replica: New, position: int) -> None:
    replica = new_replica("here")
    good = counted_state("good", {f"c{number:03}": 1 for number in range(500)})
    bad = counted_state("bad", {f"c{number:03}": 1 for number in range(500)})
    bad = with_new_checksum(bad.replace(b'"c%03d":{"pn' % position, b'"c%03d":{"xx' % position))

    def both() -> None:
        for states in ([good, bad], [bad, good]):
            report = merged(replica, states, 3)
            label = f"state {states.index(bad)}"
            assert list(report.refused) == [label]
            assert isinstance(report.refused[label], DataError)

    in_process_of_its_own(both)
    assert sum(one.value for one in replica.counters()) == 500


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("count", [3, 4, 5, 20])
def test_many_states_are_joined_in_groups_by_several_processes_as_by_one(
    new_replica: New, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setattr(limits, "GROUP_SIZE", 2)
    monkeypatch.setattr(limits, "GROUP_SMALL", 2)
    one, two = new_replica("one"), new_replica("two")
    states = [
        counted_state(f"r{number:02}", {f"c{line}": number + line for line in range(number, 30)})
        for number in range(count)
    ]

    def both() -> None:
        for replica, processes in ((one, 1), (two, 2 + count % 3)):
            report = merged(replica, states, processes)
            assert (report.counters, report.refused) == (30, {})
            assert not merged(replica, states, processes).changed

    in_process_of_its_own(both)
    assert lines(one) == lines(two)
    assert known(one) == known(two)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("position", [0, 9])
def test_a_bad_state_is_found_in_the_groups_of_either_process(
    new_replica: New, monkeypatch: pytest.MonkeyPatch, position: int
) -> None:
    monkeypatch.setattr(limits, "GROUP_SIZE", 2)
    monkeypatch.setattr(limits, "GROUP_SMALL", 2)
    replica = new_replica("here")
    states = [counted_state(f"r{number}", {"c": 1, "d": 1}) for number in range(10)]
    states[position] = with_new_checksum(states[position].replace(b'"d":{"pn', b'"d":{"xx'))

    def both() -> None:
        report = merged(replica, states, 2)
        assert list(report.refused) == [f"state {position}"]
        assert isinstance(report.refused[f"state {position}"], DataError)

    in_process_of_its_own(both)
    assert [one.value for one in replica.counters()] == [9, 9]


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("others", [0, 10])
def test_what_is_handed_over_in_the_groups_of_either_process_arrives(
    new_replica: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, others: int
) -> None:
    monkeypatch.setattr(limits, "GROUP_SIZE", 2)
    monkeypatch.setattr(limits, "GROUP_SMALL", 2)
    permanent = new_replica("permanent")
    clients = [Replica.init(tmp_path / f"client-{number}", name=f"c{number}", tier=1) for number in range(10)]
    for client in clients:
        client.increment("hits", 3, tag="handoff")
    first = [counted_state(f"r{number}", {"c": 1}) for number in range(others)]

    def both() -> None:
        for _ in range(2):
            merged(permanent, [*first, *(client.export_bytes() for client in clients)], 2)
            for client in clients:
                client.merge_bytes(permanent.export_bytes())

    in_process_of_its_own(both)
    assert permanent.value("hits") == 30


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(0)


@pytest.mark.usefixtures("always")
@pytest.mark.parametrize("end", [be_killed, leave], ids=["killed", "left"])
def test_a_child_that_dies_is_an_error_and_nothing_is_changed(new_replica: New, end: Callable[[], None]) -> None:
    replica = new_replica("here")
    replica.merge_bytes(counted_state("old", {"builds": 1}))
    before = {path.name: path.read_bytes() for path in Path(replica.path).iterdir()}
    states = [counted_state("new", {f"c{number:03}": 1 for number in range(500)})]

    def dying() -> None:
        parent = os.getpid()
        join = MergePass._join

        def join_or_die(self: MergePass, *words: Any) -> int:
            if os.getpid() != parent:
                end()
            return join(self, *words)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(MergePass, "_join", join_or_die)
            with pytest.raises(StorageError, match="a helper process died") as caught:
                merged(replica, states, 2)
        assert caught.value.status == 74
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, 0)  # no child is left

    in_process_of_its_own(dying)
    assert {path.name: path.read_bytes() for path in Path(replica.path).iterdir()} == before
    replica.merge_bytes(*states)


def test_what_a_child_returns_comes_back() -> None:
    def both() -> None:
        with in_child(lambda: {"answer": [42] * 10**6}) as result:
            assert result() == {"answer": [42] * 10**6}

    in_process_of_its_own(both)


def test_an_operating_system_error_of_the_child_is_raised_here() -> None:
    def failing() -> None:
        os.stat("/nowhere at all")

    def both() -> None:
        with in_child(failing) as result, pytest.raises(FileNotFoundError):
            result()

    in_process_of_its_own(both)


def test_a_child_is_gone_when_its_parent_fails_meanwhile() -> None:
    def both() -> None:
        with pytest.raises(ZeroDivisionError), in_child(signal.pause):
            raise ZeroDivisionError
        with pytest.raises(ChildProcessError):
            os.waitpid(-1, 0)

    in_process_of_its_own(both)
