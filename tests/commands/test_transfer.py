"""``crdtctl transfer`` and ``request``: rights to a bounded counter move, and nothing is sold twice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from crdtctl.store.check import check_replica
from tests.conftest import Shell, assert_sound
from tests.support.clones import clone
from tests.support.expect import assert_refused, contents
from tests.support.sh import in_sh, together
from tests.support.terminal import on_terminal

Pair = tuple[Replica, Replica]


@pytest.fixture
def pair(shell: Shell) -> Iterator[Pair]:
    """Make a hub with 100 seats, which commands find, and a laptop that each knows of."""
    hub = Replica.init(shell.directory / ".crdtctl", name="hub")
    laptop = Replica.init(shell.directory / "laptop", name="laptop")
    hub.create("seats", "bcounter", initial=100)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    laptop.increment("sales")
    hub.merge_bytes(laptop.export_bytes(), check=False)
    yield hub, laptop
    assert_sound(hub)
    assert_sound(laptop)


def status(shell: Shell, *options: str) -> dict[str, Any]:
    """Return what status says of the only bounded counter."""
    (found,) = json.loads(shell.ok(*options, "status", "--format", "json"))["rights"]
    assert isinstance(found, dict)
    return found


# Creating


def test_a_bounded_counter_begins_at_its_bound_or_as_asked(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "seats", "--type", "bcounter", "--min", "0", "--initial", "100")
    shell.ok("create", "balance", "--type", "bcounter", "--min", "-100", "--initial", "0")
    shell.ok("create", "loan", "--type", "bcounter", "--min", "-5")
    assert shell.ok("show", "--format", "tsv") == "balance\tbcounter\t0\nloan\tbcounter\t-5\nseats\tbcounter\t100\n"
    shell.ok("decrement", "balance", "100")
    assert_refused(shell("decrement", "balance"), 4)
    assert shell.ok("show", "balance") == "-100\n"


def test_a_counter_that_cannot_be_is_wrong_usage_and_makes_nothing(shell: Shell, replica: Replica) -> None:
    for words in (
        ["--type", "bcounter", "--min", "5", "--initial", "4"],
        ["--type", "bcounter", "--initial", "-1"],
        ["--type", "bcounter", "--min", "much"],
        ["--type", "bcounter", "--min", "9" * 101],
        ["--type", "bcounter", "--initial", "1.5"],
        ["--type", "pncounter", "--min", "0"],
        ["--type", "gset", "--min", "1"],
    ):
        assert_refused(shell("create", "seats", *words), 2)
    assert shell.ok("show") == ""


@pytest.mark.parametrize("verb", ["increment", "decrement", "transfer", "request"])
def test_nobody_but_create_begins_a_bounded_counter(shell: Shell, replica: Replica, verb: str) -> None:
    words = {"transfer": [replica.id, "3"], "request": [replica.id, "3"]}.get(verb, ["--type", "bcounter"])
    assert "create it, or merge" in assert_refused(shell(verb, "seats", *words), 66)
    assert shell.ok("show") == ""


# Decrementing


def test_a_refusal_says_what_is_here_who_holds_more_and_what_to_type(shell: Shell, pair: Pair) -> None:
    hub, laptop = pair
    shell.ok("transfer", "seats", "laptop", "2")
    laptop.merge_bytes(hub.export_bytes(), check=False)
    before = contents(laptop.path)
    said = assert_refused(shell("--replica", "laptop", "decrement", "seats", "5"), 4)
    assert said == (
        f"crdtctl: cannot decrement 'seats': needs 5 rights, but this replica holds 2; {hub.id} holds 98; "
        f"ask for them: crdtctl request seats {hub.id} 3\n"
    )
    assert contents(laptop.path) == before
    assert in_sh(shell, said.rpartition(": ")[2], environment={"CRDTCTL_REPLICA": "laptop"}).status == 0
    assert laptop.rights("seats").asked == {hub.id: 3}


def test_the_command_of_a_refusal_can_be_typed_whatever_the_counter_is_called(shell: Shell, pair: Pair) -> None:
    hub, laptop = pair
    for name in ("--help", "it's $HOME"):
        hub.create(name, "bcounter", initial=7)
        laptop.merge_bytes(hub.export_bytes(), check=False)
        said = assert_refused(shell("--replica", "laptop", "decrement", "--", name, "5"), 4)
        command = said.rpartition("ask for them: ")[2]
        assert in_sh(shell, command, environment={"CRDTCTL_REPLICA": "laptop"}).status == 0
        assert laptop.rights(name).asked == {hub.id: 5}


def test_a_batch_that_takes_more_than_there_is_does_nothing(shell: Shell, pair: Pair) -> None:
    shell.ok("increment", "sold", "1")
    ended = shell("decrement", "--batch", "-", stdin="sold\nseats 60\nseats 41\n")
    assert "needs 41 rights, but this replica holds 40" in assert_refused(ended, 4)
    assert shell.ok("show", "seats", "sold") == "seats\tbcounter\t100\nsold\tpncounter\t1\n"


def test_once_keys_and_reset_are_refused_with_the_reason(shell: Shell, pair: Pair) -> None:
    for verb in ("increment", "decrement"):
        assert "rights are used on one replica" in assert_refused(shell(verb, "seats", "--once", "job-1"), 4)
    assert shell.ok("show", "seats") == "100\n"


@pytest.mark.timeout(300)
def test_the_last_hundred_seats_are_sold_once_each_however_many_sell_at_once(shell: Shell, pair: Pair) -> None:
    sell = "n=0; while :; do crdtctl decrement seats || { s=$?; echo $n; exit $s; }; n=$((n + 1)); done"
    ended = together(shell, [sell] * 8)
    assert {one.status for one in ended} == {4}
    assert sum(int(one.stdout) for one in ended) == 100
    assert all("this replica holds 0" in one.stderr for one in ended)
    assert shell.ok("show", "seats") == "0\n"


# Transferring


@pytest.mark.parametrize("called", ["laptop", "whole", "start"])
def test_rights_go_to_a_replica_by_its_name_its_id_or_how_it_begins(shell: Shell, pair: Pair, called: str) -> None:
    hub, laptop = pair
    shell.ok("transfer", "seats", {"laptop": "laptop", "whole": laptop.id, "start": laptop.id[:12]}[called], "30")
    assert shell.ok("show", "seats") == "100\n"
    assert status(shell)["holders"] == {hub.id: 70, laptop.id: 30}
    laptop.merge_bytes(hub.export_bytes(), check=False)
    laptop.decrement("seats", 30)
    assert_refused(shell("--replica", "laptop", "decrement", "seats"), 4)
    assert_refused(shell("decrement", "seats", "71"), 4)
    shell.ok("decrement", "seats", "70")
    hub.merge_bytes(laptop.export_bytes(), check=False)
    assert shell.ok("show", "seats") == "0\n"


def test_a_transfer_that_cannot_be_changes_nothing(shell: Shell, pair: Pair) -> None:
    Replica.init(shell.directory / "other", name="laptop").increment("sales")
    shell.ok("merge", "-", stdin=Replica(shell.directory / "other").export_bytes())
    laptop = pair[1].id
    before = contents(pair[0].path)
    assert "this replica holds 100" in assert_refused(shell("transfer", "seats", laptop, "101"), 4)
    assert_refused(shell("transfer", "seats", "hub", "1"), 4)
    assert "phone" in assert_refused(shell("transfer", "seats", "phone", "1"), 66)
    assert laptop in assert_refused(shell("transfer", "seats", "laptop", "1"), 2)
    assert_refused(shell("transfer", "sales", laptop, "1"), 66)
    for words in (["1.5"], [], ["--granted", "3"]):
        assert_refused(shell("transfer", "seats", laptop, *words), 2)
    for words in (["-3"], ["--", "-3"]):
        assert_refused(shell("transfer", "seats", laptop, *words), 2)
    assert_refused(shell("transfer", "seats"), 2)
    assert_refused(shell("transfer", "seats", "--granted", "--from", laptop), 2)
    assert contents(pair[0].path) == before


# Requests


def test_a_request_travels_is_listed_and_granted(shell: Shell, pair: Pair) -> None:
    hub, laptop = pair
    assert shell.ok("--replica", "laptop", "request", "seats", "hub", "30") == ""
    assert status(shell, "--replica", "laptop")["asked"] == [{"replica": hub.id, "amount": 30}]
    hub.merge_bytes(laptop.export_bytes(), check=False)
    grant = f"crdtctl transfer seats {laptop.id} --granted"
    assert status(shell)["requests"] == [{"replica": laptop.id, "amount": 30, "grant": grant}]
    said = shell.ok("status", "--format", "table")
    assert f"rights     seats: 100 of 100 here\nrequest    seats: {laptop.id} asks for 30: {grant}\n" in said
    assert in_sh(shell, grant).status == 0
    assert status(shell)["requests"] == []
    laptop.merge_bytes(hub.export_bytes(), check=False)
    assert laptop.rights("seats").here == 30
    assert status(shell, "--replica", "laptop")["asked"] == []


def test_all_requests_are_granted_as_far_as_it_reaches_and_then_nothing_is_written(shell: Shell, pair: Pair) -> None:
    hub, laptop = pair
    phone = Replica.init(shell.directory / "phone", name="phone")
    phone.merge_bytes(hub.export_bytes(), check=False)
    laptop.request("seats", "hub", 70)
    phone.request("seats", "hub", 70)
    hub.merge_bytes(laptop.export_bytes(), phone.export_bytes(), check=False)
    shell.ok("transfer", "seats", "--granted")
    assert hub.rights("seats").holders == {laptop.id: 70, phone.id: 30}
    assert hub.rights("seats").requests == {phone.id: 40}
    before = contents(hub.path)
    assert shell.ok("transfer", "seats", "--granted") == ""
    assert shell.ok("transfer", "seats", "laptop", "--granted") == ""
    assert contents(hub.path) == before


def test_a_request_that_cannot_be_changes_nothing(shell: Shell, pair: Pair) -> None:
    before = contents(pair[0].path)
    assert_refused(shell("request", "seats", "hub", "1"), 4)
    assert_refused(shell("request", "seats", "phone", "1"), 66)
    assert_refused(shell("request", "seats", "laptop"), 2)
    assert contents(pair[0].path) == before


def test_on_a_terminal_it_says_what_is_left_and_what_is_asked_for(shell: Shell, pair: Pair) -> None:
    given = on_terminal(shell, "transfer", "seats", "laptop", "30")
    assert given.stdout == "seats: 70 left here\n"
    assert on_terminal(shell, "transfer", "seats", "--granted").stdout == "seats: nothing to give; 70 left here\n"
    asked = on_terminal(shell, "request", "seats", "laptop", "5")
    assert asked.stdout.startswith(f"seats: asked for 5 of {pair[1].id}; the request travels with ")


# Replicas that are gone, and forks


def test_the_rights_of_an_id_that_ended_stay_with_it_until_somebody_takes_them(shell: Shell, pair: Pair) -> None:
    hub = pair[0].id
    (shell.directory / ".crdtctl").rename(shell.directory / "moved")
    in_sh(shell, "cp -r moved .crdtctl && rm -r moved")
    assert shell("increment", "sales").status == 0
    here = Replica(shell.directory / ".crdtctl")
    assert here.id != hub
    assert f"{hub} holds 100" in assert_refused(shell("decrement", "seats"), 4)
    assert "100 rights" in assert_refused(shell("transfer", "seats", here.id, "101", "--from", hub), 4)
    shell.ok("transfer", "seats", here.id, "60", "--from", hub)
    shell.ok("transfer", "seats", "laptop", "40", "--from", hub)
    assert here.rights("seats").holders == {here.id: 60, pair[1].id: 40}
    shell.ok("decrement", "seats", "60")
    assert shell.ok("show", "seats") == "40\n"


def test_what_a_fork_sold_twice_is_found_told_and_can_be_made_up_for(shell: Shell, pair: Pair) -> None:
    hub, laptop = pair
    hub.transfer("seats", "laptop", 90)
    hub.decrement("seats", 10)
    laptop.merge_bytes(hub.export_bytes(), check=False)
    clone(Path(laptop.path), shell.directory / "clone")
    copy = Replica(shell.directory / "clone")
    laptop.decrement("seats", 90)
    copy.transfer("seats", "hub", 80)
    hub.merge_bytes(copy.export_bytes(), check=False)
    hub.decrement("seats", 80)
    old = laptop.id
    assert shell("merge", "-", stdin=laptop.export_bytes()).status == 5
    assert shell.ok("show", "seats") == "0\n"
    assert status(shell)["oversold"] == [{"replica": old, "amount": 80}]
    assert f"oversold   seats: {old} used 80 rights more" in shell.ok("status", "--format", "table")
    ended = shell("check")
    assert ended.status == 1
    assert f"'seats': {old} used 80 rights more than it had" in ended.stdout
    hub.settle(old)
    shell.ok("increment", "seats", "85")
    (told,) = [one.found for one in check_replica(hub.path) if not one.ok]
    assert in_sh(shell, told.split("'")[3]).status == 0
    assert shell.ok("show", "seats") == "5\n"
    assert shell("check").status == 0
    laptop.merge_bytes(hub.export_bytes(), check=False)
    laptop.settle(old)
