"""``crdtctl create`` declares a counter of a type."""

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from tests.commands.expect import assert_refused, contents
from tests.conftest import Shell


@pytest.mark.parametrize("tag", TYPES)
def test_every_type_can_be_created_and_reads_nothing_yet(shell: Shell, replica: Replica, tag: str) -> None:
    assert shell.ok("create", "fresh", "--type", tag) == ""
    assert shell.ok("show") == f"fresh\t{tag}\t0\n"


def test_an_initial_amount_is_counted_in_the_same_commit(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "stock", "--type", "pncounter", "--initial", "100")
    assert replica.value("stock") == 100
    assert replica.clock() == {replica.id: 1}


def test_what_is_there_is_not_created_again(shell: Shell, replica: Replica) -> None:
    replica.increment("stock", 7)
    before = contents(replica.path)
    assert "stock" in assert_refused(shell("create", "stock", "--type", "pncounter"), 73)
    assert_refused(shell("create", "stock", "--type", "pncounter", "--initial", "5"), 73)
    assert contents(replica.path) == before


def test_what_others_created_is_not_created_again(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.create("stock", "gcounter")
    replica.merge_bytes(other.export_bytes())
    assert_refused(shell("create", "stock", "--type", "gcounter"), 73)


def test_a_name_can_stand_for_a_counter_of_each_type(shell: Shell, replica: Replica) -> None:
    replica.increment("views", 7)
    shell.ok("create", "views", "--type", "gcounter", "--initial", "2", "--also")
    assert shell.ok("show") == "views\tgcounter\t2\nviews\tpncounter\t7\n"


def test_create_asks_for_a_type_that_there_is(shell: Shell, replica: Replica) -> None:
    before = contents(replica.path)
    assert "--type" in assert_refused(shell("create", "stock"), 2)
    said = assert_refused(shell("create", "stock", "--type", "abacus"), 2)
    assert all(tag in said for tag in TYPES)
    assert contents(replica.path) == before


def test_an_initial_amount_that_the_type_refuses_creates_nothing(shell: Shell, replica: Replica) -> None:
    assert_refused(shell("create", "visitors", "--type", "gset", "--initial", "3"), 4)
    assert_refused(shell("create", "stock", "--type", "pncounter", "--initial", "0"), 2)
    assert shell.ok("show") == ""
