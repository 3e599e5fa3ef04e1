"""``crdtctl create`` declares a counter of a type."""

import json

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


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
    assert shell.ok("show") == ""


def test_what_a_script_creates_on_several_machines_begins_once(shell: Shell) -> None:
    for name in ("a", "b"):
        shell.ok("--replica", name, "init", "--name", name)
        shell.ok("--replica", name, "create", "stock", "--type", "pncounter", "--initial", "100")
        shell.ok("--replica", name, "create", "seats", "--type", "bcounter", "--initial", "100")
        shell.ok("--replica", name, "increment", "stock")
        assert shell.ok("--replica", name, "show", "stock") == "101\n"
    ended = shell("--replica", "a", "exchange", "b")
    assert (ended.status, ended.stderr.count("'seats' was created by 2 replicas")) == (5, 1)
    assert shell.ok("--replica", "b", "show", "stock") == "102\n"
    assert "made twice 'seats'" in shell.ok("--replica", "b", "status", "-f", "table")
    assert shell("--replica", "b", "check").status == 1
    shell.ok("--replica", "b", "decrement", "seats", "100")
    shell.ok("--replica", "b", "settle", "seats")
    shell.ok("--replica", "b", "check")
    shell.ok("--replica", "a", "exchange", "b")
    assert json.loads(shell.ok("--replica", "a", "status", "-f", "json"))["made_twice"] == []


def test_a_handoff_counter_begins_with_nothing(shell: Shell) -> None:
    assert_refused(shell("create", "requests", "--type", "handoff", "--initial", "5"), 4)


def test_create_with_periods_takes_the_type_of_the_counter_or_the_usual_one(shell: Shell, replica: Replica) -> None:
    replica.increment("hits", 2, tag="gcounter")
    shell.ok("create", "hits", "--every", "day")
    shell.ok("create", "builds", "--every", "hour", "--keep", "60d")
    shell.ok("create", "sold", "--initial", "52340", "--source", "old-shop")
    assert shell.ok("show") == "builds\tpncounter\t0\nhits\tgcounter\t2\nsold\tpncounter\t52340\n"
