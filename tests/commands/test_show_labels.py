"""`show` of counters with labels: totals, groups, series, orders, formats."""

import csv
import io
import json
import tomllib

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.expect import assert_refused
from tests.support.terminal import on_terminal

LINUX, MACOS = 'tests{os="linux",py="3.12"}', 'tests{os="macos"}'
HOSTILE = 'a,"b"\\{c}=d'


@pytest.fixture
def counted(replica: Replica) -> Replica:
    with replica.batch() as batch:
        batch.increment("tests", 8)
        batch.increment(LINUX, 2)
        batch.increment(MACOS, 4)
        batch.increment("builds", 1)
        batch.increment("builds", 1, labels={"q": HOSTILE})
    return replica


@pytest.mark.parametrize(
    ("words", "lines"),
    [
        (["tests"], ["14"]),
        (['tests{os="linux"}'], ["2"]),
        (["tests", "--where", "os=linux"], ["2"]),
        (["tests", "--where", "os!=linux", "--where", "os!="], ["4"]),
        (["tests", "--exact"], ["8"]),
        ([LINUX, "--exact"], ["2"]),
        (["tests", "builds"], ["tests\tpncounter\t14", "builds\tpncounter\t2"]),
        (["tests", "builds", "--sort", "name"], ["builds\tpncounter\t2", "tests\tpncounter\t14"]),
        (["*s"], ["builds\tpncounter\t2", "tests\tpncounter\t14"]),
        (["[t]ests"], ["tests\tpncounter\t14"]),
        (['*{os="linux"}', "tests"], ['tests{os="linux"}\tpncounter\t2', "tests\tpncounter\t14"]),
        (
            ["tests", "--by", "os"],
            ["tests\tpncounter\t\t8", "tests\tpncounter\tlinux\t2", "tests\tpncounter\tmacos\t4"],
        ),
        (
            ["tests", "--by", "os", "--sort", "value"],
            [f"tests\tpncounter\t{row}" for row in ("\t8", "macos\t4", "linux\t2")],
        ),
        (["tests", "--by", "os", "--top", "1"], ["tests\tpncounter\t\t8"]),
        (
            ["tests", "--by", "os", "--top", "2", "--sort", "name"],
            [f"tests\tpncounter\t{row}" for row in ("\t8", "linux\t2")],
        ),
        (["tests", "--by", "py,os", "--where", "os=linux"], ["tests\tpncounter\t3.12\tlinux\t2"]),
        (["tests", "--by", "py", "--by", "os", "--where", "os=linux"], ["tests\tpncounter\t3.12\tlinux\t2"]),
        (['tests{os="linux"}', "--by", "py"], ['tests{os="linux"}\tpncounter\t3.12\t2']),
        (["tests", "--series"], ["tests\tpncounter\t8", f"{LINUX}\tpncounter\t2", f"{MACOS}\tpncounter\t4"]),
        (["tests", "--series", "--top", "1"], ["tests\tpncounter\t8"]),
        (["--where", "os=*"], [f"{LINUX}\tpncounter\t2", f"{MACOS}\tpncounter\t4"]),
        (["--where", "os=bsd"], []),
        (["--top", "2"], ["tests\tpncounter\t8", f"{MACOS}\tpncounter\t4"]),
        (["--by", "os", "--where", "os=l*"], ["tests\tpncounter\tlinux\t2"]),
        (["tests", "--by", "os", "--format", "value"], ["8", "2", "4"]),
        (["tests", "nothing", "--default", "0"], ["tests\tpncounter\t14", "nothing\t\t0"]),
        (['tests{os="bsd"}', "--default", "0", "--max", "0"], ["0"]),
    ],
)
def test_rows_are_what_the_words_select(shell: Shell, counted: Replica, words: list[str], lines: list[str]) -> None:
    assert shell.ok("show", *words).splitlines() == lines


def test_every_series_has_a_row_without_a_name(shell: Shell, counted: Replica) -> None:
    hostile = 'builds{q="a,\\"b\\"\\\\{c}=d"}'
    names = ["builds", hostile, "tests", LINUX, MACOS]
    assert [line.split("\t")[0] for line in shell.ok("show").splitlines()] == names
    assert [line.split("\t")[0] for line in shell.ok("show", "--series").splitlines()] == names
    assert shell.ok("show", hostile) == "1\n"


@pytest.mark.parametrize("form", ["json", "toml"])
def test_trees_have_labels_as_a_map(shell: Shell, counted: Replica, form: str) -> None:
    read = json.loads if form == "json" else tomllib.loads

    def items(*words: str) -> object:
        return read(shell.ok("show", *words, "--format", form))["counters"]

    assert items("builds", "--series") == [
        {"name": "builds", "type": "pncounter", "value": 1},
        {"name": "builds", "labels": {"q": HOSTILE}, "type": "pncounter", "value": 1},
    ]
    assert items("tests") == [{"name": "tests", "type": "pncounter", "value": 14}]
    assert items('tests{os="linux"}') == [{"name": "tests", "labels": {"os": "linux"}, "type": "pncounter", "value": 2}]
    assert items("tests", "--by", "py") == [
        {"name": "tests", "labels": {"py": ""}, "type": "pncounter", "value": 12},
        {"name": "tests", "labels": {"py": "3.12"}, "type": "pncounter", "value": 2},
    ]


def test_tables_of_text_have_a_column_for_each_label(shell: Shell, counted: Replica) -> None:
    found = list(csv.reader(io.StringIO(shell.ok("show", "builds", "--by", "q,value", "--format", "csv"))))
    assert found == [
        ["name", "type", "q", "label value", "value"],
        ["builds", "pncounter", "", "", "1"],
        ["builds", "pncounter", HOSTILE, "", "1"],
    ]
    found = list(csv.reader(io.StringIO(shell.ok("show", "--format", "csv"))))
    assert found[2] == ['builds{q="a,\\"b\\"\\\\{c}=d"}', "pncounter", "1"]
    assert shell.ok("show", "tests", "--by", "os", "--header").splitlines()[0] == "name\ttype\tos\tvalue"


def test_values_of_labels_are_never_shortened_on_a_terminal(shell: Shell, counted: Replica) -> None:
    time, name = "2026-01-01T00:00:00Z", "here-0123456789abcdef0123456789abcdef"
    counted.increment("jobs", labels={"at": time, "host": name})
    text = on_terminal(shell, "show", "jobs", "--by", "at,host").stdout
    assert time in text
    assert name in text


def test_shares_and_members_and_states_are_those_of_all_series(shell: Shell, counted: Replica) -> None:
    counted.add('seen{os="linux"}', "ada", "grace")
    counted.add('seen{os="macos"}', "ada")
    here = counted.id
    assert shell.ok("show", "tests", "--by-replica") == f"tests\tpncounter\t{here}\t14\n"
    assert shell.ok("show", "tests", "--by-replica", "--by", "py").splitlines() == [
        f"tests\tpncounter\t\t{here}\t12",
        f"tests\tpncounter\t3.12\t{here}\t2",
    ]
    assert shell.ok("show", "seen") == "2\n"
    assert shell.ok("show", "seen", "--members") == "ada\ngrace\n"
    assert shell.ok("show", "seen", "--members", "--by", "os", "--format", "tsv").splitlines() == [
        "seen\tlinux\tada",
        "seen\tlinux\tgrace",
        "seen\tmacos\tada",
    ]
    assert set(json.loads(shell.ok("show", "tests", "--state"))) == {"tests", LINUX, MACOS}
    assert set(json.loads(shell.ok("show", LINUX, "--state"))) == {LINUX}


def test_attempts_are_selected_by_labels(shell: Shell, replica: Replica) -> None:
    job = Replica.init(shell.directory / "job", name="job")
    job.begin_attempt("build", 2)
    job.increment("tests", 1)
    job.increment(LINUX, 2)
    job.increment(MACOS, 4)
    job.seal()
    replica.merge_bytes(job.export_bytes())

    def cells(*words: str) -> list[str]:
        return [
            line.split("\t")[0] + line.split("\t")[4] for line in shell.ok("show", *words, "--attempts").splitlines()
        ]

    assert cells("tests") == ["tests1", f"{LINUX}2", f"{MACOS}4"]
    assert cells("tests", "--exact") == ["tests1"]
    assert cells("tests", "--sort", "value") == [f"{MACOS}4", f"{LINUX}2", "tests1"]
    assert cells('t*{os="linux"}') == [f"{LINUX}2"]
    assert cells("--where", "os=macos") == [f"{MACOS}4"]
    tree = json.loads(shell.ok("show", 'tests{os="macos"}', "--attempts", "--json"))
    assert tree["attempts"][0] | {"job": ""} == {
        "name": "tests",
        "labels": {"os": "macos"},
        "type": "pncounter",
        "job": "",
        "attempt": 2,
        "value": 4,
        "counts": True,
    }


def test_shares_are_sorted_and_cut_within_a_counter(shell: Shell, counted: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("tests", 100)
    counted.merge_bytes(other.export_bytes())
    rows = shell.ok("show", "tests", "--by-replica", "--sort", "value").splitlines()
    assert [row.split("\t")[3] for row in rows] == ["100", "14"]
    assert shell.ok("show", "tests", "--by-replica", "--top", "1") == f"tests\tpncounter\t{other.id}\t100\n"


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        (['tests{os="bsd"}'], 66, "--series' lists"),
        (["tests", "--where", "os=bsd"], 66, "no series matches"),
        (["tests", "--where", "os=linux", "--where", "os=mac"], 66, "matches 'tests{os=\"mac\"} with os=linux'"),
        (["tests", "--by", "os,,py"], 2, "by: the key of a label cannot be empty"),
        (["tests", "--where", "os=b*"], 66, "no series matches"),
        (['nothing{os="linux"}'], 66, "no counter"),
        (['nothing*{os="linux"}'], 66, "no counter matches"),
        (["tests{os=linux}"], 2, "double quotes"),
        (['tests{os=~"l.*"}'], 2, "regular expressions"),
        (["--where", "os=~l.*"], 2, "regular expressions"),
        (["--where", "os"], 2, "KEY=VALUE"),
        (["--by", "o-s"], 2, "'o-s'"),
        (["--by", ""], 2, "cannot be empty"),
        (["--by", ",".join(f"k{number}" for number in range(17))], 2, "17 labels were asked for"),
        (["--sort", "size"], 2, "value or name"),
        (["--top", "0"], 2, "--top"),
        (["tests", "--by", "os", "--series"], 2, "--series and --by"),
        (["tests", "--by", "os", "--min", "1"], 2, "--min and --max"),
        (["tests", "--series", "--max", "1"], 2, "--min and --max"),
        (["tests", "--by", "os", "--default", "1"], 2, "--default"),
        (["tests", "--exact", "--by", "os"], 2, "--exact"),
        (["--exact"], 2, "--exact"),
        (["tests*", "--exact"], 66, "'tests*'"),
        (["tests", "--by", "os", "--state"], 2, "--state"),
        (["tests", "--by", "os", "--attempts"], 2, "--attempts"),
        (["tests", "--members", "--top", "1"], 2, "--members"),
        (["*" * 5000], 2, "longer than"),
        (["x*" * 400], 66, "x*…'"),
    ],
)
def test_wrong_question_is_refused(shell: Shell, counted: Replica, words: list[str], status: int, text: str) -> None:
    assert text in assert_refused(shell("show", *words), status)


@pytest.mark.parametrize(
    ("words", "status"),
    [(["tests", "--min", "14"], 0), (["tests", "--max", "13"], 1), (['tests{os="linux"}', "--max", "2"], 0)],
)
def test_bounds_are_about_the_total(shell: Shell, counted: Replica, words: list[str], status: int) -> None:
    assert shell("show", *words).status == status


def test_name_with_two_types_in_its_series_needs_a_type(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.add('seen{os="linux"}', "ada")
    other.increment('seen{os="macos"}', 5, tag="pncounter", also=True)
    replica.merge_bytes(other.export_bytes())
    assert "--type" in assert_refused(shell("show", "seen"), 2)
    assert shell.ok("show", "seen", "--type", "gset") == "1\n"
    assert shell.ok("show", "seen", "--format", "tsv") == "seen\tgset\t1\nseen\tpncounter\t5\n"
    assert shell.ok("show", "s*") == "seen\tgset\t1\nseen\tpncounter\t5\n"


@pytest.mark.parametrize(
    "words",
    [
        ["tests"],
        ["tests", "--by", "os"],
        ["--series", "--sort", "value"],
        ["--by-replica"],
        ["t*", "--by-replica", "--by", "py"],
        ["--where", "q!=", "--format", "csv"],
    ],
)
def test_replicas_that_have_heard_the_same_print_the_same(shell: Shell, counted: Replica, words: list[str]) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("tests", 5, labels={"py": "3.12", "os": "linux"})
    counted.merge_bytes(other.export_bytes())
    other.merge_bytes(counted.export_bytes())
    there = shell.ok("show", *words, "--replica", other.path)
    assert shell.ok("show", *words) == there
    assert there


def test_many_series_with_many_labels_are_grouped(shell: Shell, replica: Replica) -> None:
    with replica.batch() as batch:
        for number in range(2000):
            labels = {f"k{key}": f"{number % (key + 1)}" for key in range(16)}
            batch.increment("many", 1, labels={**labels, "k15": f"{number:04}"})
    assert shell.ok("show", "many") == "2000\n"
    assert shell.ok("show", "many", "--by", "k1", "--format", "value") == "1000\n1000\n"
    assert len(shell.ok("show", "many", "--by", ",".join(f"k{key}" for key in range(16))).splitlines()) == 2000
    assert shell.ok("show", f"*{'*' * 900}") == "many\tpncounter\t2000\n"
