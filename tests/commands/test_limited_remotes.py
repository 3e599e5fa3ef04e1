"""Remotes that are only read, only written, or never tidied: `remote add --pull | --push | --keep-old`."""

import itertools
import json
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import UsageError
from tests.conftest import Shell
from tests.support.expect import assert_refused


@pytest.fixture
def hub(shell: Shell, replica: Replica) -> Path:
    """Return a folder with an object of another replica, which counted 5 builds; this one counted 1 run."""
    folder = shell.directory / "hub"
    folder.mkdir()
    Replica.init(shell.directory / "other", name="other").increment("builds", 5)
    shell.ok("--replica", "other", "sync", "./hub")
    replica.increment("runs")
    return folder


def names(hub: Path) -> set[str]:
    return {path.name for path in hub.iterdir()}


def test_pulled_remote_is_read_and_never_written(shell: Shell, hub: Path, replica: Replica) -> None:
    before = names(hub)
    shell.ok("remote", "add", "--pull", "hub", "./hub")
    shell.ok("sync")
    assert shell.ok("show") == "builds\tpncounter\t5\nruns\tpncounter\t1\n"
    replica.increment("runs")
    for words in (["sync", "./hub"], ["sync", "--clean"], ["sync", "--heartbeat", "0"], ["sync", str(hub)]):
        shell.ok(*words)
        assert names(hub) == before
    assert "would put" not in shell.ok("sync", "--dry-run")


def test_pushed_remote_is_written_and_nothing_is_merged_from_there(shell: Shell, hub: Path, replica: Replica) -> None:
    before = names(hub)
    shell.ok("remote", "add", "hub", "./hub", "--push")
    shell.ok("sync")
    (first,) = names(hub) - before
    replica.increment("runs")
    shell.ok("sync")
    (second,) = names(hub) - before
    assert first != second
    assert shell.ok("show") == "runs\tpncounter\t2\n"
    shell.ok("--replica", "other", "sync", "./hub")
    assert shell.ok("--replica", "other", "show", "runs") == "2\n"


def test_pushed_object_has_all_that_this_replica_knows(shell: Shell, hub: Path, replica: Replica) -> None:
    shell.ok("sync", "./hub")
    (shell.directory / "box").mkdir()
    shell.ok("remote", "add", "box", "./box", "--push")
    shell.ok("sync", "box")
    reader = Replica.init(shell.directory / "reader", name="reader")
    reader.merge(*(shell.directory / "box").iterdir())
    assert {one.name: one.value for one in reader.counters()} == {"builds": 5, "runs": 1}


def test_remote_that_was_met_both_ways_before_misses_nothing(shell: Shell, hub: Path, replica: Replica) -> None:
    shell.ok("sync", "./hub")
    shell.ok("remote", "add", "hub", "./hub", "--push")
    replica.increment("runs")
    assert shell.ok("sync") == ""


def test_pushed_remote_may_refuse_listings(shell: Shell, replica: Replica) -> None:
    box, program = shell.directory / "box", shell.directory / "program"
    box.mkdir()
    program.write_text(
        f'#!/bin/sh\ncd "{box}" || exit 1\ncase $1 in list) exit 77 ;; put) cat >"$2" ;; delete) rm -f "$2" ;; esac\n'
    )
    program.chmod(0o755)
    replica.increment("runs")
    shell.ok("remote", "add", "box", f"exec:{program}", "--push")
    shell.ok("sync")
    (before,) = names(box)
    shell.ok("sync")
    assert names(box) == {before}
    replica.increment("runs")
    shell.ok("sync")
    (after,) = names(box)
    assert before != after
    shell.ok("remote", "remove", "box")
    shell.ok("remote", "add", "box", f"exec:{program}")
    assert_refused(shell("sync"), 77)


def test_older_objects_stay_at_a_remote_that_keeps_them(shell: Shell, hub: Path, replica: Replica) -> None:
    shell.ok("remote", "add", "hub", "./hub", "--keep-old")
    seen = names(hub)
    for number in range(1, 4):
        replica.increment("runs")
        shell.ok("sync")
        assert seen < names(hub)
        seen = names(hub)
        assert len(seen) == 1 + number
    for words in (["--clean"], ["--heartbeat", "1ms"], []):
        shell.ok("sync", *words)
        assert names(hub) == seen
    shell.ok("--replica", "other", "sync", "./hub")
    assert shell.ok("--replica", "other", "show", "runs") == "4\n"


def test_place_that_is_only_read_and_does_not_exist_is_reported(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "--pull", "hub", "./hub")
    assert "does not exist, and nothing is written" in assert_refused(shell("sync"), 69)
    assert not (shell.directory / "hub").exists()
    assert "it does not exist" in shell("remote", "check", "hub").stdout
    (shell.directory / "hub").mkdir()
    shell.ok("sync")


@pytest.mark.parametrize("limit", ["--pull", "--keep-old"])
def test_check_leaves_nothing_where_nothing_may_be_deleted(shell: Shell, hub: Path, limit: str) -> None:
    before = hub.stat().st_mtime_ns
    shell.ok("remote", "add", "hub", "./hub", limit)
    assert shell.ok("remote", "check", "hub") == "hub\treachable\tok\t1 file\n"
    assert hub.stat().st_mtime_ns == before


def test_limits_are_listed(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "a", "/a")
    shell.ok("remote", "add", "b", "/b", "--pull")
    shell.ok("remote", "add", "c", "/c", "--push", "--keep-old")
    assert shell.ok("remote", "list") == "a\t/a\t\nb\t/b\tpull\nc\t/c\tpush keep-old\n"
    listed = json.loads(shell.ok("remote", "list", "--json"))["remotes"]
    assert [(one["only"], one["keep_old"]) for one in listed] == [(None, False), ("pull", False), ("push", True)]
    shell.ok("remote", "remove", "c")
    shell.ok("remote", "remove", "b")
    assert shell.ok("remote", "list") == "a\t/a\n"


@pytest.mark.parametrize("limits", [("--pull", "--push"), ("--pull", "--keep-old")])
def test_limits_that_contradict_each_other_are_refused(shell: Shell, replica: Replica, limits: tuple[str, str]) -> None:
    assert limits[1] in assert_refused(shell("remote", "add", "hub", "/hub", *limits), 2)
    assert shell.ok("remote", "list") == ""
    with pytest.raises(UsageError, match="both"):
        replica.add_remote("hub", "/hub", only="both")


@pytest.mark.parametrize("jobs", ["0", "65", "-1", "many"])
def test_number_of_jobs_has_bounds(shell: Shell, replica: Replica, jobs: str) -> None:
    assert_refused(shell("sync", "./hub", "--jobs", jobs), 2)


@pytest.mark.parametrize("jobs", [1, 3])
def test_objects_of_one_remote_are_read_side_by_side(shell: Shell, replica: Replica, jobs: int) -> None:
    hub, log, program = shell.directory / "hub", shell.directory / "log", shell.directory / "program"
    hub.mkdir()
    for number in range(9):
        other = Replica.init(shell.directory / f"other{number}", name=f"other{number}")
        other.increment("builds")
        shell.ok("--replica", other.path, "sync", "./hub")
    program.write_text(
        f'#!/bin/sh\ncd "{hub}" || exit 1\n'
        'case $1 in list) find . -maxdepth 1 -type f -printf "%s %T@.%i %f\\n" ;;\n'
        f'get) echo 1 >>"{log}"; sleep 0.2; cat "$2"; echo -1 >>"{log}" ;;\nput) cat >"$2" ;; esac\n'
    )
    program.chmod(0o755)
    shell.ok("sync", f"exec:{program}", "--jobs", str(jobs))
    steps = [int(line) for line in log.read_text().split()]
    assert len(steps) == 18
    assert max(itertools.accumulate(steps)) == jobs
    assert shell.ok("show", "builds") == "9\n"


@pytest.mark.parametrize(
    "spelling",
    ["./hub/", "sub/../hub", "link", "file://{}/hub", "FILE://{}/hub", "file://localhost{}/hub", "file://{}/%68ub"],
)
def test_limits_hold_for_every_spelling_of_the_place(shell: Shell, hub: Path, spelling: str) -> None:
    (shell.directory / "sub").mkdir()
    (shell.directory / "link").symlink_to("hub")
    before = names(hub)
    shell.ok("remote", "add", "--pull", "hub", "./hub")
    shell.ok("sync", f"./{spelling}" if spelling in ("link", "sub/../hub") else spelling.format(shell.directory))
    assert names(hub) == before
    assert shell.ok("show", "builds") == "5\n"


def test_objects_at_a_pushed_remote_may_be_taken_away(shell: Shell, hub: Path, replica: Replica) -> None:
    before = names(hub)
    shell.ok("remote", "add", "--push", "hub", "./hub")
    for _ in range(2):
        replica.increment("runs")
        shell.ok("sync")
        (taken,) = names(hub) - before
        (hub / taken).unlink()
    shell.ok("sync")
    assert len(names(hub) - before) == 1


def test_own_object_that_is_gone_from_a_pulled_remote_is_not_uploaded(shell: Shell, hub: Path) -> None:
    before = names(hub)
    shell.ok("sync", "./hub")
    shell.ok("remote", "add", "--pull", "hub", "./hub")
    (mine,) = names(hub) - before
    (hub / mine).unlink()
    shell.ok("sync")
    assert names(hub) == before


def test_freshness_of_replicas_needs_a_remote_that_is_read(shell: Shell, hub: Path) -> None:
    before = names(hub)
    shell.ok("remote", "add", "--push", "hub", "./hub")
    assert "--require-fresh" in assert_refused(shell("sync", "--require-fresh", "1h"), 2)
    assert names(hub) == before
    (shell.directory / "other-hub").mkdir()
    shell.ok("remote", "add", "second", "./other-hub")
    shell.ok("sync", "--require-fresh", "1h")
