"""Counting over a matrix of CI jobs: the shell steps of the two files are run, with what their runners would set."""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from tests.examples.recipes import EXAMPLES, Machine

GITHUB = EXAMPLES / "ci" / "github-actions.yml"
GITLAB = EXAMPLES / "ci" / "gitlab-ci.yml"
#: The suite under test: 22 checks in three parts. One of part 2 fails in the first attempt.
SUITE = """#!/bin/sh
case "$2" in 2) checks=8;; *) checks=7;; esac
case "$2$ATTEMPT" in 21) echo "FAIL flaky"; checks=7;; esac
for check in $(seq $checks); do echo "PASS $check"; done
test "$2$ATTEMPT" != 21
"""
FIRST = "FAIL\tpncounter\t1\nPASS\tpncounter\t21\nparts\tpncounter\t3\n"
LATEST = "PASS\tpncounter\t22\nparts\tpncounter\t3\n"


def job(machine: Machine, steps: Iterable[str]) -> list[int]:
    """Run the steps of a job as a runner does, up to the first that fails; return their statuses."""
    statuses: list[int] = []
    for step in steps:
        if not step.startswith("pip install"):
            statuses.append(machine.run(["bash", "-e", "-c", step]).status)
            if statuses[-1]:
                break
    return statuses


def checked_out(machine: Machine) -> Machine:
    """Return a machine on which the suite is."""
    suite = machine.home / "run-tests"
    suite.write_text(SUITE)
    suite.chmod(0o755)
    return machine


def test_of_a_job_of_github_actions_that_is_run_again_the_latest_attempt_counts_and_a_flaky_test_is_seen(
    machine: Callable[[str], Machine], tmp_path: Path
) -> None:
    flow = yaml.safe_load(GITHUB.read_text())
    test, total = flow["jobs"]["test"], flow["jobs"]["total"]
    steps = [step for step in test["steps"] if "run" in step]
    [upload] = [step["with"] for step in test["steps"] if "upload-artifact" in step.get("uses", "")]
    [download] = [step["with"]["path"] for step in total["steps"] if "download-artifact" in step.get("uses", "")]
    [counting] = [step for step in steps if "env" in step]
    assert counting["env"] == {"PART": "${{ matrix.part }}"}
    artifacts = tmp_path / "artifacts"
    totals = {attempt: machine(f"total-{attempt}") for attempt in (1, 2)}
    for attempt, parts in ((1, test["strategy"]["matrix"]["part"]), (2, [2])):  # "Re-run failed jobs"
        for part in parts:
            runner = checked_out(machine(f"part-{part}-{attempt}")).with_environment(
                PART=str(part),
                GITHUB_WORKFLOW="tests",
                GITHUB_RUN_ID="17",
                GITHUB_RUN_ATTEMPT=str(attempt),
                ATTEMPT=str(attempt),
            )
            assert job(runner, [step["run"] for step in steps]) == [int((part, attempt) == (2, 1))]  # the tests' own
            name = upload["name"].replace("${{ matrix.part }}", str(part))
            name = name.replace("${{ github.run_attempt }}", str(attempt))
            assert re.fullmatch(r"[\w-]+", name)
            for path in runner.home.glob(upload["path"]):
                (artifacts / name).mkdir(parents=True)
                shutil.copy(path, artifacts / name)
        collected = totals[attempt]
        shutil.copytree(artifacts, collected.home / download)
        assert set(job(collected, [step["run"] for step in total["steps"] if "run" in step])) == {0}
        assert collected.ok("crdtctl show") == (FIRST if attempt == 1 else LATEST)
    collected = totals[2]
    shown = collected.ok("crdtctl show --attempts FAIL PASS")
    assert "FAIL\tpncounter\ttests/17/2\t1\t1\tno\n" in shown
    assert "PASS\tpncounter\ttests/17/2\t2\t8\tyes\n" in shown
    assert re.findall("(?m)^PASS.*(part-[0-9])-[0-9a-f]{32}\t([0-9]+)$", collected.ok("crdtctl show --by-replica")) == [
        ("part-1", "7"),
        ("part-2", "8"),
        ("part-3", "7"),
    ]


def test_parallel_jobs_of_gitlab_are_added_up_and_a_retried_one_counts_once(machine: Callable[[str], Machine]) -> None:
    flow = yaml.safe_load(GITLAB.read_text())
    collected = machine("total")
    for number, index in ((101, 1), (102, 2), (103, 3), (107, 2)):
        attempt = 2 if number == 107 else 1
        runner = checked_out(machine(f"job-{number}")).with_environment(
            CI_NODE_INDEX=str(index), CI_PIPELINE_ID="17", CI_JOB_ID=str(number), ATTEMPT=str(attempt)
        )
        assert job(runner, flow["test"]["script"]) == [int(number == 102)]
        [pattern] = flow["test"]["artifacts"]["paths"]
        for path in runner.home.glob(pattern):
            shutil.copy(path, collected.home / f"counts-{number}.json")  # with those of the attempts before
    assert set(job(collected, flow["total"]["script"])) == {0}
    assert collected.ok("crdtctl show") == LATEST


def test_a_part_that_did_not_count_is_noticed(machine: Callable[[str], Machine]) -> None:
    flow = yaml.safe_load(GITLAB.read_text())
    runner = checked_out(machine("only"))
    job(runner.with_environment(CI_NODE_INDEX="1", CI_PIPELINE_ID="17", CI_JOB_ID="101"), flow["test"]["script"])
    assert job(runner, flow["total"]["script"]) == [0, 0, 0, 0, 1]
