"""``crdtctl count junit --commit``: tests that fail and pass at one commit, found on any number of machines."""

import random
from itertools import product
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli.flakes import Ledger
from crdtctl.cli.outcomes import Case
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

DAY = ("--day", "2026-03-01")


def report(place: Path, name: str, **results: str) -> str:
    """Write a report of tests, each of them passed or with the element of its result; return its name."""
    cases = [f'<testcase name="{test}">{result and f"<{result}/>"}</testcase>' for test, result in results.items()]
    (place / name).write_text(f'<testsuite name="unit">{"".join(cases)}</testsuite>')
    return name


@pytest.fixture
def machines(shell: Shell) -> Shell:
    for name in ("a", "b"):
        shell.ok("init", name, "--name", name)
    report(shell.directory, "good", one="", two="", three="skipped")
    report(shell.directory, "bad", one="failure", two="", three="error")
    return shell


def flakes(shell: Shell, replica: str) -> dict[str, int]:
    rows = shell.ok("--replica", replica, "show", "tests.flakes", "--by", "test", "--format", "tsv").splitlines()
    return {test: int(value) for _, _, test, value in (row.split("\t") for row in rows)}


def test_two_machines_that_saw_one_half_each_find_the_flake_after_a_merge(machines: Shell) -> None:
    for name, file in (("a", "good"), ("b", "bad")):
        words = ("--replica", name, "count", "junit", file, "--commit", "c1", *DAY, "--once", f"run-1/{name}")
        machines.ok(*words)
        before = contents(machines.directory / name)
        machines.ok(*words)
        assert contents(machines.directory / name) == before
        assert set(flakes(machines, name).values()) == {0}
    machines.ok("--replica", "b", "export", "-o", "b.json")
    for _ in range(2):
        machines.ok("--replica", "a", "merge", "b.json")
    assert flakes(machines, "a") == {"one": 1, "two": 0, "three": 0}
    top = machines.ok("--replica", "a", "show", "tests.flakes", "--by", "suite,test", "--top", "1")
    assert top == "tests.flakes\tpncounter\tunit\tone\t1\n"


def test_failure_at_one_commit_and_success_at_another_is_no_flake(machines: Shell) -> None:
    machines.ok("--replica", "a", "count", "junit", "good", "--commit", "c1", *DAY)
    machines.ok("--replica", "a", "count", "junit", "bad", "--commit", "c2", *DAY)
    assert set(flakes(machines, "a").values()) == {0}
    machines.ok("--replica", "a", "count", "junit", "good", "--commit", "c2", *DAY)
    assert flakes(machines, "a")["one"] == 1


def test_any_results_on_any_machines_in_any_order_of_merges_give_the_number_of_commits_with_both(
    tmp_path: Path,
) -> None:
    chance = random.Random(17)
    replicas = [Replica.init(tmp_path / name, name=name) for name in "abc"]
    seen: dict[tuple[str, str], set[str]] = {}
    for _ in range(40):
        replica, commit = chance.choice(replicas), chance.choice(["c1", "c2", "c3"])
        test, result = chance.choice(["t", "u"]), chance.choice(["", "failures", "errors", "skipped"])
        is_flaky = not result and chance.random() < 0.1
        ledger = Ledger(commit, "2026-03-01")
        assert len([*ledger.watched([Case("s", test, result, is_flaky, None)])]) == 1
        replica.commit(ledger.requests("tests"))
        both = {"pass", "fail"} if is_flaky else {"fail"} if result else {"pass"}
        seen.setdefault((commit, test), set()).update(both if result != "skipped" else ())
        if chance.random() < 0.3:
            replica.merge_bytes(chance.choice(replicas).export_bytes())
    for one, other in product(replicas, replicas):
        one.merge_bytes(other.export_bytes())
    expected = {test: sum(len(seen.get((commit, test), ())) == 2 for commit in ("c1", "c2", "c3")) for test in "tu"}
    assert any(expected.values())
    for replica in replicas:
        for test, number in expected.items():
            assert replica.value(f'tests.flakes{{day="2026-03-01",suite="s",test="{test}"}}') == number


def test_old_days_are_forgotten_and_the_others_stay(machines: Shell) -> None:
    for day in ("2026-03-01", "2026-03-02"):
        machines.ok("--replica", "a", "count", "junit", "good", "bad", "--commit", day, "--day", day)
    assert flakes(machines, "a")["one"] == 2
    machines.ok("--replica", "a", "forget", "tests.flakes", "--where", "day=2026-03-01")
    assert flakes(machines, "a")["one"] == 1


def test_labels_of_a_job_keep_its_results_apart(machines: Shell) -> None:
    for file, system in (("good", "linux"), ("bad", "windows")):
        machines.ok("--replica", "a", "count", "junit", file, "--commit", "c", *DAY, "--label", f"os={system}")
    assert set(flakes(machines, "a").values()) == {0}


@pytest.mark.parametrize(
    "words",
    [
        ("--commit", "c"),
        DAY,
        ("--commit", "a b", *DAY),
        ("--commit", "", *DAY),
        ("--commit", "x" * 65, *DAY),
        ("--commit", "c", "--day", "20260301"),
        ("--commit", "c", "--day", "2026-02-30"),
        ("--commit", "c", "--day", ""),
        ("--commit", "c", *DAY, "--label", "test=x"),
    ],
)
def test_wrong_words_are_refused_and_nothing_is_counted(machines: Shell, words: tuple[str, ...]) -> None:
    before = contents(machines.directory / "a")
    assert_refused(machines("--replica", "a", "count", "junit", "good", *words), 2)
    assert contents(machines.directory / "a") == before


def test_too_many_tests_are_refused(machines: Shell) -> None:
    many = "".join(f'<testcase name="t{number}"/>' for number in range(10_001))
    (machines.directory / "many").write_text(f"<testsuite>{many}</testsuite>")
    words = ("--replica", "a", "count", "junit", "many", "--by", "none")
    assert "--commit" in assert_refused(machines(*words, "--commit", "c", *DAY), 4)
    machines.ok(*words)
