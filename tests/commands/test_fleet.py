"""``crdtctl fleet``: totals of all objects at a remote, without a replica. They are those of ``merge`` and ``show``."""

import json
import os
import shutil
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Result, Shell
from tests.support.clones import clone
from tests.support.expect import assert_refused, contents

#: What is asked of the fleet, and of a replica that has merged everything.
QUESTIONS: tuple[list[str], ...] = (
    [],
    ["--format", "json"],
    ["builds"],
    ["builds", "--by-replica"],
    ["runs", "--by", "os", "--format", "csv"],
    ["runs*", "--series", "--top", "1"],
    ["visitors", "--members"],
    ["latency", "--quantile", "0.5,p99"],
    ["--format", "prom"],
    ["builds", "--state"],
    ["hits", "--per", "day", "--tz", "UTC"],
    ["nothing", "--default", "0"],
    ["nothing"],
    ["builds", "--min", "1000"],
)


@pytest.fixture
def hub(shell: Shell) -> Path:
    """Return a folder with objects of replicas that count in all types, and with everything that happens to files."""
    folder = shell.directory / "hub"
    folder.mkdir()
    for number, name in enumerate(("ada", "bob", "čen")):
        replica = Replica.init(shell.directory / name, name=name)
        replica.increment("builds", 3 + number)
        replica.increment("builds", 10, once=f"job-{number % 2}")
        replica.increment('runs{os="linux"}', 2)
        replica.increment('runs{os="mac"}', number, tag="pncounter")
        replica.add("visitors", "x", name)
        shell.ok("--replica", name, "add", "devices", name, "shared", "--type", "hll")
        shell.ok("--replica", name, "add", "latency", f"0.{number + 1}", "2", "--type", "hist")
        shell.ok("--replica", name, "create", "hits", "--every", "day")
        shell.ok("--replica", name, "increment", "hits", "5", "--at", f"2026-03-0{number + 1}")
        shell.ok("--replica", name, "sync", "./hub")
    shell.ok("--replica", "bob", "reset", "builds")
    shell.ok("--replica", "bob", "sync", "./hub")
    return folder


def both(shell: Shell, hub: Path, *words: str) -> tuple[Result, Result]:
    """Return what the fleet shows, and what a replica shows that has merged the same files."""
    fresh = shell.directory / "fresh"
    shutil.rmtree(fresh, ignore_errors=True)
    shell.ok("--replica", "fresh", "init", "--name", "observer")
    shell("--replica", "fresh", "merge", hub)
    return shell("fleet", "show", hub, *words), shell("--replica", "fresh", "show", *words)


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_fleet_shows_what_a_replica_shows_that_merged_everything(shell: Shell, hub: Path, words: list[str]) -> None:
    fleet, replica = both(shell, hub, *words)
    head = '"replica":"observer-'
    if head in fleet.stdout:  # the ids of two replicas differ
        fleet, replica = (Result(one.status, one.stdout.split("\n", 1)[1], one.stderr) for one in (fleet, replica))
    assert fleet == replica
    assert fleet.stdout or words[:1] == ["nothing"]


def test_nothing_is_written_anywhere(shell: Shell, hub: Path, tmp_path: Path) -> None:
    home = {
        "HOME": str(tmp_path / "elsewhere"),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "TMPDIR": str(tmp_path / "tmp"),
    }
    (tmp_path / "tmp").mkdir()
    before = contents(hub)
    for words in (["show"], ["check"], ["export"]):
        done = shell("fleet", *words, hub, environment=home)
        assert done.status == 0, done.stderr
    assert contents(hub) == before
    assert not (tmp_path / "elsewhere").exists()
    assert not [*(tmp_path / "tmp").iterdir()]
    assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()]


def test_no_right_to_write_is_needed(shell: Shell, hub: Path) -> None:
    hub.chmod(0o555)
    try:
        assert shell.ok("fleet", "show", hub, "visitors") == "4\n"
    finally:
        hub.chmod(0o755)


def test_damaged_files_are_left_out_and_named(shell: Shell, hub: Path) -> None:
    total = shell.ok("fleet", "show", hub, "hits")
    (hub / "milk.txt").write_text("buy milk")
    done = shell("fleet", "show", hub, "hits")
    assert (done.status, done.stdout) == (3, total)
    assert "milk.txt is not a valid state" in done.stderr
    checked = shell("fleet", "check", hub)
    assert (checked.status, checked.stdout) == (3, "")
    assert "milk.txt" in checked.stderr
    found = json.loads(shell("fleet", "check", hub, "--format", "json").stdout)
    assert [one["file"] for one in found["files"] if not one["ok"]] == ["milk.txt"]
    assert len(found["replicas"]) == 3


def test_files_of_which_none_is_a_state_are_refused(shell: Shell) -> None:
    folder = shell.directory / "notes"
    folder.mkdir()
    assert shell.ok("fleet", "show", folder) == ""
    (folder / "a.txt").write_text("milk")
    (folder / "b.txt").write_text("bread")
    assert "none of 2 files at the remote is a valid state" in assert_refused(shell("fleet", "show", folder), 65)
    assert_refused(shell("fleet", "check", folder), 65)
    assert_refused(shell("fleet", "show", "./not-there"), 69)


def test_replica_with_two_writers_is_reported_every_time(shell: Shell, hub: Path) -> None:
    copy = shell.directory / "copy"
    clone(shell.directory / "ada", copy)
    Replica(shell.directory / "ada").increment("builds")
    shell.ok("--replica", "ada", "sync", "./hub")
    Replica(copy).increment("builds", 7)
    Replica(copy).export_to(hub / "copy.crdt.json")
    for _ in range(2):
        fleet, replica = both(shell, hub, "builds")
        assert fleet.stdout == replica.stdout
        assert fleet.status == 5
        assert "several writers" in fleet.stderr
        assert_refused(shell("fleet", "check", hub), 5)


def test_exported_state_is_what_a_replica_knows_that_merged_everything(shell: Shell, hub: Path) -> None:
    assert shell.ok("fleet", "export", hub, "-o", "all.json") == ""
    shell.ok("--replica", "one", "init")
    shell.ok("--replica", "one", "merge", "all.json")
    _, replica = both(shell, hub)
    assert shell.ok("--replica", "one", "show") == replica.stdout
    state = shell.ok("fleet", "export", hub).encode()
    assert state.splitlines()[1:-1] == (shell.directory / "all.json").read_bytes().splitlines()[1:-1]
    (shell.directory / "mine.txt").write_text("mine")
    assert_refused(shell("fleet", "export", hub, "-o", "mine.txt"), 73)


def test_remote_may_be_given_by_its_name(shell: Shell, hub: Path) -> None:
    shell.ok("--replica", "ada", "remote", "add", "office", "./hub")
    named = shell("--replica", "ada", "fleet", "show", "office", "hits")
    assert named.stdout == shell.ok("fleet", "show", hub, "hits")
    assert "needs a '/'" in assert_refused(shell("fleet", "show", "office"), 2)
    assert_refused(shell("--replica", "ada", "fleet", "show", "hub"), 2)


@pytest.mark.parametrize(
    "words", [["fleet"], ["fleet", "shoe", "x"], ["fleet", "show"], ["fleet", "show", "./hub", "--jobs", "0"]]
)
def test_wrong_lines_are_refused(shell: Shell, words: list[str]) -> None:
    assert_refused(shell(*words), 2)


def test_number_of_processes_changes_nothing(shell: Shell, hub: Path) -> None:
    shown = {shell.ok("fleet", "show", hub, "--jobs", str(jobs)) for jobs in (1, 2, 5)}
    assert len(shown) == 1


def test_git_repository_is_read_like_a_folder(shell: Shell, hub: Path) -> None:
    if shutil.which("git") is None:
        pytest.skip("git is not installed")
    os.system(f"git init -q --bare {shell.directory}/repo.git")  # a path of the test
    shell.ok("--replica", "ada", "sync", "./hub", "./repo.git")
    assert shell.ok("fleet", "show", "./repo.git") == shell.ok("fleet", "show", "./hub")


def test_private_remote_is_read_with_its_key(shell: Shell, hub: Path) -> None:
    key = shell.ok("remote", "key", "new")
    (shell.directory / "office.key").write_text(key)
    (shell.directory / "office.key").chmod(0o600)
    (shell.directory / "sealed").mkdir()
    shell.ok("--replica", "ada", "remote", "add", "office", "./sealed", "--key", "office.key")
    shell.ok("--replica", "ada", "sync", "./hub", "office")
    total = shell.ok("fleet", "show", hub, "hits")
    assert shell.ok("--replica", "ada", "fleet", "show", "office", "hits") == total
    with_key = shell("fleet", "show", "./sealed", "hits", environment={"CRDTCTL_REMOTE_KEY": key.strip()})
    assert (with_key.status, with_key.stdout) == (0, total)
    assert_refused(shell("fleet", "show", "./sealed", "hits"), 78)
