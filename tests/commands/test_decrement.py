"""``crdtctl decrement`` counts down, where the type allows it."""

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


def test_decrement_counts_one_by_default_or_the_amount_and_says_nothing(shell: Shell, replica: Replica) -> None:
    replica.increment("stock", 20)
    assert shell.ok("decrement", "stock") == ""
    assert shell.ok("decrement", "stock", "12") == ""
    assert shell.ok("dec", "stock") == ""
    assert shell.ok("show", "stock") == "6\n"


def test_a_pncounter_goes_below_zero(shell: Shell, replica: Replica) -> None:
    replica.create("balance", "pncounter")
    shell.ok("decrement", "balance", "5")
    shell.ok("decrement", "balance")
    assert shell.ok("show") == "balance\tpncounter\t-6\n"


def test_several_counters_are_one_commit(shell: Shell, replica: Replica) -> None:
    assert shell("decrement", "apples=2", "pears=1", "apples=1").status == 0
    assert [(one.name, one.value) for one in replica.counters()] == [("apples", -3), ("pears", -1)]
    assert replica.clock() == {replica.id: 1}


def test_types_that_only_grow_refuse_it(shell: Shell, replica: Replica) -> None:
    replica.increment("views", 7, tag="gcounter")
    replica.add("visitors", "ada")
    before = contents(replica.path)
    assert "grow" in assert_refused(shell("decrement", "views"), 4)
    assert_refused(shell("decrement", "visitors"), 4)
    assert_refused(shell("decrement", "fresh", "--type", "gcounter"), 4)
    assert_refused(shell("decrement", "stock=1", "views=1"), 4)
    assert contents(replica.path) == before
