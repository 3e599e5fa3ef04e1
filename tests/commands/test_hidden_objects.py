"""A keeper of files who hides objects, or brings old ones back: no total is wrong, and it is noticed."""

import json
import shutil
from pathlib import Path

import pytest

from crdtctl import Replica, synchronize
from crdtctl.sync.transports.folder.transport import Folder
from tests.commands.meeting import neighbour
from tests.commands.test_remote_health import at
from tests.conftest import Shell
from tests.support.terminal import on_terminal


@pytest.fixture(params=["plain", "private"])
def hub(request: pytest.FixtureRequest, shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is a remote, with and without a key."""
    if request.param == "private":
        key = shell.ok("remote", "key", "new").splitlines()[-1]
        monkeypatch.setenv("CRDTCTL_REMOTE_KEY", key)
        dict.update(shell.environment, {"CRDTCTL_REMOTE_KEY": key})
    path = shell.directory.parent / "hub"
    path.mkdir()
    return path


def bring_back(hub: Path, before: Path) -> None:
    shutil.rmtree(hub)
    shutil.copytree(before, hub)


def test_old_objects_that_are_brought_back_are_named_once_and_change_no_total(
    shell: Shell, replica: Replica, hub: Path
) -> None:
    other = neighbour(shell.directory, "other", hub, builds=40)
    shell.ok("sync", str(hub))
    shutil.copytree(hub, hub.with_name("before"))
    other.increment("builds", 2)
    synchronize(other, str(hub))
    shell.ok("sync", str(hub))
    bring_back(hub, hub.with_name("before"))
    done = shell("sync", str(hub), "--format", "json")
    assert done.status == 3
    assert f"older objects are back there: of {other.id} up to commit 1, before up to commit 2" in done.stderr
    assert json.loads(done.stdout)["remotes"][0]["older"] == [{"replica": other.id, "commit": 1, "before": 2}]
    assert shell.ok("show", "builds") == "42\n"
    shell.ok("sync", str(hub))
    fresh = Replica.init(shell.directory / "fresh", name="fresh")
    synchronize(fresh, str(hub))
    assert fresh.value("builds") == 42
    synchronize(other, str(hub), check=False)
    shell.ok("sync", str(hub))
    bring_back(hub, hub.with_name("before"))
    assert shell("sync", str(hub)).status == 3


def test_an_older_listing_that_is_late_once_is_no_failure(
    replica: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Folder, "is_consistent", False)
    hub = tmp_path / "hub"
    hub.mkdir()
    other = Replica.init(tmp_path / "other", name="other")
    other.increment("builds", 40)
    synchronize(other, str(hub))
    synchronize(replica, str(hub))
    shutil.copytree(hub, tmp_path / "before")
    other.increment("builds", 2)
    synchronize(other, str(hub))
    synchronize(replica, str(hub))
    shutil.copytree(hub, tmp_path / "after")

    def older(place: str) -> list[str]:
        bring_back(hub, tmp_path / place)
        [report] = synchronize(replica, str(hub), check=False).remotes
        return [*report.older]

    assert [older(place) for place in ("before", "after", "before", "before", "before")] == [
        [],
        [],
        [],
        [other.id],
        [],
    ]
    assert replica.value("builds") == 42


def test_newer_objects_that_one_remote_hides_are_noticed_where_another_shows_them(
    shell: Shell, replica: Replica, hub: Path
) -> None:
    stick = hub.with_name("stick")
    stick.mkdir()
    other = neighbour(shell.directory, "other", hub, builds=40)
    synchronize(other, str(stick))
    shell.ok("sync", str(hub), str(stick))
    shutil.copytree(hub, hub.with_name("before"))
    other.increment("builds", 2)
    synchronize(other, str(hub), str(stick))
    bring_back(hub, hub.with_name("before"))
    shell.ok("sync", str(hub), str(stick))
    assert shell.ok("show", "builds") == "42\n"
    assert json.loads(shell.ok("status", "--format", "json"))["outdated"] == []
    late = at(shell, "+2d", "status", "--format", "json")
    assert late.status == 0, late.stderr
    [found] = json.loads(late.stdout)["outdated"]
    assert (found["url"], found["replica"], found["commit"], found["known"]) == (str(hub), other.id, 1, 2)
    shown = at(shell, "+2d", "status", "--format", "table").stdout
    assert f"outdated   {hub} has commit 1 of {other.id}, whose commit 2 is known" in shown
    assert f"not heard  {other.id}: since 20" in shown


def test_status_has_the_last_sync_of_each_replica(shell: Shell, replica: Replica, hub: Path) -> None:
    other = neighbour(shell.directory, "other", hub, builds=40)
    shell.ok("sync", str(hub))
    rows = json.loads(shell.ok("status", "--format", "json"))["replicas"]
    times = {row["replica"]: row["last_sync"] for row in rows}
    assert (times[replica.id], times[other.id][:2]) == (None, "20")
    assert "not heard" not in on_terminal(shell, "status").stdout
