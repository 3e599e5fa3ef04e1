"""``export --since CLOCK``: a delta holds only what is newer, and where one is missing it is not taken."""

import itertools
import json
import re
import shlex
from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents
from tests.support.handwritten import counted, document
from tests.support.sh import in_sh


def test_a_delta_holds_only_what_is_newer_in_totals(shell: Shell, replica: Replica) -> None:
    replica.increment("old", 3)
    replica.increment("both", 4)
    then = shell.ok("clock")
    replica.increment("both", 5)
    replica.increment("new", 6)
    delta = json.loads(shell.ok("export", "--since", then))
    assert delta["kind"] == "delta"
    assert delta["since"] == {replica.id: 2}
    assert delta["clock"] == {replica.id: 4}
    assert delta["counters"] == {
        "both": {"pncounter": {replica.id: [3, 9, 0]}},
        "new": {"pncounter": {replica.id: [4, 6, 0]}},
    }


def test_a_delta_leaves_out_what_the_receiver_has_of_each_replica(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    replica.merge_bytes(document("other", 7, counted("builds", "other", 7, 10)))
    counters = json.loads(shell.ok("export", "--since", '{"other":7}'))["counters"]
    assert counters == {"builds": {"pncounter": {replica.id: [1, 1, 0]}}}
    assert json.loads(shell.ok("export", "--since", shell.ok("clock")))["counters"] == {}


def test_the_clock_is_given_as_text_as_a_file_or_on_standard_input(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    clock = shell.ok("clock")
    replica.increment("builds")
    (shell.directory / "clock.json").write_text(clock)
    delta = shell.ok("export", "--since", clock)
    assert shell.ok("export", "--since", "clock.json") == delta
    assert shell.ok("export", "--since", "-", stdin=clock) == delta
    shell.ok("export", "--since", clock, "-o", "delta.json")
    assert (shell.directory / "delta.json").read_text() == delta


def test_a_toml_delta_is_taken_too(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    here, there = new_replica("here"), new_replica("there")
    there.increment("builds", 2)
    here.merge_bytes(there.export_bytes())
    there.increment("builds", 3)
    delta = shell.ok("--replica", there.path, "export", "--format", "toml", "--since", json.dumps(here.clock()))
    shell.ok("--replica", here.path, "merge", "-", stdin=delta)
    assert here.value("builds") == 5


def test_the_receivers_clock_gives_a_delta_that_brings_it_up_to_date(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    here, there = new_replica("here"), new_replica("there")
    for amount in (1, 10, 100):
        there.increment("builds", amount)
        clock = shell.ok("--replica", here.path, "clock")
        delta = shell.ok("--replica", there.path, "export", "--since", clock)
        shell.ok("--replica", here.path, "merge", "-", stdin=delta)
        assert here.value("builds") == there.value("builds")
        assert here.clock() == there.clock()


@pytest.mark.parametrize("name", ["there", "o'brien"])
def test_a_gap_is_refused_and_following_the_advice_closes_it(
    shell: Shell, new_replica: Callable[[str], Replica], name: str
) -> None:
    here, there = new_replica("here"), new_replica(name)
    there.increment("builds", 1)
    here.merge_bytes(there.export_bytes())
    there.increment("builds", 10)
    clock = there.clock()
    there.increment("builds", 100)
    (shell.directory / "delta.json").write_bytes(there.export_bytes(since=clock))
    before = contents(here.path)
    said = assert_refused(shell("--replica", here.path, "merge", "delta.json"), 66)
    assert "delta.json" in said
    assert contents(here.path) == before

    advice = re.search(r"crdtctl (export --since .*)\n", said)
    assert advice is not None
    answer = in_sh(shell, f"crdtctl --replica {shlex.quote(there.path)} {advice[1]}").stdout
    assert json.loads(answer)["kind"] == "delta"
    shell.ok("--replica", here.path, "merge", "-", stdin=answer)
    assert here.value("builds") == 111


@pytest.fixture
def pieces(shell: Shell) -> tuple[Replica, list[str]]:
    """Return a replica with three commits and deltas of one commit each."""
    sender = Replica.init(shell.directory / "sender", name="sender")
    files = []
    for amount in (1, 10, 100):
        clock = sender.clock()
        sender.increment("builds", amount)
        sender.increment(f"only {amount}")
        files.append(f"delta-{amount}.json")
        sender.export_to(shell.directory / files[-1], since=clock)
    return sender, files


def test_deltas_in_any_order_fill_each_others_gaps(
    shell: Shell, replica: Replica, pieces: tuple[Replica, list[str]]
) -> None:
    sender, files = pieces
    for order in itertools.permutations(files):
        found = json.loads(shell.ok("merge", "--dry-run", "--format", "json", *order))
        assert sorted(found["taken"]) == sorted(files)
        assert [(one["name"], one["after"]) for one in found["counters"]] == [
            ("builds", 111), ("only 1", 1), ("only 10", 1), ("only 100", 1),
        ]  # fmt: skip
    shell.ok("merge", *reversed(files))
    assert replica.clock() == sender.clock()
    assert [(one.name, one.state) for one in replica.counters()] == [(one.name, one.state) for one in sender.counters()]


def test_a_whole_state_fills_the_gap_of_a_delta_beside_it(
    shell: Shell, replica: Replica, pieces: tuple[Replica, list[str]]
) -> None:
    sender, _ = pieces
    state = sender.export_bytes()
    clock = sender.clock()
    sender.increment("builds", 1000)
    sender.export_to(shell.directory / "newest.json", since=clock)
    shell.ok("merge", "newest.json", "-", stdin=state)
    assert replica.value("builds") == 1111


def test_a_missing_delta_is_a_gap_for_those_after_it_only(
    shell: Shell, replica: Replica, pieces: tuple[Replica, list[str]]
) -> None:
    first, _, third = pieces[1]
    ended = shell("merge", third, first)
    assert (ended.status, ended.stdout) == (3, "")
    assert third in ended.stderr
    assert replica.value("builds") == 1


FORMATS = ["json", "ndjson", "csv", "tsv", "toml", "table", "value"]


@pytest.mark.parametrize("form", FORMATS)
def test_a_clock_in_every_format_is_taken_back(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], form: str
) -> None:
    replica.increment("builds")
    for number in range(3):
        other = new_replica(f"other{number}")
        other.increment("builds")
        replica.merge(other.export_bytes())
    printed = shell.ok("clock", "--format", form)
    (shell.directory / "clock").write_text(printed)
    (shell.directory / "dos").write_bytes(b"\xef\xbb\xbf" + printed.replace("\n", "\r\n").encode())
    (shell.directory / "wide").write_text(printed, encoding="utf-16")
    whole = json.loads(shell.ok("export", "--since", shell.ok("clock")))
    assert len(whole["since"]) == 4
    for given in (printed, printed.rstrip("\n"), "clock", "dos", "wide"):
        assert json.loads(shell.ok("export", "--since", given)) == whole
        assert shell.ok("show", "builds", "--require", given) == "4\n"
    assert json.loads(shell.ok("export", "--since", "-", stdin=printed)) == whole


@pytest.mark.parametrize("form", FORMATS)
def test_the_environment_changes_neither_a_clock_nor_the_value_of_one_counter(
    shell: Shell, replica: Replica, form: str
) -> None:
    replica.increment("builds", 5)
    environment = {"CRDTCTL_FORMAT": form}
    assert shell("clock", environment=environment).stdout == shell.ok("clock")
    assert shell("show", "builds", environment=environment).stdout == "5\n"
    assert shell("inc", "builds", environment=environment).status == 0
    reports = {shell("show", "builds", "--by-replica", environment=environment).stdout for _ in range(1)}
    assert reports == {shell.ok("show", "builds", "--by-replica", "--format", form)}


def test_a_state_stands_for_its_clock(shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]) -> None:
    replica.increment("builds")
    replica.export_to(shell.directory / "hub.json")
    state = (shell.directory / "hub.json").read_text()
    expected = shell.ok("export", "--since", shell.ok("clock"))
    assert shell.ok("export", "--since", "hub.json") == expected
    assert shell.ok("export", "--since", state) == expected
    assert shell.ok("export", "--since", "-", stdin=state) == expected
    other = new_replica("other")
    other.increment("builds")
    both = (state + other.export_bytes().decode()).encode()
    assert shell.ok("show", "--require", "hub.json", "builds") == "1\n"
    assert shell("show", "--require", "-", "builds", stdin=both).status == 1
    damaged = state.replace("[1,1,0]", "[1,2,0]")
    assert "not a valid state" in assert_refused(shell("export", "--since", "-", stdin=damaged), 65)


@pytest.mark.parametrize("empty", ["", " ", "\n"])
def test_an_empty_clock_is_told_as_that(shell: Shell, replica: Replica, empty: str) -> None:
    (shell.directory / "empty").write_text(empty)
    for given in (empty, "empty", "-"):
        for words in (["export", "--since", given], ["show", "--require", given]):
            told = assert_refused(shell(*words, stdin=empty), 2)
            assert told == "crdtctl: the clock is empty; did the command that printed it fail?\n"


@pytest.mark.parametrize(
    "text",
    ['{"schema":1,"counters":[]}', '{"schema":1,"clock":[{"replica":7,"commits":1}]}', "replica,commits\na,b", "a\tb\n",
     "a\t1\na\t2", '{"replica":"a"}\n{"replica":"b"}', "[[clock]]\nx = 1\n", "hello\nworld", "{"],
)  # fmt: skip
def test_what_is_no_clock_is_refused(shell: Shell, replica: Replica, text: str) -> None:
    assert "that is not a clock" in assert_refused(shell("export", "--since", text), 2)


def test_times_and_directories_are_no_clocks(shell: Shell, replica: Replica) -> None:
    assert "it is not a time" in assert_refused(shell("export", "--since", "yesterday"), 66)
    assert f"--replica {replica.path} clock" in assert_refused(shell("export", "--since", replica.path), 2)
