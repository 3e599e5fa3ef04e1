"""``show --min`` and ``show --require`` answer with the exit status."""

import json
from collections.abc import Callable

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_one_line, assert_refused


@pytest.mark.parametrize(("least", "status"), [("41", 0), ("42", 0), ("43", 1), ("-5", 0), (str(10**99), 1)])
def test_min_answers_no_below_it_and_shows_the_value_either_way(
    shell: Shell, replica: Replica, least: str, status: int
) -> None:
    replica.increment("builds", 42)
    ended = shell("show", "builds", "--min", least)
    assert (ended.status, ended.stdout) == (status, "42\n")
    if status:
        assert least in assert_one_line(ended.stderr)
    else:
        assert ended.stderr == ""


def test_min_is_exact_below_zero_and_beyond_machine_numbers(shell: Shell, replica: Replica) -> None:
    replica.decrement("balance", 5)
    replica.increment("atoms", 2**53 + 1)
    assert shell("show", "balance", "--min", "-5").status == 0
    assert shell("show", "balance", "--min", "-4").status == 1
    assert shell("show", "atoms", "--min", str(2**53 + 1)).status == 0
    assert shell("show", "atoms", "--min", str(2**53 + 2)).status == 1


def test_min_goes_with_every_format(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    ended = shell("show", "builds", "--min", "43", "--format", "json")
    assert json.loads(ended.stdout)["counters"][0]["value"] == 42
    assert (ended.status, json.loads(ended.stderr)["error"]) == (1, "no")


@pytest.mark.parametrize("least", ["", "x", "1.5", "1e3", "٣", "++1", "1" * 101])
def test_min_takes_a_whole_number_and_one_name(shell: Shell, replica: Replica, least: str) -> None:
    replica.increment("builds")
    assert_refused(shell("show", "builds", "--min", least), 2)
    assert_refused(shell("show", "--min", "1"), 2)


def test_require_answers_only_where_everything_that_the_clock_knows_is_known(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    here, there = new_replica("here"), new_replica("there")
    here.increment("builds", 40)
    there.increment("builds")
    there.increment("builds")
    clock = shell.ok("--replica", there.path, "clock")
    (shell.directory / "clock.json").write_text(clock)
    asking = ["--replica", here.path, "show", "builds", "--require"]
    for way, stdin in ((clock, ""), ("clock.json", ""), ("-", clock)):
        said = assert_refused(shell(*asking, way, stdin=stdin), 1)
        assert there.id in said
        assert "not up to date" in said
    here.merge_bytes(there.export_bytes())
    for way, stdin in ((clock, ""), ("clock.json", ""), ("-", clock)):
        assert shell.ok(*asking, way, stdin=stdin) == "42\n"
    there.increment("builds")
    assert shell(*asking, shell.ok("--replica", there.path, "clock")).status == 1


def test_require_gives_a_writer_its_own_writes_and_asks_nothing_with_an_empty_clock(
    shell: Shell, replica: Replica
) -> None:
    replica.increment("builds")
    assert shell.ok("show", "builds", "--require", shell.ok("clock")) == "1\n"
    assert shell.ok("show", "builds", "--require", "{}") == "1\n"


@pytest.mark.parametrize(
    "clock", ['{"a":0}', '{"a":-1}', '{"a":1.0}', '{"a":true}', '{"a":1,"a":2}', '{"a":"1"}', '{"":1}', "{", '{"a":1}x']
)
def test_require_refuses_what_is_no_clock(shell: Shell, replica: Replica, clock: str) -> None:
    replica.increment("builds")
    assert_refused(shell("show", "builds", "--require", clock), 2)


def test_require_of_a_file_that_is_not_there_is_missing(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    assert "no-such-file" in assert_refused(shell("show", "builds", "--require", "no-such-file"), 66)
    assert_refused(shell("show", "builds", "--require", "-", stdin=b""), 2)
    assert_refused(shell("show", "builds", "--require", "-", stdin=b"\xff"), 2)


def test_a_name_that_is_no_utf8_is_refused_or_missing(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    assert r"'\udcff'" in assert_refused(shell("show", "\udcff"), 2)
    assert_refused(shell("show", "builds", "\udcff", "--per", "day"), 2)
    assert_refused(shell("show", "\udcff*"), 2)
    shell.ok("--replica", "hub", "init", "--name", "hub")
    shell.ok("--replica", "hub", "increment", "builds")
    shell.ok("exchange", "hub")
    assert_refused(shell("settle", "\udcff"), 66)
