"""``crdtctl sync``: replicas meet at remotes, all of them or those that are named."""

import json
from pathlib import Path

import pytest

from crdtctl import Replica, synchronize
from tests.commands.meeting import neighbour, objects
from tests.conftest import Shell
from tests.support.clones import clone
from tests.support.expect import assert_one_line, assert_refused, contents
from tests.support.terminal import on_terminal


@pytest.fixture
def hub(shell: Shell) -> Path:
    return shell.directory / "hub"


def test_two_that_meet_know_all_and_the_folder_is_made_on_the_way(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds", 3)
    ended = shell("sync", "./hub")
    assert (ended.status, ended.stdout, ended.stderr) == (0, "", "crdtctl: created the folder ./hub\n")
    other = neighbour(shell.directory, "other", hub, builds=4)
    assert other.value("builds") == 7
    assert shell.ok("sync", str(hub)) == ""
    assert shell.ok("show", "builds") == "7\n"
    assert len(objects(hub)) == 2


def test_alone_it_takes_all_remotes_and_otherwise_those_that_are_named(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    for name in ("north", "south"):
        shell.ok("remote", "add", name, name + "/") if name == "south" else shell.ok("remote", "add", name, "./north")
    assert shell("sync", "south", "./stick").status == 0
    assert {path.name for path in shell.directory.iterdir() if not path.name.startswith(".")} == {"south", "stick"}
    assert shell("sync").status == 0
    assert len(objects(shell.directory / "north")) == 1


def test_what_was_learned_at_one_remote_is_left_at_the_other_in_the_same_sync(shell: Shell, replica: Replica) -> None:
    other = neighbour(shell.directory, "other", shell.directory / "south", builds=4)
    assert shell("sync", "./north", "./south").status == 0
    third = neighbour(shell.directory, "third", shell.directory / "north")
    assert third.value("builds") == 4
    assert third.clock() == other.clock()


def test_one_that_counted_nothing_leaves_nothing_and_learns_all(shell: Shell, replica: Replica, hub: Path) -> None:
    neighbour(shell.directory, "other", hub, builds=4)
    before = contents(hub)
    shell.ok("sync", "./hub")
    assert replica.value("builds") == 4
    assert contents(hub) == before


def test_a_second_sync_writes_nothing(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds")
    neighbour(shell.directory, "other", hub, builds=4)
    for _ in range(2):
        shell.ok("sync", "./hub")
    before = contents(shell.directory)
    for words in (["./hub"], ["./hub", "./hub/", "../here/hub"], [f"file://{hub}"]):
        shell.ok("sync", *words)
    after = contents(shell.directory)
    kept = {name: data for name, data in before.items() if not name.endswith(".remote.json")}  # which hold times
    assert {**after, **kept} == after
    assert contents(hub).items() <= {name[4:]: data for name, data in before.items()}.items()


def test_the_same_folder_by_other_spellings_is_harmless(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds")
    neighbour(shell.directory, "other", hub, builds=4)
    (shell.directory / "link").symlink_to("hub")
    spellings = ["./hub", "./hub/", "../here/hub", f"file://{hub}", "./link", f"file://localhost{hub}"]
    for _ in range(2):
        shell.ok("sync", *spellings)
        assert len(objects(hub)) == 2
    assert replica.value("builds") == 5
    shell.ok("sync", "--exit-code", *spellings)
    told = json.loads(shell.ok("sync", "--format", "json", *spellings))
    assert [one["name"] for one in told["remotes"]] == ["./hub", f"file://{hub}", "./link", f"file://localhost{hub}"]


def test_where_there_is_no_replica_yet_a_url_makes_one_and_a_name_does_not(shell: Shell, hub: Path) -> None:
    neighbour(shell.directory, "other", hub, builds=4)
    for words in (["sync"], ["sync", "hub"], ["sync", "--dry-run", "./hub"], ["sync", "hub", "./hub"]):
        assert "crdtctl init" in assert_refused(shell(*words), 66)
    assert contents(shell.environment["HOME"]) == {}
    ended = shell("sync", "./hub")
    assert (ended.status, ended.stdout) == (0, "")
    assert "created replica" in assert_one_line(ended.stderr)
    assert shell.ok("show", "builds") == "4\n"


def test_on_a_terminal_it_says_what_moved_and_what_changed(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds", 3)
    neighbour(shell.directory, "other", hub, builds=4)
    shell.ok("remote", "add", "hub", "./hub")
    ended = on_terminal(shell, "sync")
    assert (ended.status, ended.stderr) == (0, "")
    first, second = ended.stdout.splitlines()
    assert first.startswith("hub: read 1 object (")
    assert ", put " in first
    assert second == "builds 3 → 7"
    assert on_terminal(shell, "sync").stdout == "hub: nothing new\n"


def test_a_dry_run_on_a_terminal_says_who_has_what_for_whom(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds", 3)
    neighbour(shell.directory, "other", hub, builds=4, tests=1)
    assert shell("sync", "./south").status == 0
    replica.increment("builds")
    ended = on_terminal(shell, "sync", "--dry-run", "./hub", "./south")
    assert (ended.status, ended.stderr) == (0, "")
    assert "./hub: would read " in ended.stdout
    assert ": 2 entries new\n" in ended.stdout
    assert ": 1 entry\n" in ended.stdout
    assert "./south: would delete here-" in ended.stdout
    assert "builds 4 → 8" in ended.stdout


def test_a_sealed_replica_leaves_its_last_and_takes_nothing(shell: Shell, replica: Replica, hub: Path) -> None:
    replica.increment("builds", 3)
    neighbour(shell.directory, "other", hub, builds=4)
    shell.ok("seal", "--yes")
    shell.ok("sync", "./hub")
    shell.ok("sync", "./hub")
    assert replica.value("builds") == 3
    third = neighbour(shell.directory, "third", hub)
    assert third.value("builds") == 7


def test_only_with_clean_are_the_objects_of_absorbed_replicas_deleted(
    shell: Shell, replica: Replica, hub: Path
) -> None:
    job = neighbour(shell.directory, "job", hub, builds=4)
    job.seal()
    synchronize(job, str(hub))
    job.export_to(shell.directory / "sealed.json")
    shell.ok("absorb", "sealed.json")
    shell.ok("sync", "./hub")
    assert len(objects(hub, "job")) == 1
    shell.ok("sync", "--clean", "./hub")
    assert objects(hub, "job") == []
    assert neighbour(shell.directory, "third", hub).value("builds") == 4


def test_a_fork_that_a_sync_finds_is_told_and_nothing_is_lost(shell: Shell, hub: Path) -> None:
    replica = Replica.init(shell.directory / ".crdtctl", name="here")
    replica.increment("builds", 3)
    replica.export_bytes()
    clone(Path(replica.path), shell.directory / "clone")
    Replica(shell.directory / "clone").increment("builds", 70)
    synchronize(Replica(shell.directory / "clone"), str(hub))
    replica.increment("builds", 2)
    replica_before, before = replica.id, contents(replica.path)
    assert "would" in assert_one_line(shell("sync", "--dry-run", "./hub").stderr)
    assert contents(replica.path) == before
    ended = shell("sync", "./hub", "/nonexistent/place")
    assert (ended.status, ended.stdout) == (5, "")
    assert "/nonexistent/place" in ended.stderr
    assert "crdtctl settle" in ended.stderr
    assert shell("sync", "./hub").status == 0
    assert shell.ok("show", "builds") == "73\n"  # both branches are kept, and somebody has to say what they lack
    shell.ok("settle", replica_before, "builds=2")
    assert shell.ok("show", "builds") == "75\n"


@pytest.mark.parametrize(
    "words",
    [
        ["--timeout", "-1"],
        ["--timeout", "nan"],
        ["--timeout", "inf"],
        ["--timeout", "soon"],
        ["--retry-lock", "-1"],
        ["--retry-lock", "nan"],
        ["--require-replicas", "0"],
        ["--require-replicas", "many"],
        ["--format", "xml"],
        ["--bogus"],
        ["-"],
        [""],
        ["hub"],
        ["ftp://example.org/"],
        ["git@example.org:team/counts"],
        ["git+file://"],
        ["git+file://#counts"],
    ],
)
def test_wrong_words_are_refused_before_anything_is_done(shell: Shell, replica: Replica, words: list[str]) -> None:
    replica.increment("builds")
    before = contents(shell.directory)
    assert_refused(shell("sync", "./new", *words), 2)
    assert contents(shell.directory) == before


def test_without_a_remote_there_is_nothing_to_do(shell: Shell, replica: Replica) -> None:
    assert "remote add" in assert_refused(shell("sync"), 2)
