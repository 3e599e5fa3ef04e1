"""A lock that somebody else holds: wait as long as was asked for, and then nothing was applied (75)."""

import fcntl
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock
import pytest

from crdtctl import Replica
from crdtctl.store import durable
from crdtctl.store.files import Directory
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document
from tests.support.waiting import ended, started, wait_until_it_opens

COUNTING = (
    ["increment", "builds"],
    ["decrement", "builds=1"],
    ["add", "visitors", "ada"],
    ["create", "fresh", "--type", "gset"],
    ["increment", "--batch", "-"],
)


@contextmanager
def held(replica: Replica, which: str) -> Iterator[None]:
    """Hold a lock of the replica, as any program could."""
    with Path(replica.path, f"{which}.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.mark.parametrize("words", COUNTING)
def test_counting_while_the_lock_is_held_is_busy_and_not_applied(
    shell: Shell, replica: Replica, words: list[str]
) -> None:
    replica.increment("builds", 42)
    before = contents(replica.path)
    with held(replica, "own"):
        said = assert_refused(shell("--lock-timeout", "0.2", *words, stdin="builds\n"), 75)
    assert "own.lock" in said
    assert "try again" in said
    assert contents(replica.path) == before
    shell.ok("--lock-timeout", "0.2", *words, stdin="builds\n")


def test_merging_while_the_other_lock_is_held_is_busy_and_not_applied(shell: Shell, replica: Replica) -> None:
    state = document("other", 1, counted("builds", "other", 1, 7))
    with held(replica, "known"):
        before = contents(replica.path)
        assert "known.lock" in assert_refused(shell("--lock-timeout", "0.2", "merge", "-", stdin=state), 75)
        assert contents(replica.path) == before
        shell.ok("--lock-timeout", "0", "increment", "builds")  # counting needs the other lock only
        shell.ok("--lock-timeout", "0", "merge", "--dry-run", "-", stdin=state)
    shell.ok("merge", "-", stdin=state)


def test_reading_never_waits(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    shell.ok("export")
    with held(replica, "own"), held(replica, "known"):
        assert shell.ok("show", "builds") == "42\n"
        for words in (["show"], ["export"], ["clock"], ["status"], ["check"]):
            assert shell.ok("--lock-timeout", "0", *words)


def test_exporting_what_never_left_before_waits_to_note_that_it_does(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    with held(replica, "own"):
        assert_refused(shell("--lock-timeout", "0", "export"), 75)
    assert shell.ok("export") == replica.export_bytes().decode()


def test_how_long_to_wait_can_stand_in_a_variable_or_in_the_settings(shell: Shell, replica: Replica) -> None:
    with held(replica, "own"):
        assert_refused(shell("increment", "builds", environment={"CRDTCTL_LOCK_TIMEOUT": "0.2"}), 75)
        Path(replica.path, "config.toml").write_text("lock_timeout = 0.2\n")
        assert_refused(shell("increment", "builds"), 75)
        assert_refused(shell("increment", "builds=1"), 75)


def test_a_negative_time_to_wait_is_refused(shell: Shell, replica: Replica) -> None:
    assert_refused(shell("--lock-timeout", "-1", "show"), 2)
    assert_refused(shell("--lock-timeout", "nan", "show"), 2)


def test_a_lock_that_is_given_back_in_time_is_waited_for(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 41)
    with held(replica, "own"):
        process = started(shell, "increment", "builds")
        wait_until_it_opens(process, "own.lock")
    assert ended(process) == (0, b"", b"")
    assert replica.value("builds") == 42


def test_filelock_on_the_same_file_excludes_us(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 41)
    with filelock.FileLock(Path(replica.path, "own.lock"), fallback_to_soft=False):
        assert_refused(shell("--lock-timeout", "0.2", "increment", "builds"), 75)
    shell.ok("increment", "builds")
    assert replica.value("builds") == 42


def test_filelock_on_the_same_file_is_excluded_by_both_ways_of_locking(replica: Replica) -> None:
    theirs = filelock.FileLock(Path(replica.path, "own.lock"), fallback_to_soft=False)
    directory = Directory(replica.path)
    with directory.locked(durable.OWN, 1), pytest.raises(filelock.Timeout):
        theirs.acquire(timeout=0)
    lock = durable.open_lock(directory.fd, durable.OWN)
    assert durable.try_lock(lock)
    with pytest.raises(filelock.Timeout):
        theirs.acquire(timeout=0)
    os.close(lock)
    directory.close()
    with theirs.acquire(timeout=0):
        pass


def test_a_lock_file_that_is_missing_is_made_again(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 40)
    for words in (["increment", "builds"], ["increment", "builds=1"]):
        Path(replica.path, "own.lock").unlink()
        shell.ok(*words)
    assert replica.value("builds") == 42


def test_a_lock_file_that_is_a_link_is_not_followed(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    outside = shell.directory / "outside"
    lock = Path(replica.path, "own.lock")
    lock.unlink()
    lock.symlink_to(outside)
    assert_refused(shell("increment", "builds"), 65)
    assert not outside.exists()
    assert replica.value("builds") == 42


@pytest.mark.parametrize("words", [["increment", "builds"], ["increment", "builds=1"]])
def test_interrupting_the_wait_ends_with_130_and_changes_nothing(
    shell: Shell, replica: Replica, words: list[str]
) -> None:
    replica.increment("builds", 42)
    before = contents(replica.path)
    with held(replica, "own"):
        process = started(shell, *words)
        wait_until_it_opens(process, "own.lock")
        process.send_signal(signal.SIGINT)
        status, stdout, stderr = ended(process)
    assert (status, stdout) == (130, b"")
    assert b"Traceback" not in stderr
    assert contents(replica.path) == before


def test_terminating_the_wait_ends_by_the_signal_and_changes_nothing(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    before = contents(replica.path)
    with held(replica, "own"):
        process = started(shell, "increment", "builds")
        wait_until_it_opens(process, "own.lock")
        process.send_signal(signal.SIGTERM)
        status, stdout, stderr = ended(process)
    assert status in (143, -signal.SIGTERM)  # a shell says 143 either way
    assert (stdout, stderr) == (b"", b"")
    assert contents(replica.path) == before
