"""One writer at a time, whoever it is; and no writer waits for the other state file's."""

import os
import time
from pathlib import Path

import filelock
import pytest

from crdtctl import Replica
from crdtctl.errors import BusyError, StorageError
from crdtctl.store.durable import Draft
from tests.conftest import Result, Shell
from tests.support.forked import child

LOCKS = ["own.lock", "known.lock"]


def never_to_be_seen(draft: Draft) -> bool:
    draft.write(b"nothing that anybody may read")
    return True


@pytest.fixture
def other(shell: Shell) -> Path:
    """Return a state of another replica."""
    made = Replica.init(shell.directory / "other", name="other")
    made.increment("builds", 4)
    made.export_to(shell.directory / "other.json")
    return shell.directory / "other.json"


def states(replica: Replica) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(replica.path).glob("*.json")}


@pytest.mark.parametrize(
    ("name", "command"), [("own.lock", "increment builds"), ("own.lock", "increment fresh"), ("known.lock", "merge")]
)
def test_a_file_lock_of_any_other_program_is_respected(
    shell: Shell, replica: Replica, other: Path, name: str, command: str
) -> None:
    replica.increment("builds")
    before = states(replica)
    words = [*command.split(), other] if command == "merge" else command.split()
    with filelock.FileLock(f"{replica.path}/{name}", fallback_to_soft=False):
        ended = shell("--lock-timeout", "0", *words)
        fast = shell(*words, environment={"CRDTCTL_LOCK_TIMEOUT": "0.05"})
    assert (ended.status, ended.stdout) == (75, "")
    assert f"{name} is held by another process" in ended.stderr
    assert fast == ended
    assert states(replica) == before
    assert shell.ok(*words) == ""
    assert states(replica) != before


@pytest.mark.parametrize("which", ["own", "known"])
def test_our_lock_is_respected_by_a_file_lock_of_any_other_program(replica: Replica, which: str) -> None:
    theirs = filelock.FileLock(f"{replica.path}/{which}.lock", timeout=0, fallback_to_soft=False)
    with replica._open() as directory:
        with directory.locked(which, 0), pytest.raises(filelock.Timeout):
            theirs.acquire()
        theirs.acquire()
        theirs.release()


@pytest.mark.parametrize("which", ["own", "known"])
def test_a_writer_that_waits_goes_on_when_the_lock_is_free(replica: Replica, other: Path, which: str) -> None:
    before = states(replica)
    theirs = filelock.FileLock(f"{replica.path}/{which}.lock", fallback_to_soft=False)
    with theirs, child(lambda: write(replica, which, other)) as ended:
        time.sleep(0.1)
        assert states(replica) == before
        theirs.release()
        assert ended() == Result(0, "", "")
    assert states(replica) != before


@pytest.mark.parametrize("which", ["own", "known"])
def test_a_writer_that_waited_for_a_lock_file_that_was_replaced_takes_the_new_one(
    replica: Replica, other: Path, which: str
) -> None:
    before = states(replica)
    path = f"{replica.path}/{which}.lock"
    with filelock.FileLock(path, fallback_to_soft=False) as old, child(lambda: write(replica, which, other)) as ended:
        time.sleep(0.1)
        with filelock.FileLock(f"{path}.another", fallback_to_soft=False):
            os.rename(f"{path}.another", path)
            old.release()
            time.sleep(0.1)
            assert states(replica) == before
        assert ended() == Result(0, "", "")
    assert states(replica) != before


def write(replica: Replica, which: str, other: Path) -> None:
    if which == "own":
        replica.increment("builds")
    else:
        replica.merge(other)


def test_counting_and_merging_do_not_wait_for_each_other(shell: Shell, replica: Replica, other: Path) -> None:
    replica.increment("builds")
    with filelock.FileLock(f"{replica.path}/known.lock", fallback_to_soft=False):
        assert shell.ok("--lock-timeout", "0", "increment", "builds") == ""
        assert shell.ok("increment", "builds") == ""
    with filelock.FileLock(f"{replica.path}/own.lock", fallback_to_soft=False):
        assert shell.ok("--lock-timeout", "0", "merge", other) == ""
    assert replica.value("builds") == 7


def test_reading_waits_for_nobody(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    shell.ok("export")  # notes once that this has left
    with (
        filelock.FileLock(f"{replica.path}/known.lock", fallback_to_soft=False),
        filelock.FileLock(f"{replica.path}/own.lock", fallback_to_soft=False),
    ):
        for words in ("show builds", "show", "export", "clock", "status", "check"):
            assert shell.ok(*words.split()) != ""


def test_no_command_ever_deletes_or_replaces_a_lock_file(shell: Shell, replica: Replica, other: Path) -> None:
    def inodes() -> list[int]:
        return [os.stat(f"{replica.path}/{name}").st_ino for name in LOCKS]

    before = inodes()
    for words in (
        "increment builds",
        "increment builds",
        "decrement builds --once k",
        "add people ada",
        "show",
        "export",
    ):
        shell.ok(*words.split())
        assert inodes() == before
    shell.ok("merge", other)
    assert shell("increment", "").status == 2
    assert shell("merge", "nowhere").status == 66
    assert inodes() == before


@pytest.mark.parametrize("which", ["own", "known"])
@pytest.mark.parametrize("how", ["deleted", "replaced"])
def test_a_lock_file_that_vanishes_under_a_writer_means_not_applied(replica: Replica, which: str, how: str) -> None:
    replica.increment("builds")
    before = states(replica)
    with replica._open() as directory, directory.locked(which, 0) as lock:
        os.unlink(f"{replica.path}/{which}.lock")
        if how == "replaced":
            Path(replica.path, f"{which}.lock").touch()
        with pytest.raises(StorageError, match="was deleted or replaced while it was held") as caught:
            directory.write(which, lock, never_to_be_seen)
    assert caught.value.status == 74
    assert states(replica) == before
    replica.increment("builds")
    assert replica.value("builds") == 2


def test_a_lock_file_that_is_missing_is_made_again(shell: Shell, replica: Replica, other: Path) -> None:
    for name in LOCKS:
        os.unlink(f"{replica.path}/{name}")
    shell.ok("increment", "builds")
    shell.ok("merge", other)
    assert sorted(name for name in os.listdir(replica.path) if name.endswith(".lock")) == sorted(LOCKS)
    assert replica.value("builds") == 5


def test_a_lock_timeout_of_the_program_goes_before_the_one_in_the_settings(replica: Replica) -> None:
    Path(replica.path, "config.toml").write_text("lock_timeout = 0\n")
    patient, hasty = Replica(replica.path, lock_timeout=60), Replica(replica.path)
    with filelock.FileLock(f"{replica.path}/own.lock", fallback_to_soft=False) as theirs:
        with pytest.raises(BusyError) as caught:
            hasty.increment("builds")
        assert caught.value.status == 75
        with child(lambda: patient.increment("builds")) as ended:
            theirs.release()
            assert ended() == Result(0, "", "")
    assert replica.value("builds") == 1
