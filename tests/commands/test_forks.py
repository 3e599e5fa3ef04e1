"""A clone that nothing gave away is found by a merge: wherever it is, nothing is lost, and people are told once."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from crdtctl import Replica
from crdtctl.store.inputs import Input
from tests.conftest import Shell, assert_sound
from tests.support.clones import clone
from tests.support.expect import assert_one_line, contents

COMMON = 10


@pytest.fixture
def pair(shell: Shell) -> tuple[Replica, Replica]:
    """Make a replica and a secret clone of it; each went on alone, and its state has left."""
    original = Replica.init(shell.directory / "original", name="laptop")
    original.increment("builds", COMMON)
    original.add("visitors", "ada")
    original.export_to(shell.directory / "common.json")
    clone(shell.directory / "original", shell.directory / "clone")
    copy = Replica(shell.directory / "clone")
    for one, amount in ((original, 3), (copy, 5)):
        name = Path(one.path).name
        one.increment("builds", amount)
        one.increment("jobs", amount, once=f"job of the {name}")
        one.add("visitors", name)
        one.export_to(shell.directory / f"{name}.json")
    assert original.id == copy.id
    return original, copy


@pytest.fixture
def hub(shell: Shell) -> Iterator[Replica]:
    """Make the replica that commands find; it is checked after the test."""
    made = Replica.init(shell.directory / ".crdtctl", name="hub")
    yield made
    assert_sound_once_settled(made)


def assert_sound_once_settled(replica: Replica) -> None:
    """Assert that nothing is wrong with a replica but the forks it says it knows of."""
    for fork in replica.forks():
        assert replica.settle(fork.replica)
    assert_sound(replica)


def shown(shell: Shell, *options: str) -> dict[str, Any]:
    """Return what a command says as JSON."""
    found: dict[str, Any] = json.loads(shell.ok(*options, "--format", "json"))
    return found


def test_a_hub_finds_a_fork_names_all_there_is_to_know_and_keeps_everything(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    laptop = pair[0].id
    assert shell("merge", "original.json").status == 0
    ended = shell("merge", "clone.json")
    assert (ended.status, ended.stdout) == (5, "")
    said = ended.stderr
    for words in ("clone.json", laptop, "since commit 3", f"crdtctl settle {laptop}", "--by-replica"):
        assert words in said
    branches = sorted(author for author in hub.clock() if author.startswith(laptop))
    assert len(branches) == 2
    assert all(branch in said and branch.startswith(f"{laptop}~2.") for branch in branches)
    assert hub.value("builds") == COMMON + 5  # the least that can be true
    assert hub.value("jobs") == 8  # idempotency keys lack nothing
    assert hub.reading("visitors").members == ("ada", "clone", "original")  # nor do sets


def test_a_fork_is_told_once(shell: Shell, pair: tuple[Replica, Replica], hub: Replica) -> None:
    assert shell("merge", "original.json", "clone.json").status == 5
    before = hub.export_bytes()
    for again in (["original.json"], ["clone.json", "common.json"], ["common.json"], ["clone.json", "original.json"]):
        shell.ok("merge", *again)
    assert hub.export_bytes() == before


@pytest.mark.parametrize("order", [["original", "clone"], ["clone", "original"], ["common", "clone", "original"]])
def test_whoever_learns_of_the_same_branches_exports_the_same(
    shell: Shell, pair: tuple[Replica, Replica], order: list[str]
) -> None:
    straight = Replica.init(shell.directory / "straight")
    straight.merge(*(shell.directory / f"{name}.json" for name in ("original", "clone")), check=False)
    other = Replica.init(shell.directory / "other")
    for name in order:
        other.merge(shell.directory / f"{name}.json", check=False)
    by_hearsay = Replica.init(shell.directory / "by hearsay")
    report = by_hearsay.merge_bytes(straight.export_bytes(), check=False)
    assert [fork.replica for fork, _ in report.forks] == [pair[0].id]
    states = [one.export_bytes().replace(one.id.encode(), b"me")[:-13] for one in (straight, other, by_hearsay)]
    assert states[0] == states[1] == states[2]


@pytest.mark.parametrize(("finder", "brought"), [("original", "clone"), ("clone", "original")])
def test_each_of_the_writers_finds_the_fork_and_goes_on_under_a_new_id(
    shell: Shell, pair: tuple[Replica, Replica], finder: str, brought: str
) -> None:
    laptop = pair[0].id
    ended = shell("--replica", finder, "merge", f"{brought}.json")
    assert ended.status == 5
    here = Replica(shell.directory / finder)
    assert here.id != laptop
    assert here.id in ended.stderr
    assert [past.why for past in here.past()] == ["forked"]
    assert here.value("builds") == COMMON + 5
    assert here.value("jobs") == 8
    assert len(here.forks()[0].branches) == 2
    shell.ok("--replica", finder, "increment", "builds", "100")
    assert here.value("builds") == COMMON + 105
    shell.ok("--replica", finder, "merge", f"{brought}.json")
    assert_sound_once_settled(here)


def test_commits_that_nobody_saw_yet_are_a_branch_too_when_a_clone_turns_up(
    shell: Shell, pair: tuple[Replica, Replica]
) -> None:
    silent = shell.directory / "silent"
    clone(shell.directory / "clone", silent)
    Replica(silent).increment("builds", 7)  # never left
    Replica(silent).add("visitors", "silent")
    pair[1].increment("builds", 1)
    pair[1].export_to(shell.directory / "clone.json")
    assert shell("--replica", silent, "merge", "clone.json").status == 5
    here = Replica(silent)
    (fork,) = here.forks()
    assert len(fork.branches) == 2
    assert here.value("builds") == COMMON + 5 + 7
    assert here.reading("visitors").members == ("ada", "clone", "silent")


def test_all_who_found_the_fork_in_their_own_way_agree_in_the_end(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    everybody = [*pair, hub]
    hub.merge(shell.directory / "clone.json", shell.directory / "original.json", check=False)
    for _ in range(3):
        for one in everybody:
            one.merge_bytes(*(other.export_bytes() for other in everybody if other is not one), check=False)
    states = [one.export_bytes().split(b"\n", 1)[1][:-13] for one in everybody]
    assert states[0] == states[1] == states[2]
    assert hub.clock() == pair[0].clock() == pair[1].clock()
    assert hub.value("builds") == COMMON + 5
    assert hub.value("jobs") == 8
    assert len(hub.reading("visitors").members) == 3


def test_what_is_settled_counts_once_on_whichever_replicas_it_is(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    laptop = pair[0].id
    other = Replica.init(shell.directory / "other")
    for path in (hub.path, other.path):
        assert shell("--replica", path, "merge", "original.json", "clone.json").status == 5
        shell.ok("--replica", path, "settle", laptop, "builds=3")
        assert Replica(path).value("builds") == COMMON + 8
        assert Replica(path).forks() == []
    for _ in range(2):
        hub.merge_bytes(other.export_bytes(), check=False)
        other.merge_bytes(hub.export_bytes(), check=False)
    assert hub.value("builds") == other.value("builds") == COMMON + 8
    shell.ok("settle", laptop, "builds=3")
    assert hub.value("builds") == COMMON + 8
    third = Replica.init(shell.directory / "third")
    third.merge_bytes(hub.export_bytes(), check=False)
    assert third.forks() == []


def test_a_dry_run_tells_of_the_fork_and_changes_nothing(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    shell.ok("merge", "original.json")
    before = {path: contents(path) for path in (hub.path, pair[0].path)}
    for options in ([], ["--replica", pair[0].path]):
        ended = shell(*options, "merge", "--dry-run", "clone.json")
        assert ended.status == 5
        assert_one_line(ended.stderr)
    assert {path: contents(path) for path in before} == before


def test_json_lists_forks(shell: Shell, pair: tuple[Replica, Replica], hub: Replica) -> None:
    ended = shell("merge", "--format", "json", "original.json", "clone.json")
    assert ended.status == 5
    (fork,) = json.loads(ended.stdout)["forks"]
    assert (fork["replica"], fork["since"]) == (pair[0].id, 2)
    assert sorted(fork["branches"]) == sorted(a for a in hub.clock() if a.startswith(pair[0].id))
    failure = json.loads(ended.stderr.splitlines()[-1])
    assert (failure["error"], failure["exit"]) == ("fork", 5)


def test_a_fork_is_found_among_more_files_than_are_open_at_once(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    for number in range(150):
        one = Replica.init(shell.directory / f"r{number}")
        one.increment("builds", 1000)
        one.increment("others")
        one.export_to(shell.directory / f"r{number}.json")
    files = [f"r{number}.json" for number in range(150)]
    files[7:7] = ["common.json", "original.json"]
    files.append("clone.json")
    assert shell("merge", *files).status == 5
    assert hub.value("builds") == 150 * 1000 + COMMON + 5
    assert hub.value("jobs") == 8
    other = Replica.init(shell.directory / "other")
    other.merge(shell.directory / "clone.json", shell.directory / "original.json", check=False)
    assert {a: s for a, s in hub.clock().items() if "laptop" in a} == other.clock()
    shell.ok("merge", *reversed(files))


def test_two_processes_join_a_fork_as_one_does(shell: Shell, pair: tuple[Replica, Replica], hub: Replica) -> None:
    for one in pair:
        with one.batch() as batch:
            for number in range(60_000):
                batch.increment(f"counter-{number:06}-{'x' * 20}", 1 + number % 3)
        one.export_to(shell.directory / f"{Path(one.path).name}.json")
    alone = Replica.init(shell.directory / "alone")
    inputs = [Input(name, path=str(shell.directory / name)) for name in ("original.json", "clone.json")]
    assert sum((shell.directory / item.label).stat().st_size for item in inputs) > 2**23
    assert shell("merge", "original.json", "clone.json").status == 5
    alone.merge_inputs(inputs, processes=1)
    assert alone.export_bytes().split(b"\n", 1)[1][:-13] == hub.export_bytes().split(b"\n", 1)[1][:-13]


def test_deltas_pass_between_replicas_that_know_a_fork_and_those_that_do_not(
    shell: Shell, pair: tuple[Replica, Replica], hub: Replica
) -> None:
    one_sided = Replica.init(shell.directory / "one-sided")
    one_sided.merge(shell.directory / "original.json", check=False)
    hub.merge(shell.directory / "original.json", shell.directory / "clone.json", check=False)
    hub.increment("builds", 100)
    # To one who knows only one branch, since what it knows:
    report = one_sided.merge_bytes(hub.export_bytes(since=one_sided.clock()), check=False)
    assert (report.refused, len(report.forks)) == ({}, 1)
    assert one_sided.value("builds") == hub.value("builds") == COMMON + 105
    assert one_sided.value("jobs") == 8
    # Between two who know both:
    one_sided.increment("builds", 1000)
    assert hub.merge_bytes(one_sided.export_bytes(since=hub.clock()), check=False).refused == {}
    assert hub.value("builds") == COMMON + 1105
    # From one who does not know of the fork, to one who does:
    late = Replica.init(shell.directory / "late")
    late.merge(shell.directory / "original.json", check=False)
    pair[0].increment("builds", 10_000)
    delta = pair[0].export_bytes(since=late.clock())
    assert late.merge_bytes(delta, check=False).refused == {}
    assert hub.merge_bytes(delta, check=False).refused == {}
    assert hub.value("builds") == COMMON + 10_003 + 1100
    assert len(hub.forks()[0].branches) == 2


def test_clones_of_clones_are_all_kept(shell: Shell, pair: tuple[Replica, Replica], hub: Replica) -> None:
    clone(shell.directory / "clone", shell.directory / "second")
    second = Replica(shell.directory / "second")
    second.add("visitors", "second")
    pair[1].add("visitors", "clone again")
    for one, name in ((second, "second"), (pair[1], "clone-again")):
        one.export_to(shell.directory / f"{name}.json")
    for name in ("second", "original", "clone", "clone-again", "common"):
        hub.merge(shell.directory / f"{name}.json", check=False)
    (fork,) = hub.forks()
    assert len(fork.branches) == 3
    assert hub.reading("visitors").members == ("ada", "clone", "clone again", "original", "second")
    other = Replica.init(shell.directory / "other")
    other.merge(*(shell.directory / f"{name}.json" for name in ("clone-again", "second", "original")), check=False)
    assert other.clock() == hub.clock()


def test_status_and_log_know_of_a_fork(shell: Shell, pair: tuple[Replica, Replica], hub: Replica) -> None:
    shell("merge", "original.json", "clone.json")
    assert pair[0].id in shell.ok("status")
    checked = shell("check")
    assert checked.status == 1
    assert pair[0].id in checked.stdout
    entries = shown(shell, "log")["events"]
    assert [entry["did"] for entry in entries] == ["merged", "fork"]
    assert entries[1]["replica"] == pair[0].id
    shell.ok("settle", pair[0].id)
    assert [entry["did"] for entry in shown(shell, "log")["events"]][-1] == "settled"
    assert shell("check").status == 0
