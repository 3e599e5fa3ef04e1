"""Counting over a matrix of CI jobs: the shell steps of the two files are run, with what their runners would set."""

import re
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import yaml

from tests.examples.recipes import EXAMPLES, Machine

GITHUB = EXAMPLES / "ci" / "github-actions.yml"
GITLAB = EXAMPLES / "ci" / "gitlab-ci.yml"
#: The suite under test: two checks a part pass, and in part 2 one fails.
SUITE = """#!/bin/sh
echo "PASS a$2"; echo "PASS b$2"
test "$2" != 2 || { echo "FAIL c$2"; exit 1; }
"""
TOTAL = "FAIL\tpncounter\t1\nPASS\tpncounter\t6\nparts\tpncounter\t3\n"


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


def test_jobs_of_github_actions_are_added_up_and_one_that_is_run_again_counts_once(
    machine: Callable[[str], Machine], tmp_path: Path
) -> None:
    flow = yaml.safe_load(GITHUB.read_text())
    test, total = flow["jobs"]["test"], flow["jobs"]["total"]
    collected = machine("total")
    steps = [step for step in test["steps"] if "run" in step]
    [upload] = [step["with"] for step in test["steps"] if "upload-artifact" in step.get("uses", "")]
    [download] = [step["with"]["path"] for step in total["steps"] if "download-artifact" in step.get("uses", "")]
    [counting] = [step for step in steps if "env" in step]
    for attempt in (1, 2):
        for part in test["strategy"]["matrix"]["part"]:
            runner = checked_out(machine(f"part-{part}-{attempt}"))
            assert counting["env"] == {"PART": "${{ matrix.part }}"}
            statuses = job(runner.with_environment(PART=str(part), GITHUB_RUN_ID="17"), [s["run"] for s in steps])
            assert statuses == [int(part == 2)]  # the tests' own
            name = upload["name"].replace("${{ matrix.part }}", str(part))
            name = name.replace("${{ github.run_attempt }}", str(attempt))
            assert re.fullmatch(r"[\w-]+", name)
            [download] = [
                step["with"]["path"] for step in total["steps"] if "download-artifact" in step.get("uses", "")
            ]
            for path in runner.home.glob(upload["path"]):
                target = collected.home / download / name
                target.mkdir(parents=True)
                shutil.copy(path, target)
    added = [step["run"] for step in total["steps"] if "run" in step]
    assert job(collected, added) == [0, 0]
    assert collected.ok("crdtctl show") == TOTAL


def test_parallel_jobs_of_gitlab_are_added_up(machine: Callable[[str], Machine]) -> None:
    flow = yaml.safe_load(GITLAB.read_text())
    collected = machine("total")
    for index in range(1, flow["test"]["parallel"] + 1):
        runner = checked_out(machine(f"part-{index}"))
        statuses = job(runner.with_environment(CI_NODE_INDEX=str(index), CI_PIPELINE_ID="17"), flow["test"]["script"])
        assert statuses == [int(index == 2)]
        [pattern] = flow["test"]["artifacts"]["paths"]
        for path in runner.home.glob(pattern):
            shutil.copy(path, collected.home)
    assert job(collected, flow["total"]["script"]) == [0, 0, 0, 0]
    assert collected.ok("crdtctl show") == TOTAL


def test_a_part_that_did_not_count_is_noticed(machine: Callable[[str], Machine]) -> None:
    flow = yaml.safe_load(GITLAB.read_text())
    runner = checked_out(machine("only"))
    job(runner.with_environment(CI_NODE_INDEX="1", CI_PIPELINE_ID="17"), flow["test"]["script"])
    assert job(runner, flow["total"]["script"]) == [0, 0, 0, 1]
