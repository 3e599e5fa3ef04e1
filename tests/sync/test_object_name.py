"""The time of a replica's last sync in the name of its object: other replicas read it from the listing."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica, synchronize
from crdtctl.sync import object_name
from crdtctl.sync.report import Options
from crdtctl.sync.transports.folder.transport import Folder
from tests.conftest import PROGRAM, Result, Shell
from tests.support.expect import contents


class Fleet:
    """Two replicas and a folder; each command is run at a time of its own."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self.hub = shell.directory / "hub"
        self.hub.mkdir()
        for name in ("ada", "bob"):
            shell.ok("--replica", f"./{name}", "init", "--name", name)
            shell.ok("--replica", f"./{name}", "increment", "builds")

    def at(self, when: str, name: str, *words: str) -> Result:
        """Sync a replica at another time."""
        command = ["faketime", "-f", when, *PROGRAM, "--replica", f"./{name}", "sync", *words, "./hub"]
        done = subprocess.run(
            command,
            cwd=self.shell.directory,
            env=dict(self.shell.environment),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def names(self) -> list[str]:
        return sorted(os.listdir(self.hub))


@pytest.fixture
def fleet(shell: Shell) -> Fleet:
    made = Fleet(shell)
    for name in ("ada", "bob", "ada"):
        assert made.at("+0", name).status == 0
    return made


def test_one_that_was_silent_for_a_day_is_named_although_its_file_is_there(fleet: Fleet) -> None:
    assert fleet.at("+10m", "ada", "--require-fresh", "1h").status == 0
    ended = fleet.at("+1d", "ada", "--require-fresh", "1h", "--require-replicas", "2")
    assert ended.status == 1
    assert re.fullmatch(
        r"crdtctl: 1 of 1 other replicas did not sync within 60 minutes: bob-[0-9a-f]{32} \(24 hours ago\); if one is "
        r"gone forever: delete its object at the remote, and run crdtctl sync --accept-missing\n",
        ended.stderr,
    )


def test_the_id_that_a_replica_had_before_it_was_put_back_is_not_asked_for_once_its_object_was_deleted(
    fleet: Fleet,
) -> None:
    bob = fleet.shell.directory / "bob"
    bob.rename(former := fleet.shell.directory / "former")
    shutil.copytree(former, bob)
    old = set(fleet.names())
    assert fleet.shell("--replica", "bob", "increment", "hits").status == 0
    assert fleet.at("+1d", "bob").status == 0
    assert fleet.at("+1d", "ada", "--require-fresh", "1h").status == 1
    (name,) = (one for one in old & set(fleet.names()) if one.startswith("bob-"))
    (fleet.hub / name).unlink()
    assert fleet.at("+1d", "ada", "--accept-missing", "--require-fresh", "1h").status == 0
    assert fleet.at("+1d", "ada", "--require-fresh", "1h").status == 0


def test_one_that_syncs_without_news_is_fresh(fleet: Fleet) -> None:
    assert fleet.at("+1d", "bob").status == 0
    ended = fleet.at("+1d", "ada", "--require-fresh", "1h")
    assert (ended.status, ended.stderr) == (0, "")


def test_without_news_the_time_is_renewed_at_intervals_and_is_no_commit(fleet: Fleet) -> None:
    before, log = fleet.names(), fleet.shell.ok("--replica", "./bob", "log")
    clock = fleet.shell.ok("--replica", "./bob", "clock")
    assert fleet.at("+20m", "bob", "--exit-code").status == 0
    assert fleet.names() == before
    assert fleet.at("+40m", "bob", "--exit-code").status == 0
    after = fleet.names()
    assert len(after) == 2
    assert after != before
    assert [object_name.without_time(name) for name in after] == [object_name.without_time(name) for name in before]
    assert (fleet.shell.ok("--replica", "./bob", "log"), fleet.shell.ok("--replica", "./bob", "clock")) == (log, clock)


def test_with_an_interval_of_nought_it_is_not_renewed(fleet: Fleet) -> None:
    before = fleet.names()
    assert fleet.at("+1d", "bob", "--heartbeat", "0").status == 0
    assert fleet.names() == before


def test_a_clock_that_is_ahead_proves_nothing(fleet: Fleet) -> None:
    assert fleet.at("+30d", "bob").status == 0
    ended = fleet.at("+1d", "ada", "--require-fresh", "1h")
    assert ended.status == 1
    assert "clock ahead by 28 days" in ended.stderr


def test_one_whose_object_says_nothing_is_named(fleet: Fleet) -> None:
    [theirs] = [name for name in fleet.names() if name.startswith("bob-")]
    (fleet.hub / theirs).rename(fleet.hub / object_name.without_time(theirs))
    ended = fleet.at("+0", "ada", "--require-fresh", "1h")
    assert ended.status == 1
    assert "time of the last sync unknown" in ended.stderr


def test_those_that_have_ended_need_not_sync(fleet: Fleet) -> None:
    fleet.shell.ok("--replica", "./bob", "seal", "--yes")
    assert fleet.at("+0", "bob").status == 0
    assert fleet.at("+3d", "ada", "--require-fresh", "1h").status == 0


def test_where_nothing_may_be_written_the_time_is_not_renewed_and_that_is_no_failure(fleet: Fleet) -> None:
    program = fleet.shell.directory / "program"
    program.write_text(
        "#!/bin/sh\n"
        f'cd "{fleet.hub}" || exit 1\n'
        'case $1 in list) find . -maxdepth 1 -type f -printf "%s %T@.%i %f\\n" ;; get) cat "$2" ;;\n'
        '*) [ -e ../open ] || exit 77; [ "$1" = delete ] && rm -f "$2" || cat >"$2" ;; esac\n'
    )
    program.chmod(0o755)
    words = ["--replica", "./bob", "sync", f"exec:{program}"]
    (fleet.shell.directory / "open").touch()
    fleet.shell.ok(*words)
    (fleet.shell.directory / "open").unlink()
    done = subprocess.run(
        ["faketime", "-f", "+2h", *PROGRAM, *words],
        cwd=fleet.shell.directory,
        env=dict(fleet.shell.environment),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_nobody_reads_an_object_again_whose_time_was_renewed(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = tmp_path / "hub"
    ada, bob = new_replica("ada"), new_replica("bob")
    for replica in (ada, bob, ada, bob):
        replica.increment("builds")
        synchronize(replica, str(hub))
    synchronize(ada, str(hub))
    [theirs] = [name for name in os.listdir(hub) if name.startswith("bob-")]
    later = object_name.last_sync_time(theirs)
    assert later is not None
    (hub / theirs).rename(hub / object_name.with_time(object_name.without_time(theirs), later + 3600))
    read: list[str] = []
    get = Folder.get

    def watched(self: Folder, name: str, write: Callable[[bytes], object]) -> None:
        read.append(name)
        get(self, name, write)

    monkeypatch.setattr(Folder, "get", watched)
    report = synchronize(ada, str(hub), options=Options())
    assert (read, report.changed, report.seen) == ([], False, {bob.id: later + 3600})
    before = contents(hub)
    assert synchronize(ada, str(hub)).seen == {bob.id: later + 3600}
    assert contents(hub) == before
