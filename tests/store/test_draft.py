"""A draft becomes the new version of a state file as a whole, or leaves no trace."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from crdtctl.store import durable
from crdtctl.store.durable import Draft, NotApplied

pytestmark = pytest.mark.harms_replicas

BEFORE = b"the state as it was\n"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "own.json").write_bytes(BEFORE)
    return tmp_path


@pytest.fixture
def directory(place: Path) -> Iterator[int]:
    fd = durable.open_directory(str(place))
    yield fd
    os.close(fd)


@pytest.fixture
def lock(directory: int) -> Iterator[int]:
    fd = durable.open_lock(directory, "own")
    assert durable.try_lock(fd)
    yield fd
    os.close(fd)


def files(place: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in place.iterdir() if not path.name.endswith(".lock")}


def test_a_committed_draft_is_the_state(place: Path, directory: int, lock: int) -> None:
    draft = Draft(directory, "own", lock)
    draft.write(b"the state ")
    draft.write_all([b"as it ", memoryview(b"is\n")])
    assert files(place)["own.json"] == BEFORE
    draft.commit()
    draft.abandon()
    assert files(place) == {"own.json": b"the state as it is\n"}


def test_an_abandoned_draft_leaves_no_trace(place: Path, directory: int, lock: int) -> None:
    draft = Draft(directory, "own", lock)
    draft.write(b"never to be seen")
    assert len(files(place)) == 2
    draft.abandon()
    draft.abandon()
    assert files(place) == {"own.json": BEFORE}


@pytest.mark.parametrize("pieces", [0, 1, 512, 513, 5000])
def test_any_number_of_pieces_is_written_whole_and_in_order(
    place: Path, directory: int, lock: int, pieces: int
) -> None:
    wanted = [b"%d " % number * (number % 700) for number in range(pieces)]
    draft = Draft(directory, "own", lock)
    draft.write_all(wanted)
    draft.commit()
    assert files(place) == {"own.json": b"".join(wanted)}


def test_a_system_that_takes_a_few_bytes_at_a_time_is_asked_again(
    place: Path, directory: int, lock: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data[:7])))
    monkeypatch.setattr(os, "writev", lambda fd, pieces: write(fd, b"".join(pieces)[:11]))
    draft = Draft(directory, "own", lock)
    draft.write(b"one piece that is longer than seven bytes, ")
    draft.write_all([b"and two that are ", b"longer than eleven together\n"])
    draft.commit()
    assert files(place) == {
        "own.json": b"one piece that is longer than seven bytes, and two that are longer than eleven together\n"
    }


def test_the_next_draft_sweeps_what_killed_writers_of_the_same_file_left(
    place: Path, directory: int, lock: int
) -> None:
    swept = ["own.json.1-0a.new", "own.json.99999-ffffffff.new"]
    kept = ["known.json.1-0a.new", "own.json.1-0a", "own.json.bak", "my.own.json.1-0a.new", "config.toml", "own.new"]
    for name in (*swept, *kept):
        (place / name).write_bytes(b"left")
    Draft(directory, "own", lock).abandon()
    assert set(files(place)) == {"own.json", *kept}


def lose(place: Path, how: str) -> None:
    (place / "own.lock").unlink()
    if how == "replaced":
        (place / "own.lock").touch()


@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_lock_file_that_is_lost_before_the_commit_leaves_everything_as_it_was(
    place: Path, directory: int, lock: int, how: str
) -> None:
    draft = Draft(directory, "own", lock)
    draft.write(b"never to be seen")
    lose(place, how)
    with pytest.raises(NotApplied):
        draft.commit()
    assert not draft.is_renamed
    draft.abandon()
    assert files(place) == {"own.json": BEFORE}


def test_a_file_that_cannot_be_synced_is_not_put_in_place(
    place: Path, directory: int, lock: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced = []

    def fail(fd: int) -> None:
        synced.append(fd)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    draft = Draft(directory, "own", lock)
    draft.write(b"never to be seen")
    with pytest.raises(OSError, match="Input/output"):
        draft.commit()
    draft.abandon()
    assert len(synced) == 1, "a failed fsync is not tried again"
    assert not draft.is_renamed
    assert files(place) == {"own.json": BEFORE}


def test_a_directory_that_cannot_be_synced_leaves_the_outcome_open(
    place: Path, directory: int, lock: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fsync = os.fsync

    def fail(fd: int) -> None:
        if fd == directory:
            raise OSError(5, "Input/output error")
        fsync(fd)

    monkeypatch.setattr(os, "fsync", fail)
    draft = Draft(directory, "own", lock)
    draft.write(b"new\n")
    with pytest.raises(OSError, match="Input/output"):
        draft.commit()
    draft.abandon()
    assert draft.is_renamed
    assert files(place) == {"own.json": b"new\n"}


def test_a_draft_is_made_by_nobody_else(
    place: Path, directory: int, lock: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Draft(directory, "own", lock)
    monkeypatch.setattr(Draft, "sweep", lambda _: None)
    monkeypatch.setattr(os, "urandom", lambda size: bytes.fromhex(first.path.split("-")[1].removesuffix(".new")))
    with pytest.raises(FileExistsError):
        Draft(directory, "own", lock)
    first.abandon()
    assert files(place) == {"own.json": BEFORE}
