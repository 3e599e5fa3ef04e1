"""A replica's files that are not what they should be: an error that names the file, and never a hang."""

import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import AccessError, BusyError, CrdtctlError, DataError, MissingError, StorageError
from crdtctl.store.durable import MAX_OWN_BYTES
from tests.conftest import Shell

STATES = ["own.json", "known.json"]


@pytest.fixture
def used(tmp_path: Path) -> Replica:
    """Return a replica that has counted, and learned something."""
    made, other = Replica.init(tmp_path / "used", name="used"), Replica.init(tmp_path / "other", name="other")
    made.increment("builds", 3)
    other.increment("builds", 4)
    made.merge_bytes(other.export_bytes())
    return made


def symlink(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def hard_link(path: Path) -> None:
    path.with_name("another name").hardlink_to(path)


def fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def device(path: Path) -> None:
    path.unlink()
    path.symlink_to("/dev/zero")


Deed = Callable[[Path], None]
WAYS: list[Deed] = [symlink, fifo, directory, device]

#: What reads both state files, or changes one.
ACTS: list[Callable[[Replica], object]] = [
    lambda replica: replica.value("builds"),
    lambda replica: list(replica.counters()),
    lambda replica: replica.export_bytes(),
    lambda replica: replica.increment("fresh"),
    lambda replica: replica.merge_bytes(replica.export_bytes()),
    lambda replica: replica.clock(),
]


@pytest.mark.parametrize("act", range(len(ACTS)))
@pytest.mark.parametrize("deed", WAYS)
@pytest.mark.parametrize("name", STATES)
@pytest.mark.harms_replicas
def test_a_state_that_is_not_a_regular_file_of_its_own_is_refused(
    used: Replica, name: str, deed: Deed, act: int
) -> None:
    deed(Path(used.path, name))
    with pytest.raises(DataError) as caught:
        ACTS[act](used)
    assert caught.value.status == 65
    assert name in caught.value.message


@pytest.mark.parametrize("words", ["increment builds", "increment fresh", "show builds", "show", "merge x.json"])
@pytest.mark.parametrize("deed", [symlink, fifo, directory])
@pytest.mark.harms_replicas
def test_the_program_refuses_it_too(shell: Shell, used: Replica, deed: Deed, words: str) -> None:
    used.export_to(shell.directory / "x.json")
    deed(Path(used.path, "own.json"))
    ended = shell("--replica", used.path, *words.split())
    assert (ended.status, ended.stdout) == (65, "")
    assert "own.json" in ended.stderr
    assert shell(*words.split(), environment={"CRDTCTL_REPLICA": used.path}) == ended


def write(replica: Replica, which: str, state: bytes) -> None:
    if which == "own":
        replica.increment("builds")
    else:
        replica.merge_bytes(state)


def news() -> bytes:
    """Return a state that a replica does not know."""
    with tempfile.TemporaryDirectory() as place:
        other = Replica.init(f"{place}/news", name="news")
        other.increment("builds", 5)
        return other.export_bytes()


@pytest.mark.parametrize(("deed", "kind"), [(symlink, DataError), (device, DataError), (directory, StorageError)])
@pytest.mark.parametrize("which", ["own", "known"])
def test_a_lock_file_that_is_not_one_is_an_error_and_nothing_is_changed(
    used: Replica, which: str, deed: Deed, kind: type[CrdtctlError]
) -> None:
    before = {name: Path(used.path, name).read_bytes() for name in STATES}
    deed(Path(used.path, f"{which}.lock"))
    with pytest.raises(kind) as caught:
        write(used, which, news())
    assert f"{which}.lock" in caught.value.message
    assert {name: Path(used.path, name).read_bytes() for name in STATES} == before


@pytest.mark.parametrize("which", ["own", "known"])
def test_a_fifo_in_the_place_of_a_lock_file_hangs_nobody_and_still_excludes(used: Replica, which: str) -> None:
    fifo(Path(used.path, f"{which}.lock"))
    with used._open() as opened, opened.locked(which, 0), pytest.raises(BusyError):
        write(Replica(used.path, lock_timeout=0), which, news())
    before = used.value("builds")
    write(used, which, news())
    assert used.value("builds") > before


@pytest.mark.parametrize("name", STATES)
@pytest.mark.parametrize("damage", ["empty", "cut", "a byte changed", "of another kind", "something else"])
@pytest.mark.harms_replicas
def test_a_damaged_state_is_refused_by_all_that_reads_it_and_is_left_as_it_is(
    used: Replica, name: str, damage: str
) -> None:
    path, other = Path(used.path, name), Path(used.path, STATES[name == "own.json"])
    data = path.read_bytes()
    position = data.index(b"pncounter") + 30
    kinds = {
        "empty": b"",
        "cut": data[:-30],
        "a byte changed": data[:position] + bytes([data[position] ^ 1]) + data[position + 1 :],
        "of another kind": other.read_bytes(),
        "something else": b"some notes\n",
    }
    path.write_bytes(kinds[damage])
    for act in ACTS:
        with pytest.raises(DataError) as caught:
            act(used)
        assert name in caught.value.message
        assert caught.value.hint == "see 'crdtctl check'"
        assert path.read_bytes() == kinds[damage]


@pytest.mark.harms_replicas
def test_an_own_json_that_is_too_large_is_refused_without_being_read(used: Replica) -> None:
    os.truncate(Path(used.path, "own.json"), MAX_OWN_BYTES + 1)
    with pytest.raises(DataError, match="larger than 1073741824 bytes"):
        used.increment("builds")


@pytest.mark.parametrize("name", STATES)
def test_a_state_that_has_another_name_is_read_and_is_left_as_it_is_under_that(used: Replica, name: str) -> None:
    hard_link(Path(used.path, name))
    kept = Path(used.path, "another name").read_bytes()
    before = used.id
    assert used.value("builds") == 7
    used.increment("builds")
    used.merge_bytes(news())
    assert used.value("builds") == 13
    assert Path(used.path, "another name").read_bytes() == kept
    assert (used.id == before) == (name == "known.json")


def test_what_is_no_replica_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "empty").mkdir()
    for name in ("a file", "nowhere", "nowhere/deeper"):
        with pytest.raises(MissingError) as caught:
            Replica(tmp_path / name)
        assert caught.value.status == 66
    with pytest.raises(MissingError, match="no replica at"):
        Replica(tmp_path / "empty").value("builds")
    assert os.listdir(tmp_path / "empty") == []


def test_a_directory_behind_symbolic_links_of_this_user_is_used(shell: Shell, tmp_path: Path, used: Replica) -> None:
    (tmp_path / "first").symlink_to(used.path)
    (tmp_path / "link").symlink_to("first")
    before = used.value("builds")
    Replica(tmp_path / "link").increment("builds")
    for path in (tmp_path / "link", f"{tmp_path}/link/"):
        assert shell("increment", "builds", environment={"CRDTCTL_REPLICA": str(path)}).status == 0
        shell.ok("--replica", path, "increment", "builds=1")
    assert used.value("builds") == before + 5


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a link of another user")
def test_a_directory_behind_a_symbolic_link_of_another_user_is_refused(
    shell: Shell, tmp_path: Path, used: Replica
) -> None:
    (tmp_path / "first").symlink_to(used.path)
    os.lchown(tmp_path / "first", 12345, 12345)
    (tmp_path / "link").symlink_to("first")
    before = used.export_bytes()
    for name in ("first", "link"):
        with pytest.raises(AccessError, match="a symbolic link that another user made"):
            Replica(tmp_path / name)
        with pytest.raises(AccessError, match="a symbolic link that another user made"):
            Replica.init(tmp_path / name)
        for words in (["increment", "builds"], ["show", "builds"], ["show"]):
            for path in (tmp_path / name, f"{tmp_path / name}/"):
                ended = shell(*words, environment={"CRDTCTL_REPLICA": str(path)})
                assert (ended.status, ended.stdout) == (77, "")
                assert "a symbolic link that another user made" in ended.stderr
    assert used.export_bytes() == before


def test_a_symbolic_link_to_a_replica_that_is_not_mounted_is_reported_and_nothing_is_made(
    shell: Shell, tmp_path: Path
) -> None:
    (tmp_path / "link").symlink_to("mnt/counts")
    for words in (["increment", "builds"], ["show", "builds"], ["increment", "builds=1"], ["init"]):
        ended = shell(*words, environment={"CRDTCTL_REPLICA": str(tmp_path / "link")})
        assert ended.status == (73 if words == ["init"] else 66)
        assert "link" in ended.stderr
    assert not (tmp_path / "mnt").exists()


@pytest.mark.harms_replicas
def test_no_descriptor_is_left_open_whatever_goes_wrong(used: Replica) -> None:
    state = news()
    for break_it in (symlink, hard_link, fifo):
        before = sorted(os.listdir("/dev/fd"))
        for act in ACTS:
            with suppress(CrdtctlError):
                act(used)
        with suppress(CrdtctlError):
            used.merge_bytes(state, b"nonsense", all_or_nothing=True)
        assert sorted(os.listdir("/dev/fd")) == before
        break_it(Path(used.path, "known.json" if break_it is symlink else "own.json"))


@pytest.mark.parametrize("words", ["increment builds", "increment a=1 b=2", "merge x.json", "show builds"])
def test_a_directory_that_is_no_replica_is_left_as_it_is(shell: Shell, used: Replica, words: str) -> None:
    used.export_to(shell.directory / "x.json")
    (shell.directory / "music").mkdir()
    ended = shell(*words.split(), environment={"CRDTCTL_REPLICA": "music"})
    assert (ended.status, ended.stdout) == (66, "")
    assert os.listdir(shell.directory / "music") == []
