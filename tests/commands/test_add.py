"""``crdtctl add`` adds elements to a set; its value is how many distinct ones there are."""

from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


def test_distinct_elements_count_and_repeated_ones_change_nothing(shell: Shell, replica: Replica) -> None:
    assert shell.ok("add", "visitors", "grace", "ada", "grace") == ""
    before = contents(replica.path)
    assert shell.ok("add", "visitors", "ada") == ""
    assert contents(replica.path) == before
    shell.ok("add", "visitors", "alan")
    assert shell.ok("show", "visitors") == "3\n"
    assert shell.ok("show", "visitors", "--members") == "ada\nalan\ngrace\n"


def test_the_first_element_makes_a_gset(shell: Shell, replica: Replica) -> None:
    shell.ok("add", "visitors", "ada")
    assert shell.ok("show") == "visitors\tgset\t1\n"


def test_replicas_that_added_the_same_element_count_it_once(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    here, there = new_replica("here"), new_replica("there")
    shell.ok("--replica", here.path, "add", "visitors", "ada", "grace")
    shell.ok("--replica", there.path, "add", "visitors", "ada", "alan")
    there.export_to(shell.directory / "there.json")
    shell.ok("--replica", here.path, "merge", "there.json")
    assert shell.ok("--replica", here.path, "show", "visitors", "--members") == "ada\nalan\ngrace\n"


def test_an_element_can_be_4096_bytes_long_and_hold_anything_printable(shell: Shell, replica: Replica) -> None:
    elements = sorted(["a=b", "x" * 4096, "été", 'quo"te\\', "two words"])
    shell.ok("add", "visitors", *elements)
    assert replica.reading("visitors").members == tuple(elements)


@pytest.mark.parametrize("element", ["", " ada", "ada ", "a\nb", "a\x1bb", "a\u202eb", "a\u200db", "x" * 4097])
def test_a_wrong_element_is_refused_and_none_of_them_is_added(shell: Shell, replica: Replica, element: str) -> None:
    before = contents(replica.path)
    assert_refused(shell("add", "visitors", "grace", element), 2)
    assert contents(replica.path) == before


def test_only_sets_have_elements(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.increment("views", tag="gcounter")
    before = contents(replica.path)
    assert_refused(shell("add", "builds", "ada"), 4)
    assert_refused(shell("add", "views", "ada"), 4)
    assert_refused(shell("add", "fresh", "ada", "--type", "pncounter"), 4)
    assert contents(replica.path) == before


def test_something_must_be_added(shell: Shell, replica: Replica) -> None:
    assert_refused(shell("add", "visitors"), 2)
    assert_refused(shell("add"), 2)
    assert_refused(shell("add", "a=b", "ada"), 2)
    assert shell.ok("show") == ""
