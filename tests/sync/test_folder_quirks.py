"""Folders in the field: shared by several users, on restrictive file systems, changed during a sync."""

import errno
import os
import shutil
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from crdtctl.errors import AccessError, DataError, TransientError
from crdtctl.sync.local_files import LocalFile
from tests.conftest import PROGRAM, Shell
from tests.sync.conformance import PUT, Remote

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be several users")
#: Users and a group that nobody has.
ANN, BEN, TEAM = 54321, 54322, 54400


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    (tmp_path / "scratch").mkdir()
    (tmp_path / "shared").mkdir()
    return Remote(str(tmp_path / "shared"), tmp_path / "scratch", tmp_path / "shared")


def place(remote: Remote) -> Path:
    assert remote.behind is not None
    return remote.behind


# Listing ------------------------------------------------------------------------------------------------


@contextmanager
def interfering(monkeypatch: pytest.MonkeyPatch, interfere: Any) -> Iterator[None]:
    """Let something happen in a folder after its names were read, and before the files are looked at."""
    scandir = os.scandir
    with monkeypatch.context() as patched:

        @contextmanager
        def scan(path: Any) -> Iterator[Any]:
            with scandir(path) as listing:
                found = list(listing)
            patched.undo()
            interfere()
            yield iter(found)

        patched.setattr(os, "scandir", scan)
        yield


def test_a_file_that_vanishes_while_a_folder_is_listed_is_left_out_alone(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.json", "b.json", "c.json"):
        remote.put(name, b"one")
    with interfering(monkeypatch, (place(remote) / "b.json").unlink):
        assert remote.list().keys() == {"a.json", "c.json"}


def test_a_folder_that_vanishes_while_it_is_listed_is_no_empty_folder(
    remote: Remote, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.put("a.json", b"one")
    for replace in (lambda: shutil.rmtree(place(remote)), lambda: place(remote).rename(remote.scratch / "away")):
        place(remote).mkdir(exist_ok=True)
        (place(remote) / "a.json").touch()
        with interfering(monkeypatch, replace), pytest.raises(TransientError, match="while it was listed"):
            remote.list()


@pytest.mark.parametrize("code", ["ESTALE", "EACCES", "EIO"])
def test_a_file_that_cannot_be_looked_at_is_listed_all_the_same(
    remote: Remote, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a mount says of one file says nothing of the others."""

    class Stale:
        name = "b.json"

        def stat(self, **_: object) -> None:
            raise OSError(getattr(errno, code), "")

    for name in ("a.json", "b.json"):
        remote.put(name, b"one")
    scandir = os.scandir

    @contextmanager
    def scan(path: Any) -> Iterator[Any]:
        with scandir(path) as listing:
            yield iter([Stale() if found.name == "b.json" else found for found in listing])

    monkeypatch.setattr(os, "scandir", scan)
    assert {name: entry.size for name, entry in remote.list().items()} == {"a.json": 3, "b.json": 0}


# What is no state --------------------------------------------------------------------------------------


def test_what_is_no_file_is_refused_one_by_one_and_the_others_are_read(remote: Remote, tmp_path: Path) -> None:
    remote.put("a.json", b"one")
    (place(remote) / "link.json").symlink_to(tmp_path / "nowhere")
    os.mkfifo(place(remote) / "fifo.json")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(place(remote) / "socket.json"))
        (place(remote) / "new\nline.json").touch()
        with remote.open() as transport:
            found = {entry.name: got for entry, got in transport.fetch(transport.list(), str(tmp_path))}
    assert {name: type(got) for name, got in found.items()} == {
        "a.json": LocalFile,
        "link.json": DataError,
        "fifo.json": DataError,
        "socket.json": DataError,
        "new\nline.json": DataError,
    }


def test_a_socket_in_a_folder_does_not_end_the_sync(shell: Shell) -> None:
    shared = shell.directory / "shared"
    shared.mkdir()
    for name in ("a", "b"):
        shell.ok("--replica", name, "init")
        shell.ok("--replica", name, "increment", "hits")
    shell.ok("--replica", "a", "sync", shared)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(shared / "socket"))
        ended = shell("--replica", "b", "sync", shared)
    assert ended.status == 3
    assert "socket is not a regular file" in ended.stderr
    assert shell.ok("--replica", "b", "show", "hits") == "2\n"


# Owner, group and mode ----------------------------------------------------------------------------------


def mode_of_what_is_put(remote: Remote, mode: int, umask: int) -> str:
    place(remote).chmod(mode)
    before = os.umask(umask)
    try:
        remote.put("a.json", b"one")
    finally:
        os.umask(before)
    return oct(stat.S_IMODE((place(remote) / "a.json").stat().st_mode))


@pytest.mark.parametrize(
    ("folder", "umask", "expected"),
    [
        (0o777, 0o077, "0o644"),
        (0o1777, 0o077, "0o644"),
        (0o770, 0o077, "0o640"),
        (0o2775, 0o077, "0o640"),
        (0o755, 0o077, "0o600"),  # where nobody else may write, the umask says who may read
        (0o700, 0o077, "0o600"),
        (0o777, 0o022, "0o644"),
        (0o775, 0o002, "0o664"),
    ],
    ids=str,
)
def test_what_is_put_can_be_read_by_all_who_may_write_in_the_folder(
    remote: Remote, folder: int, umask: int, expected: str
) -> None:
    assert mode_of_what_is_put(remote, folder, umask) == expected


@contextmanager
def being(user: int, *groups: int) -> Iterator[None]:
    """Be another user, with the same number as its own group, and a member of `groups`."""
    before, umask = os.getgroups(), os.umask(0o077)
    os.setgroups(groups)
    os.setegid(user)
    os.seteuid(user)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(before)
        os.umask(umask)


def open_to_all(path: Path) -> None:
    for one in (path, *path.parents):
        with suppress(PermissionError):
            if one != Path("/tmp") and one != Path("/"):
                one.chmod(one.stat().st_mode | 0o055)


@needs_root
def test_in_a_folder_of_a_group_what_is_put_is_the_groups_also_without_setgid(remote: Remote) -> None:
    open_to_all(place(remote))
    os.chown(place(remote), ANN, TEAM)
    place(remote).chmod(0o770)
    (remote.scratch / "outgoing").touch()
    (remote.scratch / "outgoing").chmod(0o666)
    remote.scratch.chmod(0o777)
    with being(BEN, TEAM):
        remote.put("a.json", b"one")
    found = (place(remote) / "a.json").stat()
    assert (found.st_uid, found.st_gid, oct(stat.S_IMODE(found.st_mode))) == (BEN, TEAM, "0o640")


@needs_root
def test_what_root_puts_belongs_to_the_owner_of_the_folder_and_a_folder_to_that_of_its_own(remote: Remote) -> None:
    os.chown(place(remote), ANN, TEAM)
    remote.url += "/new"
    remote.put("a.json", b"one")
    found = [path.stat() for path in (place(remote) / "new", place(remote) / "new" / "a.json")]
    assert [(one.st_uid, one.st_gid) for one in found] == [(ANN, TEAM)] * 2


@needs_root
def test_a_file_of_another_user_that_may_not_be_read_is_told_with_its_owner_and_mode(remote: Remote) -> None:
    open_to_all(place(remote))
    remote.put("a.json", b"one")
    (place(remote) / "a.json").chmod(0o600)
    with (
        being(BEN),
        remote.open() as transport,
        pytest.raises(AccessError, match="check the owner and mode of the file"),
    ):
        transport.get("a.json", print)


# File systems that refuse things ------------------------------------------------------------------------


@pytest.mark.parametrize("code", ["EOPNOTSUPP", "EBADF", "EIO", "ENOSYS", "EINVAL", "EPERM"])
def test_an_fsync_of_the_folder_that_is_refused_is_no_failure(shell: Shell, code: str) -> None:
    shared = shell.directory / "shared"
    shared.mkdir()
    shell.ok("init")
    shell.ok("increment", "hits")
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-P", str(shared)]
    injected = [*strace, "-e", "trace=fsync", "-e", f"inject=fsync:error={code}"]
    run(shell, [*injected, *PROGRAM, "sync", str(shared)])
    [name] = os.listdir(shared)
    assert name.endswith(".crdt.json")


@pytest.mark.parametrize("code", ["EOPNOTSUPP", "ENOSYS", "EINVAL"])
def test_a_file_system_without_fsync_is_put_to_all_the_same(remote: Remote, code: str) -> None:
    path = remote.scratch / "outgoing"
    path.write_bytes(b"one")
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", f"inject=fsync:error={code}"]
    argv = [sys.executable, "-c", PUT, remote.url, str(remote.scratch), "a.json", str(path)]
    subprocess.run([*strace, *argv], check=True, capture_output=True)
    assert remote.get("a.json") == b"one"


def test_a_file_that_cannot_be_made_durable_is_not_put(remote: Remote) -> None:
    remote.put("a.json", b"old")
    path = remote.scratch / "outgoing"
    path.write_bytes(b"new")
    strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "-e", "inject=fsync:error=EIO"]
    argv = [sys.executable, "-c", PUT, remote.url, str(remote.scratch), "a.json", str(path)]
    assert subprocess.run([*strace, *argv], check=False, capture_output=True).returncode != 0
    assert (remote.get("a.json"), os.listdir(place(remote))) == (b"old", ["a.json"])


def run(shell: Shell, command: list[str]) -> None:
    """Run a command as the shell does, and expect it to be silent."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(
        command, env=dict(shell.environment), cwd=shell.directory, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def append_only(remote: Remote) -> Iterator[Path]:
    """Let files be made in the folder, but neither renamed nor deleted."""
    if subprocess.run(["chattr", "+a", str(place(remote))], capture_output=True, check=False).returncode:
        pytest.skip("no folder can be made append-only here")
    yield place(remote)
    subprocess.run(["chattr", "-a", str(place(remote))], check=True)


def test_a_folder_that_lets_create_but_not_rename_is_put_to_and_keeps_one_draft_for_ever(
    remote: Remote, append_only: Path
) -> None:
    for number in range(4):
        remote.put(f"{number}.json", b"%d" % number)
    assert sorted(remote.list()) == [".crdtctl-0000000000000000.new", *(f"{number}.json" for number in range(4))]
    assert remote.get("3.json") == b"3"
    with remote.open() as transport:
        assert not transport.atomic
    with pytest.raises(AccessError):
        remote.delete("3.json")
