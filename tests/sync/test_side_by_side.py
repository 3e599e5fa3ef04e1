"""Remotes are synced side by side: a dead, slow or stuck one delays neither the others nor a signal."""

import os
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import TransientError
from crdtctl.sync import connecting, engine, schemes
from crdtctl.sync.report import Options
from crdtctl.sync.schemes import Endpoint
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.sync.transports.folder.transport import Folder
from tests.conftest import PROGRAM, Shell
from tests.support.unchecked import synchronize


@pytest.fixture
def silent() -> Iterator[str]:
    """Return the URL of a server that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/counts"


@pytest.fixture
def news(shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]) -> Path:
    """Return a folder with something new for the replica of the shell."""
    other = new_replica("other")
    other.increment("builds", 4)
    hub = shell.directory / "hub"
    synchronize(other, str(hub))
    replica.increment("builds", 3)
    return hub


def wait_until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    """Wait until something has come about, while the process still runs."""
    while not condition():
        assert process.poll() is None, "the sync ended before"
        time.sleep(0.05)


def ours(hub: Path, replica: Replica) -> list[Path]:
    return [path for path in hub.iterdir() if path.name.startswith(replica.id) and path.name.endswith(".crdt.json")]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_dead_remote_holds_up_neither_the_healthy_one_nor_a_signal(
    shell: Shell, replica: Replica, news: Path, silent: str, number: signal.Signals
) -> None:
    command = [*PROGRAM, "sync", "--timeout", "10m", silent, "./hub"]
    process = subprocess.Popen(command, cwd=shell.directory, env=dict(shell.environment), stderr=subprocess.PIPE)
    try:
        wait_until(lambda: bool(ours(news, replica)), process)
        assert replica.value("builds") == 7
        process.send_signal(number)
        process.communicate(timeout=60)
        assert process.returncode == 128 + number
    finally:
        process.kill()
        process.wait()


class Slow(Folder):
    """A folder that does not answer before it is let."""

    go = threading.Event()

    def list(self) -> Sequence[ListedObject]:
        assert self.go.wait(60)
        return super().list()


def test_what_a_slow_remote_brings_reaches_the_others_in_the_same_sync(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = new_replica("here"), new_replica("there")
    slow, quick = f"{tmp_path}/slow", f"{tmp_path}/quick"
    there.increment("builds", 4)
    here.increment("builds", 3)
    synchronize(there, slow)
    monkeypatch.setattr(Slow, "go", threading.Event())

    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return Slow(Endpoint(url, url, deadline, state)) if url == slow else schemes.connect(url, deadline, state)

    monkeypatch.setattr(connecting, "connect", connect)
    monkeypatch.setattr(engine, "is_local_folder", lambda _: False)

    def tick(doing: str, done: int, total: int) -> None:
        if os.path.isdir(quick) and any(name.endswith(".crdt.json") for name in os.listdir(quick)):
            Slow.go.set()

    report = synchronize(here, quick, slow, options=Options(progress=tick))
    assert [one.error for one in report.remotes] == [None, None]
    fresh = new_replica("fresh")
    synchronize(fresh, quick)
    assert fresh.value("builds") == 7
    again = synchronize(here, quick, slow)
    assert [(one.read, one.put, one.deleted) for one in again.remotes] == [([], None, [])] * 2


class Stuck(Folder):
    """A folder that the kernel does not come back from: no time and no signal ends it."""

    go = threading.Event()

    def list(self) -> Sequence[ListedObject]:
        self.go.wait(100)
        return super().list()


def test_one_that_is_stuck_is_left_behind_when_its_time_is_over(
    new_replica: Callable[[str], Replica], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here = new_replica("here")
    here.increment("builds")
    monkeypatch.setattr(Stuck, "go", threading.Event())

    def connect(url: str, deadline: Deadline, state: str) -> Transport:
        return (
            Stuck(Endpoint(url, url, deadline, state))
            if url.endswith("/stuck")
            else schemes.connect(url, deadline, state)
        )

    monkeypatch.setattr(connecting, "connect", connect)
    monkeypatch.setattr(engine, "is_local_folder", lambda _: False)
    report = synchronize(here, f"{tmp_path}/stuck", f"{tmp_path}/hub", options=Options(timeout=5))
    assert [type(one.error) for one in report.remotes] == [TransientError, type(None)]
    assert len(list((tmp_path / "hub").iterdir())) == 1
    before = report.remotes[0].error
    Stuck.go.set()  # and what it notes now is not looked at
    while any(thread.name == "crdtctl-remote" for thread in threading.enumerate()):
        time.sleep(0.01)
    assert report.remotes[0].error is before
    assert synchronize(here, f"{tmp_path}/stuck", f"{tmp_path}/hub").remotes[0].error is None
