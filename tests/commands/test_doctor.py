"""``crdtctl doctor`` names each thing that is wrong on a machine, and nothing on a sound one."""

import os
import shutil
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.test_remote_health import at
from tests.conftest import Result, Shell


def verdicts(done: Result) -> dict[str, tuple[str, str]]:
    """Return subject → verdict and text."""
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return {what: (verdict, found) for what, verdict, found in rows}


def fault(done: Result, what: str) -> str:
    """Return the text about a fault, which is the only one."""
    assert done.status == 1
    found = verdicts(done)
    assert [one for one, (verdict, _) in found.items() if verdict == "FAULT"] == [what]
    assert "1 fault found" in done.stderr
    return found[what][1]


def test_sound_machine_has_no_fault(shell: Shell, replica: Replica) -> None:
    (shell.directory / "there").mkdir()
    shell.ok("remote", "add", "hub", "./there")
    done = shell("doctor")
    assert (done.status, done.stderr) == (0, "")
    assert {verdict for verdict, _ in verdicts(done).values()} == {"ok"}
    assert {"clock", "home", "disk", "mode", "state", "place", "copies", "ids", "remote hub"} <= set(verdicts(done))
    assert [*(shell.directory / "there").iterdir()] == []


def test_remote_that_cannot_be_used_is_a_fault_unless_offline(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "gone", "./nowhere/at-all")
    assert "check that it is mounted" in fault(shell("doctor"), "remote gone")
    assert shell("doctor", "--offline").status == 0


@pytest.mark.parametrize("home", ["", "/nowhere"])
def test_home_that_is_not_a_directory_is_a_fault(shell: Shell, replica: Replica, home: str) -> None:
    done = shell("doctor", environment={"HOME": home, "XDG_STATE_HOME": str(shell.directory)})
    assert "set it in the job" in fault(done, "home")


def test_work_tree_is_a_fault(shell: Shell, replica: Replica) -> None:
    (shell.directory / ".git").mkdir()
    assert "'git clean -x' deletes this replica" in fault(shell("doctor"), "place")


@pytest.mark.parametrize(("mode", "umask", "advice"), [(0o777, 0o022, "chmod o-w"), (0o775, 0o022, "chmod g+s")])
def test_mode_that_does_not_fit_is_a_fault(shell: Shell, replica: Replica, mode: int, umask: int, advice: str) -> None:
    Path(replica.path).chmod(mode)
    before = os.umask(umask)
    try:
        assert advice in fault(shell("doctor"), "mode")
    finally:
        os.umask(before)
        Path(replica.path).chmod(0o755)


def test_clock_before_the_last_merge_is_a_fault(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds")
    shell.ok("exchange", "other")
    assert "set the clock" in fault(at(shell, "-2d", "doctor"), "clock")


def test_program_of_a_remote_is_a_fault_if_cron_or_nothing_finds_it(shell: Shell, replica: Replica) -> None:
    shell.ok("remote", "add", "cloud", "rclone:cloud:counts")
    programs = shell.directory / "programs"
    programs.mkdir()
    empty = {"PATH": str(programs)}
    assert "install it" in fault(shell("doctor", "--offline", environment=empty), "rclone")
    assert verdicts(shell("doctor", "--offline"))["copies"] == ("ok", "it had one id")


def test_program_that_only_this_path_has_is_a_fault_of_cron(
    shell: Shell, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crdtctl.cli import diagnosis

    program = shell.directory / "rclone"
    program.write_text("#!/bin/sh\necho rclone v9\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(shell.directory))
    found = [*diagnosis.of_programs(["rclone:x:y"], cron_path="/nowhere")]
    assert [(one.what, one.ok) for one in found] == [("rclone", True), ("cron", False)]
    assert "rclone v9" in found[0].found
    assert "'crdtctl cron' prints" in found[1].found
    assert [*diagnosis.of_programs(["/a/folder"])] == []


def test_state_directory_that_cannot_be_written_is_a_fault(shell: Shell, replica: Replica) -> None:
    file = shell.directory / "file"
    file.touch()
    environment = {"XDG_STATE_HOME": str(file / "below")}
    assert "set XDG_STATE_HOME" in fault(shell("doctor", environment=environment), "state")


def test_replica_that_was_copied_often_is_a_fault(shell: Shell, replica: Replica) -> None:
    replica.increment("n")
    last = Path(replica.path)
    for number in range(4):
        copy = shell.directory / f"copy-{number}"
        shutil.copytree(last, copy)
        assert shell("--replica", copy, "increment", "n").status == 0
        last = copy
        if number < 3:
            assert verdicts(shell("--replica", copy, "doctor", "--offline"))["copies"][0] == "ok"
    assert "4" in fault(shell("--replica", last, "doctor", "--offline"), "copies")


def test_ids_that_pile_up_are_a_fault(shell: Shell, replica: Replica) -> None:
    for number in range(20):
        job = Replica.init(shell.directory / "jobs" / str(number), name="job")
        job.increment("n")
        job.export_to(shell.directory / "jobs" / f"{number}.json")
    replica.merge(*(shell.directory / "jobs").glob("*.json"))
    assert "job" in fault(shell("doctor", "--offline"), "ids")
