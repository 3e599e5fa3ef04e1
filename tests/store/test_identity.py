"""A replica that was copied or put back ends its id before it writes, and loses and doubles nothing."""

import os
import shutil
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.store import identity
from crdtctl.store.files import Directory
from crdtctl.store.identity import REASONS, IdChange
from tests.conftest import Shell, assert_sound
from tests.support.clones import clone


@pytest.fixture
def used(tmp_path: Path) -> Replica:
    made, other = Replica.init(tmp_path / "used", name="used"), Replica.init(tmp_path / "other", name="other")
    other.increment("builds", 4)
    made.increment("builds", 3)
    made.increment("builds", 2, once="job-1")
    made.merge_bytes(other.export_bytes(), check=False)
    return made


def why(path: Path) -> str:
    directory = Directory(str(path))
    try:
        return directory.read_own().identity_fault
    finally:
        directory.close()


def witness(path: str) -> Path:
    directory = Directory(path)
    try:
        return Path(directory.read_own().source.head.witness)
    finally:
        directory.close()


def test_a_copy_goes_on_under_a_new_id_and_both_together_count_everything_once(used: Replica, tmp_path: Path) -> None:
    shutil.copytree(used.path, tmp_path / "copy")
    told: list[IdChange] = []
    copy = Replica(tmp_path / "copy", on_renamed=told.append)
    copy.increment("builds", 10)
    copy.increment("builds", 2, once="job-1")
    used.increment("builds", 100)
    assert [(one.before, one.after, one.why) for one in told] == [(used.id, copy.id, "copied")]
    assert [(past.replica, past.seq, past.why) for past in copy.past()] == [(used.id, 2, "copied")]
    used.merge_bytes(copy.export_bytes(), check=False)
    copy.merge_bytes(used.export_bytes(), check=False)
    assert used.value("builds") == copy.value("builds") == 4 + 3 + 2 + 10 + 100
    assert used.past() == []
    for replica in (used, copy):
        assert_sound(replica)


@pytest.mark.parametrize("write", ["merge", "export", "settle"])
def test_whatever_writes_notices_it(used: Replica, tmp_path: Path, write: str) -> None:
    used.increment("builds")
    shutil.copytree(used.path, tmp_path / "copy")
    copy = Replica(tmp_path / "copy")
    other = Replica(tmp_path / "other")
    other.increment("builds")
    if write == "merge":
        copy.merge_bytes(other.export_bytes(), check=False)
    elif write == "export":
        copy.export_bytes()
    else:
        with pytest.raises(Exception, match="has no known fork"):
            copy.settle("nobody")
    assert copy.id != used.id
    assert copy.value("builds") == used.value("builds") + (write == "merge")


def test_an_older_version_under_the_same_path_is_noticed_even_if_its_inode_is_the_same(used: Replica) -> None:
    own = Path(used.path, "own.json")
    os.link(own, own.with_name("kept"))
    used.merge_bytes(b"", check=False)  # writes nothing
    before = used.id
    os.unlink(own.with_name("kept"))
    os.link(own, own.with_name("kept"))
    used.increment("builds")  # the link alone ends the id
    assert used.id != before
    own_id = used.id
    os.link(own, own.with_name("again"))
    os.rename(own, own.with_name("aside"))
    os.unlink(own.with_name("again"))
    os.rename(own.with_name("aside"), own)
    assert why(own.parent) == ""
    data = own.stat().st_ino
    os.rename(own, own.with_name("older"))
    shutil.copyfile(own.with_name("older"), own)
    assert why(own.parent) == "copied"
    os.rename(own.with_name("older"), own)
    assert own.stat().st_ino == data
    assert why(own.parent) == ""
    witness(used.path).write_text("0000000000000099\n")
    assert why(own.parent) == "restored"
    used.increment("builds")
    assert used.id != own_id
    assert used.value("builds") == 11


def test_without_its_witness_the_id_ends(used: Replica) -> None:
    before = used.id
    witness(used.path).unlink()
    used.increment("builds")
    assert used.id != before
    assert [past.why for past in used.past()] == ["unwitnessed"]


def test_where_there_is_no_place_for_a_witness_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    made = Replica.init(tmp_path / "made")
    before = made.id
    for _ in range(3):
        made.increment("builds")
    assert made.id == before
    assert any("without a witness" in finding.found for finding in made.check())


@pytest.mark.parametrize("deed", ["moved", "other modes", "touched", "other settings", "a new witness place"])
def test_what_is_no_copy_alarms_nobody(shell: Shell, replica: Replica, deed: str, tmp_path: Path) -> None:
    replica.increment("builds")
    before, home = replica.id, Path(replica.path)
    match deed:
        case "moved":
            home.rename(shell.directory / "elsewhere")
            (shell.directory / "elsewhere").rename(home)
        case "other modes":
            (home / "own.json").chmod(0o600)
        case "touched":
            os.utime(home / "own.json", (0, 0))
        case "other settings":
            (home / "config.toml").write_text("lock_timeout = 1\n")
        case _:
            assert shell("increment", "builds", environment={"HOME": str(tmp_path), "XDG_STATE_HOME": ""}).status == 0
    shell.ok("increment", "builds")
    assert replica.id == before
    assert replica.past() == []


def test_one_that_was_killed_between_the_two_files_is_ended_by_the_next_writer(
    used: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(used.path, tmp_path / "copy")
    copy = Replica(tmp_path / "copy")
    with monkeypatch.context() as patch:
        patch.setattr(identity, "first", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            copy.increment("builds")
    assert copy.id == used.id
    assert copy.value("builds") == used.value("builds")
    assert_sound(copy)
    copy.increment("builds")
    assert copy.id != used.id
    assert [past.replica for past in copy.past()] == [used.id]
    assert copy.value("builds") == used.value("builds") + 1
    assert_sound(copy)


def test_a_usurped_id_that_was_ended_halfway_is_not_used_for_what_leaves(
    used: Replica, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used.export_bytes()
    clone(Path(used.path), tmp_path / "clone")
    cloned = Replica(tmp_path / "clone")
    cloned.increment("builds", 10)
    used.increment("builds", 100)
    before = used.id
    with monkeypatch.context() as patch:
        patch.setattr(identity, "first", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            used.merge_bytes(cloned.export_bytes(), check=False)
    used.increment("builds", 1000)
    hub = Replica.init(tmp_path / "hub", name="hub")
    hub.merge_bytes(used.export_bytes(), check=False)
    assert used.id != before
    report = hub.merge_bytes(cloned.export_bytes(), used.export_bytes(), check=False)
    assert [len(fork.branches) for fork, _ in report.forks] == [2]
    assert hub.value("builds") == 9 + 1100


def test_every_reason_is_one_line_of_words() -> None:
    for code, words in REASONS.items():
        assert code.isalpha()
        assert words.isprintable()


def test_the_line_says_both_ids_and_why(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    before = replica.id
    shutil.copytree(replica.path, shell.directory / "copy")
    ended = shell("--replica", "copy", "increment", "builds")
    after = Replica(shell.directory / "copy").id
    assert (ended.status, ended.stdout) == (0, "")
    assert ended.stderr == f"crdtctl: {IdChange(before, after, 'copied')}\n"
    assert shell("--replica", "copy", "increment", "builds").stderr == ""
    rows = [line.split("\t") for line in shell.ok("--replica", "copy", "status").splitlines()]
    assert [row[0] for row in rows] == [after, before]
    assert "copied" in rows[1][2]
