"""Help of every command: its options with their variables, examples that work, the exit statuses it uses."""

import functools
import os
import re
import shlex
import subprocess

import pytest

import crdtctl
from crdtctl import Replica
from crdtctl.cli.verbs import ALIASES, GROUPS, VERBS
from crdtctl.errors import exit_statuses
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused
from tests.support.sh import in_sh

BELOW = ["remote add", "remote remove", "remote list", "remote check"]
COMMANDS = ["", *VERBS, *BELOW]


@functools.cache
def help_of(verb: str) -> str:
    wide = {**os.environ, "COLUMNS": "100"}
    done = subprocess.run([*PROGRAM, *verb.split(), "--help"], capture_output=True, text=True, check=True, env=wide)
    assert done.stderr == ""
    return done.stdout


def section(verb: str, title: str) -> list[str]:
    """Return the lines below a title in the help of a verb, up to the next empty line."""
    lines = [line.strip() for line in help_of(verb).splitlines()]
    assert f"{title}:" in lines
    start = lines.index(f"{title}:") + 1
    return lines[start : [*lines, ""].index("", start)]


def options(verb: str) -> dict[str, str]:
    """Return option → what the help says of it."""
    found: dict[str, str] = {}
    for title in ("Options", "Output", "Global options"):
        for line in section(verb, title) if f"\n{title}:\n" in help_of(verb) else []:
            named = re.match(r"(?:-\w, )?(--[a-z-]+)", line)
            if named and not line.endswith("see 'crdtctl --help'"):
                found[named[1]] = line
            elif not named:
                found[list(found)[-1]] += f" {line}"
    return found


@pytest.mark.parametrize("verb", COMMANDS)
def test_every_option_shows_a_variable_named_after_it(verb: str) -> None:
    shared = {"--type", "--header", "--full"} | ({"--format"} if verb not in ("export", "report") else set())
    shared |= set() if verb else {"--replica", "--lock-timeout", "--quiet", "--verbose"}
    for option, said in options(verb).items():
        if option in ("--help", "--version", "--json"):
            assert "env var" not in said
        else:
            word = option.lstrip("-").replace("-", "_").upper()
            prefix = verb.upper().replace(" ", "_")
            variable = f"CRDTCTL_{word}" if option in shared else f"CRDTCTL_{prefix}_{word}"
            assert re.search(rf"\[env var: {variable}[];]", said), said


@pytest.mark.parametrize("verb", COMMANDS)
def test_help_lists_exit_statuses_of_the_table_only(verb: str) -> None:
    listed = [int(line.split()[0]) for line in section(verb, "EXIT STATUS")]
    assert listed == sorted(set(listed))
    assert {0, 2, 130} <= set(listed) <= {status for status, _, _ in exit_statuses()}


@pytest.mark.parametrize(
    ("verb", "statuses"),
    [
        ("init", {66, 73, 74, 77, 79}),
        ("create", {4, 66, 73, 75}),
        ("increment", {4, 65, 66, 74, 75, 76, 77, 78}),
        ("decrement", {4, 65, 66, 74, 75, 76, 77, 78}),
        ("add", {4, 65, 66, 74, 75, 76, 77, 78}),
        ("reset", {4, 66}),
        ("show", {1, 4, 65, 66, 74, 77}),
        ("export", {65, 66, 73, 74, 77}),
        ("merge", {3, 5, 65, 66, 74, 75, 76, 77, 78, 79}),
        ("sync", {1, 2, 3, 5, 65, 66, 69, 73, 74, 75, 77, 78, 79}),
        ("remote add", {2, 73, 78}),
        ("remote remove", {66, 78}),
        ("remote list", {66, 78}),
        ("remote check", {1, 2, 66, 78}),
        ("clock", {65, 66, 74}),
        ("compare", {1, 65, 66, 74}),
        ("status", {65, 66, 74}),
        ("check", {1, 66, 74}),
        ("seal", {4, 66, 74}),
        ("absorb", {3, 4, 5, 66, 76}),
        ("run", {4, 66, 74, 77}),
    ],
)
def test_help_lists_the_statuses_that_other_tests_here_provoke(verb: str, statuses: set[int]) -> None:
    assert statuses <= {int(line.split()[0]) for line in section(verb, "EXIT STATUS")}


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_examples_are_understood(shell: Shell, replica: Replica, verb: str) -> None:
    replica.increment("builds")
    replica.export_to(shell.directory / "hub.json")
    (shell.directory / "media" / "stick").mkdir(parents=True)
    for name in ("hub", "stick"):
        replica.add_remote(name, str(shell.directory / name))
    examples = [re.split(r" {3,}", line)[0] for line in section(verb, "EXAMPLES")]
    assert examples
    for example in examples:
        if re.search(r"\||\$\(", example) and "||" not in example:
            continue  # needs more than crdtctl
        inside = example.replace(" /", f" {shell.directory}/")
        assert all(word.startswith(str(shell.directory)) for word in shlex.split(inside) if word[0] == "/")
        ended = in_sh(shell, inside, environment={"CI_PIPELINE_ID": "17", "CRDTCTL_WATCH_FOR": "1s"})
        assert ended.status != 2, ended.stderr
        assert "Traceback" not in ended.stderr


def test_the_help_lists_every_command_and_each_has_a_line() -> None:
    listed = dict(line.split(None, 1) for title in GROUPS for line in section("", title))
    assert listed == VERBS
    for verb, line in listed.items():
        assert help_of(verb).split("\n\n")[1].strip() == line


def test_the_word_help_shows_the_help_of_what_follows(shell: Shell) -> None:
    for verb in ("show", "remote", "remote add"):
        assert shell.ok("help", *verb.split()).split() == help_of(verb).split()
    assert shell.ok("help", "inc").split() == help_of("increment").split()
    assert "did you mean 'show'?" in assert_refused(shell("help", "shwo"), 2)
    assert "'crdtctl show'" in assert_refused(shell("help", "ls"), 2)
    assert_refused(shell("help", "show", "me"), 2)


def test_an_alias_has_the_help_of_its_command() -> None:
    for alias, verb in ALIASES.items():
        assert help_of(alias).partition("\n")[2] == help_of(verb).partition("\n")[2]


def test_a_short_option_shows_the_help_too(shell: Shell) -> None:
    assert shell.ok("show", "-h").split() == help_of("show").split()


def test_version_is_one_line(shell: Shell) -> None:
    assert shell.ok("--version") == f"crdtctl {crdtctl.__version__}\n"
    assert shell("--version", environment={"CRDTCTL_VERSION": "1.2.3"}).stdout == f"crdtctl {crdtctl.__version__}\n"


def test_no_command_at_all_shows_the_help_and_is_wrong(shell: Shell) -> None:
    ended = shell()
    assert (ended.status, ended.stderr) == (2, "")
    assert ended.stdout.split() == help_of("").split()


def test_a_command_that_there_is_not_is_refused(shell: Shell) -> None:
    for word in ("bogus", "Show", "sho", "incremen"):
        assert f"'{word}'" in assert_refused(shell(word), 2)
    assert_refused(shell("--bogus"), 2)
    assert "crdtctl show --help" in assert_refused(shell("show", "--bogus"), 2)


@pytest.mark.parametrize("verb", COMMANDS)
def test_a_usage_line_has_brackets_round_what_may_be_left_out_only(verb: str) -> None:
    usage = help_of(verb).partition("\n\n")[0]
    assert "{" not in usage
    assert "[-- " not in usage


@pytest.mark.parametrize("verb", COMMANDS)
def test_the_help_says_what_a_command_can_do_of_itself_only(verb: str) -> None:
    said = {int(line.split()[0]): line.split(None, 1)[1] for line in section(verb, "EXIT STATUS")}
    takes_keys = "--once" in options(verb)
    assert takes_keys == ("--once" in said.get(76, ""))
    is_reader = not {75, 76, 79}.intersection(said)
    assert said[0] == ("done" if is_reader else "done, and on disk")
    assert not re.search(r"[a-z ]\.\.\.$", help_of(verb), re.MULTILINE), "a line is cut"
