"""Which counters ``show`` shows: by name, by pattern; what stands for a counter that is not there; upper bounds."""

import json

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused


@pytest.fixture
def counters(shell: Shell, replica: Replica) -> Replica:
    for name, amount in {"build.a": 1, "build.b": 2, "tests": 3, "star*": 4}.items():
        replica.increment(name, amount)
    return replica


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["build*"], ["build.a", "build.b"]),
        (["build.?"], ["build.a", "build.b"]),
        (["*"], ["build.a", "build.b", "star*", "tests"]),
        (["tests", "build*"], ["tests", "build.a", "build.b"]),
        (["t*"], ["tests"]),
    ],
)
def test_a_pattern_stands_for_all_that_are_like_it(
    shell: Shell, counters: Replica, words: list[str], names: list[str]
) -> None:
    assert [line.split("\t")[0] for line in shell.ok("show", *words).splitlines()] == names


def test_a_name_that_is_there_is_no_pattern(shell: Shell, counters: Replica) -> None:
    assert shell.ok("show", "star*") == "4\n"


def test_a_pattern_that_is_like_nothing_is_refused(shell: Shell, counters: Replica) -> None:
    assert "matches 'x*'" in assert_refused(shell("show", "x*"), 66)
    assert "--max" in assert_refused(shell("show", "build*", "--max", "1"), 2)


@pytest.mark.parametrize(
    ("words", "status", "stdout"),
    [
        (["tests", "--max", "3"], 0, "3\n"),
        (["tests", "--max", "2"], 1, "3\n"),
        (["tests", "--min", "3", "--max", "3"], 0, "3\n"),
        (["tests", "--min", "4", "--max", "9"], 1, "3\n"),
        (["FAIL", "--max", "0", "--default", "0"], 0, "0\n"),
        (["FAIL", "--min", "1", "--default", "0"], 1, "0\n"),
        (["tests", "--default", "0"], 0, "3\n"),
        (["FAIL", "--max", "0"], 66, ""),
    ],
)
def test_a_bound_above_and_a_default(
    shell: Shell, counters: Replica, words: list[str], status: int, stdout: str
) -> None:
    ended = shell("show", *words)
    assert (ended.status, ended.stdout) == (status, stdout)


def test_a_default_is_a_row_without_a_type(shell: Shell, counters: Replica) -> None:
    assert shell.ok("show", "tests", "FAIL", "--default", "0") == "tests\tpncounter\t3\nFAIL\t\t0\n"
    found = json.loads(shell.ok("show", "FAIL", "--default", "0", "--json"))
    assert found["counters"] == [{"name": "FAIL", "type": None, "value": 0}]


@pytest.mark.parametrize("words", [["--default", "0"], ["x", "--default", "0", "--state"], ["x", "--default", "no"]])
def test_a_default_that_means_nothing_is_refused(shell: Shell, counters: Replica, words: list[str]) -> None:
    assert "--default" in assert_refused(shell("show", *words), 2)
