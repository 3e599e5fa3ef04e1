"""Exit status 0 means: on disk, once. The steps that make it so, as the system saw them."""

from itertools import groupby
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.store.traced import needs_strace, steps
from tests.support.large import COUNT, NAME, grow

pytestmark = needs_strace


def put_in_place(which: str) -> list[str]:
    """Return the steps that replace a state file."""
    return [
        f"lock {which}.lock",
        f"open {which}.json",
        f"create {which}.json.new",
        f"write {which}.json.new",
        f"sync {which}.json.new",
        f"rename {which}.json.new to {which}.json",
        "sync .crdtctl",
    ]


def relevant(found: list[str], which: str) -> list[str]:
    """Return the steps but for reading other files; a lock file is opened to be locked."""
    kept = [
        step
        for step in found
        if (not step.startswith("open ") or step == f"open {which}.json") and not step.endswith(" log.jsonl")
    ]
    return [step for step, _ in groupby(kept)]  # what is read may come between two writes


@pytest.mark.parametrize(
    "words",
    [
        "increment builds",
        "decrement builds 2",
        "increment fresh",
        "increment a=2 b=3",
        "increment builds --once job-1",
        "increment --batch batch.txt",
        "add visitors ada",
        "create pages --type gcounter",
    ],
)
def test_counting_locks_reads_writes_syncs_renames_and_syncs_the_directory(
    shell: Shell, replica: Replica, words: str
) -> None:
    replica.increment("builds")
    (shell.directory / "batch.txt").write_text("builds 2\npages\n")
    found = relevant(steps(shell, *words.split()), "own")
    if words in ("increment fresh", "increment a=2 b=3", "add visitors ada"):  # the fast path looked, and declined
        assert found[:2] == ["lock own.lock", "open own.json"]
        found = found[2:]
    assert found == put_in_place("own")


@pytest.fixture
def other(shell: Shell) -> Replica:
    """Return another replica, whose state is in the file ``other.json``."""
    made = Replica.init(shell.directory / "other", name="other")
    made.increment("builds", 4)
    made.export_to(shell.directory / "other.json")
    return made


def test_merging_does_the_same_with_what_is_known_and_speaks_only_then(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    replica.merge_bytes(other.export_bytes())
    other.increment("builds")
    other.export_to(shell.directory / "other.json")
    found = steps(shell, "merge", "--format", "json", "other.json")
    assert relevant(found, "known") == [*put_in_place("known"), "print"]


@pytest.mark.parametrize(
    "words", ["increment builds --once job-1", "add visitors ada", "merge other.json", "merge --dry-run other.json"]
)
def test_what_changes_nothing_writes_nothing(shell: Shell, replica: Replica, other: Replica, words: str) -> None:
    replica.increment("builds", once="job-1")
    replica.add("visitors", "ada")
    replica.merge_bytes(other.export_bytes())
    touched = [step for step in steps(shell, *words.split()) if step.startswith(("rename", "sync"))]
    assert touched == []


def test_what_a_killed_writer_left_is_deleted_under_the_lock(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    Path(replica.path, "own.json.1-0a0a0a0a.new").touch()
    found = relevant(steps(shell, "increment", "builds"), "own")
    expected = put_in_place("own")
    expected.insert(2, "unlinkat own.json.new")
    assert found == expected


@pytest.mark.parametrize(
    "words", ["increment builds", "merge other.json", "add visitors ada", "show", "export", "status"]
)
def test_no_command_takes_the_lock_of_known_json_while_it_holds_the_one_of_own_json(
    shell: Shell, replica: Replica, other: Replica, words: str
) -> None:
    replica.increment("builds")
    locks = [step for step in steps(shell, *words.split()) if step.startswith("lock")]
    declined = ["lock own.lock", "lock own.lock"]  # by the fast path, which gives the lock back before the full command
    assert locks in ([], ["lock own.lock"], declined, ["lock known.lock"], ["lock known.lock", "lock own.lock"])


def test_an_exported_file_is_put_in_place_the_same_way(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    shell.ok("export")  # notes once that this has left
    found = [step for step in steps(shell, "export", "-o", "out.json") if "out.json" in step or "sync" in step]
    assert found == [
        "create out.json.new",
        "write out.json.new",
        "sync out.json.new",
        "rename out.json.new to out.json",
        "sync .",
    ]


def test_a_new_replica_is_synced_before_it_gets_its_name_and_so_is_the_name(shell: Shell) -> None:
    found = [step for step in steps(shell, "init", ".crdtctl") if not step.startswith("open")]
    last = found.index("rename .crdtctl.new to .crdtctl")
    written = [step.removeprefix("write ") for step in found[:last] if step.startswith("write")]
    synced = [step.removeprefix("sync ") for step in found[:last] if step.startswith("sync")]
    assert sorted(written) == [".gitignore", "config.toml", "known.lock", "own.json.new"]
    assert synced == [*written, ".crdtctl.new"]
    assert "rename own.json.new to own.json" in found[:last]
    assert (found[last + 1], found[-1]) == ("sync .", "print")  # between them, where it is is remembered


def changes(found: list[str]) -> list[str]:
    """Return the steps that change files, without those of the log."""
    return [step for step in found if step.startswith(("create", "write", "sync", "rename")) and "log" not in step]


@pytest.mark.parametrize("words", ["increment builds", "increment builds --once job-1", "export -o out.json"])
def test_a_commit_of_a_large_replica_replaces_own_recent_json(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("builds")
    grow(replica)
    found = changes(steps(shell, *words.split()))
    assert [step for step in found if "out.json" not in step and step != "sync ."] == put_in_place("own.recent")[2:]


def test_changes_move_to_own_json_before_own_recent_json_is_replaced(shell: Shell, replica: Replica) -> None:
    grow(replica)
    (shell.directory / "batch.txt").write_text("\n".join(NAME.format(number) for number in range(200)))
    found = changes(steps(shell, "increment", "--batch", "batch.txt"))
    assert found == [*put_in_place("own")[2:], *put_in_place("own.recent")[2:]]


def test_first_large_own_json_is_written_after_an_own_recent_json(shell: Shell, replica: Replica) -> None:
    (shell.directory / "batch.txt").write_text("\n".join(NAME.format(number) for number in range(COUNT)))
    found = changes(steps(shell, "increment", "--batch", "batch.txt"))
    assert found == [step for which in ("own.recent", "own", "own.recent") for step in put_in_place(which)[2:]]
