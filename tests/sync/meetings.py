"""Syncs of replicas at one remote: a class of tests that each transport's own tests inherit.

They go through everything: real replicas, real processes, and the real server behind the fixture `remote`.
"""

import random
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import CrdtctlError, UnavailableError
from crdtctl.sync import download
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Options, SyncReport
from crdtctl.sync.report import Remote as Named
from tests.sync.conformance import Remote

#: Counts and syncs in turns, and says on stdout when it counts ("?") and has counted ("+").
WRITER = """
import sys
from crdtctl import Replica
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Options, Remote
replica = Replica(sys.argv[1])
for _ in range(int(sys.argv[3])):
    print("?", end="", flush=True)
    replica.increment("hits")
    print("+", end="", flush=True)
    for one in sync(replica, [Remote("there", sys.argv[2])], Options(timeout=100)).remotes:
        if one.error:
            raise one.error
"""
WRITERS = 4
TURNS = 3


def meet(
    replica: Replica, *remotes: Remote, clean: bool = False, dry_run: bool = False, accept_missing: bool = False
) -> SyncReport:
    """Sync, and expect that every remote could be reached."""
    named = [Named(f"remote-{number}", remote.url) for number, remote in enumerate(remotes)]
    options = Options(timeout=100, clean=clean, dry_run=dry_run, accept_missing=accept_missing)
    report = sync(replica, named, options)
    for one in report.remotes:
        if one.error is not None:
            raise one.error
    return report


def is_silent(report: SyncReport) -> bool:
    """Return whether a sync neither read, nor put, nor deleted anything."""
    return not report.changed and not any(one.read or one.put or one.deleted for one in report.remotes)


def values(replicas: Sequence[Replica], name: str) -> list[int]:
    """Return what each replica reads."""
    return [replica.value(name) if replica.tags(name) else 0 for replica in replicas]


def start_writer(replica: Replica, remote: Remote, said: Path) -> subprocess.Popen[bytes]:
    """Start a process that counts and syncs in turns; what it says goes to a file."""
    with said.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-c", WRITER, replica.path, remote.url, str(TURNS)], stdout=file, stderr=subprocess.PIPE
        )


class Meetings:
    """The tests."""

    @pytest.fixture
    def remote(self) -> Remote:
        raise NotImplementedError

    def test_file_that_is_too_large_is_refused_before_it_is_read(
        self, remote: Remote, new_replica: Callable[[str], Replica], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here, there, stranger = (new_replica(name) for name in ("here", "there", "stranger"))
        there.increment("hits", 3)
        meet(there, remote)
        with stranger.batch() as batch:
            for number in range(2000):
                batch.increment(f"counter {number}")
        meet(stranger, remote)
        smaller, larger = sorted(entry.size for entry in remote.list().values())
        assert smaller < 2000 < 20_000 < larger
        monkeypatch.setattr(download, "MAX_OBJECT", 20_000)
        read: list[int] = []
        monkeypatch.setattr(download, "_accept", lambda _session, entry, *_: read.append(entry.size))
        report = meet(here, remote)
        assert read == [smaller]
        [reason] = report.merge.refused.values()
        assert "is larger than" in str(reason)

    def test_replicas_that_never_met_elsewhere_agree(
        self, remote: Remote, new_replica: Callable[[str], Replica]
    ) -> None:
        replicas = [new_replica(name) for name in ("one", "two", "three")]
        for number, replica in enumerate(replicas, 1):
            replica.increment("hits", number)
            replica.add("hosts", f"host-{number}")
        for replica in replicas * 2:
            meet(replica, remote)
        assert values(replicas, "hits") == [6, 6, 6]
        assert {replica.reading("hosts").members for replica in replicas} == {("host-1", "host-2", "host-3")}
        assert [is_silent(meet(replica, remote)) for replica in replicas] == [True] * 3
        assert len(remote.list()) == 3  # an object each

    def test_what_one_counted_costs_the_others_one_object(
        self, remote: Remote, new_replica: Callable[[str], Replica]
    ) -> None:
        replicas = [new_replica(name) for name in ("one", "two", "three")]
        for replica in replicas:
            replica.increment("hits")
        for replica in replicas * 2:
            meet(replica, remote)
        replicas[0].increment("hits")
        [mine] = meet(replicas[0], remote).remotes
        assert (mine.read, len(mine.deleted)) == ([], 1)
        [theirs] = meet(replicas[1], remote).remotes
        assert ([moved.owner for moved in theirs.read], theirs.put) == ([replicas[0].id], None)
        assert values(replicas, "hits") == [4, 4, 3]

    def test_a_state_travels_over_several_remotes_and_hands(
        self, remote: Remote, new_replica: Callable[[str], Replica], tmp_path: Path
    ) -> None:
        here, hub, there = (new_replica(name) for name in ("here", "hub", "there"))
        stick = Remote(str(tmp_path / "stick"), tmp_path)
        here.increment("hits", 2)
        there.increment("hits", 3)
        meet(here, remote)
        meet(there, stick)
        for _ in range(2):
            meet(hub, remote, stick)
        meet(here, remote)
        meet(there, stick)
        assert values([here, hub, there], "hits") == [5, 5, 5]

    def test_a_dry_run_moves_nothing(self, remote: Remote, new_replica: Callable[[str], Replica]) -> None:
        here, there = new_replica("here"), new_replica("there")
        there.increment("hits", 3)
        meet(there, remote)
        here.increment("hits", 2)
        before = remote.list()
        [planned] = meet(here, remote, dry_run=True).remotes
        assert [(moved.owner, moved.entries) for moved in planned.read] == [(there.id, 1)]
        assert planned.put is not None
        assert planned.put.entries == 1
        assert (values([here], "hits"), remote.list()) == ([2], before)

    def test_copies_halves_and_strangers_are_joined_or_skipped_and_never_trusted(
        self, remote: Remote, new_replica: Callable[[str], Replica]
    ) -> None:
        here, there = new_replica("here"), new_replica("there")
        there.increment("hits", 3)
        meet(there, remote)
        [name] = remote.list()
        whole = remote.get(name)
        there.increment("hits", 4)
        meet(there, remote)
        remote.put(f"{name[:-10]} (1).json", whole)
        remote.put("half.crdt.json", whole[:-20])
        remote.put("notes.txt", b"<<<<<<< ours\n" + whole)
        report = meet(here, remote)
        assert values([here], "hits") == [7]
        assert sorted(report.merge.refused) == ["remote-0/half.crdt.json", "remote-0/notes.txt"]
        meet(there, remote, clean=True)
        assert sum(there.id[-32:] in entry for entry in remote.list()) == 1

    def test_what_is_deleted_there_is_brought_again(
        self, remote: Remote, new_replica: Callable[[str], Replica]
    ) -> None:
        here, there = new_replica("here"), new_replica("there")
        here.increment("hits", 2)
        there.increment("hits", 3)
        for replica in (here, there, here):
            meet(replica, remote)
        remote.delete(*remote.list())
        with pytest.raises(UnavailableError, match="disappeared since"):
            meet(here, remote)
        assert remote.list() == {}
        meet(here, remote, accept_missing=True)  # of whom it knows, it carries
        late = new_replica("late")
        meet(late, remote)
        assert values([here, late], "hits") == [5, 5]

    @pytest.mark.parametrize("seed", range(2))
    def test_writers_that_are_killed_while_all_sync_lose_nothing_and_count_nothing_twice(
        self, remote: Remote, new_replica: Callable[[str], Replica], tmp_path: Path, seed: int
    ) -> None:
        chance = random.Random(seed)
        replicas = [new_replica(f"writer-{number}") for number in range(WRITERS)]
        said = [tmp_path / f"said-{number}" for number in range(WRITERS)]
        running = [start_writer(replica, remote, path) for replica, path in zip(replicas, said, strict=True)]
        victims = running[:2]
        for victim, path in zip(victims, said, strict=False):
            length = chance.randrange(1, 2 * TURNS)
            while path.stat().st_size < length and victim.poll() is None:
                time.sleep(0.01)
            time.sleep(chance.random() / 4)
            victim.kill()
        failures = {process.pid: process.communicate(timeout=110)[1].decode() for process in running}
        assert [failures[process.pid] for process in running if process.returncode and process not in victims] == []
        words = "".join(path.read_text() for path in said)
        counted, asked = words.count("+"), words.count("?")
        for _ in range(2):
            for replica in replicas:
                meet(replica, remote)
        totals = set(values(replicas, "hits"))
        assert len(totals) == 1
        assert counted <= totals.pop() <= asked

    def test_a_remote_that_is_not_there_is_told_and_nothing_is_lost(
        self, new_replica: Callable[[str], Replica], remote: Remote, tmp_path: Path
    ) -> None:
        here = new_replica("here")
        here.increment("hits")
        away = Named("away", str(tmp_path / "not" / "mounted"))
        report = sync(here, [away, Named("there", remote.url)], Options(timeout=100))
        assert [isinstance(one.error, CrdtctlError) for one in report.remotes] == [True, False]
        assert len(remote.list()) == 1
