"""``crdtctl rename`` makes the old name an alias of the new one, on every replica that hears of it."""

import json
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.errors import RefusedError
from tests.conftest import Shell
from tests.support.clones import clone
from tests.support.expect import assert_refused, contents

FIXED = ("bcounter", "handoff")


@pytest.fixture
def other(shell: Shell) -> Replica:
    return Replica.init(shell.directory / "other", name="other")


def exchange(*replicas: Replica) -> None:
    states = [replica.export_bytes() for replica in replicas]
    for replica in replicas:
        replica.merge_bytes(*states)


def values(replica: Replica) -> dict[str, int]:
    return {one.name: one.value for one in replica.counters()}


def test_both_names_read_and_count_the_same_counter(shell: Shell, replica: Replica) -> None:
    replica.increment("failed", 5)
    assert shell.ok("rename", "failed", "failures") == ""
    shell.ok("increment", "failed", "10")
    shell.ok("increment", "failures", "100")
    assert shell.ok("show") == "failures\tpncounter\t115\n"
    assert shell.ok("show", "failed") == shell.ok("show", "failures") == "115\n"
    assert json.loads(shell.ok("show", "failed", "--format", "json"))["counters"] == [
        {"name": "failures", "type": "pncounter", "value": 115}
    ]
    assert shell.ok("show", "failed", "--by-replica") == f"failures\tpncounter\t{replica.id}\t115\n"


def test_counts_of_a_replica_that_has_not_heard_of_it_follow(replica: Replica, other: Replica) -> None:
    other.increment("failed", 1)
    replica.increment("failed", 2)
    replica.rename("failed", "failures")
    other.increment("failed", 4)
    exchange(replica, other)
    other.increment("failed", 8)
    replica.increment("failures", 16)
    exchange(replica, other)
    assert values(replica) == values(other) == {"failures": 31}


def test_series_follow_their_name(shell: Shell, replica: Replica) -> None:
    replica.increment('failed{os="linux"}', 1)
    replica.increment('failed{os="mac"}', 2)
    replica.increment('failures{os="mac"}', 4)
    replica.rename("failed", "failures")
    assert values(replica) == {'failures{os="linux"}': 1, 'failures{os="mac"}': 6}
    assert shell.ok("show", "failed", "--by", "os") == "failures\tpncounter\tlinux\t1\nfailures\tpncounter\tmac\t6\n"
    assert shell.ok("show", "fail*", "--where", "os=mac") == 'failures{os="mac"}\tpncounter\t6\n'
    assert shell.ok("show", 'failed{os="linux"}') == "1\n"
    assert replica.value("failed", labels={"os": "mac"}) == 6
    shell.ok("reset", "failed")
    assert values(replica) == {'failures{os="linux"}': 0, 'failures{os="mac"}': 0}


def test_idempotency_key_counts_once_under_all_names(shell: Shell, replica: Replica, other: Replica) -> None:
    replica.increment("failed", 5, once="job")
    other.increment("failures", 5, once="job")
    replica.rename("failed", "failures")
    shell.ok("increment", "failures", "5", "--once", "job")
    exchange(replica, other)
    other.increment("failures", 5, once="job")
    exchange(replica, other)
    assert values(replica) == values(other) == {"failures": 5}
    assert "was used for +5 before" in assert_refused(shell("increment", "failures", "6", "--once", "job"), 4)


def test_reading_of_a_meter_counts_once_under_all_names(replica: Replica, other: Replica) -> None:
    replica.observe("sent", 100, source="eth0")
    other.observe("bytes", 150, source="eth0")
    exchange(replica, other)
    replica.rename("sent", "bytes")
    exchange(replica, other)
    assert values(other) == {"bytes": 150}
    other.observe("sent", 160, source="eth0")
    assert values(other) == {"bytes": 160}


def test_batch_of_readings_sees_those_under_all_names(shell: Shell, replica: Replica, other: Replica) -> None:
    other.observe("sent", 100, source="eth0")
    other.observe("bytes", 150, source="eth0")
    exchange(replica, other)
    replica.rename("sent", "bytes")
    (shell.directory / "batch.txt").write_text("sent 100 eth0\n")
    single = shell("observe", "sent", "100", "--source", "eth0")
    assert "150" in assert_refused(single, 4)
    assert shell("observe", "--batch", "batch.txt").status == 4


@pytest.mark.parametrize(("tag", "both"), [("gset", 2), ("hll", 2), ("hist", 4)])
def test_sets_are_united_and_distributions_merged(replica: Replica, tag: str, both: int) -> None:
    replica.add("old", "1", "2", tag=tag)
    replica.add("new", "2", "1", tag=tag)
    replica.rename("old", "new")
    assert values(replica) == {"new": both}


def test_reset_cancels_the_counts_under_all_names(shell: Shell, replica: Replica, other: Replica) -> None:
    for one in (replica, other):
        one.increment("old", 5)
        one.increment("new", 7, once="job")
    exchange(replica, other)
    replica.rename("old", "new")
    shell.ok("reset", "old")
    assert values(replica) == {"new": 0}
    other.increment("old", 1)
    exchange(replica, other)
    assert values(replica) == values(other) == {"new": 1}


def test_keys_under_all_names_expire(shell: Shell, replica: Replica) -> None:
    replica.increment("old", 5, once="a")
    replica.increment("new", 7, once="b")
    replica.rename("old", "new")
    assert replica.expire(replica.clock()) == 2
    assert values(replica) == {"new": 12}


def test_raw_state_shows_each_name(shell: Shell, replica: Replica) -> None:
    replica.increment("old", 5)
    replica.increment("new", 7)
    replica.rename("old", "new")
    assert json.loads(shell.ok("show", "old", "--state")) == {
        "new": {"pncounter": {replica.id: [2, 7, 0]}},
        "old": {"pncounter": {replica.id: [1, 5, 0]}},
    }


def test_chain_and_rename_back(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 1)
    shell.ok("rename", "a", "b")
    shell.ok("rename", "b", "c")
    replica.increment("b", 2)
    assert values(replica) == {"c": 3}
    shell.ok("rename", "c", "a")
    assert values(replica) == {"a": 3}
    assert shell.ok("show", "b") == shell.ok("show", "c") == "3\n"


def test_alias_that_is_renamed_to_itself_is_a_counter_of_its_own_again(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 1)
    replica.increment("b", 2)
    shell.ok("rename", "a", "b")
    replica.increment("a", 4)
    shell.ok("rename", "a", "a")
    assert values(replica) == {"a": 5, "b": 2}
    assert shell.ok("rename", "a", "a") == ""
    assert replica.commits == 5


def test_rename_again_writes_nothing(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 1)
    shell.ok("rename", "a", "b")
    before = contents(replica.path)
    shell.ok("rename", "a", "b")
    shell.ok("rename", "b", "b")
    assert contents(replica.path) == before


def test_two_replicas_that_rename_differently_agree_and_list_the_conflict(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    replica.increment("a", 1)
    exchange(replica, other)
    replica.rename("a", "b")
    other.rename("a", "c")
    exchange(replica, other)
    assert values(replica) == values(other)
    (conflict,) = replica.rename_conflicts()
    lost = conflict.lost.new
    shell.ok("rename", "a", lost)
    exchange(replica, other)
    assert values(replica) == values(other) == {lost: 1}
    assert replica.rename_conflicts() == other.rename_conflicts() == []


def test_two_replicas_that_rename_in_a_circle_agree(replica: Replica, other: Replica) -> None:
    replica.increment("a", 1)
    replica.increment("b", 2)
    exchange(replica, other)
    replica.rename("a", "b")
    other.rename("b", "a")
    exchange(replica, other)
    assert values(replica) == values(other)
    assert sum(values(replica).values()) == 3
    assert len(values(replica)) == 1
    other.rename("a", "b")
    exchange(replica, other)
    assert values(replica) == values(other) == {"b": 3}
    assert replica.rename_conflicts() == []


@pytest.mark.parametrize("tag", FIXED)
def test_type_that_cannot_be_renamed_is_refused(shell: Shell, replica: Replica, tag: str) -> None:
    replica.create("old", tag=tag, bound=0 if tag == "bcounter" else None)
    replica.increment("new", 1)
    before = contents(replica.path)
    reason = {"bcounter": "rights to one name", "handoff": "counts on their way"}[tag]
    for words in (("old", "new"), ("new", "old")):
        told = assert_refused(shell("rename", *words), 4)
        assert f"'old' is a {tag}, whose counters cannot be renamed: {reason}" in told
        assert "create a counter with the other name" in told
    assert contents(replica.path) == before


@pytest.mark.parametrize("tag", ["pncounter", "bcounter", "hll"])
def test_forgotten_counter_is_not_renamed_and_its_name_is_free(shell: Shell, replica: Replica, tag: str) -> None:
    replica.create("old", tag=tag)
    replica.increment("runs", 3)
    replica.forget_counters("old")
    assert "no counter 'old' here" in assert_refused(shell("rename", "old", "new"), 66)
    shell.ok("rename", "runs", "old")
    assert shell.ok("show", "old") == "3\n"


@pytest.mark.parametrize("tag", FIXED)
def test_counter_that_cannot_be_renamed_keeps_its_name_if_it_arrives_later(
    shell: Shell, replica: Replica, other: Replica, tag: str
) -> None:
    replica.increment("old", 1)
    replica.rename("old", "new")
    other.create("old", tag=tag, bound=0 if tag == "bcounter" else None)
    other.increment("old", 5)
    exchange(replica, other)
    other.create("new", tag=tag, bound=0 if tag == "bcounter" else None, also=True)
    other.increment("new", 7, tag=tag)
    assert {(one.name, one.tag, one.value) for one in other.counters()} == {
        *(("new", "pncounter", 1), ("new", tag, 7), ("old", tag, 5)),
    }
    assert other.value("old", tag) == 5
    assert shell.ok("show", "old", "--type", tag, "--replica", other.path) == "5\n"
    other.decrement("old", 2)
    assert other.value("old", tag) == 3


def test_other_type_under_the_new_name_is_refused_and_is_kept_if_it_arrives(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    replica.increment("old", 1)
    replica.add("new", "ada")
    assert "cannot be read as one" in assert_refused(shell("rename", "old", "new"), 4)
    other.increment("old", 2)
    other.rename("old", "new")
    replica.merge_bytes(other.export_bytes())
    assert {(one.name, one.tag, one.value) for one in replica.counters()} == {
        ("new", "gset", 1),
        ("new", "pncounter", 3),
    }


@pytest.mark.parametrize(
    ("old", "new", "status", "word"),
    [
        ("missing", "new", 66, "no counter 'missing' here"),
        ("a", 'b{os="linux"}', 2, "has labels"),
        ('a{os="linux"}', "b", 2, "has labels"),
        ("a", "b=c", 2, "cannot hold '='"),
        ("a", "", 2, "cannot be empty"),
        ("missing", "missing", 66, "no counter 'missing' here"),
    ],
)
def test_wrong_names_are_refused(shell: Shell, replica: Replica, old: str, new: str, status: int, word: str) -> None:
    replica.increment("a", 1)
    before = contents(replica.path)
    assert word in assert_refused(shell("rename", old, new), status)
    assert contents(replica.path) == before


def test_undo_of_a_rename_names_the_way_back(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 1)
    shell.ok("rename", "a", "b")
    assert "rename it back" in assert_refused(shell("undo"), 4)
    shell.ok("increment", "a", "5")
    shell.ok("undo")
    assert values(replica) == {"b": 1}


def test_values_that_a_terminal_sees_are_those_of_all_names(replica: Replica) -> None:
    replica.increment("a", 1)
    replica.increment("b", 2)
    replica.rename("a", "b")
    from crdtctl.store import requests

    done = replica.commit([requests.increment("a", 4), requests.increment("b", 8)], details=True)
    assert [(one.name, one.before, one.after) for one in done.changes] == [("b", 3, 15)]


def test_new_series_takes_the_type_and_the_settings_of_the_name(shell: Shell, replica: Replica, other: Replica) -> None:
    shell.ok("create", "old", "--type", "gcounter", "--every", "day")
    replica.rename("old", "new")
    exchange(replica, other)
    shell.ok("increment", 'new{os="linux"}', "3", "--replica", other.path)
    (found,) = [one for one in other.counters() if one.name != "new"]
    assert (found.tag, found.value, found.has_periods) == ("gcounter", 3, True)
    assert shell.ok("show", "old", "--last", "24h", "--replica", other.path) == "3\n"


def test_absorber_takes_the_renames_over(shell: Shell, replica: Replica, other: Replica, tmp_path: Path) -> None:
    other.increment("a", 3)
    other.rename("a", "b")
    other.seal()
    replica.absorb(other.export_bytes())
    assert values(replica) == {"b": 3}
    third = Replica.init(tmp_path / "third")
    third.merge_bytes(replica.export_bytes())
    assert values(third) == {"b": 3}


def test_merge_reports_a_conflict_once(shell: Shell, replica: Replica, other: Replica) -> None:
    replica.increment("a", 1)
    exchange(replica, other)
    replica.rename("a", "b")
    other.rename("a", "c")
    other.export_to(shell.directory / "other.json")
    ended = shell("merge", "other.json")
    assert (ended.status, ended.stdout) == (0, "")
    assert "'a' was renamed to 'c' by other" in ended.stderr
    assert shell.ok("merge", "other.json") == ""
    assert "'a' was renamed to 'c' by other" in shell.ok("check")
    assert "renamed    'a' was renamed to 'c' by other" in shell.ok("status", "--format", "table")
    tree = json.loads(shell.ok("status", "--format", "json"))
    assert tree["renames"] == [{"name": "a", "target": "b"}]
    assert len(tree["rename_faults"]) == 1


def test_merge_reports_names_of_different_types_that_were_renamed_to_one(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    replica.add("new", "ada")
    other.increment("old", 2)
    other.rename("old", "new")
    other.export_to(shell.directory / "other.json")
    text = "'new' is a gset and 'old' is a pncounter, but all lead to 'new'"
    assert text in shell("merge", "other.json").stderr
    assert text in shell.ok("check")
    shell.ok("rename", "old", "old")
    assert text not in shell.ok("check")


def test_changes_of_a_merge_have_the_new_name(replica: Replica, other: Replica) -> None:
    replica.increment("new", 1)
    other.increment("old", 2)
    other.increment("new", 4)
    replica.merge_bytes(other.export_bytes())
    replica.rename("old", "new")
    other.increment("old", 8)
    other.increment("new", 16)
    report = replica.merge_bytes(other.export_bytes(), details=10)
    assert [(one.name, one.before, one.after) for one in report.changes] == [("new", 7, 31)]


def test_horizon_knows_the_replica_that_lets_keys_of_all_names_expire(replica: Replica, other: Replica) -> None:
    other.increment("old", 5, once="a")
    other.rename("old", "new")
    exchange(replica, other)
    replica.expire(replica.clock())
    exchange(replica, other)
    other.increment("old", 1, once="b")
    with pytest.raises(RefusedError, match="lets its idempotency keys expire"):
        other.expire(other.clock())
    assert other.expire(other.clock(), take_over=True) == 1
    exchange(replica, other)
    assert values(replica) == values(other) == {"new": 6}


def test_sealed_replica_cannot_rename(shell: Shell, replica: Replica) -> None:
    replica.increment("a", 1)
    replica.seal()
    assert "sealed" in assert_refused(shell("rename", "a", "b"), 4)


def test_attempts_are_shown_under_the_new_name(shell: Shell, replica: Replica) -> None:
    for number in (1, 2):
        attempt = Replica.init(shell.directory / f"job{number}", name="job")
        attempt.begin_attempt("nightly", number)
        attempt.increment("failed", number)
        replica.merge_bytes(attempt.export_bytes())
    replica.rename("failed", "failures")
    assert [(one.name, one.value, one.counts) for one in replica.attempts("failed")] == [
        ("failures", 1, False),
        ("failures", 2, True),
    ]
    assert shell.ok("show", "failed") == "2\n"


def test_metrics_and_reports_have_the_new_name(shell: Shell, replica: Replica) -> None:
    replica.increment('failed{os="linux"}', 3)
    replica.increment('failures{os="linux"}', 4)
    replica.rename("failed", "failures")
    assert 'failures{os="linux"' in shell.ok("show", "--format", "prom")
    assert "failed" not in shell.ok("show", "--format", "prom")
    assert shell.ok("show", "failed", "--sort", "value", "--top", "1") == "7\n"


def test_stream_counts_under_both_names(shell: Shell, replica: Replica) -> None:
    replica.increment("old", 1)
    replica.rename("old", "new")
    shell.ok("increment", "--quiet", "--stream", "-", stdin="old 2\nnew 4\n" * 50)
    assert values(replica) == {"new": 301}


def test_branches_of_a_fork_that_rename_differently_agree(replica: Replica, other: Replica, tmp_path: Path) -> None:
    replica.increment("a", 1)
    replica.export_bytes()
    clone(Path(replica.path), tmp_path / "clone")
    copied = Replica(tmp_path / "clone")
    replica.rename("a", "b")
    copied.rename("a", "c")
    copied.increment("a", 4)
    other.merge_bytes(replica.export_bytes(), copied.export_bytes(), check=False)
    for one in (replica, copied):
        one.merge_bytes(other.export_bytes(), check=False)
    assert values(replica) == values(copied) == values(other)
    assert [*values(other).values()] == [5]
    assert len(other.rename_conflicts()) == 1
