"""A folder on a mount whose server may be away: a sync never waits for it beyond its deadline."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from crdtctl.errors import TransientError
from crdtctl.sync.mounts import may_hang
from crdtctl.sync.transports.folder.child_process import ChildProcessFolder
from tests.conftest import PROGRAM, Shell
from tests.support.servers.fuse import Mount, mounted
from tests.sync.conformance import Conformance, Remote

_NUMBERS = count()


@pytest.fixture(scope="module")
def mount(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mount]:
    with mounted(tmp_path_factory.mktemp("mount")) as found:
        yield found


@pytest.fixture
def place(mount: Mount) -> Path:
    """Return the path of a folder on the mount that is not there yet."""
    return mount.path / f"shared-{next(_NUMBERS)}"


class TestDistant(Conformance):
    @pytest.fixture
    def remote(self, place: Path, tmp_path: Path) -> Remote:
        (tmp_path / "scratch").mkdir()
        return Remote(str(place), tmp_path / "scratch", place)

    def test_it_is_reached_by_another_process(self, remote: Remote) -> None:
        with remote.open() as transport:
            assert isinstance(transport, ChildProcessFolder)


def waiting(shell: Shell, *arguments: str | Path) -> "subprocess.Popen[str]":
    """Start the program in the shell's directory."""
    return subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=shell.directory,
        env=dict(shell.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_server_that_is_away_holds_up_neither_other_remotes_nor_the_next_sync(
    shell: Shell, mount: Mount, place: Path
) -> None:
    for name in ("here", "there"):
        shell.ok("--replica", name, "init")
        shell.ok("--replica", name, "increment", "hits")
    (shell.directory / "other").mkdir()
    shell.ok("--replica", "there", "sync", "./other")
    with mount.away():
        for _ in range(2):
            ended = shell("--replica", "here", "sync", "--timeout", "1", place, "./other")
            assert ended.status == 75
            assert "does not answer" in ended.stderr
            assert "sync.lock" not in ended.stderr
        assert shell.ok("--replica", "here", "show", "hits") == "2\n"
    ended = shell("--replica", "here", "sync", place)
    assert (ended.status, ended.stderr) == (0, f"crdtctl: created the folder {place}\n")


def test_the_mount_itself_is_not_asked_where_its_server_is_away(shell: Shell, mount: Mount) -> None:
    shell.ok("init")
    with mount.away(), waiting(shell, "sync", "--timeout", "1", mount.path) as process:
        try:
            assert process.wait(20) == 75
        finally:
            process.kill()


def test_a_server_that_goes_away_after_the_listing_is_not_waited_for_either(mount: Mount, place: Path) -> None:
    place.mkdir()
    (place / "a.json").write_bytes(b"one")
    remote = Remote(str(place), place)
    with remote.open(seconds=1) as transport:
        assert len(transport.list()) == 1
        with mount.away(), pytest.raises(TransientError, match="does not answer"):
            transport.get("a.json", print)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_sync_with_a_server_that_is_away(
    shell: Shell, mount: Mount, place: Path, number: signal.Signals
) -> None:
    shell.ok("init")
    with mount.away(), waiting(shell, "sync", place) as process:
        while not children(process.pid):
            time.sleep(0.01)
        process.send_signal(number)
        process.communicate()
    assert process.returncode in (128 + number, -number)


def children(pid: int) -> str:
    return "".join(path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/children"))


def test_a_repository_on_a_mount_is_one(shell: Shell, place: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", str(place)], check=True)
    shell.ok("init")
    shell.ok("increment", "hits")
    shell.ok("sync", place)
    assert subprocess.run(["git", "-C", str(place), "rev-parse", "crdtctl"], check=True, capture_output=True).stdout


# Which file systems ------------------------------------------------------------------------------------


def test_paths_into_what_another_machine_serves_may_hang(tmp_path: Path) -> None:
    nas = str(tmp_path / "nas")
    os.mkdir(nas)
    (tmp_path / "link").symlink_to("nas/counts")
    (tmp_path / "far").symlink_to(f"{nas}/counts")
    (tmp_path / "loop").symlink_to("loop")
    mounts = {"/": "ext4", nas: "nfs4", str(tmp_path): "tmpfs"}
    for path in ("nas", "nas/", "nas/a/b", "link", "link/a", "far", "./x/../nas//a"):
        assert may_hang(f"{tmp_path}/{path}", mounts), path
    for path in ("", "x", "nasty", "loop", "nas/../nasty/.."):
        assert not may_hang(f"{tmp_path}/{path}".replace("nas/../", ""), mounts), path


@pytest.mark.parametrize("kind", ["nfs", "cifs", "fuse.sshfs", "9p", "vfat", "autofs", "new"])
def test_what_is_not_known_to_be_local_may_hang(kind: str, tmp_path: Path) -> None:
    assert may_hang(f"{tmp_path}/x", {"/": "ext4", str(tmp_path): kind})


def test_the_root_itself_is_not_what_may_hang(tmp_path: Path) -> None:
    assert not may_hang(str(tmp_path), {"/": "fuse.overlay"})
