"""``crdtctl help``: topics of the manual, in a pipe, on a terminal and through a pager."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from crdtctl.cli.verbs import VERBS
from crdtctl.help import page, terminal_page, topics
from crdtctl.help.blocks import Block, Code, Table, blocks
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.terminal import ESCAPE, on_terminal


def test_help_alone_lists_every_command_and_every_topic(shell: Shell) -> None:
    listed = dict(re.findall(r"^ {4}([a-z-]+) {2,}(.+)$", shell.ok("help"), re.MULTILINE))
    assert listed == {**VERBS, **{name: topics.summary(name) for name in topics.NAMES}}


@pytest.mark.parametrize("name", topics.NAMES)
def test_topic_is_plain_text_in_a_pipe(shell: Shell, name: str) -> None:
    shown = shell.ok("help", name)
    assert f"{name}: {topics.summary(name)}" in shown
    assert ESCAPE not in shown
    assert "```" not in shown
    assert "|---" not in shown
    assert not re.search(r" $", shown, re.MULTILINE)


def test_topic_with_the_name_of_a_command_follows_the_help_of_it(shell: Shell) -> None:
    shown = shell.ok("help", "reset")
    assert shown.startswith("Usage: crdtctl reset ")
    assert topics.summary("reset") in shown


def test_word_that_is_neither_a_command_nor_a_topic_is_refused(shell: Shell) -> None:
    assert "did you mean 'bcounter'?" in assert_refused(shell("help", "bcouter"), 2)
    assert "did you mean 'exit-status'?" in assert_refused(shell("help", "exit"), 2)
    assert "'crdtctl help' lists both" in assert_refused(shell("help", "xyzzy"), 2)
    assert_refused(shell("help", "bcounter", "more"), 2)


def test_page_is_as_narrow_as_the_terminal(shell: Shell) -> None:
    shown = on_terminal(shell, "help", "reset", environment={"PAGER": "cat", "NO_COLOR": "1"}, columns=60).stdout
    page = shown[shown.index("reset: ") :]
    assert max(len(line) for line in page.splitlines() if not line.startswith("    ")) <= 60


def test_page_on_a_terminal_has_styles_unless_they_are_unwanted(shell: Shell) -> None:
    cat = {"PAGER": "cat"}
    assert ESCAPE in on_terminal(shell, "help", "gset", environment=cat).stdout
    assert ESCAPE not in on_terminal(shell, "help", "gset", environment={**cat, "NO_COLOR": "1"}).stdout
    assert ESCAPE not in on_terminal(shell, "help", "gset", environment={**cat, "TERM": "dumb"}).stdout


def pager(shell: Shell, script: str) -> dict[str, str]:
    """Return the environment in which the pager is a script that leaves a mark."""
    path = shell.directory / "my pager"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"PAGER": f"'{path}' -x", "LESS": "R"}


@pytest.mark.parametrize("command", ["status --help", "--help", "show", "log"])
def test_other_commands_do_not_import_the_manual(shell: Shell, command: str) -> None:
    environment = {**shell.environment, "CRDTCTL_REPLICA": str(shell.directory / "replica")}
    program = [sys.executable, "-X", "importtime", "-m", "crdtctl"]
    subprocess.run([*program, "init"], env=environment, check=True, capture_output=True)
    done = subprocess.run([*program, *command.split()], env=environment, check=True, capture_output=True, text=True)
    assert "crdtctl.cli" in done.stderr or command == "show"
    assert "crdtctl.help" not in done.stderr.replace("crdtctl.commands.help", "")


def test_long_page_on_a_terminal_goes_through_the_pager(shell: Shell) -> None:
    environment = pager(shell, 'echo "pager $1 LESS=$LESS"; sed s/^/::/')
    ended = on_terminal(shell, "help", "show", environment=environment)
    assert ended.status == 0
    assert ended.stdout.startswith("pager -x LESS=R\n::Usage: crdtctl show ")


def test_pager_is_not_used_where_it_is_unwanted(shell: Shell) -> None:
    environment = pager(shell, "echo paged")
    assert shell("help", "show", environment=environment) == shell("show", "--help")
    for more in ({"PAGER": ""}, {"PAGER": "cat"}, {"TERM": "dumb"}):
        assert "paged" not in on_terminal(shell, "help", "show", environment={**environment, **more}).stdout
    assert "paged" not in on_terminal(shell, "help", "schema", environment=environment).stdout


def test_pager_that_is_left_early_is_no_failure(shell: Shell) -> None:
    ended = on_terminal(shell, "help", "show", environment=pager(shell, "exit 0"))
    assert (ended.status, ended.stdout, ended.stderr) == (0, "", "")


def test_page_is_printed_where_the_pager_cannot_be_run(shell: Shell, tmp_path: Path) -> None:
    ended = on_terminal(shell, "help", "show", environment={"PAGER": str(tmp_path / "missing")})
    assert ended.status == 0
    assert ended.stdout.startswith("Usage: crdtctl show ")


def test_less_is_asked_to_quit_on_a_short_text_and_to_keep_styles(shell: Shell) -> None:
    environment = {**pager(shell, 'echo "LESS=$LESS"'), "LESS": ""}
    kept = dict(shell.environment)
    kept.pop("LESS", None)
    del environment["LESS"]
    ended = on_terminal(Shell(shell.directory, kept), "help", "show", environment=environment)
    assert ended.stdout == "LESS=FRX\n"


@pytest.mark.parametrize("drawn", [page.page, partial(terminal_page.page, colour=True)], ids=["pipe", "terminal"])
@pytest.mark.parametrize("width", [80, 60])
@pytest.mark.parametrize("name", topics.NAMES)
def test_only_code_is_wider_than_the_page(
    name: str, width: int, drawn: Callable[[Iterable[Block], int], list[str]]
) -> None:
    shown = [one for one in blocks(topics.text(name)) if not isinstance(one, Code)]
    lines = [re.sub("\x1b\\[[0-9]*m", "", line) for line in drawn(shown, width)]
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("name", topics.NAMES)
def test_pages_for_pipes_and_for_terminals_have_the_same_words(name: str) -> None:
    def words(lines: Iterable[str]) -> str:
        return re.sub(r"[\s─]", "", "".join(lines))

    found = [one for one in blocks(topics.text(name)) if not isinstance(one, Table)]
    assert words(page.page(found, 80)) == words(terminal_page.page(found, 80, colour=False))


def test_words_keep_their_order_and_their_styles_when_lines_are_filled() -> None:
    text = "begin `code words here` (**strong**), `x`y and the end of a longer text"
    assert page.page(blocks(text), 20) == [
        "  begin 'code words",
        "  here' (strong),",
        "  'x'y and the end",
        "  of a longer text",
    ]
    styled = terminal_page.page(blocks(text), 20, colour=True)
    assert styled[0] == "  begin \x1b[36mcode words \x1b[0m"
    assert styled[1] == "  \x1b[36mhere\x1b[0m (\x1b[1mstrong\x1b[0m), \x1b[36mx\x1b[0my"


def test_a_line_is_filled_to_its_last_column() -> None:
    assert page.page(blocks("aaa bbb ccc ddd"), 9) == ["  aaa bbb", "  ccc ddd"]
    assert page.page(blocks("aaa bbb ccc ddd"), 8) == ["  aaa", "  bbb", "  ccc", "  ddd"]


def test_a_word_that_is_longer_than_a_line_is_broken() -> None:
    assert page.page(blocks("a `bbbbbbbbbbbbbbbbbbbbbbbb` c"), 12) == ["  a 'bbbbbbb", "  bbbbbbbbbb", "  bbbbbbb' c"]


def test_a_table_gives_room_to_long_cells_and_has_a_rule_below_its_header() -> None:
    table = "| name | what it is |\n|---|---|\n| `a` | one two three four five |\n| bb | six |"
    assert page.page(blocks(table), 24) == [
        "  name   what it is",
        "  " + "─" * 22,
        "  a      one two three",
        "         four five",
        "  bb     six",
    ]
