"""Every format of every command that reads parses, and says the same."""

import csv
import io
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.handwritten import counted, document
from tests.support.terminal import on_terminal

BIG = 2**53
#: Command line → where its items stand in JSON.
READING = {
    "show": "counters",
    "show builds big": "counters",
    "show builds": "counters",
    "show --by-replica": "counters",
    "show --members": "counters",
    "clock": "clock",
    "compare other.json": "states",
    "status": "replicas",
    "check": "files",
    "check other.json": "files",
    "merge --dry-run other.json": "counters",
}


@pytest.fixture
def shell(shell: Shell) -> Shell:
    """Fill a replica with everything that could be hard to write down."""
    replica = Replica.init(shell.directory / ".crdtctl", name="here")
    with replica.batch() as batch:
        batch.increment("builds", 42)
        batch.increment("big", BIG)
        batch.decrement("small", BIG)
        batch.increment("safe", BIG - 1)
        batch.increment('comma, "quote" \\ été', 7)
        batch.increment("runs", 5, once="job, 17")
        batch.add("visitors", "ada", 'grace "h", lady')
        batch.create("views", "gcounter")
    replica.merge_bytes(document("ann", 3, counted("builds", "ann", 3, 1)))
    (shell.directory / "other.json").write_bytes(document("zoe", 3, counted("new", "zoe", 3, 1)))
    return shell


def rows(shell: Shell, words: list[str]) -> list[list[str]]:
    return [line.split("\t") for line in shell.ok(*words, "--format", "tsv").splitlines()]


@pytest.mark.parametrize("command", READING)
def test_json_has_a_schema_and_ndjson_an_object_a_line_and_toml_says_the_same(shell: Shell, command: str) -> None:
    words = command.split()
    tree = json.loads(shell.ok(*words, "--format", "json"))
    assert tree["schema"] == 1
    items = tree[READING[command]]
    assert items
    lines = shell.ok(*words, "--format", "ndjson")
    assert [json.loads(line) for line in lines.splitlines()] == items
    assert tomllib.loads(shell.ok(*words, "--format", "toml")) == without_none(tree)


@pytest.mark.parametrize("command", READING)
def test_csv_and_tables_hold_the_cells_of_the_tab_separated_rows(shell: Shell, command: str) -> None:
    words = command.split()
    cells = rows(shell, words)
    header, *found = csv.reader(io.StringIO(shell.ok(*words, "--format", "csv"), newline=""))
    assert found == cells
    assert all(len(row) == len(header) for row in cells)
    drawn = on_terminal(
        shell, *words, "--format", "table", "--full", environment={"NO_COLOR": "1"}, columns=400
    ).stdout.splitlines()
    (top,) = [number for number, line in enumerate(drawn) if line.split() == header]
    for row, line in zip(cells, drawn[top + 2 :], strict=True):
        assert " ".join(" ".join(row).split()) == " ".join(line.split())


@pytest.mark.parametrize("command", [command for command in READING if command != "clock"])  # its value is the token
def test_value_is_one_column_alone(shell: Shell, command: str) -> None:
    words = command.split()
    alone = shell.ok(*words, "--format", "value").splitlines()
    columns = list(zip(*rows(shell, words), strict=True))
    assert tuple(alone) in columns


def without_none(tree: Any) -> Any:
    """TOML has no null: what is not known is left out."""
    if isinstance(tree, dict):
        return {key: without_none(value) for key, value in tree.items() if value is not None}
    return [without_none(value) for value in tree] if isinstance(tree, list) else tree


def test_whole_numbers_that_readers_would_round_are_strings_in_json(shell: Shell) -> None:
    tree = json.loads(shell.ok("show", "--format", "json"))
    shown = {item["name"]: item["value"] for item in tree["counters"]}
    assert (shown["big"], shown["small"], shown["safe"], shown["builds"]) == (str(BIG), str(-BIG), BIG - 1, 43)
    shares = json.loads(shell.ok("show", "big", "--by-replica", "--format", "json"))["counters"][0]
    assert shares["replicas"][0]["value"] == str(BIG)
    assert shell.ok("show", "big") == f"{BIG}\n"


def test_the_format_can_stand_in_a_variable(shell: Shell) -> None:
    ended = shell("show", environment={"CRDTCTL_FORMAT": "json"})
    assert "builds" in [one["name"] for one in json.loads(ended.stdout)["counters"]]
    assert shell("show", "--format", "value", environment={"CRDTCTL_FORMAT": "json"}).stdout == shell.ok(
        "show", "--format", "value"
    )
    assert shell("show", environment={"CRDTCTL_FORMAT": ""}).stdout == shell.ok("show")
    assert shell("show", "builds", environment={"CRDTCTL_FORMAT": "json"}).stdout == "43\n", "a bare value everywhere"


def test_a_format_that_there_is_not_is_refused_with_those_there_are(shell: Shell) -> None:
    for command in ("show", "clock", "compare other.json", "status", "check", "merge --dry-run other.json"):
        ended = shell(*command.split(), "--format", "xml")
        assert (ended.status, ended.stdout) == (2, "")
        assert "table, value, json, ndjson, csv, tsv, toml" in ended.stderr


@pytest.mark.parametrize("command", ["show --format json", "show --format table", "show --members", "export", "check"])
def test_the_same_input_gives_the_same_bytes(shell: Shell, command: str) -> None:
    printed = {shell.ok(*command.split()) for _ in range(3)}
    assert len(printed) == 1
    (text,) = printed
    assert text.endswith("\n")
    assert "\r" not in text


def test_replicas_that_know_the_same_show_and_export_the_same(shell: Shell, tmp_path: Path) -> None:
    here = Replica(shell.directory / ".crdtctl")
    there = Replica.init(tmp_path / "there", name="there")
    there.merge_bytes(here.export_bytes())
    for words in (["show"], ["show", "--by-replica"], ["show", "--members"], ["show", "--state"], ["clock"]):
        assert shell.ok(*words) == shell.ok("--replica", there.path, *words)
    mine, theirs = (shell.ok("--replica", one.path, "export").splitlines()[1:-1] for one in (here, there))
    assert mine == theirs
