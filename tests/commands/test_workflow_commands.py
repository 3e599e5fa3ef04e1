"""In a job of GitHub Actions no name of a stranger becomes a command to the runner; and no data is changed."""

import csv
import io
import json
import tomllib

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.handwritten import counted, document
from tests.support.terminal import on_terminal

NAMES = ["##[add-mask]x", "::error::x", "::warning::" + "::error::" * 15, "a ##[error]x", "a::error::x"]
IDS = ["::stop-commands::x", "##[group]x"]
ELEMENTS = ["##[set-output name=x]y", "::1", "::set-output name=x::y"]
JOB = {"GITHUB_ACTIONS": "true"}
READING = [
    "show",
    "show --by-replica",
    "show --members",
    "show visitors --members",
    "clock",
    "status",
    "check",
    "check ::error::x.json",
    "merge --dry-run ::error::x.json",
]


def state(author: str, amount: int) -> bytes:
    lines = [counted(name, author, 1, amount) for name in NAMES]
    elements = json.dumps(dict.fromkeys(ELEMENTS, 1), separators=(",", ":"))
    return document(author, 1, *lines, f'"visitors":{{"gset":{{"{author}":[1,{elements}]}}}}')


@pytest.fixture
def shell(shell: Shell, replica: Replica) -> Shell:
    """Let a replica know strangers with names that a runner would take for commands, and one of their files."""
    assert replica.merge_bytes(*[state(author, 7) for author in IDS]).refused == {}
    data = document("::debug::x", 1, *[counted(name, "::debug::x", 1, 1) for name in NAMES])
    (shell.directory / "::error::x.json").write_bytes(data)
    return shell


def commands(text: str) -> list[str]:
    """Return the lines that a runner might take for a command."""
    return [line for line in text.splitlines() if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("command", [*READING, "show --state"])
@pytest.mark.parametrize("form", ["", "table", "json", "ndjson", "toml"])
def test_no_line_is_a_command_to_the_runner(shell: Shell, command: str, form: str) -> None:
    words = [*command.split(), *(["--format", form] if form else [])]
    ended = shell(*words, environment=JOB)
    assert (ended.status, ended.stderr) == (0, "")
    assert ended.stdout
    assert commands(ended.stdout) == []
    assert commands(on_terminal(shell, *words, environment=JOB, columns=20).stdout) == []


@pytest.mark.parametrize(
    "words",
    [
        ["show", "::error::x", "--min", "100"],
        ["show", "##[add-mask]x", "--min", "100"],
        ["show", "##[nothing]x"],
        ["##[error]x"],
        ["increment", "x", "##[error]"],
        ["check", "::bad::x.json"],
        ["merge", "::bad::x.json", "##[error]x.json"],
        ["merge", "::bad::x.json", "::error::x.json"],
        ["increment", "--batch", "::bad::x.json"],
    ],
)
def test_no_message_is_a_command_to_the_runner(shell: Shell, words: list[str]) -> None:
    damaged = document("ann", 1, '"##[error]x":{"##[error]":{"ann":[1,1]}}')
    for name in ("::bad::x.json", "##[error]x.json"):
        (shell.directory / name).write_bytes(damaged)
    for form in ([], ["--format", "json"]) if words[0] in ("show", "check", "merge") else ([],):
        ended = shell(*words, *form, environment=JOB)
        assert ended.status != 0
        assert ended.stderr
        assert commands(ended.stderr + ended.stdout) == []


@pytest.mark.parametrize("command", [*READING, "show --state"])
def test_in_no_format_is_data_changed(shell: Shell, command: str) -> None:
    words = command.split()
    for form in ("json", "ndjson", "csv", "tsv", "value", "toml"):
        asked = [*words, "--format", form]
        assert shell(*asked, environment=JOB) == shell(*asked)


def test_what_is_spelt_otherwise_is_the_same(shell: Shell) -> None:
    def names(rows: list[dict[str, str]]) -> set[str]:
        return {row["name"] for row in rows} - {"visitors"}

    assert names(json.loads(shell.ok("show", "--format", "json"))["counters"]) == set(NAMES)
    assert names(tomllib.loads(shell.ok("show", "--format", "toml"))["counters"]) == set(NAMES)
    assert names(list(csv.DictReader(io.StringIO(shell.ok("show", "--format", "csv"))))) == set(NAMES)
    assert set(json.loads(shell("show", "--state", environment=JOB).stdout)) == {*NAMES, "visitors"}
    assert set(json.loads(shell("clock", environment=JOB).stdout)) == set(IDS)
    assert shell("show", "visitors", "--require", shell("clock", environment=JOB).stdout).stdout == "3\n"


def test_in_csv_no_row_begins_like_a_command(shell: Shell) -> None:
    rows = shell.ok("show", "--format", "csv").splitlines()
    assert '"::error::x","pncounter","14"' in rows
    assert "a::error::x,pncounter,14" in rows


def test_elsewhere_lines_are_as_they_are(shell: Shell) -> None:
    assert "::error::x\tpncounter\t14" in shell.ok("show").splitlines()
    assert "##[add-mask]x\tpncounter\t14" in shell.ok("show").splitlines()


def test_elements_that_begin_with_two_colons_are_still_to_be_read(shell: Shell) -> None:
    shown = shell("show", "visitors", "--members", environment=JOB).stdout
    assert "\\u003a:1\n" in shown
    assert "::1\n" in shell("show", "visitors", "--members", "--format", "value", environment=JOB).stdout
