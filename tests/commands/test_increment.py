"""``crdtctl increment`` counts up."""

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


def test_increment_counts_one_by_default_or_the_amount_and_says_nothing(shell: Shell, replica: Replica) -> None:
    assert shell.ok("increment", "builds") == ""
    assert shell.ok("increment", "builds", "40") == ""
    assert shell.ok("inc", "builds") == ""
    assert shell.ok("show", "builds") == "42\n"


def test_the_first_increment_makes_a_pncounter(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds")
    assert shell.ok("show") == "builds\tpncounter\t1\n"


def test_a_counter_that_is_there_keeps_its_type(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "views", "--type", "gcounter")
    shell.ok("increment", "views")
    shell.ok("increment", "views=3")
    assert shell.ok("show") == "views\tgcounter\t5\n"


def test_what_others_made_decides_the_type_too(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.create("views", "gcounter")
    replica.merge_bytes(other.export_bytes())
    shell.ok("increment", "views")
    assert shell.ok("show") == "views\tgcounter\t1\n"


def test_several_counters_are_one_commit(shell: Shell, replica: Replica) -> None:
    assert shell.ok("increment", "A=2", "B=1", "C=5", "A=10") == ""
    assert [(one.name, one.value) for one in replica.counters()] == [("A", 12), ("B", 1), ("C", 5)]
    assert replica.clock() == {replica.id: 1}


def test_a_name_with_two_types_asks_which_one(shell: Shell, replica: Replica) -> None:
    replica.increment("views", 7)
    replica.increment("views", 2, tag="gcounter", also=True)
    before = contents(replica.path)
    assert "--type" in assert_refused(shell("increment", "views"), 2)
    assert contents(replica.path) == before
    shell.ok("increment", "views", "--type", "gcounter")
    assert shell.ok("show") == "views\tgcounter\t3\nviews\tpncounter\t7\n"


def test_numbers_are_exact_far_beyond_what_machines_count(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "atoms", str(2**53 - 1))
    shell.ok("increment", "atoms")
    shell.ok("increment", "atoms")
    assert shell.ok("show", "atoms") == f"{2**53 + 1}\n"
    shell.ok("increment", "atoms", str(10**99))
    assert shell.ok("show", "atoms") == f"{10**99 + 2**53 + 1}\n"


def test_a_total_of_more_than_100_digits_is_refused(shell: Shell, replica: Replica) -> None:
    most = 10**100 - 1
    shell.ok("increment", "atoms", str(most))
    before = contents(replica.path)
    assert "digits" in assert_refused(shell("increment", "atoms"), 4)
    assert contents(replica.path) == before
    assert shell.ok("show", "atoms") == f"{most}\n"


@pytest.mark.parametrize("name", ["café", "page views", "a/b:c@d+e-f.g_h", 'say "hi" \\o/', "計数", "n" * 200, "٣"])
def test_any_printable_name_counts(shell: Shell, replica: Replica, name: str) -> None:
    shell.ok("increment", name)
    shell.ok("increment", f"{name}=2")
    assert shell.ok("show", name) == "3\n"


def test_a_name_that_looks_like_an_option_goes_behind_two_dashes(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "--", "--force")
    assert shell.ok("show", "--", "--force") == "1\n"


@pytest.mark.parametrize(
    "words", [[], ["a", "1", "2"], ["a=1", "b"], ["a", "b=1"], ["a=1", "2"], ["a", "--type", "abacus"]]
)
def test_words_that_mean_nothing_are_refused_and_nothing_is_done(
    shell: Shell, replica: Replica, words: list[str]
) -> None:
    before = contents(replica.path)
    assert_refused(shell("increment", *words), 2)
    assert contents(replica.path) == before


def test_one_wrong_counter_among_several_and_none_is_counted(shell: Shell, replica: Replica) -> None:
    replica.create("visitors", "gset")
    before = contents(replica.path)
    assert_refused(shell("increment", "a=1", "b=-1"), 2)
    assert_refused(shell("increment", "a=1", " b=1"), 2)
    assert "visitors" in assert_refused(shell("increment", "a=1", "visitors=1"), 4)
    assert contents(replica.path) == before
