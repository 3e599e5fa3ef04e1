"""``--batch FILE``: many operations, all or nothing, one commit."""

import json
import random
import subprocess
from collections import Counter

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.sh import command

LINES = (
    b"plain\n"
    b"plain 2\n"
    b"page views 30\n"
    b"page views\t400\n"
    b'{"name":"page views"}\n'
    b'{"name":"plain","amount":5000}\r\n'
    b'{"amount":"9007199254740993","name":"big"}\n'
    b'{"name":"grows","type":"gcounter"}\n'
    b"crlf 6\r\n"
    b"crlf\r\n"
    b"plain 70000"
)
TOTALS = {"big": 2**53 + 1, "crlf": 7, "grows": 1, "page views": 431, "plain": 75003}


def values(replica: Replica) -> dict[str, int]:
    return {one.name: one.value for one in replica.counters()}


def test_lines_with_spaces_tabs_json_crlf_and_no_last_line_feed_are_one_commit(shell: Shell, replica: Replica) -> None:
    (shell.directory / "batch").write_bytes(LINES)
    assert shell.ok("increment", "--batch", "batch") == ""
    assert values(replica) == TOTALS
    assert replica.clock() == {replica.id: 1}
    assert [one.tag for one in replica.readings("grows")] == ["gcounter"]


def test_standard_input_and_a_named_pipe_are_as_good_as_a_file(shell: Shell, replica: Replica) -> None:
    assert shell.ok("increment", "--batch", "-", stdin=LINES) == ""
    assert values(replica) == TOTALS
    with subprocess.Popen(command("mkfifo pipe && echo plain > pipe"), cwd=shell.directory):
        while not (shell.directory / "pipe").exists():
            pass
        shell.ok("increment", "--batch", "pipe")
    assert replica.value("plain") == TOTALS["plain"] + 1


def test_a_batch_of_decrements_counts_down(shell: Shell, replica: Replica) -> None:
    ended = shell("decrement", "--batch", "-", stdin="apples 2\npears\napples\n")
    assert (ended.status, "'apples', 'pears' were never counted here" in ended.stderr) == (0, True)
    assert values(replica) == {"apples": -3, "pears": -1}
    assert replica.clock() == {replica.id: 1}


def test_a_batch_for_a_set_has_an_element_a_line(shell: Shell, replica: Replica) -> None:
    assert shell.ok("add", "visitors", "--batch", "-", stdin="ada\r\ngrace hopper\nada\n=1") == ""
    assert replica.reading("visitors").members == ("=1", "ada", "grace hopper")
    assert replica.clock() == {replica.id: 1}


@pytest.mark.parametrize(
    "bad",
    [
        "apples -1",
        "apples 1.5",
        "apples\t",
        "apples\tmany",
        "apples=1",
        "\t1",
        "apples{a}",
        "ap\u202eples",
        '{"name":"apples","amount":1.0}',
        '{"name":"apples","amount":true}',
        '{"name":"apples","name":"pears"}',
        '{"name":"apples","colour":"red"}',
        '{"amount":1}',
        '{"name":7}',
        '{"name":"apples"',
        "[" * 100_000,
        "{" * 100_000,
    ],
)
def test_one_wrong_line_and_nothing_is_done_and_its_number_is_told(shell: Shell, replica: Replica, bad: str) -> None:
    replica.increment("apples")
    before = contents(replica.path)
    ended = shell("increment", "--batch", "-", stdin=f"apples\npears 2\n{bad}\n\n{bad}\n")
    assert "line 3 of standard input" in assert_refused(ended, 2)
    assert contents(replica.path) == before


def test_bytes_that_are_no_text_are_a_wrong_line(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    assert "line 2 of" in assert_refused(shell("increment", "--batch", "-", stdin=b"apples\n\xff\n"), 2)
    assert "line 2 of" in assert_refused(shell("add", "visitors", "--batch", "-", stdin=b"ada\n\xff\n"), 2)
    assert contents(replica.path) == before


def test_a_wrong_element_is_told_by_its_line_and_file(shell: Shell, replica: Replica) -> None:
    (shell.directory / "names.txt").write_text("ada\n grace\n")
    assert "line 2 of names.txt" in assert_refused(shell("add", "visitors", "--batch", "names.txt"), 2)
    assert shell.ok("show") == ""


def test_a_type_that_refuses_one_line_refuses_the_batch(shell: Shell, replica: Replica) -> None:
    replica.add("visitors", "ada")
    before = contents(replica.path)
    assert "visitors" in assert_refused(shell("increment", "--batch", "-", stdin="apples\nvisitors\n"), 4)
    assert contents(replica.path) == before


@pytest.mark.parametrize(
    ("words", "lines", "status", "message"),
    [
        (
            "increment",
            "apples\n\napples\nvisitors\nvisitors\n",
            4,
            "line 4 of lines: cannot increment 'visitors': a gset",
        ),
        ("decrement", "apples\ngrow\n", 4, "line 2 of lines: cannot decrement 'grow': a gcounter only grows"),
        ("increment --existing", "grow\nnew\n", 66, "line 2 of lines: no counter 'new' here"),
        ("increment --type handoff", "new\ngrow\n", 73, "line 2 of lines: 'grow' is a gcounter here"),
        ("increment --once k", "new\n\nvisitors\n", 4, "line 3 of lines: cannot increment 'visitors': a gset"),
        ("observe --source s", "grow 8\nvisitors 4\n", 4, "line 2 of lines: cannot observe 'visitors': a gset has no"),
        (
            "observe --source s",
            "new 1\n\nnew 8\nnew 7\n",
            4,
            "line 4 of lines: cannot observe 'new': 's' reads 7, below",
        ),
        ("decrement", "apples 2\nseats 5\nseats 6\n", 4, "line 3 of lines: cannot decrement 'seats': needs 6"),
    ],
)
def test_batch_that_is_refused_names_the_first_line_that_does_not_fit(
    shell: Shell, replica: Replica, words: str, lines: str, status: int, message: str
) -> None:
    replica.add("visitors", "ada")
    replica.increment("grow", tag="gcounter")
    replica.create("seats", "bcounter", initial=10)
    (shell.directory / "lines").write_text(lines)
    before = contents(replica.path)
    said = assert_refused(shell(*words.split(), "--batch", "lines"), status)
    assert said.startswith(f"crdtctl: {message}")
    assert said.count("line ") == 1
    assert said.endswith("nothing was counted; --bad skip leaves such lines out\n")
    assert contents(replica.path) == before


def test_the_number_of_a_wrong_line_is_right_far_down_in_a_large_batch(shell: Shell, replica: Replica) -> None:
    lines = [f"name-{number % 1000}" for number in range(300_000)]
    lines[234_567 - 1] = "name-7 -1"
    (shell.directory / "batch").write_text("\n".join(lines))
    assert "line 234567 of batch" in assert_refused(shell("increment", "--batch", "batch"), 2)
    assert shell.ok("show") == ""


def test_an_empty_batch_does_nothing(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    for arguments in (["increment"], ["decrement"], ["add", "visitors"]):
        assert shell.ok(*arguments, "--batch", "-") == ""
    assert contents(replica.path) == before


def test_a_batch_that_cannot_be_read_does_nothing(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    assert "missing.txt" in assert_refused(shell("increment", "--batch", "missing.txt"), 66)
    assert "missing.txt" in assert_refused(shell("add", "visitors", "--batch", "missing.txt"), 66)
    assert "irectory" in assert_refused(shell("increment", "--batch", "."), 74)
    assert contents(replica.path) == before


def test_a_batch_goes_with_no_other_words(shell: Shell, replica: Replica) -> None:
    assert_refused(shell("increment", "apples", "--batch", "-", stdin="apples\n"), 2)
    assert_refused(shell("decrement", "apples=1", "--batch", "-", stdin="apples\n"), 2)
    assert_refused(shell("add", "visitors", "ada", "--batch", "-", stdin="grace\n"), 2)
    assert shell.ok("show") == ""


def test_a_million_lines_of_a_thousand_names_give_exact_totals(shell: Shell, replica: Replica) -> None:
    names = random.Random(1).choices([f"path/{number}" for number in range(1000)], k=1_000_000)
    (shell.directory / "access.log").write_text("\n".join(names))
    shell.ok("increment", "--batch", "access.log")
    shown = json.loads(shell.ok("show", "--format", "json"))
    assert {one["name"]: one["value"] for one in shown["counters"]} == Counter(names)
    assert replica.clock() == {replica.id: 1}
