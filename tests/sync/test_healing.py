"""Folders that programs and people change: no change harms the counters, and states are found by content."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import DataError, StorageError
from crdtctl.store.transaction import Transaction
from crdtctl.sync.object_name import without_time
from crdtctl.sync.report import Options, SyncReport
from crdtctl.sync.transports.folder import transport as folder
from tests.support.handwritten import counted, document
from tests.support.unchecked import synchronize

#: What programs that keep folders in step, and people, make of the name X.json.
COPIES = [
    "X.sync-conflict-20260101-120000-ABCDEFG.json",
    "X (conflicted copy 2026-01-01).json",
    "X (laptop's conflicted copy 2026-01-01).json",
    "X (1).json",
    "X - Copy.json",
    "X.json.conflict1",
    "X.conflict1",
    "X.variant-laptop",
    "X_conflict-20260101-120000.json",
    "X.json.orig",
    "X.JSON",
    "Conflict of X",
    "no name at all",
    "büro 東京.json",
    "-rf",
]


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    made = tmp_path / "hub"
    made.mkdir()
    return made


@pytest.fixture
def ada(new_replica: Callable[[str], Replica]) -> Replica:
    made = new_replica("ada")
    made.increment("builds", 3)
    return made


@pytest.fixture
def bob(new_replica: Callable[[str], Replica]) -> Replica:
    made = new_replica("bob")
    made.increment("builds", 4)
    return made


def meet(hub: Path, *replicas: Replica, clean: bool = False, accept_missing: bool = False) -> SyncReport:
    """Sync in turn; return the last report, at a remote where nothing failed."""
    report = SyncReport()
    for replica in replicas:
        report = synchronize(replica, str(hub), options=Options(clean=clean, accept_missing=accept_missing))
        assert [one.error for one in report.remotes] == [None]
    return report


def only(hub: Path, owner: str) -> Path:
    """Return the one object of an owner."""
    [found] = [path for path in hub.iterdir() if path.name.startswith(f"{owner}-")]
    return found


def names(hub: Path) -> list[str]:
    return sorted(path.name for path in hub.iterdir())


# Copies ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pattern", COPIES)
def test_a_copy_under_any_name_counts_once(hub: Path, ada: Replica, bob: Replica, pattern: str) -> None:
    meet(hub, ada)
    mine = only(hub, "ada")
    copy = hub / pattern.replace("X", mine.name.removesuffix(".json"))
    shutil.copy(mine, copy)
    report = meet(hub, bob)
    assert report.merge.refused == {}
    assert bob.value("builds") == 7
    meet(hub, ada)
    assert ada.value("builds") == 7
    assert copy.exists()  # it may be somebody's


@pytest.mark.parametrize("pattern", COPIES)
def test_one_that_was_only_renamed_is_as_good(hub: Path, ada: Replica, bob: Replica, pattern: str) -> None:
    meet(hub, ada)
    mine = only(hub, "ada")
    mine.rename(hub / pattern.replace("X", mine.name.removesuffix(".json")))
    meet(hub, bob)
    assert bob.value("builds") == 7
    meet(hub, ada)
    assert without_time(mine.name) in map(without_time, names(hub))  # put again, as it was
    assert len(names(hub)) == 3


def test_one_in_other_case_is_as_good(hub: Path, ada: Replica, bob: Replica) -> None:
    meet(hub, ada)
    mine = only(hub, "ada")
    mine.rename(hub / mine.name.upper())
    meet(hub, bob, ada, bob)
    assert (ada.value("builds"), bob.value("builds")) == (7, 7)


def test_an_object_of_which_it_could_not_be_noted_that_it_leaves_is_replaced(
    hub: Path, ada: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(Transaction, "mark_exported", full)
        meet(hub, ada)
    first = only(hub, "ada").name
    meet(hub, ada)
    assert only(hub, "ada").name != first
    assert not meet(hub, ada).changed


def test_with_clean_own_copies_are_deleted_and_those_of_others_stay(hub: Path, ada: Replica, bob: Replica) -> None:
    meet(hub, ada, bob, ada)
    for owner in ("ada", "bob"):
        for pattern in ("X (1).json", "X.sync-conflict-20260101-120000-ABCDEFG.json"):
            shutil.copy(only(hub, owner), hub / pattern.replace("X", f"c.{owner}"))
    (hub / "notes.txt").write_text("to whom it may concern")
    before = names(hub)
    meet(hub, ada, ada)
    assert names(hub) == before
    report = meet(hub, ada, clean=True)
    assert names(hub) == [name for name in before if not name.startswith("c.ada")]
    assert sorted(report.remotes[0].deleted) == [name for name in before if name.startswith("c.ada")]
    meet(hub, bob, clean=True)
    assert len(names(hub)) == 3


def test_a_conflict_copy_that_holds_what_nobody_else_does_is_joined(hub: Path, ada: Replica, bob: Replica) -> None:
    """A program that keeps folders in step kept an older object of one machine beside the newer one."""
    meet(hub, ada)
    old = only(hub, "ada").read_bytes()
    ada.increment("builds", 10)
    meet(hub, ada)
    (hub / "ada (conflicted copy 2026-01-01).json").write_bytes(old)
    (hub / "aaa.json").write_bytes(document("cy-1", 1, counted("builds", "cy-1", 1, 100)))
    meet(hub, bob, ada)
    assert (ada.value("builds"), bob.value("builds")) == (117, 117)


def test_own_older_objects_that_are_put_back_are_harmless_and_deleted(hub: Path, ada: Replica, bob: Replica) -> None:
    kept = []
    for _ in range(3):
        ada.increment("builds")
        meet(hub, ada)
        kept.append((only(hub, "ada").name, only(hub, "ada").read_bytes()))
    for name, data in kept[:2]:
        (hub / name).write_bytes(data)
    meet(hub, bob)
    assert bob.value("builds") == 10
    meet(hub, ada)
    assert only(hub, "ada").name == kept[2][0]
    assert ada.id == ada.id


@pytest.mark.parametrize("back", [0, 1])
def test_a_folder_that_is_rolled_back_is_brought_forward(hub: Path, ada: Replica, bob: Replica, back: int) -> None:
    kept = hub.with_name("kept")
    meet(hub, ada, bob)
    shutil.copytree(hub, kept)
    ada.increment("builds", 10)
    bob.increment("builds", 20)
    meet(hub, ada, bob, ada)
    shutil.rmtree(hub)
    kept.rename(hub)
    meet(hub, *([ada, bob, ada] if back else [bob, ada, bob]))
    assert (ada.value("builds"), bob.value("builds")) == (37, 37)
    assert len(names(hub)) == 2


def test_when_everything_was_deleted_on_purpose_the_next_syncs_restore_it(
    hub: Path, ada: Replica, bob: Replica, new_replica: Callable[[str], Replica]
) -> None:
    gone = new_replica("gone")
    gone.increment("builds", 100)
    meet(hub, ada, bob, gone, ada, bob)
    for path in hub.iterdir():
        path.unlink()
    meet(hub, ada, accept_missing=True)
    fresh = new_replica("fresh")
    meet(hub, fresh)
    assert fresh.value("builds") == 107
    meet(hub, bob, accept_missing=True)
    meet(hub, ada, bob)
    assert not meet(hub, ada).changed
    shutil.rmtree(hub)
    meet(hub, bob, accept_missing=True)
    other = new_replica("other")
    meet(hub, other)
    assert other.value("builds") == 107


def test_identity_is_neither_in_the_name_nor_in_times_nor_in_the_place(
    hub: Path, ada: Replica, bob: Replica, tmp_path: Path
) -> None:
    meet(hub, ada, bob)
    mine, yours = only(hub, "ada"), only(hub, "bob")
    for one, other in ((mine, "swap"), (yours, mine.name), (hub / "swap", yours.name)):
        one.rename(hub / other)
    for path in hub.iterdir():
        os.utime(path, (0, 0))
    moved = tmp_path / "moved"
    hub.rename(moved)
    meet(moved, ada, bob, ada)
    assert (ada.value("builds"), bob.value("builds")) == (7, 7)
    assert not meet(moved, bob).changed


# What is no state ----------------------------------------------------------------------------------------------


def _half(path: Path, state: bytes) -> None:
    path.write_bytes(state[: len(state) // 2])


def _conflict_markers(path: Path, state: bytes) -> None:
    lines = state.splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], b"<<<<<<< HEAD\n", *lines[1:2], b"=======\n", *lines[1:]]))


def _sparse(path: Path, state: bytes) -> None:
    with path.open("wb") as file:
        file.truncate(2**30)


def _sparse_like_a_state(path: Path, state: bytes) -> None:
    with path.open("wb") as file:
        file.write(state)
        file.truncate(2**30 + 1)


STRANGERS: dict[str, Callable[[Path, bytes], object]] = {
    "empty": lambda path, state: path.write_bytes(b""),
    "half of a state": _half,
    "all but the end": lambda path, state: path.write_bytes(state[:-2]),
    "zeros": lambda path, state: path.write_bytes(bytes(len(state))),
    "a JPEG": lambda path, state: path.write_bytes(b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(range(256)) * 40),
    "a text": lambda path, state: path.write_text("to whom it may concern\n"),
    "other JSON": lambda path, state: path.write_text('{"name": "something else"}\n'),
    "deep JSON": lambda path, state: path.write_text("[" * 100_000),
    "a later version": lambda path, state: path.write_bytes(state.replace(b'"crdtctl":1', b'"crdtctl":2', 1)),
    "a changed digit": lambda path, state: path.write_bytes(state.replace(b"3,0]", b"9,0]", 1)),
    "markers of a merge": _conflict_markers,
    "a symbolic link": lambda path, state: path.symlink_to("/etc/passwd"),
    "a link to nothing": lambda path, state: path.symlink_to("/nonexistent"),
    "a link without end": lambda path, state: path.symlink_to("/dev/zero"),
    "a link to itself": lambda path, state: path.symlink_to(path.name),
    "a pipe": lambda path, state: os.mkfifo(path),
    "a gigabyte of nothing": _sparse,
    "more than a gigabyte": _sparse_like_a_state,
}


@pytest.mark.parametrize("what", STRANGERS)
@pytest.mark.parametrize("name", ["stranger", "ada-00.0011223344556677.crdt.json"])
def test_what_is_no_state_is_skipped_and_named_every_time(
    hub: Path, ada: Replica, bob: Replica, what: str, name: str
) -> None:
    meet(hub, ada)
    STRANGERS[what](hub / name, only(hub, "ada").read_bytes())
    before = (hub / name).lstat()
    for _ in range(2):
        report = meet(hub, bob)
        [(label, reason)] = report.merge.refused.items()
        assert label == f"{hub}/{name}"
        assert isinstance(reason, DataError)
    assert bob.value("builds") == 7
    meet(hub, ada, clean=True)
    assert (hub / name).lstat()[:7] == before[:7]


@pytest.mark.parametrize("name", [b"a\nb.json", b"\x1b[31m.json", b"\xff.json"])
def test_a_name_that_is_not_fit_to_be_shown_is_skipped_and_named_in_other_words(
    hub: Path, bob: Replica, name: bytes
) -> None:
    path = hub / os.fsdecode(name)
    path.write_bytes(document("cy-1", 1, counted("builds", "cy-1", 1, 100)))
    for _ in range(2):
        [(_, reason)] = meet(hub, bob, clean=True).merge.refused.items()
        assert reason.message.isprintable()
    assert path.exists()


def test_what_is_no_state_and_did_not_change_is_not_read_again(
    hub: Path, bob: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    (hub / "notes.txt").write_text("to whom it may concern")
    meet(hub, bob)
    read: list[str] = []
    get = folder.Folder.get

    def watched(self: folder.Folder, name: str, write: Callable[[bytes], object]) -> None:
        read.append(name)
        get(self, name, write)

    monkeypatch.setattr(folder.Folder, "get", watched)
    assert list(meet(hub, bob).merge.refused) == [f"{hub}/notes.txt"]
    assert read == []
    (hub / "notes.txt").write_bytes(document("cy-1", 1, counted("builds", "cy-1", 1, 100)))
    assert meet(hub, bob).merge.refused == {}
    assert read == ["notes.txt"]
    assert bob.value("builds") == 104


def test_a_large_stranger_is_not_copied(hub: Path, bob: Replica, monkeypatch: pytest.MonkeyPatch) -> None:
    _sparse(hub / "film.mp4", b"")
    taken = 0
    get = folder.Folder.get

    def counting(self: folder.Folder, name: str, write: Callable[[bytes], object]) -> None:
        def count(piece: bytes) -> None:
            nonlocal taken
            taken += len(piece)
            write(piece)

        get(self, name, count)

    monkeypatch.setattr(folder.Folder, "get", counting)
    assert list(meet(hub, bob).merge.refused) == [f"{hub}/film.mp4"]
    assert taken < 2**20


def test_a_half_written_object_is_taken_when_it_is_whole(hub: Path, ada: Replica, bob: Replica) -> None:
    meet(hub, ada)
    mine = only(hub, "ada")
    whole = mine.read_bytes()
    mine.write_bytes(whole[:-30])
    assert len(meet(hub, bob).merge.refused) == 1
    mine.write_bytes(whole)
    assert meet(hub, bob).merge.refused == {}
    assert bob.value("builds") == 7


@pytest.mark.parametrize("later", [0, 5])
def test_an_own_object_that_was_damaged_is_put_again(
    hub: Path, ada: Replica, bob: Replica, monkeypatch: pytest.MonkeyPatch, later: int
) -> None:
    meet(hub, ada)
    mine = only(hub, "ada")
    whole = mine.read_bytes()
    mine.write_bytes(whole[:-30])
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + later)  # the new one may have another time in its name
    meet(hub, ada)
    assert only(hub, "ada").read_bytes() == whole
    assert meet(hub, bob).merge.refused == {}
    assert bob.value("builds") == 7


def test_a_damaged_object_goes_where_the_own_is_there_under_another_name(hub: Path, ada: Replica, bob: Replica) -> None:
    meet(hub, ada)
    old = only(hub, "ada")
    data = old.read_bytes()
    ada.increment("builds")
    meet(hub, ada)
    old.write_bytes(data[:-30])  # as a server or a synced folder may bring it back
    copy = hub / f"copy of {old.name}"
    copy.write_bytes(data[:-30])
    meet(hub, ada)
    assert not old.exists()
    assert copy.exists()
    assert list(meet(hub, bob).merge.refused) == [f"{hub}/{copy.name}"]


@pytest.mark.parametrize(
    "name",
    [
        ".stfolder",
        ".stignore",
        ".stversions",
        ".syncthing.ada.json.tmp",
        "~syncthing~ada.json.tmp",
        ".dropbox",
        ".dropbox.cache",
        ".~lock.ada.json#",
        "._ada.json",
        ".DS_Store",
        ".nfs000000000001",
        ".owncloudsync.log",
        ".trashed-1-ada.json",
        "desktop.ini",
        "Thumbs.db",
        "Icon\r",
        ".crdtctl-0123456789abcdef.new",
    ],
)
def test_what_other_programs_keep_there_is_their_own_business(hub: Path, ada: Replica, name: str) -> None:
    (hub / name).write_text("mine")
    (hub / "lost+found").mkdir()
    assert meet(hub, ada, ada, clean=True).merge.refused == {}
    assert (hub / name).read_text() == "mine"


def test_what_a_sync_that_was_killed_left_long_ago_is_swept(hub: Path, ada: Replica) -> None:
    old, probe, new, other = (
        hub / name
        for name in (
            ".crdtctl-0123456789abcdef.new",
            "crdtctl-probe-0123456789abcdef",
            ".crdtctl-fedcba9876543210.new",
            ".crdtctl-mine.new",
        )
    )
    for path in (old, probe, new, other):
        path.write_text("half")
    for path in (old, probe, other):
        os.utime(path, (0, 0))
    meet(hub, ada)
    assert not old.exists()
    assert not probe.exists()
    assert new.exists()  # somebody may be at it
    assert other.exists()  # and this is none of ours
