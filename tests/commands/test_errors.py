"""A failure is one line on standard error; under ``--format json`` it is one JSON object."""

import json

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.handwritten import counted, document

#: A byte that is no UTF-8, as Python hands it over.
LATIN_1 = "\udcff"
HOSTILE = f"a\nb\x1b[31mc\u202ed\x85e{LATIN_1}f"
#: Command line → its status and the status' name.
FAILING = {
    "show builds --min 43 --format json": (1, "no"),
    "compare other.json --equal --format json": (1, "no"),
    "check bad.json --format json": (1, "no"),
    "show --bogus --format json": (2, "usage"),
    "show builds --min x -f json": (2, "usage"),
    "merge other.json bad.json missing.json --format json": (3, "partial"),
    "show builds --members --format=json": (4, "refused"),
    "merge --format json fork.json": (5, "fork"),
    "merge --format ndjson bad.json": (65, "data"),
    "show nope -fjson": (66, "missing"),
    "merge --format json missing.json bad.json": (66, "missing"),
    "--replica nowhere status --format json": (66, "missing"),
}


@pytest.fixture(autouse=True)
def _files(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    for name, data in {
        "other.json": document("other", 1, counted("builds", "other", 1, 1)),
        "bad.json": b"{}",
        "fork.json": document(replica.id, 9, counted("builds", replica.id, 9, 99)),
    }.items():
        (shell.directory / name).write_bytes(data)


@pytest.mark.parametrize("command", FAILING)
def test_under_json_an_error_is_one_object(shell: Shell, command: str) -> None:
    ended = shell(*command.split())
    assert ended.stderr.count("\n") == 1
    error = json.loads(ended.stderr)
    assert error.keys() == {"schema", "error", "exit", "message", "hint"}
    assert (error["schema"], error["exit"], error["error"]) == (1, *FAILING[command])
    assert ended.status == error["exit"]
    assert error["message"]


def test_the_variable_asks_for_json_errors_too(shell: Shell) -> None:
    for words in (
        ["increment", "builds", "1.5"],
        ["increment", "builds", "-1"],
        ["decrement", "x=1", "--type", "gset"],
    ):
        ended = shell(*words, environment={"CRDTCTL_FORMAT": "json"})
        assert json.loads(ended.stderr)["exit"] == ended.status


@pytest.mark.parametrize("command", FAILING)
def test_else_an_error_is_lines_of_ours_and_no_object(shell: Shell, command: str) -> None:
    words = [word for word in command.split() if "json" not in word.partition(".")[0]]
    words = [word for word in words if word not in ("--format", "-f", "ndjson")]
    ended = shell(*words)
    assert ended.status == FAILING[command][0]
    assert all(line.startswith("crdtctl: ") and line.isprintable() for line in ended.stderr.splitlines())
    assert ended.stderr.endswith("\n")


def test_what_is_not_printable_is_escaped_in_messages(shell: Shell) -> None:
    for words in (
        ["show", HOSTILE],
        ["show", "--format", HOSTILE],
        ["increment", "builds", HOSTILE],
        ["increment", "builds", "--type", HOSTILE],
        ["increment", "builds", "--once", HOSTILE],
        ["show", "builds", "--min", HOSTILE],
        [HOSTILE],
        [f"--{HOSTILE}"],
    ):
        assert_refused(shell(*words), 2)
    for words in (["merge", HOSTILE], ["compare", HOSTILE], ["increment", "--batch", HOSTILE]):
        assert_refused(shell(*words), 66)
    assert_refused(shell("--replica", HOSTILE, "show"), 66)


@pytest.mark.parametrize("form", ["tsv", "json", "ndjson", "csv", "toml", "table", "value"])
def test_what_is_not_printable_in_a_file_name_is_escaped_in_output(shell: Shell, form: str) -> None:
    names = [HOSTILE.replace(LATIN_1, ""), HOSTILE]
    for name in names:
        (shell.directory / name).write_bytes((shell.directory / "other.json").read_bytes())
    for words in (["check", *names], *(["compare", name] for name in names), ["merge", "--dry-run", *names]):
        ended = shell(*words, "--format", form)
        assert (ended.status, ended.stderr) == (0, "")
        assert all(line.replace("\t", "").isprintable() for line in ended.stdout.split("\n"))


def test_no_failure_shows_the_insides(shell: Shell) -> None:
    for words in (["show", "nope"], ["merge", "."], ["increment", "x" * 10_000], ["show", "--require", "[" * 10_000]):
        assert "Traceback" not in shell(*words).stderr
