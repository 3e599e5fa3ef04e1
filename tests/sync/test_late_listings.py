"""Late listings cause no alarm; an upload that is never listed does."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import pytest

from crdtctl import Replica
from crdtctl.errors import UnavailableError
from crdtctl.sync import connecting, health
from crdtctl.sync.kept_files import directory
from crdtctl.sync.report import RemoteReport
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.sync.transports.folder.transport import Folder
from tests.sync.test_missing_objects import meet, only


class Late(Folder):
    """A folder that lists a file that was put only once it has caught up; what is deleted goes at once."""

    is_consistent = False
    hidden: ClassVar[set[str]] = set()
    is_late: ClassVar[bool] = True

    def list(self) -> Sequence[ListedObject]:
        return [entry for entry in super().list() if entry.name not in self.hidden]

    def put(self, name: str, path: str) -> None:
        super().put(name, path)
        if self.is_late:
            self.hidden.add(name)


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> type[Late]:
    """Make every folder late."""

    class One(Late):
        hidden: ClassVar[set[str]] = set()
        is_late: ClassVar[bool] = True

    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return One(Endpoint(url, url, deadline, state))

    monkeypatch.setattr(connecting, "connect", connect)
    return One


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    made = tmp_path / "hub"
    made.mkdir()
    return made


@pytest.fixture
def ada(new_replica: Callable[[str], Replica]) -> Replica:
    made = new_replica("ada")
    made.increment("builds")
    return made


@pytest.fixture
def bob(new_replica: Callable[[str], Replica]) -> Replica:
    made = new_replica("bob")
    made.increment("builds", 10)
    return made


def assert_quiet(report: RemoteReport) -> None:
    assert (report.error, report.missing) == (None, [])


def test_an_object_that_was_put_and_is_not_listed_yet_is_not_missed(late: type[Late], hub: Path, ada: Replica) -> None:
    for _ in range(3):
        assert_quiet(meet(ada, hub))
        ada.increment("builds")
    late.hidden.clear()
    late.is_late = False
    assert_quiet(meet(ada, hub))
    assert len(list(hub.glob("ada-*"))) == 1
    assert meet(ada, hub).put is None


def test_the_older_object_stays_until_the_newer_is_listed(
    late: type[Late], hub: Path, ada: Replica, bob: Replica
) -> None:
    late.is_late = False
    meet(ada, hub)
    meet(bob, hub)
    late.is_late = True
    ada.increment("builds")
    [before] = {path.name for path in hub.glob("ada-*")}
    assert meet(ada, hub).deleted == []
    assert_quiet(meet(bob, hub))
    late.hidden.clear()
    assert before in meet(ada, hub).deleted
    assert_quiet(meet(bob, hub))
    assert bob.value("builds") == 12


def test_who_put_nothing_itself_misses_nothing(
    late: type[Late], hub: Path, ada: Replica, new_replica: Callable[[str], Replica]
) -> None:
    reader = new_replica("reader")
    late.is_late = False
    meet(ada, hub)
    meet(reader, hub)
    late.is_late = True
    ada.increment("builds")
    meet(ada, hub)
    assert_quiet(meet(reader, hub))


def test_one_that_was_listed_and_is_gone_is_missed_at_once(late: type[Late], hub: Path, ada: Replica) -> None:
    late.is_late = False
    meet(ada, hub)
    only(hub, "ada").unlink()
    assert isinstance(meet(ada, hub).error, UnavailableError)


def test_what_was_put_is_listed_within_minutes_or_it_is_a_failure(
    late: type[Late], hub: Path, ada: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(ada, hub)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 900)
    for _ in range(2):
        report = meet(ada, hub)
        assert isinstance(report.error, UnavailableError)
        assert "not in the listing" in report.error.message
        assert f"--accept-missing {hub}" in report.error.hint
        assert len(list(hub.iterdir())) == 1
    late.is_late = False
    assert_quiet(meet(ada, hub, accept_missing=True))
    assert health.load(directory(ada.path), str(hub)).unlisted == {}
    assert_quiet(meet(ada, hub))


def test_one_that_is_lost_where_another_is_listed_is_no_failure(
    late: type[Late], hub: Path, ada: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(ada, hub)
    only(hub, "ada").unlink()
    late.is_late = False
    ada.increment("builds")
    meet(ada, hub)
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 900)
    assert_quiet(meet(ada, hub))


def test_one_that_is_listed_after_all_is_no_failure(
    late: type[Late], hub: Path, ada: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    meet(ada, hub)
    late.hidden.clear()
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 900)
    assert_quiet(meet(ada, hub))
    assert len(list(hub.iterdir())) == 1
