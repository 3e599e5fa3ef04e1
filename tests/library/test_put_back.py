"""A permanent replica that was copied or put back absorbs nothing twice: it hears first what it did meanwhile."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import ForkError
from crdtctl.store.absorb import AbsorbReport
from crdtctl.store.inputs import Input
from tests.support.clones import bind
from tests.support.unchecked import synchronize

New = Callable[[str], Replica]
TOTAL = 42


@pytest.fixture
def job(new_replica: New) -> bytes:
    """Return the state of a sealed job that counted 41."""
    replica = new_replica("job")
    replica.increment("tests", 41)
    replica.seal()
    return replica.export_bytes()


@pytest.fixture
def shared(tmp_path: Path) -> str:
    (tmp_path / "shared").mkdir()
    return str(tmp_path / "shared")


@pytest.fixture
def hub(new_replica: New, shared: str) -> Replica:
    """Return a hub that counted 1, and has met others."""
    replica = new_replica("hub")
    replica.increment("tests")
    synchronize(replica, shared)
    return replica


@pytest.fixture
def put_back(hub: Replica, job: bytes, shared: str) -> Iterator[Replica]:
    """Return the hub, put back from a backup that was made before it absorbed the job."""
    restore = backup(hub)
    absorb(hub, job)
    synchronize(hub, shared)
    restore()
    yield hub
    assert hub.value("tests") == TOTAL


def backup(replica: Replica) -> Callable[[], None]:
    """Make a backup of a replica; return what puts it back."""
    kept = shutil.copytree(replica.path, f"{replica.path}.backup")

    def restore() -> None:
        shutil.rmtree(replica.path)
        shutil.copytree(kept, replica.path)

    return restore


def absorb(replica: Replica, *states: bytes, not_absorbed: bool = False) -> AbsorbReport:
    inputs = [Input(f"state {number}", data=state) for number, state in enumerate(states, 1)]
    return replica.absorb(inputs, not_absorbed=not_absorbed)


def another(new_replica: New) -> bytes:
    """Return the state of a sealed job that nobody has absorbed."""
    replica = new_replica("another")
    replica.increment("late")
    replica.seal()
    return replica.export_bytes()


def assert_refused(replica: Replica, *states: bytes) -> None:
    before = replica.value("tests")
    with pytest.raises(ForkError, match="may have absorbed it before"):
        absorb(replica, *states)
    assert replica.value("tests") == before


def test_nothing_is_absorbed_by_the_call_that_notices_and_all_is_right_after_a_sync(
    put_back: Replica, job: bytes, shared: str
) -> None:
    assert_refused(put_back, job)
    synchronize(put_back, shared)
    assert absorb(put_back, job).absorbed == []


def test_nothing_is_absorbed_when_an_earlier_call_has_noticed(put_back: Replica, job: bytes, shared: str) -> None:
    put_back.increment("others")
    assert_refused(put_back, job)
    assert_refused(put_back, job)
    synchronize(put_back, shared)
    absorb(put_back, job)


def test_a_merge_with_what_left_last_is_enough(put_back: Replica, job: bytes, shared: str, new_replica: New) -> None:
    laptop = new_replica("laptop")
    synchronize(laptop, shared)
    put_back.merge_bytes(laptop.export_bytes(), check=False)
    assert put_back.unheard() == []
    absorb(put_back, job)


def test_a_merge_with_less_than_what_left_last_is_not_enough(
    hub: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    laptop = new_replica("laptop")
    laptop.merge_bytes(hub.export_bytes(), check=False)
    stale = laptop.export_bytes()
    restore = backup(hub)
    absorb(hub, job)
    hub.export_bytes()
    restore()
    hub.merge_bytes(stale, check=False)
    assert_refused(hub, job)
    synchronize(hub, shared)  # where nothing of it has been since the backup
    assert_refused(hub, job)


def test_a_sealed_state_is_no_news(put_back: Replica, job: bytes, shared: str, new_replica: New) -> None:
    put_back.merge_bytes(job, check=False)
    late = new_replica("late")
    synchronize(late, shared)
    late.seal()
    put_back.merge_bytes(late.export_bytes(), check=False)
    assert_refused(put_back, late.export_bytes())
    synchronize(put_back, shared)
    absorb(put_back, job)


def test_its_own_states_and_an_older_one_are_no_news(hub: Replica, job: bytes, shared: str) -> None:
    old = hub.export_bytes()
    restore = backup(hub)
    absorb(hub, job)
    synchronize(hub, shared)
    restore()
    hub.merge_bytes(old, check=False)
    hub.merge_bytes(hub.export_bytes(), check=False)
    assert_refused(hub, job)
    synchronize(hub, shared)
    absorb(hub, job)
    assert hub.value("tests") == TOTAL


def test_a_sync_with_one_of_its_remotes_is_not_enough(
    put_back: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    late = another(new_replica)
    put_back.add_remote("shared", shared)
    other = Path(shared).with_name("other")
    other.mkdir()
    put_back.add_remote("other", str(other))
    shutil.copytree(shared, other, dirs_exist_ok=True)
    synchronize(put_back, str(other))
    assert_refused(put_back, job, late)
    synchronize(put_back, "shared", "other")
    absorb(put_back, job, late)
    assert put_back.value("late") == 1


def test_a_sync_in_which_a_remote_fails_is_not_enough(
    put_back: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    late = another(new_replica)
    assert synchronize(put_back, shared, f"{shared}/is/not/there").remotes[1].error
    assert_refused(put_back, job, late)
    synchronize(put_back, shared)
    absorb(put_back, job, late)
    assert put_back.value("late") == 1


def test_a_file_that_is_refused_is_no_news(put_back: Replica, job: bytes, shared: str) -> None:
    (there,) = Path(shared).iterdir()
    assert_refused(put_back, there.read_bytes(), job)  # it holds no sealed replica, and so is not taken in
    put_back.merge_bytes(there.read_bytes(), check=False)
    assert absorb(put_back, job).absorbed == []


def test_a_new_job_is_absorbed_once_what_was_done_meanwhile_is_known(
    put_back: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    late = another(new_replica)
    assert_refused(put_back, late)
    synchronize(put_back, shared)
    absorb(put_back, job, late)
    assert put_back.value("late") == 1


def test_who_knows_that_nothing_was_absorbed_can_say_so(hub: Replica, job: bytes) -> None:
    backup(hub)()
    assert_refused(hub, job)
    absorb(hub, job, not_absorbed=True)
    assert (hub.value("tests"), hub.unheard()) == (TOTAL, [])


def test_a_copy_elsewhere_hears_of_what_was_absorbed_here(
    hub: Replica, job: bytes, shared: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = Replica(shutil.copytree(hub.path, tmp_path / "copy"))
    absorb(hub, job)
    synchronize(hub, shared)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
    assert_refused(copy, job)
    synchronize(copy, shared)
    absorb(copy, job)
    assert copy.value("tests") == TOTAL


def test_one_that_was_put_back_where_nothing_notices_it_is_refused_after_the_merge_that_does(
    hub: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    restore = backup(hub)
    absorb(hub, job)
    synchronize(hub, shared)
    laptop = new_replica("laptop")
    synchronize(laptop, shared)
    restore()
    bind(Path(hub.path), f"{hub.path}.witness")
    assert hub.merge_bytes(laptop.export_bytes(), check=False).foreign_writes == ["state 1"]
    late = another(new_replica)
    assert_refused(hub, late)
    synchronize(hub, shared)
    absorb(hub, job, late)
    assert (hub.value("tests"), hub.value("late")) == (TOTAL, 1)


def test_a_fence_alone_needs_no_news(put_back: Replica, job: bytes, shared: str) -> None:
    put_back.absorb([], fence="2001-02-03")
    assert_refused(put_back, job)
    synchronize(put_back, shared)
    absorb(put_back, job)


def test_a_new_hub_in_the_place_of_one_that_was_lost_absorbs_nothing_that_it_has_heard_of(
    hub: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    absorb(hub, job)
    synchronize(hub, shared)
    new = new_replica("new-hub")
    synchronize(new, shared)
    assert absorb(new, job).absorbed == []
    assert new.value("tests") == TOTAL


def test_a_new_hub_that_absorbs_before_it_has_heard_of_the_lost_one_is_found_and_settled(
    hub: Replica, job: bytes, shared: str, new_replica: New
) -> None:
    absorb(hub, job)
    synchronize(hub, shared)
    new = new_replica("new-hub")
    absorb(new, job)
    ((record, absorbers),) = synchronize(new, shared).merge.absorbed_twice.items()
    assert set(absorbers) == {hub.id, new.id}
    assert (list(new.doubled()), synchronize(new, shared).merge.absorbed_twice) == ([record], {})
    (again,) = new.absorbed_again(record)
    new.decrement("tests", 41, once=f"absorbed again: {record} by {again}")
    new.settle(record)
    synchronize(new, shared)
    assert synchronize(hub, shared).merge.absorbed_twice == {}
    assert (hub.value("tests"), new.value("tests"), hub.doubled()) == (TOTAL, TOTAL, {})
