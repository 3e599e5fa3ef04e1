"""A sync with a folder of this machine: what it imports, its threads, and the files that it reads."""

import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

import crdtctl
from crdtctl import Replica
from crdtctl.sync import connecting, engine
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.sync.transports.folder.transport import Folder
from tests.support.unchecked import synchronize

#: Prints the names of all modules that a sync has imported.
SYNC = """
import sys
sys.path += sys.argv.pop(1).split(":")
from crdtctl.store.replica import Replica
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Remote
report = sync(Replica(sys.argv[1]), [Remote("hub", sys.argv[2])])
assert report.remotes[0].error is None and not report.changed
print(*sys.modules)
"""
DIRECTORIES = f"{Path(crdtctl.__file__).parents[1]}:{sysconfig.get_path('purelib')}"
#: Modules that took most of the time of such a sync.
HEAVY = {
    *("asyncio", "calendar", "concurrent.futures", "dataclasses", "hashlib", "queue", "random", "shutil"),
    *("subprocess", "tempfile", "threading", "urllib.parse"),
    *("crdtctl.sync.upload", "crdtctl.sync.worker_threads", "crdtctl.sync.transports.git.transport"),
}


@pytest.fixture
def here(new_replica: Callable[[str], Replica], tmp_path: Path) -> Replica:
    """Return a replica that has synced with the folder `hub`, where another one has an object."""
    there, here = new_replica("there"), new_replica("here")
    for replica in (there, here):
        replica.increment("builds")
        synchronize(replica, f"{tmp_path}/hub")
    return here


def test_sync_without_news_imports_none_of_the_heavy_modules(here: Replica, tmp_path: Path) -> None:
    command = [sys.executable, "-E", "-P", "-S", "-c", SYNC, DIRECTORIES, here.path, f"{tmp_path}/hub"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = set(done.stdout.split())
    assert "crdtctl.sync.transports.folder.transport" in found
    assert found & HEAVY == set()


def test_sync_works_at_folders_of_this_machine_without_threads(
    here: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[str] = []

    class Watched(Folder):
        """A folder that records the threads which list it."""

        def list(self) -> Sequence[ListedObject]:
            threads.append(threading.current_thread().name)
            return super().list()

    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return Watched(Endpoint(url, url, deadline, state))

    monkeypatch.setattr(connecting, "connect", connect)
    synchronize(here, f"{tmp_path}/hub", f"{tmp_path}/second")
    assert threads == [threading.current_thread().name] * 2
    threads.clear()
    monkeypatch.setattr(engine, "is_local_folder", lambda _: False)
    synchronize(here, f"{tmp_path}/hub", f"{tmp_path}/second")
    assert threads == ["crdtctl-remote"] * 2


def test_operation_during_a_sync_is_uploaded_by_it(
    here: Replica, new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Counting(Folder):
        """A folder during whose listing the replica counts."""

        def list(self) -> Sequence[ListedObject]:
            here.increment("builds", 40)
            return super().list()

    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return Counting(Endpoint(url, url, deadline, state))

    with monkeypatch.context() as patched:
        patched.setattr(connecting, "connect", connect)
        synchronize(here, f"{tmp_path}/hub")
    fresh = new_replica("fresh")
    synchronize(fresh, f"{tmp_path}/hub")
    assert fresh.value("builds") == here.value("builds") == 42
