"""A new replica is there as a whole or not at all."""

import os
import stat
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import CrdtctlError, ExistsError, UsageError
from tests.conftest import Shell, assert_sound
from tests.store.traced import killed, needs_strace
from tests.support.forked import child

FILES = {".gitignore", "config.toml", "known.lock", "own.json", "own.lock"}
INIT = [sys.executable, "-c", "from crdtctl import Replica; Replica.init('place/target', name='new')"]


def test_a_new_replica_has_its_files_and_nothing_else_is_left(tmp_path: Path) -> None:
    made = Replica.init(tmp_path / "deep" / "er" / "target", name="new")
    assert set(os.listdir(made.path)) == FILES
    assert os.listdir(tmp_path / "deep" / "er") == ["target"]
    assert Path(made.path, ".gitignore").read_text() == "*\n"
    assert (list(made.counters()), made.clock()) == ([], {})
    assert_sound(made)


def test_an_id_is_the_name_and_128_random_bits(tmp_path: Path) -> None:
    one, two = (Replica.init(tmp_path / str(number), name="ünï-1").id for number in range(2))
    assert one != two
    for made in (one, two):
        name, _, random = made.rpartition("-")
        assert name == "ünï-1"
        assert len(bytes.fromhex(random)) == 16


@pytest.mark.parametrize("name", ["", " a", "a\n", "my laptop", "a" * 101, "\u202e"])
def test_a_name_that_cannot_be_told_is_refused_and_nothing_is_made(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        Replica.init(tmp_path / "target", name=name)
    assert os.listdir(tmp_path) == []


def test_a_replica_takes_the_place_of_an_empty_directory_only(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert_sound(Replica.init(tmp_path / "empty"))
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter").write_text("dear")
    (tmp_path / "file").write_text("dear")
    (tmp_path / "link").symlink_to("nowhere")
    before = sorted(os.listdir(tmp_path))
    for name in ("empty", "full", "file", "link"):
        with pytest.raises(ExistsError) as caught:
            Replica.init(tmp_path / name)
        assert caught.value.status == 73
        assert name in caught.value.message
        assert sorted(os.listdir(tmp_path)) == before
    assert (tmp_path / "full" / "letter").read_text() == "dear"


def test_a_second_init_leaves_the_first_replica_as_it_is(tmp_path: Path) -> None:
    made = Replica.init(tmp_path / "target")
    made.increment("builds", 3)
    before = made.export_bytes()
    with pytest.raises(ExistsError, match="there is a replica at"):
        Replica.init(tmp_path / "target")
    assert made.export_bytes() == before


def test_where_a_replica_cannot_be_made_an_error_says_so_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CrdtctlError):
        Replica.init(tmp_path / "file" / "target")
    with pytest.raises(CrdtctlError):
        Replica.init("/proc/nowhere/target")
    assert os.listdir(tmp_path) == ["file"]


def test_of_several_that_make_a_replica_in_one_place_at_once_a_single_one_does(tmp_path: Path) -> None:
    go = tmp_path / "go"

    def make() -> int:
        while not go.exists():
            pass
        try:
            Replica.init(tmp_path / "target")
        except ExistsError:
            return ExistsError.status
        return 0

    with ExitStack() as stack:
        ends = [stack.enter_context(child(make)) for _ in range(4)]
        go.touch()
        assert sorted(ended().status for ended in ends) == [0, 73, 73, 73]
    assert sorted(os.listdir(tmp_path)) == ["go", "target"]
    assert_sound(Replica(tmp_path / "target"))


@needs_strace
@pytest.mark.parametrize("call", ["mkdir", "write", "fsync", "rename"])
def test_an_init_that_is_killed_leaves_no_replica_or_a_whole_one(shell: Shell, call: str) -> None:
    place = shell.directory / "place"
    for number in range(1, 20):
        if not killed(shell, call, number, *INIT):
            break
        left = os.listdir(place) if place.exists() else []
        assert all(name == "target" or name.startswith(".crdtctl-") for name in left)
        if "target" not in left:
            Replica.init(place / "target", name="again")
        made = Replica(place / "target")
        assert_sound(made)
        made.increment("builds")
        assert made.value("builds") == 1
        place.rename(shell.directory / f"{call} {number}")
    else:
        pytest.fail("it never came to its end")
    assert number > 1
    assert_sound(Replica(place / "target"))


def test_a_replica_is_made_with_the_modes_that_the_umask_allows(tmp_path: Path) -> None:
    def make() -> None:
        os.umask(0o077)
        Replica.init(tmp_path / "target").increment("builds")

    with child(make) as ended:
        assert ended().status == 0
    for path in (tmp_path / "target", *(tmp_path / "target").iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
