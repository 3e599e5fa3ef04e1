"""``crdtctl sync`` as cron and CI run it: silent when all is well, one complete line and a status when it is not."""

import json
import os
import signal
import subprocess
import tomllib
from csv import DictReader
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.meeting import neighbour, objects
from tests.commands.test_locks import held
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_one_line, assert_refused, contents
from tests.support.sh import in_sh
from tests.support.waiting import ended, started, wait_until_it_opens


@pytest.fixture
def hub(shell: Shell, replica: Replica) -> Path:
    """Make a folder where another replica was, which the replica here knows by name; both have news."""
    replica.increment("builds", 3)
    hub = shell.directory / "hub"
    neighbour(shell.directory, "other", hub, builds=4)
    replica.add_remote("hub", str(hub))
    return hub


def test_with_nothing_of_an_environment_it_finds_all_it_needs(shell: Shell, replica: Replica, hub: Path) -> None:
    for words in (["sync"], ["remote", "check"], ["sync", "--dry-run"]):
        done = subprocess.run(
            [*PROGRAM, "--replica", replica.path, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            env={},
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert bool(done.stdout) == (words[0] == "remote")
    assert replica.value("builds") == 7


def test_when_all_is_well_it_says_nothing(shell: Shell, hub: Path) -> None:
    assert [shell.ok("sync") for _ in range(3)] == ["", "", ""]


# What fails --------------------------------------------------------------------------------------------------


def test_a_remote_that_is_not_there_is_unavailable(shell: Shell, hub: Path) -> None:
    said = assert_refused(shell("sync", "/nonexistent/stick/counts"), 69)
    assert said == (
        "crdtctl: the folder /nonexistent/stick/counts does not exist; "
        "check that it is mounted, or make its parent folder\n"
    )


def test_a_link_to_a_stick_that_is_not_mounted_is_unavailable(shell: Shell, hub: Path) -> None:
    (shell.directory / "stick").symlink_to("media/stick")
    (shell.directory / "media").mkdir()
    assert "mounted" in assert_refused(shell("sync", "./stick"), 69)
    assert contents(shell.directory / "media") == {}


@pytest.mark.parametrize("place", ["./file", "./file/counts"])
def test_a_remote_that_is_a_file_is_unavailable_and_left_alone(shell: Shell, hub: Path, place: str) -> None:
    (shell.directory / "file").write_text("mine")
    assert "file" in assert_refused(shell("sync", place), 69)
    assert (shell.directory / "file").read_text() == "mine"


@pytest.mark.parametrize("place", ["./.crdtctl", "./.crdtctl/", "./.crdtctl/hub", "./.crdtctl/sync", "./link"])
def test_the_directory_of_a_replica_is_no_remote(shell: Shell, replica: Replica, hub: Path, place: str) -> None:
    (shell.directory / "link").symlink_to(".crdtctl")
    assert "inside a replica's directory" in assert_refused(shell("sync", place), 73)
    assert objects(Path(replica.path), "here-") == []
    assert not Path(replica.path, "hub").exists()


def test_the_directory_of_a_replica_is_no_remote_by_another_way_either(shell: Shell, replica: Replica) -> None:
    example = Path(__file__).parents[2] / "examples" / "exec-transport.sh"
    url = f"exec:{example} 'sh -c' {replica.path}"
    assert "is a replica's directory; name a folder outside of any replica" in assert_refused(shell("sync", url), 73)
    assert objects(Path(replica.path), "here-") == []


def test_what_a_replica_is_in_may_be_a_remote(shell: Shell, replica: Replica, hub: Path) -> None:
    shell.ok("sync", ".")
    assert len(objects(shell.directory, "here-")) == 1


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_folder_that_may_not_be_read_or_written_is_a_matter_of_permission(
    shell: Shell, replica: Replica, hub: Path, mode: int
) -> None:
    hub.chmod(mode)
    if os.access(hub, os.W_OK):
        pytest.skip("this user may write everywhere")
    assert "hub: " in assert_refused(shell("sync"), 77)
    hub.chmod(0o700)
    assert replica.value("builds") == (7 if mode else 3)


def test_one_that_fails_holds_up_no_other_and_the_worst_is_the_status(
    shell: Shell, replica: Replica, hub: Path
) -> None:
    replica.add_remote("gone", "/nonexistent/place")
    replica.add_remote("a-file", "/etc/passwd")
    ended = shell("sync")
    assert (ended.status, ended.stdout) == (69, "")
    assert [line.split(":")[1] for line in ended.stderr.splitlines()] == [" gone", " a-file"]
    assert replica.value("builds") == 7
    assert len(objects(hub, "here-")) == 1


def test_when_time_is_over_it_is_to_be_tried_again(shell: Shell, replica: Replica, hub: Path) -> None:
    said = assert_refused(shell("sync", "--timeout", "0"), 75)
    assert said == "crdtctl: hub: timed out after 0 seconds; try again, or raise --timeout\n"
    assert replica.value("builds") == 3
    assert len(objects(hub)) == 1


def test_what_passes_is_told_as_such_only_if_nothing_else_fails(shell: Shell, hub: Path) -> None:
    ended = shell("sync", "--timeout", "0", "hub", "/nonexistent/place")
    assert ended.status == 75  # nothing was tried there, either
    assert ended.stderr.count("\n") == 2


def test_what_is_no_state_is_skipped_and_named_every_time(shell: Shell, replica: Replica, hub: Path) -> None:
    (hub / "notes.txt").write_text("to whom it may concern")
    first = assert_refused(shell("sync"), 3)
    assert "hub/notes.txt" in first
    assert replica.value("builds") == 7
    assert assert_refused(shell("sync"), 3) == first
    (hub / "more.txt").write_text("")
    ended = shell("sync", "hub", "/nonexistent/place")
    assert ended.status == 69
    assert [line.partition(" is")[0] for line in ended.stderr.splitlines()[:2]] == [
        "crdtctl: hub/more.txt",
        "crdtctl: hub/notes.txt",
    ]
    assert shell("sync").stderr.splitlines()[-1] == "crdtctl: 2 files were skipped"


def test_too_few_replicas_are_an_answer(shell: Shell, hub: Path) -> None:
    assert assert_refused(shell("sync", "--require-replicas", "3"), 1) == "crdtctl: 2 of 3 replicas were seen\n"
    shell.ok("sync", "--require-replicas", "2")


def test_whether_anything_changed_can_be_asked(shell: Shell, replica: Replica, hub: Path) -> None:
    ended = shell("sync", "--exit-code", "--dry-run")
    assert (ended.status, ended.stderr) == (1, "")
    ended = shell("sync", "--exit-code")
    assert (ended.status, ended.stdout, ended.stderr) == (1, "", "")
    for _ in range(2):
        shell.ok("sync", "--exit-code")
    replica.increment("builds")
    assert shell("sync", "--exit-code").status == 1


def test_settings_that_are_wrong_are_told_before_anything_is_done(shell: Shell, replica: Replica, hub: Path) -> None:
    for text in ("[remotes", "remotes = 3\n", '[remotes]\n"a b" = "/x"\n', '[remotes]\na = "ftp://x/"\n'):
        Path(replica.path, "config.toml").write_text(text)
        assert "config.toml" in assert_refused(shell("sync"), 78)
    assert len(objects(hub)) == 1


def test_a_replica_that_is_damaged_is_told_and_nothing_of_it_leaves(shell: Shell, hub: Path) -> None:
    broken = Path(shell.directory, "broken")
    Replica.init(broken, name="broken").increment("builds")
    (broken / "own.json").write_bytes((broken / "own.json").read_bytes()[:-20])
    assert "own.json" in assert_refused(shell("--replica", broken, "sync", hub), 65)
    assert objects(hub, "broken") == []
    (broken / "own.json").unlink()
    assert_refused(shell("--replica", broken, "sync", hub), 66)


# Two at once ----------------------------------------------------------------------------------------------------


def test_the_second_of_two_at_once_waits_or_leaves(shell: Shell, replica: Replica, hub: Path) -> None:
    shell.ok("sync")
    replica.increment("builds")
    with held(replica, "sync"):
        for words in (["--retry-lock", "0"], ["--retry-lock", "0.1"]):
            assert "sync.lock" in assert_refused(shell("sync", *words), 75)
        assert_refused(shell("--lock-timeout", "0", "sync"), 75)
        assert_refused(shell("sync", environment={"CRDTCTL_SYNC_RETRY_LOCK": "0"}), 75)
        assert shell.ok("sync", "--dry-run")  # which needs no lock
        process = started(shell, "sync")
        wait_until_it_opens(process, "sync.lock")
    assert ended(process) == (0, b"", b"")
    assert b'"builds"' in (hub / objects(hub, "here-")[0]).read_bytes()


def test_counting_goes_on_while_a_sync_waits(shell: Shell, replica: Replica, hub: Path) -> None:
    shell.ok("sync")
    with held(replica, "sync"):
        shell.ok("--lock-timeout", "0", "increment", "builds")
        shell.ok("--lock-timeout", "0", "export")


# Signals and standard output ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_the_wait_and_leaves_nothing(
    shell: Shell, replica: Replica, hub: Path, number: int, status: int
) -> None:
    shell.ok("sync")
    before = contents(shell.directory)
    with held(replica, "sync"):
        process = started(shell, "sync", "--retry-lock", "60")
        wait_until_it_opens(process, "sync.lock")
        process.send_signal(number)
        found, stdout, stderr = ended(process)
    assert (found, stdout, stderr) == (status, b"", b"")
    assert contents(shell.directory) == before
    shell.ok("sync")


@pytest.mark.parametrize("form", ["tsv", "json", "table"])
def test_what_was_done_and_cannot_be_reported_has_its_own_status(
    shell: Shell, replica: Replica, hub: Path, form: str
) -> None:
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("there is no /dev/full")
    ended = in_sh(shell, f"crdtctl sync --format {form} >/dev/full")
    assert ended.status == 79
    assert ended.stderr.count("\n") == 1
    assert replica.value("builds") == 7
    assert in_sh(shell, "crdtctl sync >/dev/full").status == 0  # there was nothing to say
    assert in_sh(shell, "crdtctl sync >&-").status == 0
    assert in_sh(shell, "crdtctl sync 2>&-").status == 0
    replica.increment("builds")
    assert in_sh(shell, "crdtctl sync --format json >&-").status == 79
    replica.increment("builds")
    assert in_sh(shell, "crdtctl sync --dry-run >/dev/full").status == 74


# Formats ---------------------------------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing_anywhere_and_tells_the_plan(shell: Shell, replica: Replica, hub: Path) -> None:
    before = contents(shell.directory)
    plan = shell.ok("sync", "--dry-run", "hub", "./new")
    rows = [line.split("\t") for line in plan.splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("hub", "read"), ("hub", "put"), ("./new", "put")]
    assert rows[0][2].startswith("other-")
    assert rows[0][3] == "1"
    assert int(rows[0][4]) == (hub / rows[0][6]).stat().st_size
    assert rows[1][2] == replica.id
    shell("sync", "--dry-run", "--clean", "--format", "json", "hub")
    assert contents(shell.directory) == before
    shell.ok("sync")
    replica.increment("builds")
    before = contents(shell.directory)
    rows = [line.split("\t") for line in shell.ok("sync", "--dry-run").splitlines()]
    assert [(row[1], row[6]) for row in rows] == [("put", ""), ("delete", objects(hub, "here-")[0])]
    assert contents(shell.directory) == before


def test_what_a_dry_run_says_is_what_happens(shell: Shell, hub: Path) -> None:
    planned = json.loads(shell.ok("sync", "--dry-run", "--format", "json"))
    done = json.loads(shell.ok("sync", "--format", "json"))
    assert [(one["what"], one["replica"], one["authors"]) for one in planned["moved"]] == [
        (one["what"], one["replica"], one["authors"]) for one in done["moved"]
    ]
    assert planned["moved"][0]["bytes"] == done["moved"][0]["bytes"]
    assert planned["replicas"] == done["replicas"]
    assert (planned["changed"], planned["counters"]) == (done["changed"], done["counters"])


def test_a_plan_knows_what_would_be_learned_on_the_way(shell: Shell, replica: Replica, hub: Path) -> None:
    """What is at one remote would be carried to the other, and counts in what would be put there."""
    third = neighbour(shell.directory, "third", hub, builds=1, tests=2)
    third.increment("tests", 1)
    assert shell("sync", "./south").status == 0
    planned = json.loads(shell.ok("sync", "--dry-run", "--format", "json", "hub", "./south"))
    before = contents(shell.directory)
    done = json.loads(shell.ok("sync", "--format", "json", "hub", "./south"))
    assert contents(shell.directory) != before
    [there] = [one for one in planned["moved"] if (one["remote"], one["what"]) == ("./south", "put")]
    [put] = [one for one in done["moved"] if (one["remote"], one["what"]) == ("./south", "put")]
    assert there["authors"] == put["authors"]
    assert len(there["authors"]) == 2
    assert there["entries"] == 4
    assert abs(there["bytes"] - put["bytes"]) < 250
    assert [one["what"] for one in planned["moved"]] == [one["what"] for one in done["moved"]]


def test_every_format_is_well_formed_and_the_same_for_the_same(shell: Shell, hub: Path) -> None:
    def plan(form: str) -> str:
        said = shell.ok("sync", "--dry-run", "--format", form)
        assert said == shell.ok("sync", "--dry-run", f"--format={form}")
        return said

    tree = json.loads(plan("json"))
    assert tree["schema"] == 1
    assert [json.loads(line) for line in plan("ndjson").splitlines()] == tree["moved"]
    assert [one["object"] for one in DictReader(plan("csv").splitlines())] == [one["object"] for one in tree["moved"]]
    assert [line.split("\t")[6] for line in plan("tsv").splitlines()] == plan("value").splitlines()
    assert tomllib.loads(plan("toml"))["moved"][0]["replica"] == tree["moved"][0]["replica"]
    assert "remote" in plan("table").splitlines()[0]
    shell.ok("sync")
    assert json.loads(plan("json"))["moved"] == []
    assert plan("csv").count("\n") == 1
    assert (plan("tsv"), plan("ndjson"), plan("value")) == ("", "", "")


def test_with_json_a_failure_is_an_object_on_standard_error_and_what_was_done_is_told(shell: Shell, hub: Path) -> None:
    (hub / "notes.txt").write_text("to whom it may concern")
    ended = shell("sync", "--format", "json", "hub", "/nonexistent/place", "/etc/passwd")
    assert ended.status == 69
    failure = json.loads(assert_one_object(ended.stderr))
    assert (failure["error"], failure["exit"]) == ("unavailable", 69)
    tree = json.loads(ended.stdout)
    assert [(one["name"], one["error"]) for one in tree["remotes"]] == [
        ("hub", None),
        ("/nonexistent/place", "unavailable"),
        ("/etc/passwd", "unavailable"),
    ]
    assert [(one["file"], one["error"], one["exit"]) for one in tree["refused"]] == [("hub/notes.txt", "data", 65)]
    assert {one["what"] for one in tree["moved"]} == {"read", "put"}


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_with_json_a_failure_of_all_is_an_object_too(shell: Shell, replica: Replica, hub: Path, form: str) -> None:
    shell.ok("sync")
    with held(replica, "sync"):
        ended = shell("sync", "--retry-lock", "0", "--format", form, "./hub")
    assert (ended.status, ended.stdout) == (75, "")
    assert json.loads(assert_one_object(ended.stderr))["error"] == "busy"


def assert_one_object(stderr: str) -> str:
    assert stderr.count("\n") == 1
    return stderr


# Variables -------------------------------------------------------------------------------------------------------


def test_every_option_can_stand_in_a_variable(shell: Shell, replica: Replica, hub: Path) -> None:
    before = contents(shell.directory)
    assert shell("sync", environment={"CRDTCTL_SYNC_DRY_RUN": "1"}).stdout.count("\n") == 2
    assert shell("sync", environment={"CRDTCTL_SYNC_TIMEOUT": "0"}).status == 75
    assert_refused(shell("sync", environment={"CRDTCTL_SYNC_TIMEOUT": "nan"}), 2)
    assert_refused(shell("remote", "check", environment={"CRDTCTL_REMOTE_CHECK_TIMEOUT": "nan"}), 2)
    assert shell("remote", "check", environment={"CRDTCTL_REMOTE_CHECK_TIMEOUT": "0"}).status == 1
    assert {**contents(shell.directory), **before} == contents(shell.directory)
    assert shell("sync", environment={"CRDTCTL_SYNC_EXIT_CODE": "true"}).status == 1
    assert_one_line(shell("sync", environment={"CRDTCTL_SYNC_REQUIRE_REPLICAS": "3"}).stderr)
    (hub / "copy.json").write_bytes((hub / objects(hub, "here-")[0]).read_bytes())
    shell("sync", environment={"CRDTCTL_SYNC_CLEAN": "no"})
    assert (hub / "copy.json").exists()
    shell("sync", environment={"CRDTCTL_SYNC_CLEAN": "1"})
    assert not (hub / "copy.json").exists()
    assert json.loads(shell("sync", environment={"CRDTCTL_FORMAT": "json"}).stdout)["changed"] is False
