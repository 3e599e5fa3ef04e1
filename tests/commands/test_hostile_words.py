"""Words and lines about labels and time that only an attacker writes: they are refused in little memory."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.child import Measured, run
from tests.support.expect import contents

MB = 10**6
LABELS = 10**6
STARS = "*" * 60_000

#: The words of a command after which the file `FILE` comes, and what is in it.
FILES: dict[str, tuple[list[str], Callable[[], str]]] = {
    "a spelling of a million labels": (
        ["increment", "--batch"],
        lambda: "x{" + ",".join(f'k{number}="v"' for number in range(LABELS)) + "} 1\n",
    ),
    "an object of a million labels": (
        ["increment", "--batch"],
        lambda: json.dumps({"name": "x", "labels": {f"k{number}": "v" for number in range(LABELS)}}) + "\n",
    ),
    "a meter of a million labels": (
        ["observe", "--batch"],
        lambda: "x{" + ",".join(f'k{number}="v"' for number in range(LABELS)) + "} 1 eth0\n",
    ),
    "a time in the year 9999": (["increment", "--batch"], lambda: '{"name":"builds","at":"9999-01-01"}\n'),
    "a time before 1970": (["increment", "--batch"], lambda: '{"name":"builds","at":-900}\n'),
    "a reading of the year 9999": (
        ["observe", "--batch"],
        lambda: '{"name":"builds","total":1,"source":"a","at":"9999-01-01"}\n',
    ),
}
WORDS = {
    "a name of many stars": ["show", STARS],
    "a name of many stars and letters": ["show", "*a" * 30_000],
    "a name of many sets": ["show", "*[ab]" * 20_000],
    "a condition of many stars": ["show", "--where", f"os={STARS}"],
    "many groups": ["show", "--by", ",".join(f"k{number}" for number in range(15_000))],
    "many labels": ["increment", "x{" + ",".join(f'k{number}="v"' for number in range(8_000)) + "}"],
    "a quantile that is not a number": ["show", "latency", "--quantile", "nan"],
    "an infinite quantile": ["show", "latency", "--quantile", "inf"],
    "a negative quantile": ["show", "latency", "--quantile=-1"],
    "a quantile of many digits": ["show", "latency", "--quantile", "0." + "9" * 100_000],
    "a quantile with an exponent": ["show", "latency", "--quantile", "p1e999999999"],
    "many quantiles of many days": [
        *("show", "latency", "--per", "day", "--since", "1970-01-01"),
        *("--quantile", ",".join(f"0.{number:05}1" for number in range(10_000))),
    ],
    "a count in the year 9999": ["increment", "builds", "--at", "9999-01-01"],
    "a count before 1970": ["increment", "builds", "--at=-1"],
    "many quarters of an hour": ["show", "builds", "--per", "15m", "--since", "1900-01-01", "--until", "2199-12-31"],
    "periods that are kept for ever": ["create", "builds", "--keep", "9" * 40 + "d"],
}


@pytest.fixture
def measured(shell: Shell, replica: Replica) -> Callable[..., Measured]:
    """Return a function that runs the program in a replica with many counters, some with periods."""
    replica.create("builds", "pncounter", every="15m")
    replica.create("latency", "hist", every="day")
    replica.add_numbers("latency", 1, 2)
    with replica.batch() as batch:
        for number in range(2_000):
            batch.increment("a" * 150 + str(number))
    before = contents(replica.path)

    def runs(*words: str) -> Measured:
        ended = run(words, shell.directory, shell.environment)
        assert contents(replica.path) == before
        return ended

    return runs


def refused(ended: Measured) -> None:
    assert (ended.status, ended.stdout, ended.hung) == (2, b"", False)
    assert len(ended.stderr) < 1_000
    assert b"Traceback" not in ended.stderr
    assert ended.peak < 60 * MB


@pytest.mark.parametrize("why", WORDS)
def test_hostile_words_are_refused_in_little_memory(measured: Callable[..., Measured], why: str) -> None:
    refused(measured(*WORDS[why]))


@pytest.mark.parametrize("why", FILES)
def test_hostile_lines_are_refused_in_little_memory(
    measured: Callable[..., Measured], tmp_path: Path, why: str
) -> None:
    words, make = FILES[why]
    (tmp_path / "lines").write_text(make())
    refused(measured(*words, str(tmp_path / "lines")))
