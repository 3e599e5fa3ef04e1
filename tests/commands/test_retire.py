"""``crdtctl retire`` declares a replica gone for good; ``status`` and ``check`` list ids that may have piled up."""

import json
import os
import pty
import subprocess
import time

import pytest

from crdtctl import Replica
from crdtctl.store.silent import FEW, LONG, MANY, Silent, advice, piles, silent
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused, contents

DAY = 86_400
NOW = 1_800_000_000.0


@pytest.fixture
def other(shell: Shell, replica: Replica) -> Replica:
    """Return a replica whose counts the first one has."""
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 5)
    replica.increment("builds", 2)
    replica.merge_bytes(other.export_bytes())
    return other


def test_counts_of_a_retired_replica_stay(shell: Shell, replica: Replica, other: Replica) -> None:
    assert shell.ok("retire", "other", "--yes") == ""
    assert replica.value("builds") == 7
    assert replica.declared_gone() == {other.id: 1}
    assert json.loads(shell.ok("status", "--format", "json"))["gone"] == [{"replica": other.id, "commits": 1}]
    before = contents(replica.path)
    assert shell.ok("retire", other.id[:20], "--yes") == ""
    assert contents(replica.path) == before


def test_later_commits_of_a_retired_replica_are_merged_and_reported(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    shell.ok("retire", "other", "--yes")
    other.increment("builds", 10)
    other.export_to(shell.directory / "other.json")
    assert f"{other.id} was declared gone for good" in assert_refused(shell("merge", "other.json"), 5)
    assert replica.value("builds") == 17
    assert f"{other.id} was declared gone for good" in shell("check").stdout
    shell.ok("settle", other.id)
    shell.ok("merge", "other.json")


def test_retired_replica_that_receives_the_declaration_continues_under_a_new_id(
    shell: Shell, replica: Replica, other: Replica
) -> None:
    before = other.id
    shell.ok("retire", "other", "--yes")
    other.merge_bytes(replica.export_bytes())
    other.increment("builds", 1)
    assert other.id != before
    replica.merge_bytes(other.export_bytes())
    assert replica.value("builds") == other.value("builds") == 8


@pytest.mark.parametrize(
    ("which", "status", "word"), [("here", 4, "this replica itself"), ("nobody", 66, "no replica 'nobody' is known")]
)
def test_own_and_unknown_ids_are_refused(shell: Shell, replica: Replica, which: str, status: int, word: str) -> None:
    replica.increment("builds")
    named = replica.id if which == "here" else which
    before = contents(replica.path)
    assert word in assert_refused(shell("retire", named, "--yes"), status)
    assert contents(replica.path) == before


def test_sealed_replica_is_refused(shell: Shell, replica: Replica, other: Replica) -> None:
    other.seal()
    replica.merge_bytes(other.export_bytes())
    assert "is sealed" in assert_refused(shell("retire", "other", "--yes"), 4)


def test_retiring_must_be_confirmed_off_a_terminal(shell: Shell, replica: Replica, other: Replica) -> None:
    assert f"crdtctl retire {other.id} --yes" in assert_refused(shell("retire", "other"), 2)
    assert replica.declared_gone() == {}


@pytest.mark.parametrize(("answer", "is_retired"), [(b"y\n", True), (b"\n", False), (b"no\n", False)])
def test_terminal_asks_first(shell: Shell, replica: Replica, other: Replica, answer: bytes, is_retired: bool) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*PROGRAM, "retire", "other"],
        stdin=theirs,
        stderr=theirs,
        stdout=subprocess.PIPE,
        cwd=shell.directory,
        env=dict(shell.environment),
        start_new_session=True,
    ) as process:
        os.close(theirs)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1000)
        os.write(ours, answer)
        assert process.wait() == (0 if is_retired else 2)
        os.close(ours)
    assert f"retire {other.id}, with 1 commits, last heard of 2".encode() in shown
    assert (other.id in replica.declared_gone()) is is_retired


# Ids that may have piled up ----------------------------------------------------------------------------


def at(days: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(NOW - days * DAY))


def test_replica_is_silent_after_long_unless_it_has_ended() -> None:
    heard = {"a": at(LONG + 1), "b": at(LONG - 1), "c": at(LONG + 5), "d": at(LONG + 9), "e": at(LONG + 9)}
    clock = dict.fromkeys("abcd", 7)
    assert silent(heard, clock, {"d"}, NOW) == [Silent("c", heard["c"]), Silent("a", heard["a"])]


def test_many_replicas_of_one_name_with_few_commits_are_a_pile() -> None:
    clock = {f"runner-{number:032x}": FEW for number in range(MANY)}
    (pile,) = piles({**clock, f"laptop-{1:032x}": 1, f"runner-{99:032x}": FEW + 1}, set())
    assert (pile.name, pile.number) == ("runner", MANY)
    assert piles(clock, {f"runner-{1:032x}"}) == []


def test_no_more_than_a_few_silent_replicas_are_listed() -> None:
    found = [Silent(f"r{number}", at(100)) for number in range(13)]
    assert len(advice(found[:10])) == 10
    assert advice(found)[10:] == ["3 more replicas were not heard of for 90 days"]


def test_check_and_status_list_silent_replicas_and_piles(
    shell: Shell, replica: Replica, other: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(MANY):
        runner = Replica.init(shell.directory / f"runner{number}", name="runner")
        runner.increment("builds")
        replica.merge_bytes(runner.export_bytes())
    pile = f"{MANY} replicas named 'runner' have at most {FEW} commits each"
    assert pile in shell.ok("check")
    assert f"silent     {pile}" in shell.ok("status", "--format", "table")
    assert "run --seal-to" in shell.ok("check")
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + (LONG + 1) * DAY)
    assert any(one.startswith(f"{other.id} was last heard of 20") for one in replica.piled_up())
    replica.retire("other")
    assert not any(one.startswith(other.id) for one in replica.piled_up())
