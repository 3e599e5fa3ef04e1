"""A replica whose files are damaged, linked or swapped is not read and not written; nothing is changed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document, document_with

pytestmark = pytest.mark.harms_replicas

OTHER = document("other", 1, counted("builds", "other", 1, 7))


@pytest.fixture
def directory(shell: Shell) -> Path:
    """Return the directory of a replica that tests damage."""
    replica = Replica.init(shell.directory / ".crdtctl")
    replica.increment("builds", 41)
    replica.merge_bytes(OTHER)
    return shell.directory / ".crdtctl"


def flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def link_symbolically(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def make_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def make_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_with_export(path: Path) -> None:
    path.write_bytes(OTHER)


def make_newer(path: Path) -> None:
    head = {"crdtctl": 2, "kind": path.stem, "replica": "x", "clock": {}}
    path.write_bytes(document_with(head))


HARMS = [flip, cut, empty, link_symbolically, make_pipe, make_directory, replace_with_export, make_newer]


@pytest.mark.parametrize("harm", HARMS)
def test_with_a_bad_own_file_nothing_is_shown_and_nothing_counted(
    shell: Shell, directory: Path, harm: Callable[[Path], None]
) -> None:
    harm(directory / "own.json")
    before = contents(directory)
    for words in (["increment", "builds"], ["show", "builds"], ["show"], ["export"], ["merge", "-"]):
        assert "own.json" in assert_refused(shell(*words, stdin=OTHER), 65)
    assert contents(directory) == before


@pytest.mark.parametrize("harm", HARMS)
def test_with_a_bad_known_file_nothing_is_shown_and_nothing_merged(
    shell: Shell, directory: Path, harm: Callable[[Path], None]
) -> None:
    harm(directory / "known.json")
    before = contents(directory)
    for words in (["show", "builds"], ["show"], ["export"], ["merge", "-"], ["clock"]):
        assert "known.json" in assert_refused(shell(*words, stdin=OTHER), 65)
    assert contents(directory) == before


def test_without_its_own_file_it_is_no_replica(shell: Shell, directory: Path) -> None:
    (directory / "own.json").unlink()
    before = contents(directory)
    for words in (["increment", "builds"], ["show", "builds"], ["show"], ["merge", "-"]):
        assert_refused(shell(*words, stdin=OTHER), 66)
    assert contents(directory) == before


def test_a_missing_config_is_the_default_one(shell: Shell, directory: Path) -> None:
    (directory / "config.toml").unlink()
    shell.ok("increment", "builds")
    shell.ok("increment", "builds=1")
    assert shell.ok("show", "builds") == "50\n"
