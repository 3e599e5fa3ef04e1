"""``crdtctl show``: one counter's value, or a row for each."""

import json

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused


@pytest.fixture
def other(shell: Shell, replica: Replica) -> Replica:
    """Fill the replica, and let it learn from another one."""
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 10)
    other.increment("builds", 5, once="job 17")
    other.add("visitors", "alan", "ada")
    replica.increment("builds", 3)
    replica.decrement("builds")
    replica.increment("builds", 5, once="job 17")
    replica.increment("views", 4, tag="gcounter")
    replica.add("visitors", "ada", "grace")
    replica.merge_bytes(other.export_bytes())
    return other


def test_one_name_shows_its_bare_value(shell: Shell, other: Replica) -> None:
    assert shell.ok("show", "builds") == "17\n"
    assert shell.ok("show", "views") == "4\n"
    assert shell.ok("show", "visitors") == "3\n"


def test_no_name_shows_every_counter_sorted_with_its_type(shell: Shell, other: Replica) -> None:
    assert shell.ok("show") == "builds\tpncounter\t17\nviews\tgcounter\t4\nvisitors\tgset\t3\n"


def test_several_names_show_a_row_each_as_they_were_asked_for(shell: Shell, other: Replica) -> None:
    assert shell.ok("show", "visitors", "builds") == "visitors\tgset\t3\nbuilds\tpncounter\t17\n"


def test_a_name_that_is_not_there_is_missing_and_nothing_is_shown(shell: Shell, other: Replica) -> None:
    assert "'buidls'" in assert_refused(shell("show", "buidls"), 66)
    assert "'buidls'" in assert_refused(shell("show", "builds", "buidls"), 66)
    assert_refused(shell("show", "builds", "--type", "gcounter"), 66)


def test_a_name_with_two_types_shows_both_values_or_asks_which(shell: Shell, replica: Replica) -> None:
    replica.increment("views", 7)
    replica.increment("views", 2, tag="gcounter", also=True)
    said = assert_refused(shell("show", "views"), 2)
    assert "gcounter and pncounter" in said
    assert "--type" in said
    assert shell.ok("show", "views", "--type", "pncounter") == "7\n"
    assert (
        shell.ok("show") == shell.ok("show", "views", "--format", "tsv") == "views\tgcounter\t2\nviews\tpncounter\t7\n"
    )


def test_a_type_without_a_name_shows_the_counters_of_that_type(shell: Shell, other: Replica) -> None:
    assert shell.ok("show", "--type", "gset") == "visitors\tgset\t3\n"


def test_by_replica_shows_what_each_contributed_and_who_counted_under_a_key(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    assert shell.ok("show", "builds", "--by-replica") == (
        f"builds\tpncounter\t{replica.id}\t7\nbuilds\tpncounter\t{other.id}\t10\n"
    )
    (item,) = json.loads(shell.ok("show", "builds", "--by-replica", "--format", "json"))["counters"]
    assert item["value"] == 17
    assert item["replicas"] == [{"replica": replica.id, "value": 7}, {"replica": other.id, "value": 10}]
    assert item["once"] == {"job 17": 5}


def test_members_shows_the_elements_of_sets_sorted(shell: Shell, other: Replica) -> None:
    assert shell.ok("show", "visitors", "--members") == "ada\nalan\ngrace\n"
    assert shell.ok("show", "--members") == "visitors\tada\nvisitors\talan\nvisitors\tgrace\n"


def test_what_has_no_members_refuses_to_show_them(shell: Shell, other: Replica) -> None:
    assert "pncounter" in assert_refused(shell("show", "builds", "--members"), 4)


def test_state_shows_the_raw_contributions_as_json(shell: Shell, replica: Replica, other: Replica) -> None:
    states = json.loads(shell.ok("show", "--state"))
    assert states["views"] == {"gcounter": {replica.id: [4, 4]}}
    assert states["builds"] == {
        "pncounter": {replica.id: [3, 3, 1, {"job 17": [5, 0, 3]}], other.id: [2, 10, 0, {"job 17": [5, 0, 2]}]}
    }
    assert json.loads(shell.ok("show", "views", "--state")) == {"views": states["views"]}


def test_state_of_two_types_of_one_name_is_under_one_key(shell: Shell, replica: Replica) -> None:
    name = 'say ":"'
    replica.increment(name, 3)
    replica.increment(name, 4, tag="gcounter", also=True)
    replica.add("visitors", "ada")
    for words in ([], [name, "visitors"], ["visitors", name, name]):
        text = shell.ok("show", "--state", *words)
        assert json.loads(text)[name] == {"gcounter": {replica.id: [2, 4]}, "pncounter": {replica.id: [1, 3, 0]}}
        assert text.count("visitors") == 1


def test_an_empty_replica_shows_nothing(shell: Shell, replica: Replica) -> None:
    for option in ([], ["--members"], ["--by-replica"]):
        assert shell.ok("show", *option) == ""
    assert json.loads(shell.ok("show", "--state")) == {}
    assert json.loads(shell.ok("show", "--format", "json"))["counters"] == []


def test_one_view_at_a_time(shell: Shell, other: Replica) -> None:
    assert_refused(shell("show", "visitors", "--members", "--by-replica"), 2)
    assert_refused(shell("show", "visitors", "--members", "--state"), 2)
