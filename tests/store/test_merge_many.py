"""Any number of states, of any size, become one commit; a bad one is put aside."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtctl import Replica
from crdtctl.errors import DataError, MissingError
from crdtctl.store import inputs
from crdtctl.store.durable import Draft
from crdtctl.store.inputs import Input
from crdtctl.store.merge import limits
from tests.conftest import Shell
from tests.support.places import quick_directory
from tests.support.stored_states import counted_state, state, with_new_checksum

New = Callable[[str], Replica]


def known(replica: Replica) -> bytes:
    return Path(replica.path, "known.json").read_bytes()


def split(number: int, lines: int) -> dict[str, int]:
    """Return what author `number` counted_state: some counters that others count too, some alone."""
    return {f"{'shared' if line % 3 else f'own {number}'} {line:04}": number * 1000 + line for line in range(lines)}


def test_three_hundred_small_states_are_one_commit(shell: Shell, replica: Replica) -> None:
    names = []
    for number in range(300):
        names.append(f"{number:03}.json")
        (shell.directory / names[-1]).write_bytes(counted_state(f"r{number}", {"builds": number, f"of {number}": 1}))
    assert shell.ok("merge", *names) == ""
    assert replica.value("builds") == sum(range(300))
    assert len(list(replica.counters())) == 301
    assert len(replica.clock()) == 300
    assert not replica.merge(*(shell.directory / name for name in names), check=False).changed


@pytest.mark.parametrize("heads", [True, False])
def test_more_states_than_can_be_open_at_once_give_what_merging_one_by_one_gives(
    new_replica: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heads: bool
) -> None:
    paths = []
    for number in range(20):
        lines = 30 if number % 2 else 3000  # some beyond what is read into memory, some not
        paths.append(tmp_path / f"{number}.json")
        paths[-1].write_bytes(counted_state(f"r{number}", split(number, lines)))
    assert max(path.stat().st_size for path in paths) > inputs.SMALL > min(path.stat().st_size for path in paths)
    one_by_one, grouped, whole = new_replica("one"), new_replica("grouped"), new_replica("whole")
    for path in paths:
        one_by_one.merge(path, check=False)
    whole.merge(*paths, check=False)
    monkeypatch.setattr(limits, "GROUP_SIZE", 3)
    monkeypatch.setattr(limits, "GROUP_SMALL", 3)
    report = grouped.merge_inputs([Input(str(path), path=str(path)) for path in paths], heads=heads)
    assert report.taken == [str(path) for path in paths]
    assert report.refused == {}
    assert report.counters == len(list(one_by_one.counters()))
    found = [[(one.name, one.tag, one.state) for one in made.counters()] for made in (one_by_one, grouped, whole)]
    assert found[0] == found[1] == found[2]
    assert one_by_one.clock() == grouped.clock() == whole.clock()


@settings(max_examples=30)
@given(
    st.lists(st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 9), max_size=5), min_size=1, max_size=9),
    st.integers(1, 3),
    st.sampled_from([0, 100, 2**22]),
    st.sampled_from([0, 200, 2**16]),
)
def test_the_limits_of_grouping_never_change_the_result(
    amounts: list[dict[str, int]], group: int, group_bytes: int, small: int
) -> None:
    with quick_directory() as place, pytest.MonkeyPatch.context() as patch:
        replica = Replica.init(f"{place}/here", name="here")
        paths = [Path(place, f"{number}.json") for number in range(len(amounts))]
        for number, (path, mine) in enumerate(zip(paths, amounts, strict=True)):
            path.write_bytes(counted_state(f"r{number}", mine))
        patch.setattr(limits, "GROUP_SIZE", group)
        patch.setattr(limits, "GROUP_SMALL", group)
        patch.setattr(limits, "GROUP_BYTES", group_bytes)
        patch.setattr(inputs, "SMALL", small)
        replica.merge(*paths, check=False)
        expected = {name: sum(mine.get(name, 0) for mine in amounts) for mine in amounts for name in mine}
        assert {one.name: one.value for one in replica.counters()} == expected
        assert set(replica.clock()) == {f"r{number}" for number in range(len(amounts))}


GOOD = {"a": 1, "builds": 4, "z": 2}

#: What a stranger may put between a right header and a right checksum.
BAD = {
    "an unsorted line": lambda data: data.replace(b'"a"', b'"y"'),
    "a line twice": lambda data: data.replace(b'"a"', b'"builds"'),
    "a number spelt otherwise": lambda data: data.replace(b",4,", b",04,"),
    "a negative number": lambda data: data.replace(b",4,", b",-4,"),
    "a fraction": lambda data: data.replace(b",4,", b",4.0,"),
    "true for one": lambda data: data.replace(b",4,", b",true,"),
    "a space": lambda data: data.replace(b",4,", b", 4,"),
    "no JSON": lambda data: data.replace(b",4,0]", b",4,0"),
    "an unknown type": lambda data: data.replace(b'"builds":{"pn', b'"builds":{"xx'),
    "an author that the clock does not know": lambda data: data.replace(b'"bad":[1,4', b'"evil":[1,4'),
    "a commit that the clock does not know": lambda data: data.replace(b"[1,4", b"[10,4"),
    "a commit zero": lambda data: data.replace(b"[1,4", b"[0,4"),
    "a name that cannot be told": lambda data: data.replace(b'"builds"', b'"bui\xe2\x80\xaelds"'),
    "bytes that are no text": lambda data: data.replace(b'"builds"', b'"b\xff"'),
    "a row that is too long": lambda data: data.replace(b",4,0]", b",4,0,5]"),
}


@pytest.mark.parametrize("group", [128, 2])
@pytest.mark.parametrize("wrong", BAD)
def test_a_bad_line_behind_a_right_checksum_is_refused_and_named_and_the_others_are_merged(
    new_replica: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: str, group: int
) -> None:
    monkeypatch.setattr(limits, "GROUP_SIZE", group)
    monkeypatch.setattr(limits, "GROUP_SMALL", group)
    replica, expected = new_replica("here"), new_replica("expected")
    good = [counted_state(f"r{number}", {"builds": number + 1, "pages": 1}) for number in range(5)]
    bad = with_new_checksum(BAD[wrong](counted_state("bad", GOOD)))
    assert bad != counted_state("bad", GOOD)
    (tmp_path / "bad.json").write_bytes(bad)
    for number, data in enumerate(good):
        (tmp_path / f"{number}.json").write_bytes(data)
    names = ["0.json", "1.json", "bad.json", "2.json", "3.json", "4.json"]
    report = replica.merge(*(tmp_path / name for name in names), check=False)
    assert list(report.refused) == [str(tmp_path / "bad.json")]
    assert report.taken == [str(tmp_path / name) for name in names if name != "bad.json"]
    reason = report.refused[str(tmp_path / "bad.json")]
    assert isinstance(reason, DataError)
    assert "bad.json is not a valid state" in reason.message
    assert reason.message.isprintable()
    expected.merge_bytes(*good, check=False)
    assert [(one.name, one.value) for one in replica.counters()] == [("builds", 15), ("pages", 5)]
    assert replica.clock() == expected.clock()


def test_with_all_or_nothing_a_bad_state_keeps_the_good_ones_out(new_replica: New) -> None:
    replica = new_replica("here")
    good = counted_state("good", GOOD)
    bad = with_new_checksum(BAD["an unsorted line"](counted_state("bad", GOOD)))
    report = replica.merge_bytes(good, bad, all_or_nothing=True, check=False)
    assert list(report.refused) == ["state 2"]
    assert not report.changed
    assert not Path(replica.path, "known.json").exists()
    assert replica.merge_bytes(good, all_or_nothing=True, check=False).changed


def test_a_gap_that_another_of_the_states_fills_is_no_gap(new_replica: New) -> None:
    far = new_replica("far")
    far.increment("builds", 1)
    first, clock = far.export_bytes(), far.clock()
    far.increment("builds", 2)
    second, later = far.export_bytes(since=clock), far.clock()
    far.increment("pages", 4)
    third = far.export_bytes(since=later)
    here = new_replica("here")
    for lacking in ([third], [second], [third, second]):
        report = here.merge_bytes(*lacking, check=False)
        assert all(isinstance(reason, MissingError) for reason in report.refused.values())
        assert (len(report.refused), report.changed) == (len(lacking), False)
    assert here.merge_bytes(third, second, first, check=False).refused == {}
    assert (here.value("builds"), here.value("pages"), here.clock()) == (3, 4, far.clock())


def test_a_dry_run_finds_what_a_merge_does_and_changes_nothing(new_replica: New, tmp_path: Path) -> None:
    replica = new_replica("here")
    replica.merge_bytes(counted_state("first", {"builds": 1}), check=False)
    before = known(replica)
    (tmp_path / "more.json").write_bytes(counted_state("more", GOOD))
    paths = [tmp_path / "more.json", tmp_path / "nowhere.json"]
    planned = replica.merge(*paths, dry_run=True, details=True, check=False)
    assert known(replica) == before
    done = replica.merge(*paths, details=True, check=False)
    assert (planned.taken, planned.counters, planned.replicas, planned.changes) == (
        done.taken,
        done.counters,
        done.replicas,
        done.changes,
    )
    assert list(planned.refused) == list(done.refused) == [str(tmp_path / "nowhere.json")]


def test_an_input_that_changes_between_its_two_readings_is_refused(
    new_replica: New, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many inputs some are closed after their check and opened again to be joined."""
    monkeypatch.setattr(limits, "GROUP_SIZE", 1)
    monkeypatch.setattr(limits, "GROUP_SMALL", 1)
    replica = new_replica("here")
    for number in range(3):
        (tmp_path / f"{number}.json").write_bytes(counted_state(f"r{number}", {"builds": 1}))
    last = tmp_path / "2.json"

    def changing() -> Iterator[Input]:
        for number in range(3):
            path = f"{tmp_path}/{number}.json"
            yield Input(path, path=path)
        last.write_bytes(counted_state("r2", {"builds": 50}, seq=10))  # all are verified by now

    report = replica.merge_inputs(changing(), heads=True)  # without rounds
    assert list(report.refused) == [str(last)]
    assert "was changed while it was read" in report.refused[str(last)].message
    assert replica.value("builds") == 2


@pytest.mark.parametrize("times", [1, 2, 200])
def test_one_state_given_many_times_counts_once(new_replica: New, tmp_path: Path, times: int) -> None:
    replica = new_replica("here")
    (tmp_path / "one.json").write_bytes(counted_state("one", GOOD))
    replica.merge(*[tmp_path / "one.json"] * times, check=False)
    assert {one.name: one.value for one in replica.counters()} == GOOD


def test_descriptors_are_given_back_whatever_is_merged(new_replica: New, tmp_path: Path) -> None:
    replica = new_replica("here")
    data = counted_state("large", split(1, 3000))
    (tmp_path / "large.json").write_bytes(data)
    (tmp_path / "bad.json").write_bytes(with_new_checksum(data.replace(b"shared 2999", b"shared 0000")))
    before = sorted(os.listdir("/dev/fd"))
    inputs = [Input(name, path=str(tmp_path / name)) for name in ("large.json", "bad.json", "nowhere", "large.json")]
    report = replica.merge_inputs(inputs)
    assert list(report.refused) == ["bad.json", "nowhere"] or list(report.refused) == ["nowhere", "bad.json"]
    assert sorted(os.listdir("/dev/fd")) == before


def test_states_of_many_authors_on_one_line_are_joined_author_by_author(new_replica: New) -> None:
    replica = new_replica("here")
    some = state("a", {"builds": {"pncounter": {"a": (9, 5, 0), "b": (2, 1, 1)}, "gcounter": {"a": (3, 8)}}}, b=2)
    more = state("b", {"builds": {"pncounter": {"a": (4, 3, 0), "b": (9, 7, 2)}, "gset": {"b": (5, {"x": 5})}}}, a=4)
    replica.merge_bytes(some, more, check=False)
    assert {(one.tag, one.value) for one in replica.readings("builds")} == {
        ("pncounter", 10),
        ("gcounter", 8),
        ("gset", 1),
    }
    assert replica.clock() == {"a": 9, "b": 9}


def test_a_state_without_news_writes_nothing_and_one_with_news_of_a_line_does(
    new_replica: New, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = new_replica("here"), new_replica("there")
    there.increment("builds", 3)
    there.create("pages", "pncounter")
    state = there.export_bytes()
    assert here.merge_bytes(state).changed
    before = known(here)
    with monkeypatch.context() as patch:
        patch.setattr(Draft, "write", lambda *_: pytest.fail("a draft was written"))
        report = here.merge_bytes(state)
    assert (report.taken, report.changed, report.counters) == (["state 1"], False, 0)
    assert known(here) == before
    forged = with_new_checksum(state.replace(b",3,0]", b",4,0]"))  # the same size and clock, and another number
    assert here.merge_bytes(forged).counters == 1
    assert here.value("builds") == 4
