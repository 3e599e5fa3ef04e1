"""A folder as a remote."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import StorageError
from crdtctl.sync import connecting
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transports.folder.transport import Folder
from tests.sync.conformance import Conformance, Remote
from tests.sync.meetings import Meetings, is_silent, meet, values


class TestFolder(Conformance, Meetings):
    @pytest.fixture
    def remote(self, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(str(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


def test_who_carries_between_two_remotes_may_be_lost_and_replaced(
    new_replica: Callable[[str], Replica], tmp_path: Path
) -> None:
    region, centre = (Remote(str(tmp_path / name), tmp_path) for name in ("region", "centre"))
    here, there = new_replica("here"), new_replica("there")
    first = Replica.init(tmp_path / "first")
    here.increment("hits", 2)
    there.increment("hits", 3)
    meet(here, region)
    meet(there, centre)
    meet(first, region, centre)
    shutil.rmtree(first.path)
    here.increment("hits", 5)
    meet(here, region)
    second = Replica.init(tmp_path / "second")
    for _ in range(2):
        meet(second, region, centre)
        meet(here, region)
        meet(there, centre)
    assert values([here, there, second], "hits") == [10, 10, 10]
    assert is_silent(meet(second, region, centre))


class PutsNothing(Folder):
    """A folder that has become full."""

    def put(self, name: str, path: str) -> None:
        raise StorageError("it is full")


def test_the_older_object_goes_only_when_the_newer_one_is_there(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, hub = new_replica("here"), Remote(str(tmp_path / "hub"), tmp_path)
    here.increment("hits")
    meet(here, hub)
    before = hub.list()
    here.increment("hits")
    with monkeypatch.context() as patched:
        patched.setattr(connecting, "connect", lambda url, *rest: PutsNothing(Endpoint(url, url, *rest)))
        with pytest.raises(StorageError):
            meet(here, hub)
    assert hub.list() == before
    meet(here, hub)
    assert len(hub.list()) == 1


def test_a_sealed_replica_puts_its_object_again_when_that_was_damaged(
    new_replica: Callable[[str], Replica], tmp_path: Path
) -> None:
    job, hub = new_replica("job"), Remote(str(tmp_path / "hub"), tmp_path)
    job.increment("hits")
    job.seal()
    meet(job, hub)
    assert is_silent(meet(job, hub))
    [name] = hub.list()
    whole = hub.get(name)
    hub.put(name, whole[:-9])
    time.sleep(1.1)  # the time in the name of the new object is another one
    meet(job, hub)
    [again] = hub.list()  # perhaps with another time in its name
    assert hub.get(again) == whole
