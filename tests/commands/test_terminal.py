"""On a terminal commands say what changed and draw tables; colour and escapes are for terminals only."""

import pytest

from crdtctl import Replica
from tests.conftest import Result, Shell
from tests.support.handwritten import counted, document
from tests.support.terminal import ESCAPE, on_terminal

FORCING = {"GITHUB_ACTIONS": "true", "FORCE_COLOR": "1", "CLICOLOR_FORCE": "1", "TTY_COMPATIBLE": "1", "PY_COLORS": "1"}


def said(ended: Result) -> str:
    assert (ended.status, ended.stderr) == (0, "")
    return ended.stdout


def test_counting_says_what_changed(shell: Shell, replica: Replica) -> None:
    assert said(on_terminal(shell, "increment", "builds", "41")) == "builds → 41\n"
    assert said(on_terminal(shell, "increment", "builds")) == "builds 41 → 42\n"
    assert said(on_terminal(shell, "decrement", "builds", "2")) == "builds 42 → 40\n"
    assert said(on_terminal(shell, "increment", "a=2", "builds=1")) == "a → 2\nbuilds 40 → 41\n"
    assert said(on_terminal(shell, "add", "visitors", "ada", "grace")) == "visitors → 2\n"
    assert said(on_terminal(shell, "reset", "builds", "visitors")) == "builds 41 → 0\nvisitors 2 → 0\n"
    assert said(on_terminal(shell, "increment", "builds", "41")) == "builds 0 → 41\n"
    assert replica.value("builds") == 41


def test_what_others_counted_is_in_what_is_said(shell: Shell, replica: Replica) -> None:
    (shell.directory / "other.json").write_bytes(document("other", 1, counted("builds", "other", 1, 41)))
    merged = said(on_terminal(shell, "merge", "other.json"))
    assert "1 counter changed" in merged
    assert "builds → 41" in merged
    assert said(on_terminal(shell, "increment", "builds")) == "builds 41 → 42\n"
    assert said(on_terminal(shell, "merge", "other.json")) == "nothing new\n"


def test_a_repeated_once_key_changes_nothing_and_says_so_by_silence(shell: Shell, replica: Replica) -> None:
    replica.increment("deploys", once="job 17")
    assert "→" not in said(on_terminal(shell, "increment", "deploys", "--once", "job 17"))


def test_a_large_batch_does_not_flood_the_screen(shell: Shell, replica: Replica) -> None:
    (shell.directory / "batch").write_text("".join(f"name-{number}\n" for number in range(1000)))
    assert len(said(on_terminal(shell, "increment", "--batch", "batch")).splitlines()) < 25


def test_a_dry_run_says_what_would_change(shell: Shell, replica: Replica) -> None:
    (shell.directory / "other.json").write_bytes(document("other", 1, counted("builds", "other", 1, 41)))
    shown = said(on_terminal(shell, "merge", "--dry-run", "other.json"))
    assert "would change" in shown
    assert "builds → 41" in shown
    assert replica.clock() == {}


def test_off_a_terminal_nothing_is_said(shell: Shell, replica: Replica) -> None:
    state = document("other", 1, counted("builds", "other", 1, 41))
    for words in (
        ["increment", "builds"],
        ["decrement", "builds=2"],
        ["add", "visitors", "ada"],
        ["merge", "-"],
        ["create", "c", "--type", "gset"],
        ["reset", "builds", "visitors"],
    ):
        assert shell.ok(*words, stdin=state) == ""


def test_a_listing_is_a_table_and_one_name_its_bare_value(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    shown = said(on_terminal(shell, "show", environment={"NO_COLOR": "1"})).splitlines()
    assert shown[0].split() == ["name", "type", "value"]
    assert set(shown[1].strip()) == {"─"}
    assert shown[2].split() == ["builds", "pncounter", "42"]
    assert said(on_terminal(shell, "show", "builds")) == "42\n"
    assert said(on_terminal(shell, "show", "--format", "tsv")) == "builds\tpncounter\t42\n"


@pytest.mark.parametrize("words", [["status"], ["check"], ["show", "--by-replica"], ["clock", "--format", "table"]])
def test_other_listings_are_tables_too(shell: Shell, replica: Replica, words: list[str]) -> None:
    replica.increment("builds", 42)
    assert "────" in said(on_terminal(shell, *words))


@pytest.mark.parametrize("quiet", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {"NO_COLOR": "1", **FORCING}])
def test_without_colour_a_terminal_gets_no_escape_sequence(
    shell: Shell, replica: Replica, quiet: dict[str, str]
) -> None:
    replica.increment("builds", 42)
    for words in (["show"], ["status"], ["increment", "builds"], ["show", "--help"], ["bogus"]):
        ended = on_terminal(shell, *words, environment=quiet)
        assert ESCAPE not in ended.stdout + ended.stderr


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["show", "--help"],
        ["show"],
        ["show", "--format", "table"],
        ["status", "--format", "table"],
        ["show", "nope"],
        ["bogus"],
        ["increment", "builds", "-1"],
        ["merge", "nope"],
        [],
    ],
)
def test_what_is_piped_holds_no_escape_sequence_whatever_asks_for_it(
    shell: Shell, replica: Replica, words: list[str]
) -> None:
    replica.increment("builds", 42)
    ended = shell(*words, environment=FORCING)
    assert ended.stdout + ended.stderr
    assert ESCAPE not in ended.stdout + ended.stderr
    assert ended == shell(*words)


def test_nothing_is_asked_even_on_a_terminal(shell: Shell, replica: Replica) -> None:
    for words in (["increment"], ["add"], ["create", "builds"], ["merge"], ["compare"]):
        assert on_terminal(shell, *words).status == 2
