"""A name that is used for counters of two types, by mistake most often."""

import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_one_line, assert_refused, contents


@pytest.fixture
def two(new_replica: Callable[[str], Replica]) -> tuple[Replica, Replica]:
    """Return a replica with a pncounter of 5 and one with a gcounter of 1, of one name."""
    a, b = new_replica("a"), new_replica("b")
    a.increment("builds", 5)
    b.increment("builds", 1, tag="gcounter")
    return a, b


@pytest.mark.parametrize(
    "words",
    [
        "create builds --type gcounter",
        "increment builds --type gcounter",
        "increment builds=2 --type gcounter",
        "decrement builds --type handoff",
        "add builds ada --type hll",
        "create builds --type bcounter --initial 4",
    ],
)
@pytest.mark.parametrize("learned", [False, True])
def test_a_second_type_of_a_name_in_use_is_refused(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], words: str, learned: bool
) -> None:
    other = new_replica("other")
    (other if learned else replica).increment("builds")
    replica.merge_bytes(other.export_bytes())
    before = contents(replica.path)
    said = assert_refused(shell(*words.split()), 73)
    assert "'builds' is a pncounter here" in said
    assert "--also" in said
    assert contents(replica.path) == before


def test_the_type_in_the_environment_and_in_a_batch_makes_no_second_one_either(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    with_type = Shell(shell.directory, {**shell.environment, "CRDTCTL_TYPE": "gcounter"})
    assert_refused(with_type("increment", "builds"), 73)
    assert_refused(shell("increment", "--batch", "-", stdin='{"name":"builds","type":"gcounter"}\n'), 73)
    assert replica.value("builds") == 1


@pytest.mark.parametrize(
    "words", ["create deploys --type gcounter --also", "increment deploys 3 --type gcounter --also"]
)
def test_a_second_type_is_made_if_that_is_asked_for(shell: Shell, replica: Replica, words: str) -> None:
    replica.increment("deploys")
    shell.ok(*words.split())
    assert [reading.tag for reading in replica.readings("deploys")] == ["gcounter", "pncounter"]


def test_a_second_type_that_was_only_created_does_not_stop_the_first(shell: Shell, replica: Replica) -> None:
    replica.increment("deploys")
    replica.create("deploys", "gcounter", also=True)
    shell.ok("increment", "deploys")
    assert shell.ok("show", "deploys") == "2\n"


def test_an_arriving_second_type_is_reported_once_and_reading_goes_on(
    shell: Shell, two: tuple[Replica, Replica]
) -> None:
    a, b = two
    b.export_to(shell.directory / "b.json")
    ended = shell("--replica", a.path, "merge", "b.json")
    assert (ended.status, ended.stdout) == (0, "")
    said = assert_one_line(ended.stderr)
    assert f"'builds' came as a second type, gcounter, from {b.id}" in said
    assert shell.ok("--replica", a.path, "merge", "b.json") == ""
    b.increment("builds", tag="gcounter")
    b.export_to(shell.directory / "b.json")
    assert shell.ok("--replica", a.path, "merge", "b.json") == ""
    for words in ("show builds", "show builds --min 3", "show builds --type pncounter"):
        assert shell.ok("--replica", a.path, *words.split()) == "5\n"
    assert shell.ok("--replica", a.path, "show", "builds", "--type", "gcounter") == "2\n"
    assert shell.ok("--replica", a.path, "show") == "builds\tgcounter\t2\nbuilds\tpncounter\t5\n"
    found = json.loads(shell.ok("--replica", a.path, "show", "builds", "--format", "json"))
    assert [one["type"] for one in found["counters"]] == ["pncounter"]
    assert a.value("builds") == 5
    assert b.value("builds") == 2
    shell.ok("--replica", a.path, "increment", "builds")
    assert a.value("builds") == 6


@pytest.mark.parametrize("by", ["sync", "exchange", "absorb", "merge --format json"])
def test_an_arriving_second_type_is_reported_however_it_comes(
    shell: Shell, two: tuple[Replica, Replica], by: str
) -> None:
    a, b = two
    if by == "absorb":
        b.seal()
    b.export_to(shell.directory / "b.json")
    (shell.directory / "shared").mkdir()
    shell.ok("--replica", b.path, "sync", "./shared")
    way: dict[str, Sequence[str | Path]] = {
        "sync": ["sync", "./shared"],
        "exchange": ["exchange", b.path],
        "absorb": ["absorb", "b.json"],
        "merge --format json": ["merge", "--format", "json", "b.json"],
    }
    ended = shell("--replica", a.path, *way[by])
    assert ended.status == 0
    assert "'builds' came as a second type, gcounter" in ended.stdout + ended.stderr
    assert (ended.stdout == "") == (by != "merge --format json")


def test_a_second_type_is_found_among_many_counters_and_in_both_halves_of_a_large_merge(
    new_replica: Callable[[str], Replica],
) -> None:
    a, b = new_replica("a"), new_replica("b")
    for replica, tag in ((a, "pncounter"), (b, "gcounter")):
        with replica.batch() as batch:
            for number in range(0, 2000, 1 if replica is a else 400):
                batch.increment(f"page.{number:04}", tag=tag)
    report = a.merge_bytes(b.export_bytes())
    assert [one.name for one in report.second_types] == [f"page.{number:04}" for number in range(0, 2000, 400)]
    assert {one.tag for one in report.second_types} == {"gcounter"}


@pytest.mark.skipif(os.cpu_count() == 1, reason="one process does all")
def test_both_processes_of_a_large_merge_report_second_types(new_replica: Callable[[str], Replica]) -> None:
    from crdtctl.store.inputs import Input

    a, b = new_replica("a"), new_replica("b")
    for replica, tag in ((a, "pncounter"), (b, "gcounter")):
        with replica.batch() as batch:
            for name in ("a first", "z last"):
                batch.increment(name, tag=tag)
            if replica is b:
                for number in range(70_000):
                    batch.increment(f"page.{number:05}.{'x' * 60}")
    report = a.merge_inputs([Input("b", data=b.export_bytes())], processes=2)
    assert sorted(one.name for one in report.second_types) == ["a first", "z last"]


def test_names_that_look_like_the_end_of_a_line_bring_no_second_type(new_replica: Callable[[str], Replica]) -> None:
    a, b = new_replica("a"), new_replica("b")
    for one in (a, b):
        one.add('x":', "x]},", ']},"', '":{"')
        one.increment('y":"', 2)
    assert a.merge_bytes(b.export_bytes()).second_types == []


def test_a_reader_that_uses_neither_type_is_told_how_to_choose_for_good(
    shell: Shell, two: tuple[Replica, Replica], replica: Replica
) -> None:
    replica.merge_bytes(*(one.export_bytes() for one in two))
    for words in ("show builds", "increment builds", "reset builds"):
        assert "[types]" in assert_refused(shell(*words.split()), 2)
    with Path(replica.path, "config.toml").open("a") as file:
        file.write('[types]\nbuilds = "pncounter"\n')
    assert shell.ok("show", "builds") == "5\n"
    shell.ok("increment", "builds")
    assert shell.ok("show", "builds") == "6\n"
    assert replica.value("builds") == 6
    shell.ok("remote", "add", "here", "./shared")
    shell.ok("check")


def test_a_wrong_table_of_types_is_named(shell: Shell, replica: Replica) -> None:
    settings = Path(replica.path, "config.toml")
    settings.write_text('[types]\nbuilds = "nocounter"\n')
    assert "types must be a table" in shell("check").stdout
    assert "types must be a table" in assert_one_line(shell("remote", "list").stderr)
    settings.write_text("")


def test_a_handoff_counter_that_arrives_leaves_the_type_in_use_in_use(new_replica: Callable[[str], Replica]) -> None:
    a, b = new_replica("a"), new_replica("b")
    a.increment("requests", 5)
    b.create("requests", "handoff")
    b.increment("requests", 2)
    report = a.merge_bytes(b.export_bytes())
    assert [(one.name, one.tag) for one in report.second_types] == [("requests", "handoff")]
    a.increment("requests")
    assert a.value("requests") == 6
    assert a.value("requests", "handoff") == 2


# A decrement of something that nobody has heard of -------------------------------------------------------


def test_a_decrement_of_a_name_never_seen_says_so_once(shell: Shell, replica: Replica) -> None:
    ended = shell("decrement", "typo")
    assert (ended.status, ended.stdout) == (0, "")
    assert "'typo' was never counted here" in assert_one_line(ended.stderr)
    shell.ok("decrement", "typo")
    assert replica.value("typo") == -2
    shell.ok("create", "stock", "--type", "pncounter")
    shell.ok("decrement", "stock")


def test_a_batch_of_decrements_names_the_new_counters_in_one_line(shell: Shell, replica: Replica) -> None:
    replica.increment("apples")
    ended = shell("decrement", "--batch", "-", stdin="apples\npears\nplums\nfigs\nnuts\n")
    assert ended.status == 0
    said = assert_one_line(ended.stderr)
    assert "' and 1 more were never counted here" in said
    assert "apples" not in said


@pytest.mark.parametrize(
    "words", ["decrement seats --existing", "increment seats=2 --existing", "add seats ada --existing"]
)
def test_what_must_exist_is_not_made(shell: Shell, words: str, tmp_path: Path) -> None:
    assert_refused(shell(*words.split()), 66)  # nor is a replica
    assert not list(tmp_path.rglob("own.json"))
    shell.ok("init")
    shell.ok("increment", "builds")
    said = assert_refused(shell(*words.split()), 66)
    assert "no counter 'seats' here" in said
    shell.ok(*words.replace(" --existing", "").replace("decrement", "increment").split())
    shell.ok(*words.split())


def test_a_pncounter_that_an_early_decrement_made_meets_the_bcounter_that_was_meant(
    shell: Shell, new_replica: Callable[[str], Replica]
) -> None:
    shop, till = new_replica("shop"), new_replica("till")
    shop.create("seats", "bcounter", initial=100)
    assert "never counted here" in shell("--replica", till.path, "decrement", "seats").stderr
    for one, other, tag in ((shop, till, "pncounter"), (till, shop, "bcounter")):
        other.export_to(shell.directory / "other.json")
        ended = shell("--replica", one.path, "merge", "other.json")
        assert ended.status == 0
        assert f"'seats' came as a second type, {tag}" in assert_one_line(ended.stderr)
    assert shell.ok("--replica", shop.path, "show", "seats") == "100\n"
    assert shell.ok("--replica", till.path, "show", "seats") == "-1\n"
    assert shell.ok("--replica", till.path, "show", "seats", "--type", "bcounter") == "100\n"


@pytest.mark.parametrize("learned", [False, True])
def test_a_counter_without_labels_has_the_type_of_its_series(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], learned: bool
) -> None:
    other = new_replica("other")
    (other if learned else replica).increment("builds", 4, tag="gcounter", labels={"os": "mac"})
    replica.merge_bytes(other.export_bytes())
    shell.ok("increment", "builds")
    shell.ok("increment", "--batch", "-", stdin='builds\nnew{a="b"}\nnew\n')
    assert shell.ok("show", "builds") == "6\n"
    assert replica.tags("builds") == ["gcounter"]


@pytest.mark.parametrize(
    "words",
    [
        "create builds --type gcounter",
        "increment builds --type gcounter",
        "increment builds -l os=bsd --type gcounter",
        "observe builds 7 --source disk --type gcounter",
        "add builds ada --type gset",
        "create builds -l os=bsd --type bcounter --initial 4",
    ],
)
@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("labels", [{}, {"os": "mac"}], ids=str)
def test_a_second_type_of_a_name_is_refused_in_another_spelling(
    shell: Shell,
    replica: Replica,
    new_replica: Callable[[str], Replica],
    words: str,
    learned: bool,
    labels: dict[str, str],
) -> None:
    other = new_replica("other")
    (other if learned else replica).increment("builds", labels=labels)
    replica.merge_bytes(other.export_bytes())
    before = contents(replica.path)
    said = assert_refused(shell(*words.split()), 73)
    assert "'builds' is a pncounter here" in said
    assert "--also" in said
    assert contents(replica.path) == before
    if "observe" not in words:
        shell.ok(*words.split(), "--also")
        assert sorted({one.tag for one in replica.counters()}) != ["pncounter"]


def test_a_decrement_makes_no_counter_beside_the_stock_of_a_series(shell: Shell, replica: Replica) -> None:
    shell.ok("create", "seats", "-l", "room=1", "--type", "bcounter", "--initial", "10")
    before = contents(replica.path)
    said = assert_refused(shell("decrement", "seats", "3"), 66)
    assert said.endswith("no bcounter 'seats' here, only with other labels; 'crdtctl show seats --series' lists them\n")
    assert contents(replica.path) == before
    assert shell.ok("show", "seats") == "10\n"


def test_a_name_with_several_types_needs_one_of_them_for_a_new_series(shell: Shell, replica: Replica) -> None:
    replica.add("seen", ["ada"], labels={"day": "1"})
    replica.increment("seen", tag="gcounter", labels={"day": "2"}, also=True)
    said = assert_refused(shell("increment", "seen", "-l", "day=3"), 73)
    assert "'seen' is a gcounter and a gset here, and would be a pncounter as well; choose one with --type" in said
    shell.ok("increment", "seen", "-l", "day=3", "--type", "gcounter")
    Path(replica.path, "config.toml").write_text('[types]\nseen = "gcounter"\n')
    shell.ok("increment", "seen", "-l", "day=4")
    assert shell.ok("show", "seen") == "3\n"


def test_a_series_of_two_types_counts_as_both_for_a_new_series(shell: Shell, replica: Replica) -> None:
    replica.increment("seen", tag="gcounter", labels={"day": "1"})
    replica.add("seen", ["ada"], tag="gset", labels={"day": "1"}, also=True)
    said = assert_refused(shell("increment", "seen", "-l", "day=2"), 73)
    assert "'seen' is a gcounter and a gset here" in said


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        ("reset builds --type gcounter", 66, "'builds' is a pncounter here, not a gcounter; name another counter"),
        ("show builds --type hll", 66, "'builds' is a pncounter here, not an hll; name another counter"),
        ("forget builds --type gset", 66, "'builds' is a pncounter here, not a gset; name another counter"),
        ("request builds hub 1", 66, "'builds' is a pncounter here, not a bcounter; name another counter"),
        ("transfer builds hub 1", 66, "'builds' is a pncounter here, not a bcounter; name another counter"),
        ("decrement builds --type bcounter", 66, "'builds' is a pncounter here, not a bcounter; name another counter"),
        ("add builds ada", 4, "cannot add to 'builds': a pncounter counts amounts and has no elements; increment it"),
        ("observe uniq 7 --source s", 4, "cannot observe 'uniq': an hll has no readings; observe a gcounter"),
        ("show builds --quantile 0.5", 4, "'builds' is a pncounter, and has no quantiles; a hist has them"),
        ("show builds --members", 4, "'builds' is a pncounter, and has no members; a gset has them"),
        ("request seats here 1", 4, "cannot request rights to 'seats': a replica cannot ask itself for rights; name"),
        ("transfer seats here 1", 4, "cannot transfer rights to 'seats': that replica has these rights; name another"),
    ],
)
def test_message_about_a_wrong_type_names_the_type_and_what_to_do(
    shell: Shell, replica: Replica, words: str, status: int, message: str
) -> None:
    other = Replica.init(shell.directory / "hub", name="hub")
    other.increment("other")
    replica.merge_bytes(other.export_bytes())
    replica.increment("builds")
    replica.add("uniq", ["a"], tag="hll")
    replica.create("seats", tag="bcounter", initial=5)
    words = words.replace(" here ", f" {replica.id} ")
    assert message in assert_refused(shell(*words.split()), status)
