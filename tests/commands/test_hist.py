"""A hist from the command line: numbers in, quantiles and an exact sum out."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused, contents

#: 100,000 numbers from 0.001 to 100, in disorder.
MANY = "".join(f"{number * 7919 % 100_000 / 1000 + 0.001:.3f}\n" for number in range(100_000))


def test_every_number_counts_and_repeated_ones_as_well(shell: Shell, replica: Replica) -> None:
    assert shell.ok("add", "latency", "0.35", "0.35", "1e-3", "--type", "hist") == ""
    assert shell.ok("add", "latency", "12", "0.35") == ""
    assert shell.ok("show", "latency") == "5\n"
    assert shell.ok("show") == "latency\thist\t5\n"
    assert replica.reading("latency").distribution.total == "13.051"


def test_a_negative_number_follows_two_hyphens(shell: Shell, replica: Replica) -> None:
    shell.ok("add", "balance", "--type", "hist", "--", "-3", "2.5")
    assert shell.ok("show", "balance", "--quantile", "0") == "-3\n"
    said = assert_refused(shell("add", "balance", "-3"), 2)
    assert "write '--' before a negative number" in said
    assert replica.value("balance") == 2


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        ("0,35", "write 0.35"),
        ("5ms", "without a unit: 5"),
        ("nan", "only finite numbers"),
        ("inf", "only finite numbers"),
        ("ada", "write it in digits"),
        ("1e30", "take a larger unit"),
        ("1e-31", "round it"),
        ("1" * 200, "at most 30 digits"),
    ],
)
def test_a_wrong_number_is_refused_with_advice_and_nothing_is_added(
    shell: Shell, replica: Replica, number: str, advice: str
) -> None:
    shell.ok("add", "latency", "1", "--type", "hist")
    before = contents(replica.path)
    for words in (["--", number], ["7", number], [number, "--type", "hist"], [number, "--once", "job"]):
        assert advice in assert_refused(shell("add", "latency", *words), 2)
    assert contents(replica.path) == before


@pytest.mark.parametrize("known", [True, False])
def test_a_batch_of_many_lines_is_one_commit_of_a_few_kilobytes(shell: Shell, replica: Replica, known: bool) -> None:
    if known:
        shell.ok("create", "latency", "--type", "hist")
    shell.ok("add", "latency", *([] if known else ["--type", "hist"]), "--batch", "-", stdin=MANY)
    assert replica.clock() == {replica.id: 1 + known}
    found = replica.reading("latency").distribution
    assert (found.count, found.total, found.smallest, found.largest) == (100_000, "5000050", "0.001", "100")
    assert len(Path(replica.path, "own.json").read_bytes()) < 12_000
    for q in (0.1, 0.5, 0.99):
        assert replica.reading("latency").quantile(q) == pytest.approx(100 * q, rel=0.01)


def test_a_batch_is_worth_its_numbers_one_by_one(shell: Shell, new_replica: Callable[[str], Replica]) -> None:
    one, other = new_replica("one"), new_replica("other")
    numbers = ["0.35", "7", "1e3", ".5", "+2", "5.", "0", "00.10", "0.30000000000000004", "1" * 30]
    shell.ok("--replica", one.path, "add", "v", "--type", "hist", *numbers, "--", "-4")
    stdin = "\r\n".join([*numbers, "", "  ", "-4"])
    shell.ok("--replica", other.path, "add", "v", "--type", "hist", "--batch", "-", stdin=stdin)
    assert one.reading("v").state[one.id] == other.reading("v").state[other.id]


WRONG = [
    ("ada", "not a number"),
    ("1 2", "write 12"),
    ("1;2", "not a number"),
    ("--1", "not a number"),
    ("nan", "finite"),
]


@pytest.mark.parametrize(("line", "why"), WRONG)
def test_a_wrong_line_is_told_by_its_number_and_nothing_is_added(
    shell: Shell, replica: Replica, line: str, why: str
) -> None:
    shell.ok("create", "latency", "--type", "hist")
    before = contents(replica.path)
    for many in ("", MANY):
        said = assert_refused(shell("add", "latency", "--batch", "-", stdin=f"{many}1\n{line}\n2\n"), 2)
        assert f"line {many.count(chr(10)) + 2} of standard input: " in said
        assert why in said
        assert said.endswith("nothing was counted; --bad skip leaves such lines out\n")
    assert contents(replica.path) == before


def test_a_hist_that_is_made_while_a_batch_for_a_new_set_is_read_is_left_alone(shell: Shell, replica: Replica) -> None:
    os.mkfifo(shell.directory / "lines")
    words = [*PROGRAM, "add", "t", "--batch", "lines"]
    with subprocess.Popen(words, cwd=shell.directory, env=shell.environment, stderr=subprocess.PIPE) as process:
        with (shell.directory / "lines").open("w") as lines:  # it is opened once the type has been looked up
            replica.create("t", "hist")
            lines.write("1\n1\n")
        assert process.wait() == 73
    assert replica.value("t") == 0


def test_a_batch_for_a_new_series_of_a_hist_counts_each_line(shell: Shell, replica: Replica) -> None:
    replica.add_numbers("t", 5, labels={"os": "linux"})
    shell.ok("add", "t", "--label", "os=macos", "--batch", "-", stdin="1\n1\n")
    shell.ok("add", "t", "3", "--label", "os=bsd")
    assert shell.ok("show", "t", "--by", "os") == "t\thist\tbsd\t1\nt\thist\tlinux\t1\nt\thist\tmacos\t2\n"
    assert shell.ok("show", "t", "--quantile", "1", "--by", "os").endswith("t\tmacos\t1\t1\n")
    assert shell.ok("show", "t", "--quantile", "0.5") == "1\n"


def test_wrong_lines_can_be_left_out(shell: Shell, replica: Replica) -> None:
    words = ["add", "latency", "--type", "hist", "--batch", "-", "--bad", "skip"]
    ended = shell(*words, stdin="1\nada\n2\n\xff\n3\n")
    assert (ended.status, ended.stdout) == (3, "")
    assert "2 of 5 lines were left out, the first: line 2 of standard input: 'ada': it is not a number" in ended.stderr
    assert replica.value("latency") == 3


def test_each_of_equal_lines_of_a_stream_counts(shell: Shell, replica: Replica) -> None:
    assert shell.ok("add", "latency", "--type", "hist", "--stream", stdin="1\n1\n2\n1\n").endswith("OK 4\n")
    assert shell.ok("show", "latency") == "4\n"
    (shell.directory / "times.txt").write_text("5\n5\n")
    shell.ok("add", "latency", "--follow", "times.txt", "--until-end")
    shell.ok("add", "latency", "--follow", "times.txt", "--until-end")
    assert shell.ok("show", "latency") == "6\n"
    ended = shell("add", "latency", "--stream", stdin="7\nada\n8\n")
    assert ended.status == 2
    assert "line 2 of standard input: cannot add to 'latency': 'ada': it is not a number" in ended.stderr
    assert shell.ok("show", "latency") == "7\n"


@pytest.mark.parametrize("way", [["0.35", "2"], ["--batch", "-"]])
def test_numbers_under_a_key_count_once_on_all_replicas(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], way: list[str]
) -> None:
    other = new_replica("other")
    for one in (replica, replica, other):
        shell.ok("--replica", one.path, "add", "t", *way, "--type", "hist", "--once", "job", stdin="0.35\n2\n")
    replica.merge_bytes(other.export_bytes())
    assert replica.value("t") == 2
    assert replica.reading("t").once == {"job": 2}
    said = assert_refused(shell("add", "t", "0.35", "3", "--once", "job"), 4)
    assert "was used for other numbers before; nothing was added" in said
    assert replica.value("t") == 2


def test_of_different_numbers_under_one_key_the_more_numerous_ones_count(
    replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    other = new_replica("other")
    replica.add_numbers("t", 9, once="job")
    other.add_numbers("t", 1, 2, once="job")
    other.add_numbers("t", 5)
    replica.merge_bytes(other.export_bytes())
    other.merge_bytes(replica.export_bytes())
    for one in (replica, other):
        assert one.reading("t").distribution.total == "8"
        assert one.reading("t").shares == {replica.id: 0, other.id: 3}


def test_keys_of_a_hist_do_not_expire_and_do_not_hinder_others(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", once="job")
    replica.add_numbers("t", 9, once="job")
    assert replica.expire(replica.clock()) == 1
    replica.add_numbers("t", 9, once="job")
    assert replica.value("t") == 1


def test_a_set_may_be_added_to_under_a_key(shell: Shell, replica: Replica) -> None:
    for _ in range(2):
        shell.ok("add", "visitors", "ada", "--once", "job")
    assert replica.value("visitors") == 1


# Reading -------------------------------------------------------------------------------------------------


@pytest.fixture
def hundred(replica: Replica) -> Replica:
    """Return a replica with the numbers from 1 to 100, and a counter."""
    replica.add_numbers("latency", *range(1, 101))
    replica.increment("builds", 3)
    return replica


def test_one_quantile_is_printed_alone(shell: Shell, hundred: Replica) -> None:
    for word in ("0.99", "p99", "99%", ".990"):
        assert shell.ok("show", "latency", "--quantile", word) == "99.0075\n"
    assert shell.ok("show", "latency", "--quantile", "0") == "1\n"
    assert shell.ok("show", "latency", "--quantile", "1") == "100\n"
    assert shell.ok("show", "latency", "--quantile", "0.5", "--format", "tsv") == "latency\t0.5\t50.4156\n"


def test_several_quantiles_are_rows(shell: Shell, hundred: Replica) -> None:
    assert shell.ok("show", "latency", "--quantile", "0,p50") == "latency\t0\t1\nlatency\t0.5\t50.4156\n"
    hundred.add_numbers("other", "0.1")
    rows = "latency\t0.5\t50.4156\nother\t0.5\t0.1\n"
    assert shell.ok("show", "latency", "other", "--quantile", "0.5") == rows
    assert shell.ok("show", "--quantile", "0.5") == shell.ok("show", "*e*", "--quantile", "0.5") == rows
    found = json.loads(shell.ok("show", "latency", "--quantile", "0.5,0.25", "--format", "json"))
    assert found["counters"] == [
        {"name": "latency", "type": "hist", "relative_error": 0.01, "quantiles": {"0.5": 50.4156, "0.25": 25.1675}}
    ]


def test_all_figures_are_rows_or_fields(shell: Shell, hundred: Replica) -> None:
    rows = shell.ok("show", "latency", "--distribution", "--quantile", "0.5").splitlines()
    assert [row.split("\t")[1:] for row in rows] == [
        ["count", "100"],
        ["sum", "5050"],
        ["mean", "50.5"],
        ["min", "1"],
        ["0.5", "50.4156"],
        ["max", "100"],
    ]
    for words in (["latency"], ["latency", "--distribution"], []):
        (item, *_) = reversed(json.loads(shell.ok("show", *words, "--format", "json"))["counters"])
        assert {key: item[key] for key in ("count", "sum", "mean", "min", "max", "relative_error")} == {
            "count": 100,
            "sum": 5050,
            "mean": 50.5,
            "min": 1,
            "max": 100,
            "relative_error": 0.01,
        }
        assert list(item["quantiles"]) == ["0.5", "0.9", "0.95", "0.99"]
        assert item["buckets"][0] == {"upper": 1, "count": 1, "cumulative": 1}
        assert item["buckets"][-1] == {"upper": 100, "count": 2, "cumulative": 100}
    assert "cumulative = 100" in shell.ok("show", "latency", "--format", "toml")


def test_a_number_that_json_readers_would_round_is_text(shell: Shell, replica: Replica) -> None:
    replica.add_numbers("t", "0.12345678901234567", "12345678901234567890")
    (item,) = json.loads(shell.ok("show", "t", "--format", "json"))["counters"]
    assert (item["sum"], item["max"], item["min"]) == (
        "12345678901234567890.12345678901234567",
        "12345678901234567890",
        "0.12345678901234567",
    )


@pytest.mark.parametrize("word", ["NaN", "-0.1", "2", "p101", "101%", "", "x", "0.5,,0.9", "0.5,2", "1e-40", "inf"])
def test_what_is_no_quantile_is_refused(shell: Shell, hundred: Replica, word: str) -> None:
    assert "quantile" in assert_refused(shell("show", "latency", f"--quantile={word}"), 2)


def test_quantiles_are_of_distributions_only(shell: Shell, hundred: Replica) -> None:
    for option in (["--quantile", "0.5"], ["--distribution"]):
        assert "'builds' is a pncounter, and has no quantiles" in assert_refused(shell("show", "builds", *option), 4)
        assert_refused(shell("show", "nothing", *option), 66)
        for other in ("--by-replica", "--members", "--attempts", "--state", "--default=0"):
            assert "leave the other options out" in assert_refused(shell("show", "latency", *option, other), 2)
    assert "no members" in assert_refused(shell("show", "latency", "--members"), 4)


def test_a_quantile_is_compared_with_bounds(shell: Shell, hundred: Replica) -> None:
    for words in ("--max 99.1", "--min 99", "--min 98.5 --max 1e2"):
        assert shell.ok("show", "latency", "--quantile", "0.99", *words.split()) == "99.0075\n"
    for words, why in (("--max 99.007", "99.0075, above 99.007"), ("--min 1e2", "99.0075, below 100")):
        ended = shell("show", "latency", "--quantile", "p99", *words.split())
        assert (ended.status, ended.stdout) == (1, "99.0075\n")
        assert f"the quantile 0.99 of 'latency' is {why}" in ended.stderr
    assert "single quantile" in assert_refused(shell("show", "latency", "--quantile", "0.5,0.9", "--max", "1"), 2)
    assert "single quantile" in assert_refused(shell("show", "latency", "--distribution", "--max", "1"), 2)
    assert "write 0.5" in assert_refused(shell("show", "latency", "--quantile", "0.5", "--max", "0,5"), 2)
    assert "one NAME" in assert_refused(shell("show", "lat*", "--quantile", "0.5", "--max", "1"), 2)


def test_quantiles_of_no_numbers_are_a_no(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "latency", "--type", "hist")
    ended = shell("show", "latency", "--quantile", "0.5")
    assert (ended.status, ended.stdout) == (1, "")
    assert "has no numbers yet" in ended.stderr
    rows = shell.ok("show", "latency", "--distribution").splitlines()
    assert rows[:3] == ["latency\tcount\t0", "latency\tsum\t0", "latency\tmean\t"]
    assert replica.reading("latency").quantile(0.5) is None


# Settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "level"), [("0.01", "c"), ("1%", "c"), ("0.011", "c"), ("0.0099", "d"), ("0.5", "a"), ("0.00125", "f")]
)
def test_an_error_chooses_a_level_that_is_at_least_as_exact(
    shell: Shell, replica: Replica, error: str, level: str
) -> None:
    shell.ok("create", "latency", "--type", "hist", "--error", error)
    assert replica.reading("latency").state[replica.id][1] == (level,)


@pytest.mark.parametrize("error", ["0", "1", "0.001", "-0.01", "nan", "x", "", "100%", "0.1%"])
def test_an_error_out_of_bounds_is_refused(shell: Shell, replica: Replica, error: str) -> None:
    assert_refused(shell("create", "latency", "--type", "hist", f"--error={error}"), 2)
    assert shell.ok("show") == ""


def test_only_a_hist_has_an_error(shell: Shell, replica: Replica) -> None:
    assert "only a hist" in assert_refused(shell("create", "s", "--type", "pncounter", "--error", "0.01"), 2)


def test_replicas_that_chose_other_errors_read_the_largest(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    other = new_replica("other")
    other.create("latency", "hist", error=0.04)
    replica.create("latency", "hist", error="0.125 %")
    for one in (replica, other):
        one.add_numbers("latency", *range(1, 1001))
    replica.merge_bytes(other.export_bytes())
    other.merge_bytes(replica.export_bytes())
    assert (
        shell.ok("--replica", other.path, "show", "latency", "--format", "json").partition("\n")[2]
        == shell.ok("show", "latency", "--format", "json").partition("\n")[2]
    )
    assert replica.reading("latency").facts == {"relative_error": 0.04}
    assert replica.reading("latency").quantile(0.5) == pytest.approx(500, rel=0.04)


def test_nothing_can_be_taken_back_or_counted(shell: Shell, hundred: Replica) -> None:
    before = contents(hundred.path)
    for words, why in (
        ("increment latency", "add them to it"),
        ("decrement latency", "cannot take a number back"),
        ("reset latency", "cannot be reset"),
    ):
        assert why in assert_refused(shell(*words.split()), 4)
    assert contents(hundred.path) == before


def test_the_library_takes_numbers_of_any_kind(replica: Replica) -> None:
    from decimal import Decimal

    replica.add_numbers("t", 1, 0.1, Decimal("0.2"), "0.3", True + 1)
    assert replica.reading("t").distribution.total == "3.6"
    with replica.stream() as stream:
        for _ in range(3):
            stream.add_numbers("t", 2.5)
    assert replica.value("t") == 8


def test_replicas_that_heard_the_same_show_the_same_bytes(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica]
) -> None:
    other = new_replica("other")
    replica.add_numbers("t", "0.00000123", 5, once="job")
    other.add_numbers("t", "0.00000123", "1e20", "-0.1", labels={"os": "linux"})
    replica.merge_bytes(other.export_bytes())
    other.merge_bytes(replica.export_bytes())
    for words in (["--quantile", "0.1,0.5"], ["--distribution"], ["--series"], ["--by", "os"], []):
        for form in ("json", "csv", "toml"):
            shown = [
                shell.ok("--replica", one.path, "show", "t", *words, "--format", form).replace(one.id, "ID")
                for one in (replica, other)
            ]
            assert shown[0] == shown[1]
