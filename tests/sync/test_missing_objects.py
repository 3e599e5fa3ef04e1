"""Missing objects are reported, and are not uploaded again at once."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import MissingError, UnavailableError
from crdtctl.sync import connecting, health
from crdtctl.sync.kept_files import directory
from crdtctl.sync.object_name import without_time
from crdtctl.sync.report import Options, RemoteReport
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.sync.transports.folder.transport import Folder
from tests.support.unchecked import synchronize

DAY = 86_400


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    made = tmp_path / "hub"
    made.mkdir()
    return made


@pytest.fixture
def three(new_replica: Callable[[str], Replica], hub: Path) -> list[Replica]:
    """Make three replicas that have met at the hub."""
    made = [new_replica(name) for name in ("ada", "bob", "cy")]
    for number, replica in enumerate(made, 1):
        replica.increment("builds", number)
    for replica in made * 2:
        meet(replica, hub)
    return made


def meet(replica: Replica, hub: Path, **options: bool) -> RemoteReport:
    """Sync; return what came of it."""
    [report] = synchronize(replica, str(hub), options=Options(**options)).remotes  # type: ignore[arg-type]
    return report


def only(hub: Path, owner: str) -> Path:
    """Return the one object of an owner."""
    [found] = [path for path in hub.iterdir() if path.name.startswith(f"{owner}-")]
    return found


# Nothing is left ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keeps_folder", [True, False])
def test_a_remote_that_was_emptied_gets_nothing_until_the_user_accepts_it(
    three: list[Replica], hub: Path, keeps_folder: bool
) -> None:
    shutil.rmtree(hub)
    if keeps_folder:
        hub.mkdir()
    for _ in range(2):
        failure = meet(three[0], hub).error
        assert isinstance(failure, UnavailableError)
        assert "is it mounted" in failure.hint
        assert f"--accept-missing {hub}" in failure.hint
    assert not hub.exists() or list(hub.iterdir()) == []
    assert meet(three[0], hub, accept_missing=True).error is None
    assert [path.name[:4] for path in hub.iterdir()] == ["ada-"]
    assert meet(three[0], hub).error is None


def test_a_remote_with_only_one_replica_is_remembered_as_well(new_replica: Callable[[str], Replica], hub: Path) -> None:
    ada = new_replica("ada")
    ada.increment("builds")
    meet(ada, hub)
    only(hub, "ada").unlink()
    (hub / ".stfolder").touch()
    assert isinstance(meet(ada, hub).error, UnavailableError)


def test_a_remote_whose_objects_are_all_of_strangers_is_not_the_one_that_it_was(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica]
) -> None:
    for path in hub.iterdir():
        path.unlink()
    stranger = new_replica("stranger")
    stranger.increment("builds", 100)
    meet(stranger, hub)
    assert isinstance(meet(three[0], hub).error, UnavailableError)
    assert len(list(hub.iterdir())) == 1


def test_a_remote_that_is_whole_again_needs_nothing(three: list[Replica], hub: Path) -> None:
    hub.rename(hub.with_name("away"))
    hub.mkdir()
    assert isinstance(meet(three[0], hub).error, UnavailableError)
    hub.rmdir()
    hub.with_name("away").rename(hub)
    report = meet(three[0], hub)
    assert (report.error, report.put, report.read, report.missing) == (None, None, [], [])


def test_where_the_memory_was_lost_nothing_is_claimed(three: list[Replica], hub: Path) -> None:
    shutil.rmtree(directory(three[0].path))
    for path in hub.iterdir():
        path.unlink()
    report = meet(three[0], hub)
    assert (report.error, report.missing) == (None, [])


# Some of it is missing --------------------------------------------------------------------------------------------


def test_an_object_that_is_gone_is_reported_once_and_not_put_again(three: list[Replica], hub: Path) -> None:
    only(hub, "bob").unlink()
    report = meet(three[0], hub)
    assert [(one.owner, one.is_own) for one in report.missing] == [(three[1].id, False)]
    assert (report.error, report.put) == (None, None)
    again = meet(three[0], hub)
    assert (again.error, again.put, again.missing) == (None, None, [])
    assert three[0].value("builds") == 6


def test_what_is_missing_for_a_day_is_put_again(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    only(hub, "bob").unlink()
    meet(three[0], hub)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + DAY + 60)
    assert meet(three[0], hub).put is not None
    fresh = new_replica("fresh")
    meet(fresh, hub)
    assert fresh.value("builds") == 6


def test_what_was_deleted_on_purpose_is_put_again_at_once(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica]
) -> None:
    only(hub, "bob").unlink()
    meet(three[0], hub)
    report = meet(three[0], hub, accept_missing=True)
    assert (report.missing, report.put is not None) == ([], True)
    assert not meet(three[0], hub).put
    fresh = new_replica("fresh")
    meet(fresh, hub)
    assert fresh.value("builds") == 6


def test_an_own_object_that_is_gone_is_reported_and_put_again(three: list[Replica], hub: Path) -> None:
    mine = only(hub, "ada")
    mine.unlink()
    report = meet(three[0], hub)
    assert [one.is_own for one in report.missing] == [True]
    assert without_time(only(hub, "ada").name) == without_time(mine.name)
    assert meet(three[0], hub).missing == []


def test_an_object_with_a_newer_one_of_its_owner_or_under_another_name_is_not_missing(
    three: list[Replica], hub: Path
) -> None:
    three[1].increment("builds")
    meet(three[1], hub)
    moved = only(hub, "cy")
    moved.rename(hub / "renamed by somebody.json")
    report = meet(three[0], hub)
    assert (report.error, report.missing) == (None, [])


def test_the_object_of_a_replica_that_was_absorbed_is_not_missing(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica]
) -> None:
    from crdtctl.store.inputs import Input

    job = new_replica("job")
    job.increment("builds", 10)
    job.seal()
    meet(job, hub)
    meet(three[0], hub)
    three[1].absorb([Input("job", data=job.export_bytes())])
    assert meet(three[1], hub, clean=True).deleted
    report = meet(three[0], hub)
    assert (report.error, report.missing) == (None, [])


def test_a_listing_that_is_cut_is_no_reason_to_put_everything_again(
    three: list[Replica], hub: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cut(Folder):
        def list(self) -> Sequence[ListedObject]:
            return sorted(super().list(), key=lambda entry: entry.name)[:1]

    with monkeypatch.context() as patched:
        patched.setattr(connecting, "connect", lambda url, deadline, state: Cut(Endpoint(url, url, deadline, state)))
        report = meet(three[0], hub)
    assert {one.owner for one in report.missing} == {three[1].id, three[2].id}
    assert report.put is None
    assert meet(three[0], hub).put is None


def test_who_has_a_newer_object_there_that_cannot_be_read_is_not_missing(three: list[Replica], hub: Path) -> None:
    old = only(hub, "bob")
    three[1].increment("builds", 10)
    meet(three[1], hub)
    new = only(hub, "bob")
    new.write_bytes(new.read_bytes()[:40])
    assert not old.exists()
    report = synchronize(three[0], str(hub))
    assert list(report.merge.refused) == [f"{hub}/{new.name}"]
    assert report.remotes[0].missing == []


def test_a_sealed_replica_which_reads_nothing_more_misses_nothing(three: list[Replica], hub: Path) -> None:
    old = only(hub, "bob")
    three[1].increment("builds", 10)
    meet(three[1], hub)
    assert not old.exists()
    three[0].seal()
    report = meet(three[0], hub)
    assert (report.error, report.missing, report.put is not None) == (None, [], True)


def test_the_object_of_a_replica_that_goes_on_under_a_new_id_stays(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica]
) -> None:
    dan = new_replica("dan")
    dan.increment("builds", 10)
    own = Path(dan.path, "own.json")
    backup = own.read_bytes()
    meet(dan, hub)
    before = only(hub, "dan")
    meet(three[0], hub)
    own.write_bytes(backup)  # as it was before the first sync
    former = dan.id
    meet(dan, hub)
    assert dan.id != former
    assert before.exists()
    for replica in [*three, new_replica("fresh")]:
        report = meet(replica, hub)
        assert (report.error, report.missing, replica.value("builds")) == (None, [], 16)


# Listed, and not to be had ----------------------------------------------------------------------------------------


class Withholding(Folder):
    """A folder that lists files, and says of each that there is no such file."""

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        raise MissingError("there is no such file")


def test_what_is_listed_again_and_again_and_cannot_be_fetched_is_named(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica], monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return Withholding(Endpoint(url, url, deadline, state))

    fresh = new_replica("fresh")
    monkeypatch.setattr(connecting, "connect", connect)
    report = synchronize(fresh, str(hub))
    assert sorted(report.merge.refused) == sorted(f"{hub}/{path.name}" for path in hub.iterdir())
    assert all("is in the listing" in reason.message for reason in report.merge.refused.values())


# Stand-ins and transfers under way --------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", [".X.icloud", "X.nextcloud", "X.owncloud", "X.rsls", "X.cloud"])
def test_a_stand_in_of_a_cloud_drive_is_not_downloaded_and_not_missing(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica], pattern: str
) -> None:
    theirs = only(hub, "bob")
    theirs.rename(hub / pattern.replace("X", theirs.name))
    fresh = new_replica("fresh")
    for _ in range(2):
        [reason] = synchronize(fresh, str(hub)).merge.refused.values()
        assert f"{theirs.name} is only a placeholder" in reason.message
    report = synchronize(three[0], str(hub))
    assert (report.merge.refused, report.remotes[0].missing, report.changed) == ({}, [], False)
    assert report.replicas >= {three[1].id}


def test_an_own_object_with_a_stand_in_is_not_put_again(three: list[Replica], hub: Path) -> None:
    mine = only(hub, "ada")
    mine.rename(hub / f".{mine.name}.icloud")
    report = synchronize(three[0], str(hub))
    assert (report.merge.refused, report.remotes[0].missing, report.changed) == ({}, [], False)


@pytest.mark.parametrize(
    "ending", [".partial", ".part", ".filepart", ".crdownload", ".download", ".tmp", ".aria2", ".!sync"]
)
def test_a_transfer_under_way_is_left_alone_for_an_hour_and_then_named(
    three: list[Replica], hub: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    half = hub / f"new.crdt.json{ending}"
    half.write_bytes(only(hub, "bob").read_bytes()[:40])
    for _ in range(2):
        assert synchronize(three[0], str(hub)).merge.refused == {}
    now = time.time()
    with monkeypatch.context() as patched:
        patched.setattr(time, "time", lambda: now + 3700)
        assert list(synchronize(three[0], str(hub)).merge.refused) == [f"{hub}/{half.name}"]
    half.write_bytes(only(hub, "bob").read_bytes()[:50])  # it goes on
    assert synchronize(three[0], str(hub)).merge.refused == {}


# Folder or repository -------------------------------------------------------------------------------------------


def test_a_folder_in_which_a_repository_appears_remains_a_folder(three: list[Replica], hub: Path) -> None:
    subprocess.run(["git", "init", "-q", str(hub)], check=True)
    three[0].increment("builds", 10)
    assert meet(three[0], hub).error is None
    (hub / ".git").rename(hub.with_name("aside"))  # as another machine sees it
    assert meet(three[1], hub).error is None
    assert three[1].value("builds") == 16


def test_one_that_never_was_there_is_asked_which_is_meant(
    three: list[Replica], hub: Path, new_replica: Callable[[str], Replica]
) -> None:
    subprocess.run(["git", "init", "-q", str(hub)], check=True)
    fresh = new_replica("fresh")
    failure = meet(fresh, hub).error
    assert isinstance(failure, UnavailableError)
    assert f"git+file://{hub}" in failure.hint
    [named] = synchronize(fresh, f"file://{hub}").remotes
    assert named.error is None
    assert fresh.value("builds") == 6


def test_a_repository_that_is_none_any_more_is_no_folder(new_replica: Callable[[str], Replica], tmp_path: Path) -> None:
    shared = tmp_path / "shared.git"
    subprocess.run(["git", "init", "-q", "--bare", str(shared)], check=True)
    ada = new_replica("ada")
    ada.increment("builds")
    assert meet(ada, shared).error is None
    shared.rename(tmp_path / "aside")
    shared.mkdir()
    failure = meet(ada, shared).error
    assert isinstance(failure, UnavailableError)
    assert "was a git repository" in failure.message
    assert os.listdir(shared) == []


# Health ---------------------------------------------------------------------------------------------------------


def test_what_is_kept_of_a_remote_is_when_a_sync_last_went_well_and_what_failed_since(
    three: list[Replica], hub: Path
) -> None:
    place, url = directory(three[0].path), str(hub)
    good = health.load(place, url)
    assert (good.kind, good.failures, good.error, good.last_ok == good.last_try) == ("folder", 0, "", True)
    hub.rename(hub.with_name("away"))
    for number in (1, 2):
        meet(three[0], hub)
        bad = health.load(place, url)
        assert (bad.failures, bad.status, bad.last_ok) == (number, 69, good.last_ok)
        assert bad.failing_since <= bad.last_try
    hub.with_name("away").rename(hub)
    meet(three[0], hub)
    assert health.load(place, url).failures == 0


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"url": 1}', b"\xff", b'{"url":"x","crdtctl_remote":2}'])
def test_what_is_damaged_of_it_is_forgotten(three: list[Replica], hub: Path, text: bytes) -> None:
    place = directory(three[0].path)
    for path in Path(place).glob("*.remote.json"):
        path.write_bytes(text)
    assert health.load(place, str(hub)) == health.Health(str(hub))
    assert health.load_all(place) == []
    assert meet(three[0], hub).error is None
