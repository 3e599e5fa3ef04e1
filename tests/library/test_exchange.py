"""States travel as bytes and files, in any order, any number of times."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError, ExistsError, MissingError, PartialError
from crdtctl.store.changes import Change
from crdtctl.store.identity import IdChange
from tests.support.clones import clone

New = Callable[[str], Replica]


@pytest.fixture
def pair(new_replica: New) -> tuple[Replica, Replica]:
    """Return two replicas that have counted apart."""
    here, there = new_replica("here"), new_replica("there")
    here.increment("builds", 3)
    here.increment("deploys", 5, once="job-1")
    there.increment("builds", 4)
    there.add("visitors", "ada", "grace")
    return here, there


def readings(replica: Replica) -> list[tuple[str, str, int]]:
    return [(one.name, one.tag, one.value) for one in replica.counters()]


def counters(replica: Replica) -> bytes:
    """Return the lines of the counters in what a replica exports."""
    return b"\n".join(replica.export_bytes().splitlines()[1:-1])


def test_two_replicas_that_exchange_their_states_agree(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    mine, theirs = here.export_bytes(), there.export_bytes()
    here.merge_bytes(theirs, check=False)
    there.merge_bytes(mine, check=False)
    assert readings(here) == readings(there)
    assert readings(here) == [("builds", "pncounter", 7), ("deploys", "pncounter", 5), ("visitors", "gset", 2)]
    assert here.clock() == there.clock()
    assert counters(here) == counters(there)


def test_a_file_and_bytes_hold_the_same(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    here, there = pair
    here.export_to(tmp_path / "here.json")
    assert (tmp_path / "here.json").read_bytes() == here.export_bytes()
    report = there.merge(tmp_path / "here.json", check=False)
    assert (report.taken, report.refused) == ([str(tmp_path / "here.json")], {})
    assert there.value("builds") == 7


def test_another_layout_and_toml_hold_the_same(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    here, there = pair
    here.export_to(tmp_path / "here.toml", form="toml")
    there.merge(tmp_path / "here.toml", check=False)
    assert there.value("builds") == 7
    assert not there.merge_bytes(json.dumps(json.loads(here.export_bytes()), indent=2).encode(), check=False).changed


def test_exporting_again_changes_nothing_and_gives_the_same_bytes(pair: tuple[Replica, Replica]) -> None:
    here, _ = pair
    here.export_bytes()  # notes once that this has left
    before = {path.name: path.stat().st_mtime_ns for path in Path(here.path).iterdir()}
    assert here.export_bytes() == here.export_bytes()
    assert {path.name: path.stat().st_mtime_ns for path in Path(here.path).iterdir()} == before


def test_what_was_learned_is_passed_on(pair: tuple[Replica, Replica], new_replica: New) -> None:
    here, there = pair
    here.merge_bytes(there.export_bytes(), check=False)
    third = new_replica("third")
    third.merge_bytes(here.export_bytes(), check=False)
    assert readings(third) == readings(here)
    assert third.clock() == here.clock()


def test_an_old_state_takes_nothing_back(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    old = there.export_bytes()
    there.increment("builds", 10)
    here.merge_bytes(there.export_bytes(), check=False)
    before = counters(here)
    report = here.merge_bytes(old, check=False)
    assert (report.changed, report.counters, report.replicas) == (False, 0, [])
    assert counters(here) == before


def test_a_merge_of_nothing_new_writes_nothing(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    here.merge_bytes(there.export_bytes(), check=False)
    before = Path(here.path, "known.json").stat().st_ino
    for state in (there.export_bytes(), here.export_bytes()):
        assert not here.merge_bytes(state, check=False).changed
    assert Path(here.path, "known.json").stat().st_ino == before


def test_a_report_says_what_was_taken_and_what_changed(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    here, there = pair
    here.export_to(tmp_path / "here.json")
    there.export_to(tmp_path / "there.json")
    (tmp_path / "bad.json").write_bytes(b"nonsense")
    names = [str(tmp_path / name) for name in ("there.json", "bad.json", "here.json", "none.json")]
    report = here.merge(*names, details=True, check=False)
    assert report.taken == [names[0], names[2]]
    assert {label: reason.status for label, reason in report.refused.items()} == {names[1]: 65, names[3]: 66}
    assert report.counters == 2
    assert report.replicas == [there.id]
    assert report.changes == [Change("builds", "pncounter", 3, 7), Change("visitors", "gset", None, 2)]
    assert report.changed
    again = here.merge(*names, details=True, check=False)
    assert (again.taken, again.changes, again.changed) == ([names[0], names[2]], [], False)


# Deltas ------------------------------------------------------------------------------------------------


def test_a_delta_carries_nothing_that_the_receiver_had(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    there.merge_bytes(here.export_bytes(), check=False)
    here.increment("pages", 2)
    here.increment("builds")
    delta = here.export_bytes(since=there.clock())
    assert set(json.loads(delta)["counters"]) == {"builds", "pages"}
    assert there.id.encode() not in b"\n".join(delta.splitlines()[1:])
    assert there.merge_bytes(delta, check=False).counters == 2
    assert (there.value("builds"), there.value("pages")) == (8, 2)
    assert there.clock() == {**there.clock(), **here.clock()}
    assert not there.merge_bytes(delta, check=False).changed


def test_a_delta_since_now_is_empty_and_changes_nothing(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    there.merge_bytes(here.export_bytes(), check=False)
    delta = here.export_bytes(since=here.clock())
    assert json.loads(delta)["counters"] == {}
    report = there.merge_bytes(delta, check=False)
    assert (report.taken, report.changed) == (["state 1"], False)


def test_a_delta_with_a_gap_is_refused_and_the_hint_says_what_to_ask_for(pair: tuple[Replica, Replica]) -> None:
    here, there = pair
    before = counters(there), there.clock()
    clock = here.clock()
    here.increment("pages")
    report = there.merge_bytes(here.export_bytes(since=clock), check=False)
    reason = report.refused["state 1"]
    assert isinstance(reason, MissingError)
    asked = json.loads(reason.hint.partition("'")[2].rstrip("'"))
    assert asked == there.clock()
    assert (counters(there), there.clock()) == before
    assert there.merge_bytes(here.export_bytes(since=asked), check=False).changed
    assert there.value("pages") == 1


def test_a_delta_since_nothing_is_everything(pair: tuple[Replica, Replica], new_replica: New) -> None:
    here, _ = pair
    third = new_replica("third")
    third.merge_bytes(here.export_bytes(since={}), check=False)
    assert readings(third) == readings(here)


# Files -------------------------------------------------------------------------------------------------


def test_an_export_replaces_an_older_export_and_no_other_file(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    here, _ = pair
    target = tmp_path / "state.json"
    for form in ("json", "toml", "json"):
        here.export_to(target, form=form)
        here.increment("builds")
    target.write_text("")
    here.export_to(target, since={})
    target.write_text("my notes\n")
    with pytest.raises(ExistsError) as caught:
        here.export_to(target)
    assert caught.value.status == 73
    assert target.read_text() == "my notes\n"
    assert sorted(os.listdir(tmp_path)) == ["replicas", "state.json"]


def test_an_export_through_a_symbolic_link_replaces_what_it_points_to(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, _ = pair
    (tmp_path / "link.json").symlink_to("target.json")
    here.export_to(tmp_path / "link.json")
    assert (tmp_path / "link.json").is_symlink()
    assert (tmp_path / "target.json").read_bytes() == here.export_bytes()


def test_an_export_that_fails_leaves_the_older_one_and_nothing_else(
    pair: tuple[Replica, Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, _ = pair
    (tmp_path / "out").mkdir()
    target = tmp_path / "out" / "state.json"
    here.export_to(target)
    before = target.read_bytes()
    here.increment("builds")
    here.export_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", lambda *_: os.stat("/nowhere at all"))
        with pytest.raises(MissingError):
            here.export_to(target)
    assert os.listdir(tmp_path / "out") == ["state.json"]
    assert target.read_bytes() == before


def test_an_export_into_a_fifo_is_written_into_it(pair: tuple[Replica, Replica], tmp_path: Path) -> None:
    here, _ = pair
    os.mkfifo(tmp_path / "fifo")
    with os.fdopen(os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK), "rb") as fifo:
        here.export_to(tmp_path / "fifo")
        assert fifo.read() == here.export_bytes()
    assert stat.S_ISFIFO((tmp_path / "fifo").lstat().st_mode)


def test_an_export_into_a_pipe_that_a_shell_made_is_written_into_it(pair: tuple[Replica, Replica]) -> None:
    here, _ = pair
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        try:
            here.export_to(f"/dev/fd/{writing}")
        finally:
            os.close(writing)
        assert pipe.read() == here.export_bytes()


# Clones ------------------------------------------------------------------------------------------------


def test_a_replica_of_which_others_know_more_goes_on_under_a_new_id(
    pair: tuple[Replica, Replica], tmp_path: Path
) -> None:
    here, there = pair
    here.export_bytes()
    clone(Path(here.path), tmp_path / "older")
    here.increment("builds")
    there.merge_bytes(here.export_bytes(), check=False)
    renamed: list[IdChange] = []
    older = Replica(tmp_path / "older", on_renamed=renamed.append)
    report = older.merge_bytes(there.export_bytes(), check=False)
    assert report.foreign_writes == ["state 1"]
    assert report.forks == []
    assert [(one.before, one.after, one.why) for one in renamed] == [(here.id, older.id, "forked")]
    assert [past.replica for past in older.past()] == [here.id]
    assert older.value("builds") == there.value("builds")


def test_a_merge_raises_for_refused_states_after_it_has_taken_the_sound_ones(
    new_replica: Callable[[str], Replica],
) -> None:
    here, there = new_replica("here"), new_replica("there")
    there.increment("builds", 5)
    with pytest.raises(PartialError, match="1 of 2 files refused") as failure:
        here.merge(there.export_bytes(), b"no state")
    assert failure.value.report.taken == ["state 1"]
    assert list(failure.value.report.refused) == ["state 2"]
    assert here.value("builds") == 5


def test_a_merge_of_which_nothing_is_taken_raises_the_reason(
    new_replica: Callable[[str], Replica], tmp_path: Path
) -> None:
    here = new_replica("here")
    with pytest.raises(MissingError):
        here.merge(tmp_path / "missing.json")
    with pytest.raises(DataError):
        here.merge(b"no state")
    assert here.merge(b"no state", check=False).refused.keys() == {"state 1"}
