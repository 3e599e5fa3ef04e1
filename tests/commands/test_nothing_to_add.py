"""An amount of 0 adds nothing and is no error; it makes a counter known."""

from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

#: A command line that adds 0 to "failed", and its standard input.
WAYS = {
    "an amount": (["increment", "failed", "0"], ""),
    "a pair": (["increment", "passed=41", "failed=0"], ""),
    "a line": (["increment", "--batch", "-"], "passed 41\nfailed 0\n"),
    "a line with a tab": (["increment", "--batch", "-"], "failed\t0\n"),
    "twice the same line": (["increment", "--batch", "-"], "failed 0\nfailed 0\n"),
    "JSON": (["increment", "--batch", "-"], '{"name":"failed","amount":0}\n{"name":"failed","amount":"0"}\n'),
    "a decrement": (["decrement", "failed", "0"], ""),
    "a key": (["increment", "failed", "0", "--once", "job 17"], ""),
    "a batch under a key": (["increment", "--batch", "-", "--once", "job 17"], "failed 0\n"),
    "a key in JSON": (["increment", "--batch", "-"], '{"name":"failed","amount":0,"once":"job 17"}\n'),
    "a gcounter": (["increment", "failed", "0", "--type", "gcounter"], ""),
    "a handoff": (["increment", "failed", "0", "--type", "handoff"], ""),
    "an initial value": (["create", "failed", "--type", "pncounter", "--initial", "0"], ""),
}


@pytest.mark.parametrize("way", WAYS)
def test_0_makes_a_counter_known_and_the_second_time_changes_nothing(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], way: str
) -> None:
    words, stdin = WAYS[way]
    assert shell.ok(*words, stdin=stdin) == ""
    assert shell.ok("show", "failed") == "0\n"
    other = new_replica("other")
    other.merge_bytes(replica.export_bytes())
    assert other.value("failed") == 0
    if words[0] != "create" and "41" not in " ".join((*words, stdin)):
        before = contents(replica.path)
        shell.ok(*words, stdin=stdin)
        assert contents(replica.path) == before


def test_0_changes_nothing_where_another_replica_made_the_counter_known(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    other = new_replica("other")
    other.create("seats", "bcounter", initial=5)
    other.increment("failed", 3)
    replica.merge_bytes(other.export_bytes())
    before = contents(replica.path)
    for words in (["increment", "failed=0", "seats=0"], ["decrement", "seats", "0"], ["decrement", "failed", "0"]):
        shell.ok(*words)
    assert contents(replica.path) == before
    for verb in ("transfer", "request"):  # which are about some rights, or about none
        assert "at least 1" in assert_refused(shell(verb, "seats", "other", "0"), 2)


def test_a_key_with_0_does_not_swallow_what_is_counted_under_it_later(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    shell.ok("increment", "failed=0", "--once", "job 17")
    shell.ok("increment", "failed=3", "--once", "job 17")
    shell.ok("increment", "failed=3", "--once", "job 17")
    assert replica.value("failed") == 3
    ended = shell("increment", "failed=0", "--once", "job 17")
    assert (ended.status, "was used for +3 before" in ended.stderr) == (4, True)
    other = new_replica("other")
    other.increment("failed", 0, once="job 17")
    other.merge_bytes(replica.export_bytes())
    replica.merge_bytes(other.export_bytes())
    assert replica.value("failed") == other.value("failed") == 3


def test_a_type_that_refuses_the_verb_refuses_0_as_well(shell: Shell, replica: Replica) -> None:
    replica.increment("grows", tag="gcounter")
    replica.add("visitors", "ada")
    before = contents(replica.path)
    assert_refused(shell("decrement", "grows", "0"), 4)
    assert_refused(shell("increment", "visitors", "0"), 4)
    assert contents(replica.path) == before


def test_the_library_takes_0_as_well(replica: Replica) -> None:
    replica.increment("failed", 0)
    with replica.batch() as batch:
        batch.decrement("stock", 0)
        batch.increment("passed", 0, once="job 17")
    assert [(one.name, one.value) for one in replica.counters()] == [("failed", 0), ("passed", 0), ("stock", 0)]
