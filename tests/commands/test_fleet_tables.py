"""Tables of a fleet: every view is what ``show`` says, as text, Parquet, Arrow and in SQL."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import ipc, parquet

from crdtctl import Replica
from crdtctl.fleet import observe, tables
from crdtctl.fleet.views import VIEWS
from crdtctl.sync.report import Remote
from tests.commands.test_fleet import hub
from tests.conftest import Shell
from tests.support.expect import assert_refused

__all__ = ["hub"]

LARGE = 7 * 10**60


@pytest.fixture
def large(shell: Shell, hub: Path) -> Path:
    """Return the folder with a number that no format but text has."""
    replica = Replica.init(shell.directory / "large", name="large")
    replica.increment("large", LARGE)
    replica.increment("large-too", LARGE)
    shell.ok("--replica", "large", "sync", "./hub")
    return hub


def rows(shell: Shell, *words: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shell.ok("fleet", *words, "--format", "json"))["rows"]
    return found


def shown(shell: Shell, hub: Path, *words: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(shell.ok("fleet", "show", hub, *words, "--format", "json"))["counters"]
    return found


def test_totals_are_those_that_show_prints(shell: Shell, large: Path) -> None:
    totals = {(one["name"], *one.get("labels", {}).values(), one["type"]): one["value"] for one in shown(shell, large)}
    table = rows(shell, "export", large, "--view", "totals")
    assert {(one["name"], *one.get("labels", {}).values(), one["type"]): one["value"] for one in table} == totals
    assert len(table) == len(totals)
    in_sql = rows(shell, "sql", large, "SELECT name, labels, type, value FROM totals")
    assert {(one["name"], *one.get("labels", {}).values(), one["type"]): one["value"] for one in in_sql} == totals


def test_shares_add_up_and_have_the_replicas_that_show_names(shell: Shell, hub: Path) -> None:
    by_replica = {
        (one["name"], *one.get("labels", {}).values(), share["replica"]): share["value"]
        for one in shown(shell, hub, "--by-replica")
        for share in one["replicas"]
    }
    table = rows(shell, "export", hub, "--view", "shares")
    assert {(one["name"], *one.get("labels", {}).values(), one["replica"]): one["value"] for one in table} == by_replica
    added = "SELECT s.name FROM (SELECT name, labels, type, sum(value) AS n FROM shares GROUP BY ALL) s "
    added += "JOIN totals t ON (s.name, s.labels, s.type) = (t.name, t.labels, t.type) "
    added += "WHERE s.n <> t.value AND s.type IN ('gcounter', 'pncounter', 'bcounter')"
    assert rows(shell, "sql", hub, added) == []


def test_other_views_are_what_commands_print(shell: Shell, hub: Path) -> None:
    members = [one["element"] for one in rows(shell, "export", hub, "--view", "members")]
    assert members == shell.ok("fleet", "show", hub, "visitors", "--members", "--format", "value").split()
    shell.ok("--replica", "ada", "increment", "jobs", "4", "--once", "key-1")
    shell.ok("--replica", "ada", "sync", "./hub")
    once = rows(shell, "export", hub, "--view", "once")
    assert [(one["name"], one["key"], one["value"]) for one in once] == [("jobs", "key-1", 4)]
    periods = rows(shell, "export", hub, "--view", "periods")
    assert [(one["start"], one["value"]) for one in periods] == [(f"2026-03-0{day}T00:00:00Z", 5) for day in (1, 2, 3)]
    found = json.loads(shell.ok("fleet", "check", hub, "--format", "json"))
    assert [one["replica"] for one in rows(shell, "export", hub, "--view", "replicas")] == found["replicas"]
    assert [one["file"] for one in rows(shell, "export", hub, "--view", "files")] == [
        one["file"] for one in found["files"]
    ]
    assert rows(shell, "export", hub, "--view", "forks") == []


@pytest.mark.parametrize("name", VIEWS)
def test_files_have_the_rows_of_the_view(shell: Shell, large: Path, name: str) -> None:
    shell.ok("fleet", "export", large, "--view", name, "-o", "out.parquet")
    shell.ok("fleet", "export", large, "--view", name, "-o", "out.arrow")
    shell.ok("fleet", "export", large, "--view", name, "-o", "out.parquet")  # an earlier one is replaced
    of_parquet = parquet.read_table(shell.directory / "out.parquet")
    with ipc.open_file(shell.directory / "out.arrow") as file:
        of_arrow = file.read_all()
    assert of_parquet.to_pylist() == of_arrow.to_pylist()
    text = rows(shell, "export", large, "--view", name)
    assert len(text) == of_arrow.num_rows
    for written, printed in zip(of_arrow.to_pylist(), text, strict=True):
        for column, kind in VIEWS[name].columns.items():
            if kind == "whole":
                assert int(written[f"{column}_exact"]) == int(printed[column])
                assert written[column] in (None, int(printed[column]))
            elif kind == "labels":
                assert dict(written[column]) == printed[column]
            elif kind != "time":
                assert written[column] == printed[column]


def test_library_yields_batches_for_other_programs(large: Path) -> None:
    with observe(Remote("hub", str(large))) as seen:
        table = pa.Table.from_batches(tables.arrow(seen, "totals"))
    values = {one["name"]: (one["value"], one["value_exact"]) for one in table.to_pylist()}
    assert values["hits"] == (15, "15")
    assert values["large"] == (None, str(LARGE))


def test_sums_are_exact_whatever_their_size(shell: Shell, large: Path) -> None:
    found = shell.ok("fleet", "sql", large, "SELECT sum(value) FROM totals WHERE name LIKE 'large%'")
    assert found == f"{2 * LARGE}\n"


def test_labels_and_parts_of_names_are_columns_of_queries(shell: Shell, hub: Path) -> None:
    sql = (
        "SELECT label(labels, 'os') AS os, sum(value) FROM totals WHERE part(name, 1) = 'runs' GROUP BY ALL ORDER BY 1"
    )
    assert shell.ok("fleet", "sql", hub, sql) == "linux\t6\nmac\t3\n"


@pytest.mark.parametrize(
    "sql",
    [
        "SELEC",
        "SELECT * FROM nothing",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY (SELECT 1) TO 'out.csv'",
        "ATTACH 'other.db'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "DROP TABLE totals",
        "SELECT 1; SELECT 2",
        "",
    ],
)
def test_wrong_queries_and_those_that_leave_the_tables_are_refused(shell: Shell, hub: Path, sql: str) -> None:
    before = {*shell.directory.rglob("*")}
    assert_refused(shell("fleet", "sql", hub, sql), 2)
    assert {*shell.directory.rglob("*")} == before


@pytest.mark.parametrize(
    ("words", "status"),
    [
        (["--view", "nothing"], 2),
        (["--view", "totals", "-o", "out.csv"], 2),
        (["--view", "totals", "-o", "notes.parquet"], 73),
        (["--format", "csv"], 2),
    ],
)
def test_wrong_exports_are_refused(shell: Shell, hub: Path, words: list[str], status: int) -> None:
    (shell.directory / "notes.parquet").write_text("mine")
    assert_refused(shell("fleet", "export", hub, *words), status)
    assert (shell.directory / "notes.parquet").read_text() == "mine"


def test_columns_of_one_name_are_all_kept(shell: Shell, hub: Path) -> None:
    assert shell.ok("fleet", "sql", hub, "SELECT 1 AS a, 2 AS a, 3 AS b", "--format", "csv") == ("a,a_1,b\n1,2,3\n")


def test_structures_and_maps_are_printed(shell: Shell, hub: Path) -> None:
    assert shell.ok("fleet", "sql", hub, "SELECT {'a': 1} AS s, map {1: 2} AS m") == "{'a': 1}\t{1: 2}\n"


def test_tables_can_be_listed(shell: Shell, hub: Path) -> None:
    assert shell.ok("fleet", "sql", hub, "SHOW TABLES").split() == sorted(VIEWS)


def test_arithmetic_of_whole_numbers_is_exact(shell: Shell, hub: Path) -> None:
    Replica(shell.directory / "ada").increment("bytes", 2**53 + 1)
    shell.ok("--replica", "ada", "sync", "./hub")
    sql = "SELECT value * 3, value % 2, value // 2 FROM totals WHERE name = 'bytes'"
    assert shell.ok("fleet", "sql", hub, sql) == f"{3 * (2**53 + 1)}\t1\t{2**52}\n"


def test_cell_with_a_tab_stays_one_cell(shell: Shell, hub: Path) -> None:
    assert shell.ok("fleet", "sql", hub, "SELECT chr(9) || chr(10) AS a, 2 AS b").count("\t") == 1
