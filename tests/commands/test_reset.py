"""``crdtctl reset`` cancels what is known of counters, for everybody who learns of it."""

from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents


@pytest.fixture
def other(shell: Shell) -> Replica:
    return Replica.init(shell.directory / "other", name="other")


def exchange(*replicas: Replica) -> None:
    states = [replica.export_bytes() for replica in replicas]
    for replica in replicas:
        replica.merge_bytes(*states)


def test_what_was_seen_is_cancelled_and_what_was_not_survives(shell: Shell, replica: Replica, other: Replica) -> None:
    replica.increment("builds", 10)
    other.increment("builds", 5)
    exchange(replica, other)
    other.increment("builds", 2)
    assert shell.ok("reset", "builds") == ""
    assert shell.ok("show", "builds") == "0\n"
    exchange(replica, other)
    shell.ok("increment", "builds", "3")
    assert shell.ok("show", "builds", "--by-replica") == (
        f"builds\tpncounter\t{replica.id}\t3\nbuilds\tpncounter\t{other.id}\t2\n"
    )
    assert (replica.value("builds"), other.value("builds")) == (5, 2)


def test_several_counters_are_one_commit(shell: Shell, replica: Replica) -> None:
    with replica.batch() as batch:
        batch.increment("builds", 4)
        batch.decrement("stock", 3)
        batch.add("visitors", "ada", "grace")
    shell.ok("reset", "builds", "stock", "visitors")
    assert shell.ok("show") == "builds\tpncounter\t0\nstock\tpncounter\t0\nvisitors\tgset\t0\n"
    assert replica.clock() == {replica.id: 2}


def test_members_are_those_that_were_added_since(shell: Shell, replica: Replica, other: Replica) -> None:
    replica.add("visitors", "ada", "grace")
    exchange(replica, other)
    other.reset("visitors")
    other.add("visitors", "edsger")
    exchange(replica, other)
    assert shell.ok("show", "visitors", "--members") == "edsger\n"
    shell.ok("add", "visitors", "ada", "edsger")
    assert shell.ok("show", "visitors", "--members") == "ada\nedsger\n"
    assert shell.ok("show", "visitors", "--by-replica") == (
        f"visitors\tgset\t{replica.id}\t2\nvisitors\tgset\t{other.id}\t1\n"
    )


def test_where_nothing_new_is_cancelled_nothing_is_written(shell: Shell, replica: Replica, other: Replica) -> None:
    other.increment("builds", 5)
    other.increment("builds", 2, once="job-1")
    exchange(replica, other)
    shell.ok("reset", "builds")
    before = contents(replica.path)
    shell.ok("reset", "builds")
    assert contents(replica.path) == before
    exchange(replica, other)
    clock = other.clock()
    other.reset("builds")
    assert other.clock() == clock


def test_a_counter_of_others_that_reads_nothing_gets_no_entry_of_mine(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    other.create("builds", "gcounter")
    exchange(replica, other)
    shell.ok("reset", "builds")
    assert replica.clock() == {other.id: 1}


def test_a_key_that_was_used_stays_used_and_a_plain_retry_is_silent(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", "builds", "3", "--once", "job-1")
    shell.ok("reset", "builds")
    before = contents(replica.path)
    assert shell.ok("increment", "builds", "3", "--once", "job-1") == ""
    assert contents(replica.path) == before
    said = assert_refused(shell("increment", "builds", "7", "--once", "job-1"), 4)
    assert "idempotency key 'job-1' of 'builds' was used for +3 before; +7 was not counted" in said
    shell.ok("increment", "builds", "2", "--once", "job-2")
    assert shell.ok("show", "builds") == "2\n"


def test_a_key_that_was_sent_elsewhere_before_the_reset_does_not_count(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    other.increment("builds", 3, once="job-1")
    replica.increment("builds", 3, once="job-1")
    replica.reset("builds")
    exchange(replica, other)
    assert (replica.value("builds"), other.value("builds")) == (0, 0)


@pytest.mark.parametrize("tag", TYPES)
def test_each_type_starts_over_or_says_why_it_cannot(shell: Shell, replica: Replica, tag: str) -> None:
    replica.create("fresh", tag)
    before = contents(replica.path)
    ended = shell("reset", "fresh")
    if ended.status:
        assert assert_refused(ended, 4).startswith("crdtctl: cannot reset 'fresh': ")
    assert contents(replica.path) == before


def test_what_is_not_there_is_not_reset_and_nothing_else_is(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 4)
    before = contents(replica.path)
    assert "no counter 'bilds' here" in assert_refused(shell("reset", "builds", "bilds"), 66)
    assert "'builds' is a pncounter here, not a gset" in assert_refused(shell("reset", "builds", "--type", "gset"), 66)
    assert_refused(shell("reset", "builds", "--type", "abacus"), 2)
    assert_refused(shell("reset", "a=b"), 2)
    assert_refused(shell("reset"), 2)
    assert contents(replica.path) == before


def test_a_name_of_two_types_asks_for_one(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 4)
    replica.increment("builds", 6, tag="gcounter", also=True)
    assert "--type" in assert_refused(shell("reset", "builds"), 2)
    shell.ok("reset", "builds", "--type", "gcounter")
    assert shell.ok("show") == "builds\tgcounter\t0\nbuilds\tpncounter\t4\n"


def test_where_there_is_no_replica_none_is_made(shell: Shell) -> None:
    assert_refused(shell("reset", "builds"), 66)
    assert list(Path(shell.environment["HOME"]).iterdir()) == []


def test_marks_travel_in_deltas_and_in_toml(shell: Shell, replica: Replica, other: Replica) -> None:
    replica.increment("builds", 4)
    replica.add("visitors", "ada")
    exchange(replica, other)
    clock = other.clock()
    shell.ok("reset", "builds", "visitors")
    shell.ok("increment", "builds")
    shell.ok("export", "-o", "state.toml", "--format", "toml")
    third = Replica.init(shell.directory / "third", name="third")
    third.merge(shell.directory / "state.toml")
    other.merge_bytes(replica.export_bytes(since=clock))
    for one in (other, third):
        assert (one.value("builds"), one.value("visitors")) == (1, 0)


def test_a_replica_that_goes_on_under_a_new_id_keeps_its_resets(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 4)
    replica.increment("builds", 2, once="job-1")
    shell.ok("reset", "builds")
    copy = shell.directory / "copy"
    copy.mkdir()
    for path in Path(replica.path).iterdir():
        (copy / path.name).write_bytes(path.read_bytes())
    ended = shell("--replica", copy, "increment", "builds", "1")
    assert (ended.status, "continues as" in ended.stderr) == (0, True)
    assert shell.ok("--replica", copy, "show", "builds") == "1\n"
    replica.increment("builds", 3)
    replica.merge_bytes(Replica(copy).export_bytes())
    assert replica.value("builds") == 4
