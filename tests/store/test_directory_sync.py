"""A file system that does not sync directories: counting goes on. A sync that fails: the outcome is unknown."""

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.store.traced import needs_strace, unsynced

pytestmark = needs_strace

COMMANDS = ("increment builds", "increment builds=1", "merge x.json", "export -o y.json", "remote add hub ./hub")


def prepare(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("tests")
    other.export_to(shell.directory / "x.json")
    replica.increment("builds")


@pytest.mark.parametrize("error", ["EINVAL", "EBADF", "ENOSYS", "EOPNOTSUPP"])
def test_a_directory_that_cannot_be_synced_is_no_failure(shell: Shell, error: str) -> None:
    made = unsynced(shell, error, "init")
    assert (made.status, made.stderr) == (0, "")
    prepare(shell, Replica(shell.directory / ".crdtctl"))
    for words in COMMANDS:
        ended = unsynced(shell, error, *words.split())
        assert (ended.status, ended.stderr) == (0, ""), words
    assert shell.ok("show", "builds") == "3\n"


@pytest.mark.parametrize("error", ["EIO", "ENOSPC", "EACCES", "EROFS"])
def test_a_sync_that_fails_after_the_rename_is_never_said_to_have_changed_nothing(
    shell: Shell, replica: Replica, error: str
) -> None:
    prepare(shell, replica)
    for words in COMMANDS:
        ended = unsynced(shell, error, *words.split())
        assert ended.status == 76, words
        assert "nothing was changed" not in ended.stderr
        assert "cannot be made durable" in ended.stderr
    assert replica.value("builds") == 3
