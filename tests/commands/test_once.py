"""``--once KEY``: counts a single time for the whole world, whoever and however often it is sent."""

from collections.abc import Callable

import pytest

from crdtctl import Replica
from crdtctl.errors import RefusedError
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


@pytest.mark.parametrize(
    ("before", "words", "reason"),
    [
        ("increment x 1", "add x eve", "a pncounter counts amounts and has no elements"),
        ("increment x 1 --type gcounter", "add x eve", "a gcounter counts amounts and has no elements"),
        ("add x 1 --type hist", "increment x 1", "a hist counts numbers"),
    ],
)
def test_key_that_was_used_does_not_hide_that_an_operation_does_not_fit_the_type(
    shell: Shell, replica: Replica, before: str, words: str, reason: str
) -> None:
    shell.ok(*before.split(), "--once", "job 17")
    held = contents(shell.directory)
    assert reason in assert_refused(shell(*words.split(), "--once", "job 17"), 4)
    assert contents(shell.directory) == held


def test_a_repeated_key_counts_once_and_repeating_it_writes_nothing(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "deploys", "--once", "job 17")
    before = contents(replica.path)
    assert shell.ok("increment", "deploys", "--once", "job 17") == ""
    assert contents(replica.path) == before
    assert shell.ok("show", "deploys") == "1\n"


@pytest.mark.parametrize("words", ["increment deploys 5", "decrement deploys", "increment x=1 deploys=2"])
def test_a_key_that_comes_again_with_another_amount_is_refused(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("deploys", once="job 17")
    before = contents(replica.path)
    assert "was used for +1 before" in assert_refused(shell(*words.split(), "--once", "job 17"), 4)
    assert contents(replica.path) == before


def test_a_key_that_another_replica_used_for_another_amount_is_refused(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    here, there = new_replica("here"), new_replica("there")
    there.increment("deploys", 7, once="job 17")
    here.merge_bytes(there.export_bytes())
    assert_refused(shell("--replica", here.path, "increment", "deploys", "5", "--once", "job 17"), 4)
    with pytest.raises(RefusedError, match="another key"):
        here.increment("deploys", 5, once="job 17")
    here.increment("deploys", 7, once="job 17")
    assert here.value("deploys") == 7


def test_what_was_counted_here_under_a_key_can_be_repeated_whatever_others_counted_under_it(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    here, there = new_replica("here"), new_replica("there")
    here.increment("deploys", 5, once="job 17")
    there.increment("deploys", 7, once="job 17")
    here.merge_bytes(there.export_bytes())
    shell.ok("--replica", here.path, "increment", "deploys", "5", "--once", "job 17")
    assert here.value("deploys") == 7


def test_other_keys_and_no_key_add_up(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "deploys", "2", "--once", "job 17")
    shell.ok("increment", "deploys", "3", "--once", "job 18")
    shell.ok("increment", "deploys", "4")
    shell.ok("increment", "deploys", "4")
    assert shell.ok("show", "deploys") == "13\n"


def test_a_key_belongs_to_its_counter(shell: Shell, replica: Replica) -> None:
    for _ in range(2):
        shell.ok("increment", "passed=41", "failed=1", "--once", "job 17")
    shell.ok("increment", "deploys", "--once", "job 17")
    assert [(one.name, one.value) for one in replica.counters()] == [("deploys", 1), ("failed", 1), ("passed", 41)]


@pytest.mark.parametrize(("verb", "total"), [("increment", "7"), ("decrement", "-7")])
@pytest.mark.parametrize("first", ["here", "there"])
def test_two_replicas_that_never_met_count_a_key_once(
    shell: Shell, new_replica: Callable[[str], Replica], verb: str, total: str, first: str
) -> None:
    here, there = new_replica("here"), new_replica("there")
    for one in (here, there):
        one.create("deploys", "pncounter")
        shell.ok("--replica", one.path, verb, "deploys", "7", "--once", "job 17")
        one.export_to(shell.directory / f"{one.id}.json")
    order = [here, there] if first == "here" else [there, here]
    for one, other in (order, order[::-1]):
        shell.ok("--replica", one.path, "merge", f"{other.id}.json")
    for one in order:
        assert shell.ok("--replica", one.path, "show", "deploys") == f"{total}\n"


def test_a_key_that_another_replica_sent_is_known_after_the_merge(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.increment("deploys", 7, once="job 17")
    replica.merge_bytes(other.export_bytes())
    before = contents(replica.path)
    shell.ok("increment", "deploys", "7", "--once", "job 17")
    assert contents(replica.path) == before
    assert shell.ok("show", "deploys") == "7\n"


def test_a_decrement_under_a_key_counts_once(shell: Shell, replica: Replica) -> None:
    replica.increment("stock", 10)
    for _ in range(2):
        shell.ok("decrement", "stock", "4", "--once", "order 9")
    assert shell.ok("show", "stock") == "6\n"


def test_a_batch_that_is_sent_again_under_its_key_counts_once(shell: Shell, replica: Replica) -> None:
    (shell.directory / "sold.txt").write_text("apples 2\npears 1\n")
    for name in ("apples", "pears"):
        replica.create(name, "pncounter")
    for _ in range(2):
        shell.ok("decrement", "--batch", "sold.txt", "--once", "day 1")
    shell.ok("decrement", "--batch", "sold.txt", "--once", "day 2")
    assert [(one.name, one.value) for one in replica.counters()] == [("apples", -4), ("pears", -2)]


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        (["deploys=2", "deploys=3"], ""),
        (["--batch", "-"], "deploys 2\ndeploys 3\n"),
        (["--batch", "-"], "deploys\n" * 5),
    ],
)
def test_a_counter_twice_under_one_key_is_added_up_or_refused_but_never_dropped_silently(
    shell: Shell, replica: Replica, words: list[str], stdin: str
) -> None:
    ended = shell("increment", *words, "--once", "job 17", stdin=stdin)
    if ended.status == 0:
        assert replica.value("deploys") == 5
    else:
        assert_refused(ended, 2)


def test_the_lines_of_a_batch_can_have_keys_of_their_own(shell: Shell, replica: Replica) -> None:
    lines = '{"name":"deploys","amount":2,"once":"job 17"}\n{"name":"deploys","amount":3,"once":"job 18"}\n'
    for _ in range(2):
        shell.ok("increment", "--batch", "-", stdin=lines + lines)
    assert shell.ok("show", "deploys") == "5\n"
