"""Tables fit a terminal of 80 columns: short ids and ages there, whole ones with --full and in every machine format."""

import json
import re

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.handwritten import counted, document
from tests.support.terminal import on_terminal

LAPTOP, OTHER = "laptop-" + 28 * "0" + "7b1f", "laptop-" + 28 * "1" + "9c2e"
FAR = "server.example.org-" + 32 * "a"
LONG = 10**44 + 7
PLAIN = {"NO_COLOR": "1"}


@pytest.fixture
def fleet(shell: Shell, replica: Replica) -> Replica:
    replica.increment("builds")
    for author in (LAPTOP, OTHER, FAR):
        replica.merge_bytes(document(author, 3, counted("builds", author, 3, 1)))
    return replica


def shown(shell: Shell, *words: str, columns: int = 80, environment: dict[str, str] | None = None) -> str:
    ended = on_terminal(shell, *words, columns=columns, environment={**PLAIN, **(environment or {})})
    assert (ended.status, ended.stderr) == (0, "")
    return ended.stdout


@pytest.mark.parametrize("words", ["show builds --by-replica", "status", "clock --format table", "log"])
def test_a_terminal_shows_short_ids_in_lines_that_fit(shell: Shell, fleet: Replica, words: str) -> None:
    table = shown(shell, *words.split()).partition("──")[2]
    assert "laptop-…7b1f" in table
    assert "laptop-…9c2e" in table
    assert "server.example.org" in table
    assert not re.search("[0-9a-f]{32}", table)
    assert max(map(len, table.splitlines())) <= 80


@pytest.mark.parametrize("words", ["show builds --by-replica", "status", "clock --format table", "log"])
def test_whole_ids_are_shown_when_asked_for(shell: Shell, fleet: Replica, words: str) -> None:
    for whole in (
        shown(shell, *words.split(), "--full"),
        shown(shell, *words.split(), environment={"CRDTCTL_FULL": "1"}),
        shell.ok(*words.split()),
        shell.ok(*words.split(), "--json"),
        shell.ok(*words.split(), "--format", "table"),
    ):
        assert whole.replace("\n", "").count(LAPTOP) >= 1, whole


def test_an_id_that_contributed_alone_is_still_not_called_by_a_name_of_two(shell: Shell, fleet: Replica) -> None:
    fleet.merge_bytes(document(LAPTOP, 4, counted("own", LAPTOP, 4, 1)))
    assert "laptop-…7b1f" in shown(shell, "show", "own", "--by-replica")


def test_a_terminal_shows_ages_and_other_formats_times(shell: Shell, fleet: Replica) -> None:
    for words in (["status"], ["log"]):
        assert re.search(r"\b[0-9]+ seconds? ago", shown(shell, *words))
        assert re.search(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", shown(shell, *words, "--full"))
        assert "ago" not in shell.ok(*words)


def test_a_number_is_never_broken(shell: Shell, replica: Replica) -> None:
    replica.increment("a-name-that-is-as-long-as-somebody-likes-it-and-then-some-more-letters-of-it", LONG)
    for columns in (80, 40, 100):
        assert str(LONG) in shown(shell, "show", columns=columns)


def test_columns_are_as_wide_as_the_variable_says(shell: Shell, replica: Replica) -> None:
    replica.increment("x" * 60)
    assert "x" * 60 in shown(shell, "show", columns=40, environment={"COLUMNS": "120"})
    assert "x" * 60 not in shown(shell, "show", columns=120, environment={"COLUMNS": "40"})
    for wrong in ("0", "-1", "many", "9" * 30):
        assert "x" * 60 in shown(shell, "show", columns=120, environment={"COLUMNS": wrong})


def test_check_shows_whole_names_of_files(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    table = shown(shell, "check")
    assert f"directory  {replica.path}\n" in table
    assert re.search(r"^ *own\.json +ok", table, re.MULTILINE)
    assert f"{replica.path}/own.json\tok" in shell.ok("check")


def test_the_names_of_columns_can_be_asked_for_and_left_out(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    row = "builds{0}pncounter{0}42\n"
    head = "name{0}type{0}value\n"
    assert shell.ok("show", "--format", "csv") == (head + row).format(",")
    assert shell.ok("show", "--format", "csv", "--no-header") == row.format(",")
    assert shell.ok("show", "--format", "tsv") == row.format("\t")
    assert shell.ok("show", "--format", "tsv", "--header") == (head + row).format("\t")
    assert shell.ok("show", "--header") == (head + row).format("\t")
    assert "name" not in shown(shell, "show", "--no-header")


def test_status_as_json_has_times_only_where_times_belong(shell: Shell, fleet: Replica) -> None:
    rows = json.loads(shell.ok("status", "--json"))["replicas"]
    assert [(row["own"], row["heard"] is None) for row in rows] == [(True, True), *3 * [(False, False)]]
