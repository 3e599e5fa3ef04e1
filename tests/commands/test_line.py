"""Global options stand anywhere on the line; what is wrong with a line is said with what to type instead."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.both_paths import fast_first, full, outcome
from tests.support.expect import assert_refused
from tests.support.plain_commands import HERE, HUB, Case, PlantedFile, known, own

FILES = {
    "own.json": PlantedFile(own({"builds": {"pncounter": {HERE: (20, 12, 5)}}}), "regular"),
    "known.json": PlantedFile(known({"builds": {"pncounter": {HUB: (3, 7, 1)}}}), "regular"),
}
#: Lines, in pieces that stay together.
LINES: list[list[list[str]]] = [
    [["show"], ["builds"]],
    [["show"], ["builds"], ["--by-replica"]],
    [["show"], ["--min", "3"], ["builds"]],
    [["show"], ["nothing"]],
    [["increment"], ["builds"]],
    [["increment"], ["builds"], ["5"]],
    [["dec"], ["builds"], ["--type", "pncounter"]],
    [["increment"], ["a=1"], ["b=2"]],
    [["remote"], ["list"]],
    [["remote"], ["add"], ["hub"], ["/srv/counts"]],
    [["clock"]],
    [["status"], ["--format", "ndjson"]],
    [["add"], ["s"], ["x"], ["y"]],
    [["bogus"]],
]
#: A value of an option that looks like an option is a value.
GLOBALS = [
    [["--replica", ".crdtctl"]],
    [["--replica=.crdtctl"]],
    [["--lock-timeout", "5m"], ["--replica", ".crdtctl"]],
    [["--replica", "nowhere"]],
    [["--replica", "nowhere"], ["--replica", ".crdtctl"]],
    [["--replica", ".crdtctl"], ["-v"]],
    [["--replica", ".crdtctl"], ["--quiet"]],
]


@settings(max_examples=60)
@given(line=st.sampled_from(LINES), options=st.sampled_from(GLOBALS), data=st.data())
def test_global_options_mean_the_same_wherever_they_stand(
    line: list[list[str]], options: list[list[str]], data: st.DataObject
) -> None:
    places = sorted(data.draw(st.lists(st.integers(0, len(line)), min_size=len(options), max_size=len(options))))
    moved: list[list[str]] = []
    rest = list(options)
    for at in range(len(line) + 1):
        moved += [rest.pop(0) for place in places if place == at]
        moved += line[at : at + 1]
    first = outcome(Case([word for piece in (*options, *line) for word in piece], FILES), full)
    assert outcome(Case([word for piece in moved for word in piece], FILES), fast_first) == first


@pytest.mark.parametrize("words", [["show", "builds"], ["increment", "builds", "2"], ["dec", "builds"]])
def test_the_fast_path_takes_the_replica_anywhere(words: list[str]) -> None:
    for at in range(len(words) + 1):
        for option in (["--replica", ".crdtctl"], ["--replica=.crdtctl"]):
            line = [*words[:at], *option, *words[at:]]
            assert outcome(Case(line, FILES), fast_first).is_fast
            assert outcome(Case(line, FILES), fast_first) == outcome(Case(line, FILES), full)


@pytest.mark.parametrize(
    "line",
    [
        *(["increment", "--replica"], ["increment", "builds", "--replica"], ["--replica", "increment", "builds"]),
        *(
            ["--replica=", "increment", "builds"],
            ["increment", "--", "--replica", "1"],
            ["show", "--replica=-x", "builds"],
        ),
        ["--replica", "nowhere", "increment", "builds", "--replica", ".crdtctl"],
    ],
)
def test_the_fast_path_declines_a_replica_that_is_not_plain(line: list[str]) -> None:
    done = outcome(Case(line, FILES), fast_first)
    assert not done.is_fast
    assert done == outcome(Case(line, FILES), full)


def test_two_dashes_end_the_options(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "--", "--replica")
    shell.ok("--", "increment", "builds")
    assert shell.ok("show", "--", "--replica") == "1\n"
    assert replica.value("builds") == 1


def test_a_value_of_an_option_may_look_like_a_global_option(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "--once", "--replica")
    assert replica.reading("builds").once == {"--replica": 1}


def test_a_format_may_stand_before_the_command(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    json = shell.ok("show", "--format", "json")
    for words in (["--format", "json", "show"], ["--format=json", "show"], ["-f", "json", "show"], ["--json", "show"]):
        assert shell.ok(*words) == json
    assert shell.ok("show", "--json") == json
    assert shell.ok("--format", "csv", "show", "--format", "json") == json
    assert "'crdtctl increment' has no option --format" in assert_refused(
        shell("--format", "csv", "increment", "builds"), 2
    )
    assert "'crdtctl increment' has no option --full" in assert_refused(shell("--full", "increment", "builds"), 2)
    assert shell("--json", "show", "nothing").stderr.startswith('{"schema":1,"error":"missing"')


def test_an_empty_replica_is_an_unset_variable(shell: Shell, replica: Replica) -> None:
    for words in (["show", "--replica", ""], ["--replica=", "show"], ["increment", "builds", "--replica", ""]):
        assert "--replica is empty" in assert_refused(shell(*words), 2)


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("builds increment", "the command comes first: crdtctl increment builds"),
        ("builds inc 5", "the command comes first: crdtctl inc builds 5"),
        ("incremen", "did you mean 'increment'?"),
        ("incremetn builds", "did you mean 'increment'?"),
        ("SHOW", "did you mean 'show'?"),
        ("stat", "did you mean 'status'?"),
        ("increase builds", "use 'crdtctl increment'"),
        ("incr builds", "use 'crdtctl increment'"),
        ("get builds", "use 'crdtctl show'"),
        ("ls", "use 'crdtctl show'"),
        ("import hub.json", "use 'crdtctl merge'"),
        ("pull", "use 'crdtctl sync'"),
        ("set builds 5", "'crdtctl increment NAME AMOUNT'"),
        ("rm builds", "counters cannot be deleted"),
        ("version", "use 'crdtctl --version'"),
        ("show --by replica", "did you mean '--by-replica'?"),
        ("show --mni 5", "did you mean '--min'?"),
        ("show builds --min", "--min needs a value; see 'crdtctl show --help'"),
        ("show -o json", "use --format"),
        ("show builds -l os=linux", "use --where"),
        ("show builds --label os=linux", "use --where"),
        ("show builds{os=linux}", "or builds --where os=linux"),
        ("increment builds{os=linux}", "or builds --label os=linux"),
        (
            "observe tokens twelve --source log",
            "'twelve' is not an amount: it is not a whole number; write a whole number",
        ),
        ("observe tokens -5 --source log", "a reading is never negative"),
        ("observe 12 tokens --source log", "NAME comes first: crdtctl observe tokens 12"),
        ("observe tokens cost 12 --source log", "write NAME=TOTAL for each counter"),
        ("--once k increment builds", "--once belongs after the command: crdtctl increment --once"),
        ("remote chekc", "did you mean 'check'?"),
        ("remote test", "use 'crdtctl remote check'"),
        ("export mine.json", "crdtctl export -o mine.json"),
        ("create builds", "create needs --type TYPE; types are bcounter,"),
        ("create builds gcounter", "crdtctl create NAME --type gcounter"),
        ("transfer seats 5 hub", "AMOUNT comes last: crdtctl transfer seats hub 5"),
        ("request seats 5 hub", "AMOUNT comes last: crdtctl request seats hub 5"),
        ("compare", "'crdtctl compare -' reads standard input"),
        ("sync --timeout 5x", "--timeout: '5x' is not a duration: write 30s, 5m"),
        ("show --lock-timeout soon", "--lock-timeout: 'soon' is not a duration"),
        ("log -n x", "--number: 'x' is not a whole number from 1"),
        ("sync --require-replicas 0", "--require-replicas: '0' is not a whole number from 1"),
    ],
)
def test_a_wrong_line_is_answered_with_what_to_type(shell: Shell, replica: Replica, line: str, hint: str) -> None:
    said = assert_refused(shell(*line.split()), 2)
    assert hint in said, said
    assert "range" not in said


@pytest.mark.parametrize(
    ("line", "never"),
    [
        ("increase builds", "reset"),
        ("rset builds", "reset"),
        ("rese builds", "reset"),
        ("sea", "seal"),
        ("sael", "seal"),
        ("set builds 1", "settle"),
        ("import x", "export"),
        ("show --replicaa x", "--by-replica"),
        ("export --force", "--format"),
        ("increment --maximum 3", "--"),
    ],
)
def test_a_suggestion_that_would_harm_is_not_made(shell: Shell, replica: Replica, line: str, never: str) -> None:
    said = assert_refused(shell(*line.split()), 2)
    assert f"did you mean '{never}" not in said
    assert f"use 'crdtctl {never}'" not in said


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("CRDTCTL_LOCK_TIMEOUT", "abc", "show"),
        ("CRDTCTL_SYNC_TIMEOUT", "5x", "sync ./shared"),
        ("CRDTCTL_SHOW_MIN", "many", "show builds"),
        ("CRDTCTL_FORMAT", "yaml", "show"),
        ("CRDTCTL_SHOW_MEMBERS", "maybe", "show"),
        ("CRDTCTL_LOG_NUMBER", "x", "log"),
        ("CRDTCTL_QUIET", "perhaps", "show"),
        ("CRDTCTL_HEADER", "perhaps", "show"),
        ("CRDTCTL_TYPE", "counter", "create builds"),
        ("CRDTCTL_INIT_TIER", "deep", "init new"),
    ],
)
def test_a_wrong_variable_is_named(shell: Shell, replica: Replica, variable: str, value: str, line: str) -> None:
    said = assert_refused(shell(*line.split(), environment={variable: value}), 2)
    assert said.startswith(f"crdtctl: {variable}"), said
    assert value in said


def test_a_variable_that_is_overruled_by_the_line_does_not_matter(shell: Shell, replica: Replica) -> None:
    wrong = {"CRDTCTL_LOCK_TIMEOUT": "abc", "CRDTCTL_FORMAT": "yaml"}
    assert shell("show", "--lock-timeout", "5m", "--json", environment=wrong).status == 0


@pytest.mark.parametrize("option", ["--quiet", "-q", "--verbose", "-v"])
def test_how_much_is_said_can_be_asked_for(shell: Shell, replica: Replica, option: str) -> None:
    is_loud = "v" in option
    assert shell.ok("increment", "builds", option) == ("builds → 1\n" if is_loud else "")
    assert shell.ok(option, "increment", "builds") == ("builds 1 → 2\n" if is_loud else "")


def test_the_version_has_a_short_option(shell: Shell) -> None:
    assert shell.ok("-V") == shell.ok("--version")


def test_words_for_failures_of_the_parser_do_not_lean_on_the_newest_typer(shell: Shell) -> None:
    """Before typer 0.28 what its parser raises had no public name."""
    script = (
        "import sys, typer; del typer.TyperException; from crdtctl.cli.main import main;"
        "sys.exit(main(['shwo']) or main(['show', '--mni', '3']))"
    )
    ended = subprocess.run([sys.executable, "-c", script], env=shell.environment, capture_output=True, check=False)
    assert (ended.returncode, b"did you mean 'show'?" in ended.stderr) == (2, True)
