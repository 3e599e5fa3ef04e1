"""``crdtctl merge``: order, repetition and delay do not matter."""

import json
from collections.abc import Callable, Iterator

import pytest

from crdtctl import Replica
from tests.conftest import Shell, assert_sound
from tests.support.expect import assert_one_line, contents
from tests.support.handwritten import counted, document


@pytest.fixture
def files(shell: Shell) -> list[str]:
    """Return states of three replicas: one is newer than another, one knows a third party."""
    a, b = (Replica.init(shell.directory / name, name=name) for name in "ab")
    a.increment("builds", 1)
    a.export_to(shell.directory / "a-old.json")
    a.increment("builds", 10)
    a.decrement("stock", 5)
    a.export_to(shell.directory / "a.json")
    b.merge_bytes(a.export_bytes())
    b.increment("builds", 100)
    b.add("visitors", "ada")
    b.export_to(shell.directory / "b.json")
    return ["a-old.json", "a.json", "b.json"]


TOTALS = "builds\tpncounter\t111\nstock\tpncounter\t-5\nvisitors\tgset\t1\n"


@pytest.fixture
def receivers(shell: Shell) -> Iterator[Callable[[], Replica]]:
    """Make any number of replicas that are equal but for what they merge."""
    made: list[Replica] = []

    def make() -> Replica:
        made.append(Replica.init(shell.directory / f"receiver-{len(made)}"))
        return made[-1]

    yield make
    for one in made:
        assert_sound(one)


def test_any_order_and_any_grouping_give_the_same_state(
    shell: Shell, files: list[str], receivers: Callable[[], Replica]
) -> None:
    old, a, b = files
    states = set()
    for merges in ([[old], [a], [b]], [[b], [a], [old]], [[a, old, b]], [[b], [old, old, b]], [[b]]):
        receiver = receivers()
        for words in merges:
            assert shell.ok("--replica", receiver.path, "merge", *words) == ""
        assert shell.ok("--replica", receiver.path, "show") == TOTALS
        states.add(receiver.export_bytes().decode().split('"counters"')[1].rpartition("crc32")[0])
    assert len(states) == 1


def test_what_was_taken_once_changes_nothing_again(shell: Shell, replica: Replica, files: list[str]) -> None:
    replica.increment("builds", 1000)
    mine = replica.export_bytes()
    shell.ok("merge", *files)
    before = contents(replica.path)
    assert shell.ok("merge", *files, *files) == ""
    assert shell.ok("merge", "a-old.json") == ""
    assert shell.ok("merge", "-", stdin=mine) == ""
    assert shell.ok("merge", "-", stdin=replica.export_bytes()) == ""
    assert contents(replica.path) == before
    assert replica.value("builds") == 1111


def test_counting_goes_on_between_replays(shell: Shell, replica: Replica, files: list[str]) -> None:
    for file in files:
        shell.ok("merge", file)
        shell.ok("increment", "builds", "1000")
        shell.ok("merge", file)
    assert shell.ok("show", "builds") == "3111\n"


def test_standard_input_goes_with_files(shell: Shell, replica: Replica, files: list[str]) -> None:
    state = (shell.directory / "b.json").read_bytes()
    shell.ok("merge", "-", "a.json", stdin=state)
    assert shell.ok("show") == TOTALS


def test_a_large_state_on_standard_input_is_taken(shell: Shell, replica: Replica) -> None:
    lines = [counted(f"counter {number:05}", "other", 1, number + 1) for number in range(30_000)]
    shell.ok("merge", "-", stdin=document("other", 1, *lines))
    assert replica.value("counter 29999") == 30_000


def test_a_state_in_another_layout_of_json_is_taken(shell: Shell, replica: Replica, files: list[str]) -> None:
    tree = json.loads((shell.directory / "b.json").read_bytes())
    shell.ok("merge", "-", stdin=json.dumps(tree, indent=4, sort_keys=True))
    assert shell.ok("show") == TOTALS


def test_a_state_written_by_hand_to_the_letter_of_the_specification_is_taken(shell: Shell, replica: Replica) -> None:
    shell.ok("merge", "-", stdin=document("other", 3, counted("builds", "other", 2, 7, 3), counted("c", "other", 3, 1)))
    assert shell.ok("show") == "builds\tpncounter\t4\nc\tpncounter\t1\n"


def test_dry_run_says_what_would_change_and_changes_nothing(shell: Shell, replica: Replica, files: list[str]) -> None:
    replica.increment("builds", 1000)
    before = contents(replica.path)
    assert shell.ok("merge", "--dry-run", "b.json") == (
        "builds\tpncounter\t1000\t1111\nstock\tpncounter\t\t-5\nvisitors\tgset\t\t1\n"
    )
    assert shell.ok("merge", "-n", "-", stdin=(shell.directory / "a.json").read_bytes())
    assert contents(replica.path) == before
    shell.ok("merge", "b.json")
    assert shell.ok("merge", "--dry-run", "b.json") == ""


def test_with_a_format_it_says_what_changed(shell: Shell, replica: Replica, files: list[str]) -> None:
    replica.increment("builds", 1000)
    found = json.loads(shell.ok("merge", "--format", "json", "a.json", "b.json"))
    assert found["schema"] == 1
    assert found["taken"] == ["a.json", "b.json"]
    assert found["refused"] == []
    assert {"name": "builds", "type": "pncounter", "before": 1000, "after": 1111} in found["counters"]
    assert replica.value("builds") == 1111


def test_counters_of_one_name_and_different_types_are_both_kept(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other")
    other.increment("views", 2, tag="gcounter")
    replica.increment("views", 7)
    ended = shell("merge", "-", stdin=other.export_bytes())
    assert (ended.status, ended.stdout) == (0, "")
    assert "'views' came as a second type, gcounter" in assert_one_line(ended.stderr)
    assert shell.ok("show") == "views\tgcounter\t2\nviews\tpncounter\t7\n"
    shell.ok("increment", "views")
    assert shell.ok("show") == "views\tgcounter\t2\nviews\tpncounter\t8\n"


def test_a_thousand_files_at_once_are_all_counted(shell: Shell, replica: Replica) -> None:
    files = []
    for number in range(1000):
        author = f"job-{number}"
        files.append(f"{author}.json")
        lines = [counted("builds", author, 2, number + 1), counted(f"z{number % 7}", author, 1, 1)]
        (shell.directory / files[-1]).write_bytes(document(author, 2, *lines))
    assert shell.ok("merge", *files) == ""
    assert replica.value("builds") == 500_500
    assert sum(one.value for one in replica.counters() if one.name != "builds") == 1000
    assert len(replica.clock()) == 1000
