"""A program lets replicas meet at remotes, by name, URL or path, and is told what came of it."""

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica, synchronize
from crdtctl.errors import BusyError, PartialError, UnavailableError, UsageError
from crdtctl.sync.report import Options


@pytest.fixture
def two(new_replica: Callable[[str], Replica]) -> tuple[Replica, Replica]:
    ada, bob = new_replica("ada"), new_replica("bob")
    ada.increment("builds", 3)
    bob.increment("builds", 4)
    return ada, bob


def test_two_that_meet_are_equal(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, bob = two
    hub = f"{tmp_path}/hub"
    report = synchronize(ada, hub)
    assert (report.changed, report.merge.changed, report.replicas) == (True, False, {ada.id})
    report = synchronize(bob, hub)
    assert [(one.owner, one.authors) for one in report.remotes[0].read] == [(ada.id, (ada.id,))]
    assert report.remotes[0].put is not None
    assert report.replicas == {ada.id, bob.id}
    synchronize(ada, hub)
    assert ada.clock() == bob.clock()
    assert not synchronize(bob, hub).changed


def test_remotes_have_names_and_all_are_taken_if_none_is_named(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, bob = two
    for replica in two:
        replica.add_remote("hub", f"{tmp_path}/hub")
        replica.add_remote("stick", f"{tmp_path}/stick")
    assert [one.name for one in synchronize(ada, "stick").remotes] == ["stick"]
    assert [one.name for one in synchronize(bob).remotes] == ["hub", "stick"]
    synchronize(ada, "hub", f"{tmp_path}/hub")
    assert ada.value("builds") == bob.value("builds") == 7


def test_what_fails_at_a_remote_is_raised_at_the_end_with_the_report(
    two: tuple[Replica, Replica], tmp_path: Path
) -> None:
    ada, bob = two
    with pytest.raises(UnavailableError, match="/nonexistent/place") as failure:
        synchronize(ada, "/nonexistent/place", f"{tmp_path}/hub")
    report = failure.value.report
    assert [type(one.error) for one in report.remotes] == [UnavailableError, type(None)]
    assert report.changed
    synchronize(bob, f"{tmp_path}/hub")
    assert set(ada.clock()) <= set(bob.clock()), "the other remote was synced with"


def test_without_a_check_failures_are_in_the_report_alone(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, _ = two
    report = synchronize(ada, "/nonexistent/place", f"{tmp_path}/hub", check=False)
    assert [type(one.error) for one in report.remotes] == [UnavailableError, type(None)]


def test_a_file_that_is_no_state_is_raised_at_the_end(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, _ = two
    (tmp_path / "hub").mkdir()
    (tmp_path / "hub" / "notes.json").write_text("buy milk")
    with pytest.raises(PartialError, match=r"notes\.json") as failure:
        synchronize(ada, f"{tmp_path}/hub")
    assert failure.value.report.remotes[0].put is not None


def test_what_is_no_remote_is_refused_before_anything_is_done(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, _ = two
    for words in ((), ("hub",), (f"{tmp_path}/hub", "hub"), (f"{tmp_path}/hub", "ftp://example.org/")):
        with pytest.raises(UsageError):
            synchronize(ada, *words)
    assert not (tmp_path / "hub").exists()


def test_two_threads_with_one_replica_wait_for_each_other(two: tuple[Replica, Replica], tmp_path: Path) -> None:
    ada, bob = two
    hub = f"{tmp_path}/hub"
    threads = [threading.Thread(target=synchronize, args=(replica, hub)) for replica in (ada, bob) * 4]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    synchronize(ada, hub)
    synchronize(bob, hub)
    assert ada.value("builds") == bob.value("builds") == 7
    with ada.locked_to_sync(0):
        with pytest.raises(BusyError):
            synchronize(ada, hub, options=Options(retry_lock=0))
        assert not synchronize(ada, hub, options=Options(dry_run=True)).changed
