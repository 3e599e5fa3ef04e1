"""Results of tests over a matrix of CI jobs: the shell steps of the action and of both workflows are run."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from tests.examples.recipes import EXAMPLES, Machine

ACTION = EXAMPLES / "ci" / "count-tests" / "action.yml"
GITHUB = EXAMPLES / "ci" / "github-tests.yml"
GITLAB = EXAMPLES / "ci" / "gitlab-tests.yml"
SHA = "4f2a91c0" * 5
#: The results of part 2 in the first attempt. All other ones succeed.
BAD = '<testsuite name="unit"><testcase name="one"><failure/></testcase><testcase name="two"/></testsuite>'
GOOD = '<testsuite name="unit"><testcase name="one"/><testcase name="two"/></testsuite>'


def steps(job: Any) -> list[str]:
    """Return the shell steps of a job of GitHub, without those of pip and of its client."""
    found = [step["run"] for step in job["steps"] if "run" in step]
    return [step for step in found if not step.startswith(("pip ", "gh "))]


def run(machine: Machine, step: str) -> None:
    done = machine.run(["bash", "-e", "-c", step])
    assert done.status == 0, done


def checked_out(machine: Machine, results: str) -> Machine:
    """Return a machine with a commit of 2026-03-01 checked out, and a report of its tests."""
    commit = "git init -q . && git -c user.name=x -c user.email=x@localhost commit -q --allow-empty -m x"
    when = {"GIT_COMMITTER_DATE": "2026-03-01T12:00:00Z", "GIT_AUTHOR_DATE": "2026-03-01T12:00:00Z"}
    run(machine.with_environment(**when), commit)
    (machine.home / "report.xml").write_text(results)
    return machine


def counted_by_action(machine: Machine, part: int, attempt: int, results: str, report: str = "report.xml") -> Path:
    """Run the action in a job of a matrix; return the directory that is its artifact."""
    files = {"GITHUB_STEP_SUMMARY": machine.home / "summary", "GITHUB_OUTPUT": machine.home / "output"}
    [step] = [one for one in yaml.safe_load(ACTION.read_text())["runs"]["steps"] if one.get("id") == "count"]
    values = {
        "inputs.files": report,
        "inputs.labels": "os=linux",
        "inputs.to": "counts",
        "github.run_id": "17",
        "github.run_attempt": str(attempt),
        "github.job": "test",
        "strategy.job-index": str(part),
    }
    filled = {
        key: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: values[found[1]], text) for key, text in step["env"].items()
    }
    checked_out(machine, results)
    (machine.home / report).write_text(results)
    for path in files.values():
        path.write_text("")
    runner = machine.with_environment(**filled, GITHUB_SHA=SHA, **{name: str(path) for name, path in files.items()})
    run(runner, step["run"])
    assert "| `tests.runs` | pncounter | 2 |" in files["GITHUB_STEP_SUMMARY"].read_text()
    assert files["GITHUB_OUTPUT"].read_text() == f"tests_failures={int(results == BAD)}\n"
    return machine.home / "counts"


def test_matrix_on_github_is_folded_every_night_into_a_page_with_the_flake(
    machine: Callable[[str], Machine], tmp_path: Path
) -> None:
    flow = yaml.safe_load(GITHUB.read_text())
    artifacts = []
    jobs = [(part, 1, BAD if part == 2 else GOOD) for part in flow["jobs"]["test"]["strategy"]["matrix"]["part"]]
    for part, attempt, results in [*jobs, (2, 2, GOOD)]:
        artifacts.append(counted_by_action(machine(f"job-{part}-{attempt}"), part, attempt, results))
    fold, page, _ = steps(flow["jobs"]["fold"])
    state = tmp_path / "total.json"
    first, second = machine("first-night"), machine("second-night")
    for runner, night in ((first, [0, 1]), (second, [0, 1, 2, 3])):  # those of the first night arrive twice
        (runner.home / "artifacts").mkdir()
        for number in night:
            shutil.copytree(artifacts[number], runner.home / "artifacts" / str(number) / "counts")
        if state.exists():
            shutil.copy(state, runner.home)
        run(runner, fold)
        run(runner, page)
        shutil.copy(runner.home / "total.json", state)
    public = second.home / "public"
    assert json.loads((public / "failures.json").read_text())["message"] == "1"
    assert "tests.failures: 1" in (public / "failures.svg").read_text()
    assert "tests.runs" in (public / "index.html").read_text()
    assert second.ok("crdtctl show tests.runs") == "8\n"
    assert (
        second.ok("crdtctl show tests.flakes --by test")
        == "tests.flakes\tpncounter\tone\t1\ntests.flakes\tpncounter\ttwo\t0\n"
    )
    assert "| `one` | 1 |" in (public / "flakes.md").read_text()
    assert second.ok("crdtctl show tests.runs --by-replica").count("\n") == 1  # the jobs left no replica


def test_jobs_of_gitlab_are_added_up_for_merge_requests_and_a_page(machine: Callable[[str], Machine]) -> None:
    flow = yaml.safe_load(GITLAB.read_text())
    collected = machine("pages")
    (collected.home / "counts").mkdir()
    [count] = flow[".count-tests"]["after_script"]
    for number, results in ((101, GOOD), (102, BAD), (103, GOOD)):
        runner = checked_out(machine(f"job-{number}"), results).with_environment(
            CI_PIPELINE_ID="17", CI_JOB_ID=str(number), CI_COMMIT_SHA=SHA
        )
        run(runner, count)
        for path in (runner.home / flow[".count-tests"]["artifacts"]["paths"][0]).iterdir():
            shutil.copy(path, collected.home / "counts")
    for step in flow["pages"]["script"]:
        if not step.startswith("pip "):
            run(collected, step)
    metrics = (collected.home / "metrics.txt").read_text()
    assert metrics == "tests_errors 0\ntests_failures 1\ntests_runs 6\n"
    assert (collected.home / "failures.env").read_text() == "tests_failures=1\n"
    assert "| `one` | 1 |" in (collected.home / "public" / "flakes.md").read_text()
    assert "tests.failures: 1" in (collected.home / "public" / "failures.svg").read_text()


def test_action_counts_all_results_of_a_job_that_uses_it_twice(machine: Callable[[str], Machine]) -> None:
    job = machine("job")
    for report in ("unit.xml", "integration.xml", "unit.xml"):  # the last one is a repetition
        counted_by_action(job, 0, 1, GOOD, report)
    counts = job.home / "counts"
    hub = machine("hub")
    hub.ok(f"crdtctl init --name hub && crdtctl absorb {counts}")
    assert hub.ok("crdtctl show tests.runs") == "4\n"
