"""``crdtctl horizon``: idempotency keys that are forgotten, and what they count stays."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

New = Callable[[str], Replica]


@pytest.fixture
def fleet(new_replica: New) -> tuple[Replica, Replica, Replica]:
    """Return a hub and two replicas that counted under keys, one of them the same; the hub knows it all."""
    hub, a, b = new_replica("hub"), new_replica("a"), new_replica("b")
    for number in (1, 2, 3):
        a.increment("x", number, once=f"job-{number}")
    b.increment("x", 3, once="job-3")
    b.increment("x", 9, once="job-9")
    hub.merge_bytes(a.export_bytes(), b.export_bytes())
    return hub, a, b


def keys(replica: Replica) -> int:
    """Return how many idempotency keys stand in what leaves a replica."""
    rows = json.loads(replica.export_bytes())["counters"]["x"]["pncounter"].values()
    return sum(len(row[3]) for row in rows if len(row) > 3)


def test_keys_are_forgotten_everywhere_and_no_value_changes(
    shell: Shell, fleet: tuple[Replica, Replica, Replica]
) -> None:
    hub, a, b = fleet
    stale = a.export_bytes()
    (shell.directory / "then.clock").write_text(shell.ok("--replica", hub.path, "clock"))
    a.increment("x", 7, once="job-7")
    hub.merge_bytes(a.export_bytes())
    assert keys(hub) == 6
    assert shell.ok("--replica", hub.path, "horizon", "then.clock") == ""
    assert keys(hub) == 1
    for one in (a, b, hub):
        one.merge_bytes(hub.export_bytes(), stale)
        assert (one.value("x"), keys(one)) == (22, 1)
    before = contents(hub.path)
    shell.ok("--replica", hub.path, "horizon", "then.clock")
    assert contents(hub.path) == before


def test_a_key_that_did_not_expire_is_still_known_and_one_that_did_counts_again(
    fleet: tuple[Replica, Replica, Replica],
) -> None:
    hub, a, _ = fleet
    then = hub.clock()
    a.increment("x", 7, once="job-7")
    hub.merge_bytes(a.export_bytes())
    assert hub.expire(then) == 4
    a.merge_bytes(hub.export_bytes())
    a.increment("x", 7, once="job-7")
    assert a.value("x") == 22
    a.increment("x", 1, once="job-1")
    assert a.value("x") == 23
    hub.merge_bytes(a.export_bytes())
    assert hub.value("x") == 23


def test_who_used_the_keys_drops_them_from_its_own_file_with_its_next_one(
    fleet: tuple[Replica, Replica, Replica],
) -> None:
    hub, a, _ = fleet
    hub.expire(hub.clock())
    a.merge_bytes(hub.export_bytes())
    assert b"job-1" in Path(a.path, "own.json").read_bytes()
    a.increment("x", 5, once="job-5")
    assert b"job-1" not in Path(a.path, "own.json").read_bytes()
    assert a.value("x") == 20


def test_a_key_that_nobody_knew_in_time_counts_though_it_is_as_old(
    fleet: tuple[Replica, Replica, Replica], new_replica: New
) -> None:
    hub, _, _ = fleet
    late = new_replica("late")
    late.increment("x", 4, once="job-4")
    clock = {**hub.clock(), **late.clock()}  # as if somebody else had known it
    hub.expire(clock)
    assert hub.value("x") == 15
    hub.merge_bytes(late.export_bytes())
    assert hub.value("x") == 19


def test_a_second_replica_that_lets_keys_expire_is_refused_unless_the_first_is_gone(
    shell: Shell, fleet: tuple[Replica, Replica, Replica]
) -> None:
    hub, a, _ = fleet
    hub.expire(hub.clock())
    a.merge_bytes(hub.export_bytes())
    a.increment("x", 8, once="job-8")
    (shell.directory / "clock").write_text(shell.ok("--replica", a.path, "clock"))
    before = contents(a.path)
    assert hub.id in assert_refused(shell("--replica", a.path, "horizon", "clock"), 4)
    assert contents(a.path) == before
    shell.ok("--replica", a.path, "horizon", "clock", "--take-over")
    assert (a.value("x"), keys(a)) == (23, 0)
    hub.merge_bytes(a.export_bytes())
    assert (hub.value("x"), keys(hub)) == (23, 0)


def test_one_that_goes_on_under_a_new_id_goes_on_with_it(
    fleet: tuple[Replica, Replica, Replica], tmp_path: Path
) -> None:
    hub, a, _ = fleet
    hub.expire(hub.clock())
    copy = Replica(shutil.copytree(hub.path, tmp_path / "copy"))
    a.increment("x", 8, once="job-8")
    copy.merge_bytes(a.export_bytes())
    copy.increment("y")
    assert copy.id != hub.id
    assert copy.expire(copy.clock()) == 1
    assert copy.value("x") == 23


def test_keys_of_a_sealed_replica_that_expired_before_it_is_absorbed_are_not_counted_again(
    fleet: tuple[Replica, Replica, Replica],
) -> None:
    hub, a, b = fleet
    hub.expire(hub.clock())
    a.increment("x", 8, once="job-8")
    a.seal()
    hub.absorb(a.export_bytes())
    assert (hub.value("x"), keys(hub)) == (23, 1)
    assert hub.expire(hub.clock()) == 1
    b.merge_bytes(hub.export_bytes())
    assert (b.value("x"), keys(b)) == (23, 0)


def test_a_clock_that_cannot_be_read_and_a_replica_that_is_not_there_change_nothing(shell: Shell) -> None:
    assert_refused(shell("horizon", "no-such-file"), 66)
    assert_refused(shell("horizon"), 2)
    shell.ok("init")
    assert shell.ok("horizon", "{}") == ""
