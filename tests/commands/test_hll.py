"""An hll from the command line: elements in, an estimate out, and nothing ever taken away."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused, contents

MANY = "".join(f"visitor {number}\n" for number in range(60_000))


def test_elements_count_about_once_each_and_repeated_ones_change_nothing(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "visitors", "--type", "hll")
    assert shell.ok("add", "visitors", "grace", "ada", "grace") == ""
    before = contents(replica.path)
    assert shell.ok("add", "visitors", "ada") == ""
    assert contents(replica.path) == before
    assert shell.ok("show", "visitors") == "2\n"
    assert shell.ok("show") == "visitors\thll\t2\n"


def test_json_says_how_exact_the_estimate_is(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "visitors", "--type", "hll", "--precision", "14")
    shell.ok("add", "visitors", "ada")
    (item,) = json.loads(shell.ok("show", "visitors", "--format", "json"))["counters"]
    assert item == {"name": "visitors", "type": "hll", "value": 1, "standard_error": 0.008125, "precision": 14}
    (item,) = json.loads(shell.ok("show", "visitors", "--by-replica", "--format", "json"))["counters"]
    assert item["replicas"] == [{"replica": replica.id, "value": 1}]
    assert (item["standard_error"], item["precision"]) == (0.008125, 14)


@pytest.mark.parametrize("known", [True, False])
def test_a_batch_of_many_lines_is_one_commit_of_a_few_kilobytes(shell: Shell, replica: Replica, known: bool) -> None:
    if known:
        shell.ok("create", "visitors", "--type", "hll")
    shell.ok("add", "visitors", *([] if known else ["--type", "hll"]), "--batch", "-", stdin=MANY)
    assert replica.clock() == {replica.id: 1 + known}
    assert abs(replica.value("visitors") - 60_000) < 4 * 0.01625 * 60_000
    assert len(Path(replica.path, "own.json").read_bytes()) < 5000


def test_a_batch_is_worth_its_elements_one_by_one(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    one, other = new_replica("one"), new_replica("other")
    lines = [f"visitor {number}" for number in range(200)] + ["naïve café", "=1", "日本語"]
    for replica, words, stdin in ((one, lines, ""), (other, ["--batch", "-"], "\r\n".join(lines))):
        shell.ok("--replica", replica.path, "add", "v", "--type", "hll", *words, stdin=stdin)
    assert one.reading("v").state[one.id] == other.reading("v").state[other.id]


def test_a_batch_may_come_through_a_pipe_in_pieces(shell: Shell, replica: Replica) -> None:
    words = [*PROGRAM, "add", "visitors", "--type", "hll", "--batch", "-"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, cwd=shell.directory, env=shell.environment) as process:
        assert process.stdin is not None
        for start in range(0, len(MANY), 70_001):
            process.stdin.write(MANY[start : start + 70_001].encode())
            process.stdin.flush()
        process.stdin.close()
        assert process.wait() == 0
    shell.ok("add", "again", "--type", "hll", "--batch", "-", stdin=MANY)
    assert replica.reading("visitors").state[replica.id][1] == replica.reading("again").state[replica.id][1]


WRONG = [(" x", "white space"), ("a\x1bb", "control"), ("x" * 4097, "long")]


@pytest.mark.parametrize(("line", "why"), WRONG)
def test_a_wrong_line_is_told_by_its_number_and_nothing_is_added(
    shell: Shell, replica: Replica, line: str, why: str
) -> None:
    shell.ok("create", "visitors", "--type", "hll")
    before = contents(replica.path)
    for many in ("", MANY):
        said = assert_refused(shell("add", "visitors", "--batch", "-", stdin=f"{many}ada\n{line}\ngrace\n"), 2)
        assert f"line {many.count(chr(10)) + 2} of standard input: " in said
        assert why in said
        assert said.endswith("nothing was counted; --bad skip leaves such lines out\n")
    assert contents(replica.path) == before


def test_an_empty_batch_makes_no_counter(shell: Shell, replica: Replica) -> None:
    assert shell.ok("add", "visitors", "--type", "hll", "--batch", "-") == ""
    assert shell.ok("show") == ""


def test_without_a_type_a_batch_goes_to_what_is_there_whoever_made_it(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.create("visitors", "hll", precision=9)
    replica.merge_bytes(other.export_bytes())
    shell.ok("add", "visitors", "--batch", "-", stdin="ada\ngrace\n")
    assert replica.reading("visitors").state[replica.id][1].startswith("blake2b 9 ")
    replica.add("visitors", "ada", tag="gset", also=True)
    assert "--type" in assert_refused(shell("add", "visitors", "--batch", "-", stdin="alan\n"), 2)


def test_replicas_that_chose_other_precisions_read_the_smallest(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.create("visitors", "hll", precision=5)
    other.add("visitors", "ada", "alan")
    shell.ok("create", "visitors", "--type", "hll", "--precision", "16")
    shell.ok("add", "visitors", "ada", "grace")
    replica.merge_bytes(other.export_bytes())
    assert replica.reading("visitors").facts["precision"] == 5
    assert shell.ok("show", "visitors") == "3\n"


def test_nothing_can_be_removed_counted_or_listed(shell: Shell, replica: Replica) -> None:
    replica.add("visitors", "ada", tag="hll")
    before = contents(replica.path)
    assert "cannot remove elements" in assert_refused(shell("decrement", "visitors"), 4)
    assert "add elements" in assert_refused(shell("increment", "visitors"), 4)
    assert "add elements" in assert_refused(shell("increment", "visitors", "--once", "job"), 4)
    assert "no members" in assert_refused(shell("show", "visitors", "--members"), 4)
    assert shell.ok("show", "--members") == ""
    assert contents(replica.path) == before


@pytest.mark.parametrize("precision", ["3", "17", "-1", "x", "1.5", ""])
def test_a_precision_is_from_4_to_16(shell: Shell, replica: Replica, precision: str) -> None:
    assert_refused(shell("create", "visitors", "--type", "hll", f"--precision={precision}"), 2)
    assert shell.ok("show") == ""


def test_only_an_hll_has_a_precision(shell: Shell, replica: Replica) -> None:
    assert "hll" in assert_refused(shell("create", "stock", "--type", "pncounter", "--precision", "12"), 2)
    assert shell.ok("show") == ""
