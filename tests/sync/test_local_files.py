"""Fetched files on this machine."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from crdtctl.errors import StorageError
from crdtctl.sync import local_files
from crdtctl.sync.local_files import SMALL, LocalFile, LocalFiles


def keep(files: LocalFiles, *pieces: bytes) -> LocalFile:
    with files.new() as incoming:
        for piece in pieces:
            incoming.write(piece)
        return incoming.finish()


@pytest.fixture
def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep nothing in memory."""
    monkeypatch.setattr(local_files, "IN_MEMORY", -1)


def test_the_first_small_files_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_files, "IN_MEMORY", 9)
    contents = [b"", b"one", b"second", b"x", b"y" * (SMALL + 1)]
    with LocalFiles(str(tmp_path)) as files:
        kept = [keep(files, content) for content in contents]
    assert [one.read() for one in kept] == contents
    assert [one.data for one in kept] == [*contents[:3], None, None]
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [1, SMALL + 1]


@pytest.mark.usefixtures("on_disk")
def test_small_files_are_kept_in_one_and_large_ones_in_their_own(tmp_path: Path) -> None:
    contents = [b"", b"one", b"x" * SMALL, b"two", b"y" * (SMALL + 1), b"three", b"z" * 3 * SMALL]
    files = LocalFiles(str(tmp_path))
    kept = [keep(files, content) for content in contents]
    files.close()
    assert [one.read() for one in kept] == contents
    assert [one.size for one in kept] == [len(content) for content in contents]
    assert sorted(path.stat().st_size for path in tmp_path.iterdir()) == [SMALL + 1, SMALL + 11, 3 * SMALL]


@pytest.mark.usefixtures("on_disk")
def test_a_file_is_the_same_in_any_pieces(tmp_path: Path) -> None:
    content = b"0123456789" * SMALL
    whole = tmp_path / "whole"
    whole.write_bytes(content)
    files = LocalFiles(str(tmp_path))
    for size in (1000, SMALL, len(content)):
        kept = keep(files, *(content[at : at + size] for at in range(0, len(content), size)))
        assert kept.read() == content
        assert kept.digest == LocalFile.at(str(whole)).digest


@pytest.mark.usefixtures("on_disk")
def test_many_threads_keep_their_files_apart(tmp_path: Path) -> None:
    contents = [b"%d" % number * (number % 100) * 20 for number in range(500)]
    files = LocalFiles(str(tmp_path))
    with ThreadPoolExecutor(8) as pool:
        kept = list(pool.map(lambda content: keep(files, content[:700], content[700:]), contents))
    files.close()
    assert [one.read() for one in kept] == contents


@pytest.mark.usefixtures("on_disk")
def test_a_file_that_cannot_be_written_is_a_failure_of_this_machine(tmp_path: Path) -> None:
    files = LocalFiles(str(tmp_path / "missing"))
    with pytest.raises(StorageError, match="write a temporary file"):
        keep(files, b"one")
