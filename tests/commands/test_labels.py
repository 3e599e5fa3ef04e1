"""Labels on the command line: --label, CRDTCTL_LABELS, spellings, and lines of batches and streams."""

from collections.abc import Callable

import pytest

from crdtctl import Replica
from crdtctl.crdt import TYPES
from tests.conftest import Shell
from tests.support.expect import assert_refused, contents

SERIES = 'tests{os="linux",py="3.12"}'
#: Words that all mean the same counter.
WAYS = [
    [SERIES],
    ['tests{ py = "3.12", os="linux", }'],
    ['tests {os="linux",py="3.12"}'],
    ["tests", "--label", "os=linux", "-l", "py=3.12"],
    ["--label=py=3.12", "-los=linux", "tests"],
    ["-l", "py=3.12", 'tests{os="linux"}'],
    ['tests{os="bsd"}', "-l", "py=3.12", "-l", "os=linux"],
    ["tests", "-l", 'os="linux"', "-l", "py = 3.12"],
]


def values(replica: Replica) -> dict[str, int]:
    return {one.name: one.value for one in replica.counters()}


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_labels_of_every_verb_name_one_counter(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], words: list[str]
) -> None:
    other = new_replica("other")
    other.increment("x")
    replica.merge_bytes(other.export_bytes())
    shell.ok("create", *words, "--type", "bcounter", "--initial", "5")
    shell.ok("increment", *words)
    shell.ok("decrement", *words)
    assert values(replica) == {SERIES: 5, "x": 1}
    shell.ok("transfer", *words, "other", "2")
    shell.ok("request", *words, "other", "1")
    assert replica.rights(SERIES).holders == {replica.id: 3, other.id: 2}
    assert replica.rights('tests{py="3.12",os="linux"}').asked == {other.id: 1}


@pytest.mark.parametrize("words", WAYS, ids=" ".join)
def test_labels_of_a_set_and_of_a_reset_name_one_counter(shell: Shell, replica: Replica, words: list[str]) -> None:
    replica.add("tests", "ada")
    shell.ok("add", *words, "--batch", "-", stdin="ada\ngrace\n")
    assert values(replica) == {"tests": 1, SERIES: 2}
    shell.ok("reset", *words)
    assert values(replica) == {"tests": 1, SERIES: 0}


def test_pair_with_labels_ends_at_the_last_equals_sign_outside_of_braces(shell: Shell, replica: Replica) -> None:
    shell.ok("increment", 'a{x="b=c"}=3', 'b{x="}=4"}=5', "c=6", "-l", "y=z")
    assert values(replica) == {'a{x="b=c",y="z"}': 3, 'b{x="}=4",y="z"}': 5, 'c{y="z"}': 6}
    shell.ok("increment", 'a{x="=7"}')
    shell.ok("increment", 'a{x="=7"}', "2")
    assert replica.value('a{x="=7"}') == 3


def test_labels_of_the_environment_yield_to_those_of_the_line(shell: Shell, replica: Replica) -> None:
    everywhere = {"CRDTCTL_LABELS": 'os=bsd, path="a,b",job=7,'}
    assert shell("increment", 'a{os="linux"}', "-l", "job=8", environment=everywhere).status == 0
    assert shell("increment", "a=2", environment=everywhere).status == 0
    assert shell("add", "b", "ada", environment=everywhere).status == 0
    assert values(replica) == {
        'a{job="8",os="linux",path="a,b"}': 1,
        'a{job="7",os="bsd",path="a,b"}': 2,
        'b{job="7",os="bsd",path="a,b"}': 1,
    }
    reading = shell("show", 'a{job="8",os="linux",path="a,b"}', environment={"CRDTCTL_LABELS": "new=1"})
    assert reading.stdout == "1\n"


def test_reset_of_a_name_or_a_selection_resets_what_show_adds_up(shell: Shell, replica: Replica) -> None:
    for name in (
        "tests",
        'tests{os="linux",py="3.12"}',
        'tests{os="linux"}',
        'tests{os="bsd"}',
        "tests.x",
        'a{os="linux"}',
    ):
        replica.increment(name)
    replica.add("tests", "ada", labels={"os": "gset"}, tag="gset", also=True)
    shell.ok("reset", "tests", "-l", "os=linux")
    assert values(replica) == {
        'a{os="linux"}': 1,
        "tests": 1,
        "tests.x": 1,
        'tests{os="bsd"}': 1,
        'tests{os="gset"}': 1,
        'tests{os="linux"}': 0,
        'tests{os="linux",py="3.12"}': 0,
    }
    shell.ok("reset", "tests", "--type", "pncounter")
    assert (replica.value("tests"), replica.value('tests{os="bsd"}')) == (0, 0)
    assert replica.value('tests{os="gset"}') == replica.value("tests.x") == replica.value('a{os="linux"}') == 1
    shell.ok("reset", "tests", "a")
    assert values(replica) == {**dict.fromkeys(values(replica), 0), "tests.x": 1}
    before = contents(replica.path)
    assert_refused(shell("reset", "tests", "-l", "os=win"), 66)
    assert_refused(shell("reset", "tests*"), 66)
    assert contents(replica.path) == before


@pytest.mark.parametrize("tag", ["hll", "hist"])
def test_batch_for_a_new_series_is_read_as_the_others_need_it(shell: Shell, replica: Replica, tag: str) -> None:
    shell.ok("create", "seen", "-l", "day=1", "--type", tag)
    shell.ok("add", "seen", "--batch", "-", "-l", "day=2", stdin="1\n2\n2\n")
    assert replica.tags('seen{day="2"}') == [tag]
    assert replica.value('seen{day="2"}') == (3 if tag == "hist" else 2)


LINES = 'a{os="linux"} 5\na{os="linux"}\nb{x="1 2"}\t7\nc 2\n{"name":"d","labels":{"os":"bsd","x":"y"}}\n'
LABELLED = {
    'a{job="7",os="linux"}': 6,
    'b{job="7",os="mac",x="1 2"}': 7,
    'c{job="7",os="mac"}': 2,
    'd{job="7",os="bsd",x="y"}': 1,
}


@pytest.mark.parametrize("way", ["--batch", "--stream", "--follow"])
def test_label_of_a_line_wins_over_an_option(shell: Shell, replica: Replica, way: str) -> None:
    (shell.directory / "lines").write_text(LINES)
    until_end = ["--until-end"] if way == "--follow" else []
    shell("increment", way, "lines", *until_end, "-l", "os=mac", environment={"CRDTCTL_LABELS": "job=7,os=win"})
    assert values(replica) == LABELLED


@pytest.mark.parametrize("way", ["--batch", "--stream"])
def test_set_of_a_stream_has_labels(shell: Shell, replica: Replica, way: str) -> None:
    words = [way, "-"] if way == "--batch" else [way]
    shell.ok("add", "seen", *words, "-l", "day=1", stdin="ada\n")
    shell.ok("add", "sketched", *words, "-l", "day=1", "--type", "hll", stdin="ada\n")
    assert values(replica) == {'seen{day="1"}': 1, 'sketched{day="1"}': 1}


@pytest.mark.parametrize(
    ("form", "line", "expected"),
    [
        ("names", 'a{x="1"}', {'a{x="1"}': 1}),
        ("uniq", '  3 a{x="1 2"}', {'a{x="1 2"}': 3}),
        ("tsv", 'a{y="2",x="1"}\t4', {'a{x="1",y="2"}': 4}),
        ("json", '{"name":"a{x=\\"1\\"}","labels":{"x":"2"}}', {'a{x="2"}': 1}),
        ("statsd", "a:3|c|#os:linux,env:prod", {'a{env="prod",os="linux"}': 3}),
        (
            "statsd",
            "a:2|c|@.5|#cold-start,9:x,host.name:h:1,empty:",
            {'a{_9="x",cold_start="true",host_name="h:1"}': 4},
        ),
        ("auto", 'a{x="5 6"}', {'a{x="5 6"}': 1}),
        ("auto", 'a{x="}"}  7 ', {'a{x="}"}': 7}),
    ],
)
def test_line_of_each_form_has_labels(
    shell: Shell, replica: Replica, form: str, line: str, expected: dict[str, int]
) -> None:
    shell.ok("increment", "--batch", "-", "--lines", form, stdin=f"{line}\n")
    assert values(replica) == expected


@pytest.mark.parametrize(
    ("form", "line", "why"),
    [
        ("auto", 'a{x="1"}=5', "write NAME, a tab, AMOUNT"),
        ("auto", 'a{x="1"}5', "follows the closing brace"),
        ("auto", 'a{x="1"} b', "' b' is not an amount"),
        ("auto", "a{x=1} 5", "not in double quotes"),
        ("json", '{"name":"a","labels":["x"]}', "labels must be a mapping, not list"),
        ("json", '{"name":"a","labels":{"x":3}}', "must be a string, not int"),
        ("json", '{"name":"a","labels":{"x":null}}', "must be a string, not NoneType"),
        ("json", '{"name":"a","labels":{"x":"\\u0000"}}', "control"),
        ("json", '{"name":"a","labels":{"x":"1","x":"2"}}', "repeated"),
        ("statsd", "a:1|c|#a.b:1,a-b:2", "'a_b' is there twice"),
        ("statsd", "a:1|c|#" + ",".join(f"k{n}:v" for n in range(17)), "more than 16 labels"),
    ],
)
def test_wrong_labels_of_a_line_are_refused(shell: Shell, replica: Replica, form: str, line: str, why: str) -> None:
    before = contents(replica.path)
    message = assert_refused(shell("increment", "--batch", "-", "--lines", form, stdin=f"{line}\n"), 2)
    assert "line 1 of standard input" in message
    assert why in message
    assert contents(replica.path) == before


@pytest.mark.parametrize(
    ("words", "why", "advice"),
    [
        (["a{os=linux}"], "not in double quotes", """write 'a{os="linux"}' in single quotes, or a --label os=linux"""),
        (["a{os=linux,py=3}=5"], "not in double quotes", "a --label os=linux --label py=3"),
        (['a{os="x"'], "is missing", ""),
        (['{os="x"}'], "cannot be empty", ""),
        (['a{os="x"}b'], "follows the closing brace", ""),
        (['a{os="x",os="y"}'], "'os' is there twice", ""),
        (['a{os=""}'], "'os' cannot be empty", ""),
        (["a}"], "cannot hold '}'", ""),
        (["a", "-l", "os"], "--label 'os'", "for example: --label os=linux"),
        (["a", "-l", "o-s=1"], "only the letters", "--label os=linux"),
        (["a", "-l", "os="], "cannot be empty", "--label os=linux"),
        (["a", "-l", "os=1,py=2"], "it looks like several labels", "--label os=linux"),
        (["a", "-l", "os=1", "-l", "os=2"], "'os' is there twice", "leave one of both out"),
        (["a", *(f"-lk{n}=v" for n in range(17))], "more than 16 labels", ""),
        (["a", "-l", "os=" + "x" * 2050], "longer than 2048", ""),
        (['a{x="1"}', 'b{x="2"}'], "is not an amount", """'a{x="1"}=1' 'b{x="2"}=1'"""),
        (['a{x="1"}', "b=2"], "is not NAME=AMOUNT", """'a{x="1"}=1' b=2"""),
    ],
)
def test_wrong_labels_are_refused_with_advice(
    shell: Shell, replica: Replica, words: list[str], why: str, advice: str
) -> None:
    before = contents(replica.path)
    message = assert_refused(shell("increment", *words), 2)
    assert why in message
    assert advice in message
    assert contents(replica.path) == before


@pytest.mark.parametrize("labels", ["os", "os=", "o-s=1", "os=1,os=2", 'os="1', "os=1;py=2,,x", "=x", "x" * 5000])
def test_wrong_labels_of_the_environment_name_the_variable(shell: Shell, replica: Replica, labels: str) -> None:
    before = contents(replica.path)
    message = assert_refused(shell("increment", "a", environment={"CRDTCTL_LABELS": labels}), 2)
    assert "CRDTCTL_LABELS: " in message
    assert "for example: CRDTCTL_LABELS=os=linux,py=3.12" in message
    assert contents(replica.path) == before


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("batch", [False, True])
def test_new_series_has_the_precision_and_the_error_level_of_its_name(
    shell: Shell, replica: Replica, bare: bool, batch: bool
) -> None:
    labels = [] if bare else ["-l", "day=1"]
    shell.ok("create", "seen", *labels, "--type", "hll", "--precision", "14")
    shell.ok("create", "took", *labels, "--type", "hist", "--error", "0.005")
    for name in ("seen", "took"):
        words, given = (["--batch", "-"], "1\n2\n") if batch else (["1", "2"], "")
        shell.ok("add", name, *words, "-l", "day=2", stdin=given)
    seen, took = replica.reading('seen{day="2"}'), replica.reading('took{day="2"}')
    assert TYPES["hll"].precision_info(seen.state)["precision"] == 14
    assert TYPES["hist"].precision_info(took.state)["relative_error"] == 0.005
