"""``--bad skip`` leaves wrong lines of a batch out, and ends with 3."""

import json

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_one_line, assert_refused, contents

#: What is wrong → such a line, and words that say so.
BAD = {
    "an equals sign": (b"/?id=3", "'='"),
    "a brace": (b"/{id}", "braces"),
    "a long name": (b"/" * 300, "200 bytes"),
    "a very long line": (b"x" * 200_000, "65536 bytes"),
    "no UTF-8": (b"\xff", "not UTF-8"),
    "half a character": (b"\xed\xa0\x80", "not UTF-8"),
    "an escape": (b"\x1b[31m", "control"),
    "white space": (b" /", "white space"),
    "a fraction": (b"/ 1.5", "not a whole number"),
    "a negative amount": (b"/ -2", "it is negative"),
    "no JSON": (b'{"name":', "JSON"),
    "a count and a name": (b"7 x", "--lines uniq"),
}


@pytest.mark.parametrize("verb", ["increment", "decrement"])
@pytest.mark.parametrize("what", BAD)
def test_the_good_lines_are_counted_and_the_bad_ones_told(shell: Shell, replica: Replica, verb: str, what: str) -> None:
    bad, words = BAD[what]
    lines = b"/\n" * 500 + bad + b"\n" + b"/ 2\n" * 250 + bad + b"\n"
    ended = shell(verb, "--batch", "-", "--bad", "skip", stdin=lines)
    assert (ended.status, ended.stdout) == (3, "")
    told = assert_one_line(ended.stderr.splitlines(keepends=True)[-1])  # a decrement names what begins below zero, too
    assert "2 of 752 lines were left out, the first: line 501 of standard input: " in told
    assert words in told
    assert abs(replica.value("/")) == 1000
    assert replica.clock() == {replica.id: 1}


@pytest.mark.parametrize("what", BAD)
def test_by_default_one_of_them_refuses_the_batch(shell: Shell, replica: Replica, what: str) -> None:
    before = contents(replica.path)
    for options in ([], ["--bad", "refuse"]):
        told = assert_refused(shell("increment", "--batch", "-", *options, stdin=b"/\n" + BAD[what][0] + b"\n/\n"), 2)
        assert "line 2 of standard input" in told
        assert "--bad skip" in told
    assert contents(replica.path) == before


@pytest.mark.parametrize("tag", ["gset", "hll"])
@pytest.mark.parametrize("bad", [b"a\x07b", b"\xff", b"x" * 5000, b"x" * 200_000, b" a"])
def test_elements_are_added_without_the_bad_ones(shell: Shell, replica: Replica, tag: str, bad: bytes) -> None:
    lines = b"ada\n" + bad + b"\n\ngrace\n" + bad
    ended = shell("add", "visitors", "--type", tag, "--batch", "-", "--bad", "skip", stdin=lines)
    assert ended.status == 3
    assert "2 of 5 lines were left out, the first: line 2 of standard input: " in ended.stderr
    assert replica.value("visitors") == 2
    assert "--bad skip" in assert_refused(shell("add", "visitors", "--batch", "-", stdin=lines), 2)


def test_what_a_type_refuses_is_left_out_as_well(shell: Shell, replica: Replica) -> None:
    replica.add("visitors", "ada")
    replica.increment("grows", tag="gcounter")
    lines = "/\nvisitors\nvisitors\ngrows 2\n/?a=b\n"
    ended = shell("decrement", "--batch", "-", "--bad", "skip", stdin=lines)
    assert ended.status == 3
    assert "4 of 5 lines were left out" in ended.stderr
    assert replica.value("/") == -1
    assert replica.value("grows") == 1
    ended = shell("decrement", "--batch", "-", "--bad", "skip", "--once", "job 17", stdin=lines)
    assert (ended.status, replica.value("/")) == (3, -2)
    assert "4 of 5 lines were left out" in ended.stderr


def test_where_no_line_is_good_nothing_is_counted_and_that_is_told(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    ended = shell("increment", "--batch", "-", "--bad", "skip", stdin="/?a=b\n")
    assert ended.status == 3
    assert "1 of 1 lines was left out" in ended.stderr
    assert contents(replica.path) == before


def test_without_bad_lines_it_ends_with_0_and_silently(shell: Shell, replica: Replica) -> None:
    assert shell.ok("increment", "--batch", "-", "--bad", "skip", stdin="/\n\n/ 2\n") == ""
    assert replica.value("/") == 3


def test_the_environment_can_say_it_and_other_words_cannot(shell: Shell, replica: Replica) -> None:
    environment = {"CRDTCTL_INCREMENT_BAD": "skip"}
    assert shell("increment", "--batch", "-", stdin="/\n/?a=b\n", environment=environment).status == 3
    assert shell("increment", "/", environment=environment).status == 0
    assert replica.value("/") == 2
    assert "refuse or skip" in assert_refused(shell("increment", "--batch", "-", "--bad", "ignore"), 2)
    assert "--batch" in assert_refused(shell("increment", "/", "--bad", "skip"), 2)


def test_what_was_left_out_is_json_where_that_is_asked_for(shell: Shell, replica: Replica) -> None:
    words = ["increment", "--batch", "-", "--bad", "skip"]
    ended = shell(*words, stdin="/\n/?a=b\n", environment={"CRDTCTL_FORMAT": "json"})
    assert ended.status == 3
    found = json.loads(ended.stderr)
    assert (found["error"], found["exit"]) == ("partial", 3)


def test_the_number_of_the_first_bad_line_is_right_far_down(shell: Shell, replica: Replica) -> None:
    lines = [f"name-{number % 1000}" for number in range(100_000)]
    for number in (76_543, 76_544, 99_999):
        lines[number - 1] = f"/?a={number}"
    (shell.directory / "batch").write_text("\n".join(lines))
    ended = shell("increment", "--batch", "batch", "--bad", "skip")
    assert "3 of 100000 lines were left out, the first: line 76543 of batch: " in ended.stderr
    assert sum(one.value for one in replica.counters()) == 99_997


#: What the lines are → the words of the command, its lines, and the whole message about the first wrong one.
FIRST = {
    "a reading that falls, before no reading": (
        "observe --source s",
        "m 10\nm 5\nnonsense\n",
        "2 of 3 lines were left out, the first: line 2 of standard input: cannot observe 'm': ",
    ),
    "no reading, before one that falls": (
        "observe --source s",
        "m 10\nnonsense\nm 5\n",
        "2 of 3 lines were left out, the first: line 2 of standard input: the reading is missing",
    ),
    "a wrong type, before an equals sign": (
        "increment",
        "/\nvisitors\n/?a=b\nvisitors\n",
        "3 of 4 lines were left out, the first: line 2 of standard input: cannot increment 'visitors': ",
    ),
    "an equals sign, before a wrong type": (
        "decrement",
        "/?a=b\ngrows\n/\n",
        "2 of 3 lines were left out, the first: line 1 of standard input: a counter's name",
    ),
    "one of several amounts": (
        "decrement",
        "seats\nseats 7\nseats 8\n",
        "2 of 3 lines were left out, the first: line 2 of standard input: cannot decrement 'seats': ",
    ),
    "amounts under one key": (
        "decrement --once jo\u0301b",
        "/\nvisitors 2\nvisitors\n",
        "2 of 3 lines were left out, the first: line 2 of standard input: ",
    ),
}


@pytest.fixture
def of_types(replica: Replica) -> Replica:
    """Return a replica with counters that refuse some operations."""
    replica.add("visitors", "ada")
    replica.increment("grows", tag="gcounter")
    replica.create("seats", "bcounter", initial=5)
    return replica


@pytest.mark.usefixtures("of_types")
@pytest.mark.parametrize("what", FIRST)
@pytest.mark.parametrize("source", ["--batch", "--stream"])
def test_the_first_wrong_line_is_named_whenever_it_is_found(shell: Shell, what: str, source: str) -> None:
    words, lines, message = FIRST[what]
    if source == "--stream" and "--once" in words:
        pytest.skip("a stream has no key for all its lines")
    ended = shell(*words.split(), source, *(["-"] if source == "--batch" else []), "--bad", "skip", stdin=lines)
    assert ended.status == 3
    assert message in ended.stderr


def test_the_first_wrong_line_may_be_equal_to_many_others(shell: Shell, of_types: Replica) -> None:
    lines = "/\n" * 40_000 + "visitors\n" + "/\n" * 40_000 + "visitors\n"
    ended = shell("increment", "--batch", "-", "--bad", "skip", stdin=lines)
    assert "2 of 80002 lines were left out, the first: line 40001 of standard input: " in ended.stderr
    assert of_types.value("/") == 80_000
