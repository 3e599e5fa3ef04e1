"""A replica, for programs: what it promises of counting and reading."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.store.apply import Commit
from crdtctl.store.changes import Change
from crdtctl.store.requests import add, create, decrement, increment

New = Callable[[str], Replica]


@pytest.fixture
def here(new_replica: New) -> Replica:
    return new_replica("here")


def files(replica: Replica) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(replica.path).iterdir()}


def test_counting_up_and_down_and_adding(here: Replica) -> None:
    here.increment("builds")
    here.increment("builds", 4)
    here.decrement("builds", 2)
    here.add("visitors", "ada", "grace")
    here.add("visitors", "ada")
    here.create("pages", "gcounter")
    assert [(one.name, one.tag, one.value) for one in here.counters()] == [
        ("builds", "pncounter", 3),
        ("pages", "gcounter", 0),
        ("visitors", "gset", 2),
    ]
    assert here.clock() == {here.id: 5}  # adding what was there is no commit


def test_numbers_are_exact_up_to_a_hundred_digits(here: Replica) -> None:
    large = 10**100 - 1
    here.increment("atoms", large)
    here.decrement("atoms", large - 7)
    assert here.value("atoms") == 7
    with pytest.raises(RefusedError, match="more than 100 digits"):
        here.increment("atoms")
    assert here.value("atoms") == 7


def test_what_one_replica_did_is_on_disk_when_the_call_returns(here: Replica) -> None:
    here.increment("builds", 3)
    assert Replica(here.path).value("builds") == 3


def test_a_replica_is_found_in_the_directory_above_its_own(here: Replica, tmp_path: Path) -> None:
    inside = Replica.init(tmp_path / "project" / ".crdtctl")
    assert Replica(tmp_path / "project").id == Replica.find(tmp_path / "project").id == inside.id


# Batches -----------------------------------------------------------------------------------------------


def test_a_batch_is_one_commit_however_much_it_does(here: Replica) -> None:
    with here.batch() as batch:
        batch.create("pages", "gcounter")
        for number in range(100):
            batch.increment(f"counter {number}", number + 1)
        batch.increment("counter 0", 9)
        batch.decrement("free slots", 2)
        batch.increment("pages")
        batch.add("visitors", "ada")
    assert here.clock() == {here.id: 1}
    assert here.value("counter 0") == 10
    assert here.value("counter 99") == 100
    assert (here.value("free slots"), here.value("pages"), here.value("visitors")) == (-2, 1, 1)
    assert all(row[0] == 1 for one in here.counters() for row in one.state.values())


def test_an_exception_in_the_block_leaves_nothing_of_a_batch(here: Replica) -> None:
    def fail() -> None:
        with here.batch() as batch:
            batch.increment("builds")
            raise ZeroDivisionError

    before = files(here)
    with pytest.raises(ZeroDivisionError):
        fail()
    assert files(here) == before


@pytest.mark.parametrize("position", [0, 1, 50])
def test_one_refused_operation_leaves_nothing_of_a_batch(here: Replica, position: int) -> None:
    here.create("pages", "gcounter")
    before = files(here)
    requests = [increment(f"counter {number}") for number in range(50)]
    requests.insert(position, decrement("pages"))
    with pytest.raises(RefusedError, match="cannot decrement 'pages'"):
        here.commit(requests)
    assert files(here) == before


def test_a_wrong_operation_is_told_where_it_is_asked_for(here: Replica) -> None:
    before = files(here)
    with here.batch() as batch:
        with pytest.raises(UsageError, match="cannot hold '='"):
            batch.increment("a=b")
        with pytest.raises(UsageError, match="at least 0"):
            batch.decrement("a", -1)
        with pytest.raises(UsageError, match="cannot be empty"):
            batch.add("a", "")
    assert files(here) == before


def test_an_empty_batch_commits_nothing(here: Replica) -> None:
    before = files(here)
    with here.batch():
        pass
    assert files(here) == before


def test_an_operation_of_a_batch_sees_the_ones_before_it(here: Replica) -> None:
    with pytest.raises(ExistsError):
        here.commit([increment("pages", tag="gcounter"), create("pages", "gcounter")])
    with here.batch() as batch:
        batch.create("pages", "gcounter")
        batch.increment("pages")
        batch.increment("builds", once="job-1")
        batch.increment("builds", once="job-1")
    assert (here.reading("pages").tag, here.value("pages"), here.value("builds")) == ("gcounter", 1, 1)


def test_details_say_what_every_counter_read_and_reads(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.increment("builds", 10)
    here.merge_bytes(there.export_bytes())
    here.add("visitors", "ada")
    done = here.commit(
        [increment("builds", 2), increment("new"), add("visitors", ["ada"])],
        details=True,
    )
    assert done == Commit(2, {here.id: 2}, [Change("builds", "pncounter", 10, 12), Change("new", "pncounter", None, 1)])
    assert here.commit([increment("builds")]) == Commit(3, {here.id: 3}, [])
    assert here.commit([add("visitors", ["ada"])], details=True) == Commit(None, {here.id: 3}, [])


# Once --------------------------------------------------------------------------------------------------


def test_a_once_key_counts_once_here_and_elsewhere_whoever_sent_it(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    here.increment("deploys", 5, once="job-17")
    before = files(here)
    here.increment("deploys", 5, once="job-17")
    assert files(here) == before
    there.increment("deploys", 5, once="job-17")
    there.increment("deploys", 2, once="job-18")
    there.increment("deploys")
    here.merge_bytes(there.export_bytes())
    assert here.value("deploys") == 8
    assert dict(here.reading("deploys").once) == {"job-17": 5, "job-18": 2}
    before = files(here)
    here.increment("deploys", 2, once="job-18")  # known from there
    assert files(here) == before


def test_a_once_key_that_was_sent_with_two_amounts_counts_the_larger(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    here.increment("deploys", 5, once="job-17")
    there.increment("deploys", 7, once="job-17")
    here.merge_bytes(there.export_bytes())
    there.merge_bytes(here.export_bytes())
    assert here.value("deploys") == there.value("deploys") == 7


def test_a_once_key_goes_down_too_and_is_of_one_counter(here: Replica) -> None:
    here.decrement("stock", 3, once="order-1")
    here.decrement("stock", 3, once="order-1")
    here.decrement("shelf", 3, once="order-1")
    assert (here.value("stock"), here.value("shelf")) == (-3, -3)


# Types -------------------------------------------------------------------------------------------------


def test_the_first_use_makes_the_type_and_later_uses_keep_it(here: Replica) -> None:
    here.increment("builds")
    here.add("visitors", "ada")
    here.increment("pages", tag="gcounter")
    here.increment("pages", 2)
    assert {one.name: one.tag for one in here.counters()} == {
        "builds": "pncounter",
        "pages": "gcounter",
        "visitors": "gset",
    }
    assert here.value("pages") == 3


def test_the_type_that_others_made_of_a_name_is_taken(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.create("pages", "gcounter")
    here.merge_bytes(there.export_bytes())
    here.increment("pages")
    assert [one.tag for one in here.readings("pages")] == ["gcounter"]
    with pytest.raises(RefusedError, match="only grows"):
        here.decrement("pages")


def test_one_name_may_have_several_types_and_then_one_must_be_named(here: Replica) -> None:
    here.increment("pages", 2)
    here.increment("pages", 3, tag="gcounter", also=True)
    assert [(one.tag, one.value) for one in here.readings("pages")] == [("gcounter", 3), ("pncounter", 2)]
    assert (here.value("pages", "gcounter"), here.value("pages", "pncounter")) == (3, 2)
    for ask in (lambda: here.value("pages"), lambda: here.increment("pages")):
        with pytest.raises(UsageError, match="exists as gcounter"):
            ask()
    with pytest.raises(MissingError, match="not a gset"):
        here.value("pages", "gset")


@pytest.mark.parametrize("tag", sorted(TYPES))
def test_every_type_can_be_declared_once_and_reads_zero_then(here: Replica, new_replica: New, tag: str) -> None:
    there = new_replica("there")
    here.create("it", tag)
    assert (here.reading("it").tag, here.value("it")) == (tag, 0)
    there.merge_bytes(here.export_bytes())
    assert there.value("it") == 0
    for replica in (here, there):
        before = files(replica)
        with pytest.raises(ExistsError) as caught:
            replica.create("it", tag)
        assert caught.value.status == 73
        assert files(replica) == before


# Readings ----------------------------------------------------------------------------------------------


def test_a_reading_says_who_contributed_what(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.increment("builds", 10)
    there.decrement("builds", 3)
    here.increment("builds", 5)
    here.increment("builds", 4, once="job-1")
    here.merge_bytes(there.export_bytes())
    reading = here.reading("builds")
    assert (reading.name, reading.tag, reading.value) == ("builds", "pncounter", 16)
    assert reading.shares == {here.id: 9, there.id: 7}
    assert dict(reading.once) == {"job-1": 4}
    assert sum(reading.shares.values()) == reading.value


def test_the_members_of_a_set_are_sorted_and_other_types_have_none(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    here.add("visitors", "grace", "ada")
    there.add("visitors", "ada", "ünï")
    here.merge_bytes(there.export_bytes())
    assert here.reading("visitors").members == ("ada", "grace", "ünï")
    here.increment("builds")
    with pytest.raises(RefusedError, match="has no members"):
        _ = here.reading("builds").members


def test_counters_come_sorted_by_name_and_type(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    for name in ("b", "ü", "a b", 'a"', "a", "日"):
        here.increment(name)
        there.increment(f"{name}2", tag="gcounter")
        there.increment(name, tag="gcounter")
    here.merge_bytes(there.export_bytes())
    found = [(one.name, one.tag) for one in here.counters()]
    assert found == sorted(found)
    assert len(found) == 18


def test_who_was_heard_is_told_with_the_time_and_nothing_else_is_known_of_strangers(
    here: Replica, new_replica: New
) -> None:
    there = new_replica("there")
    assert here.heard() == {}
    there.increment("builds")
    here.merge_bytes(there.export_bytes())
    assert list(here.heard()) == [there.id]
    assert here.heard()[there.id].endswith("Z")
    assert b"heard" not in here.export_bytes()


# Failures ----------------------------------------------------------------------------------------------

Act = Callable[[Replica], object]
FRACTION: Any = 1.5

WRONG: list[tuple[str, type[CrdtctlError], Act]] = [
    ("no counter", MissingError, lambda replica: replica.value("nothing")),
    ("a wrong name to read", UsageError, lambda replica: replica.value("a=b")),
    ("an empty name", UsageError, lambda replica: replica.increment("")),
    ("a name with a control character", UsageError, lambda replica: replica.increment("a\x1bb")),
    ("a name that is too long", UsageError, lambda replica: replica.increment("x" * 201)),
    ("a negative amount", UsageError, lambda replica: replica.increment("builds", -1)),
    ("true for one", UsageError, lambda replica: replica.increment("builds", True)),
    ("a fraction", UsageError, lambda replica: replica.increment("builds", FRACTION)),
    ("an amount of 101 digits", UsageError, lambda replica: replica.increment("builds", 10**100)),
    ("an empty idempotency key", UsageError, lambda replica: replica.increment("builds", once="")),
    ("an empty element", UsageError, lambda replica: replica.add("visitors", "")),
    ("a type that there is not", UsageError, lambda replica: replica.create("it", "nothing")),
    ("adding to a number", RefusedError, lambda replica: replica.add("builds", "ada")),
    ("counting a set", RefusedError, lambda replica: replica.increment("visitors")),
    ("a file that is not there", MissingError, lambda replica: taken(replica, "/nowhere/at/all")),
    ("a directory to merge", CrdtctlError, lambda replica: taken(replica, "/")),
    ("an export to a directory", ExistsError, lambda replica: replica.export_to(replica.path)),
    ("an export to another file", ExistsError, lambda replica: replica.export_to(f"{replica.path}/config.toml")),
    ("an export to nowhere", MissingError, lambda replica: replica.export_to("/nowhere/at/all")),
    ("no replica", MissingError, lambda _: Replica("/nowhere/at/all")),
]


def taken(replica: Replica, path: str) -> None:
    """Merge one file; raise why it was refused."""
    for reason in replica.merge(path).refused.values():
        raise reason


@pytest.mark.parametrize(("kind", "act"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_every_failure_is_told_in_one_line_with_a_status_and_changes_nothing(
    here: Replica, kind: type[CrdtctlError], act: Act
) -> None:
    here.increment("builds", 3)
    here.add("visitors", "ada")
    before = files(here)
    with pytest.raises(kind) as caught:
        act(here)
    assert caught.value.status > 0
    assert str(caught.value).isprintable()
    assert files(here) == before


# Threads -----------------------------------------------------------------------------------------------


def test_several_threads_may_use_one_replica(here: Replica, new_replica: New) -> None:
    there = new_replica("there")
    there.increment("builds", 1000)
    state = there.export_bytes()
    failures: list[BaseException] = []

    def work(number: int) -> None:
        try:
            for turn in range(10):
                here.increment("builds")
                with here.batch() as batch:
                    batch.increment("builds", 2)
                    batch.add("workers", f"{number}")
                here.merge_bytes(state)
                assert here.value("builds") >= 3 * (turn + 1)
                assert here.clock()[here.id] > turn
        except BaseException as failure:
            failures.append(failure)
            raise

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert here.value("builds") == 6 * 10 * 3 + 1000
    assert here.value("workers") == 6
    assert here.clock() == {here.id: 120, there.id: 1}
