"""Which replica a command uses: the one named, else the nearest upward, else the user's, made by the first write."""

from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Result, Shell
from tests.support.expect import assert_one_line, assert_refused, contents
from tests.support.sh import in_sh

READING = (["show"], ["show", "builds"], ["export"], ["clock"], ["status"], ["check"], ["compare", "-"])


@pytest.fixture
def home(shell: Shell) -> Path:
    return Path(shell.environment["HOME"])


def test_replica_names_the_directory_or_one_that_holds_it(shell: Shell) -> None:
    shell.ok("init", "work")
    for path in ("work", "work/.crdtctl", "work/", shell.directory / "work"):
        shell.ok("--replica", path, "increment", "builds")
    assert shell.ok("--replica", "work", "show", "builds") == "4\n"


def test_the_variable_names_it_in_the_same_way(shell: Shell) -> None:
    shell.ok("init", "work")
    for path in ("work", "work/.crdtctl"):
        for amount in ("1", "builds=1"):  # the plain form and another
            words = ["builds", amount] if "=" not in amount else [amount]
            assert shell("increment", *words, environment={"CRDTCTL_REPLICA": path}).status == 0
    assert shell("show", "builds", environment={"CRDTCTL_REPLICA": "work"}).stdout == "4\n"


def test_the_option_comes_before_the_variable_and_both_before_the_nearest(shell: Shell, replica: Replica) -> None:
    for name in ("option", "variable"):
        shell.ok("--replica", name, "init")
    variable = {"CRDTCTL_REPLICA": "variable"}
    shell("increment", "near")
    shell("increment", "by-variable", environment=variable)
    shell("--replica", "option", "increment", "by-option", environment=variable)
    assert shell.ok("show") == "near\tpncounter\t1\n"
    assert shell.ok("--replica", "option", "show") == "by-option\tpncounter\t1\n"
    assert shell.ok("--replica", "variable", "show") == "by-variable\tpncounter\t1\n"


def test_an_empty_variable_names_nothing(shell: Shell, replica: Replica) -> None:
    for words in (["increment", "builds"], ["increment", "builds=1"]):
        assert shell(*words, environment={"CRDTCTL_REPLICA": ""}).status == 0
    assert replica.value("builds") == 2


def test_the_nearest_upward_is_used(shell: Shell, replica: Replica) -> None:
    deep = shell.directory / "a/b/c"
    deep.mkdir(parents=True)
    for words in (["increment", "builds"], ["increment", "builds=1"], ["increment", "builds"]):
        assert shell(*words, directory=deep).status == 0
    assert replica.value("builds") == 3
    assert shell("init", "a/b").status == 0
    shell("increment", "builds", directory=deep)
    assert replica.value("builds") == 3
    assert Replica(shell.directory / "a/b/.crdtctl").value("builds") == 1


def test_what_is_named_and_not_there_is_missing_and_never_made(shell: Shell, home: Path) -> None:
    for words in (*READING, ["increment", "builds"], ["increment", "builds=1"], ["create", "c", "--type", "gset"]):
        assert "nowhere" in assert_refused(shell("--replica", "nowhere", *words), 66)
    assert_refused(shell("increment", "builds", environment={"CRDTCTL_REPLICA": "nowhere"}), 66)
    assert_refused(shell("show", "builds", environment={"CRDTCTL_REPLICA": "nowhere"}), 66)
    assert contents(shell.directory) == contents(home) == {}


@pytest.mark.parametrize("words", READING)
def test_reading_where_there_is_none_is_missing_and_makes_none(shell: Shell, home: Path, words: list[str]) -> None:
    assert "crdtctl init" in assert_refused(shell(*words), 66)
    assert contents(shell.directory) == contents(home) == {}


@pytest.mark.parametrize(
    "words",
    [
        ["increment", "builds"],
        ["decrement", "builds"],
        ["add", "visitors", "ada"],
        ["create", "builds", "--type", "gcounter"],
        ["merge", "-"],
    ],
)
def test_the_first_write_makes_the_users_replica_and_says_so_in_one_line(
    shell: Shell, home: Path, tmp_path: Path, words: list[str]
) -> None:
    state = Replica.init(tmp_path / "other").export_bytes()
    first = shell(*words, stdin=state)
    assert (first.status, first.stdout) == (0, "")
    made = Replica(home / ".local/share/crdtctl")
    said = first.stderr.splitlines(keepends=True)
    assert made.id in assert_one_line(said[0])
    assert made.path in said[0]
    assert ["never counted" in line for line in said[1:]] == [True] * (words[0] == "decrement")
    second = shell("increment", "more")
    assert (second.status, second.stderr) == (0, "")
    assert made.value("more") == 1
    assert contents(shell.directory) == {}


def test_xdg_data_home_moves_it_and_a_relative_one_is_ignored(shell: Shell, tmp_path: Path, home: Path) -> None:
    elsewhere = tmp_path / "data"
    homes = {"XDG_DATA_HOME": str(elsewhere), "XDG_STATE_HOME": str(tmp_path / "state")}
    for words in (["increment", "builds"], ["increment", "builds"], ["increment", "builds=1"]):
        assert shell(*words, environment=homes).status == 0
    assert Replica(elsewhere / "crdtctl").value("builds") == 3
    assert contents(home) == {}
    assert shell("increment", "builds", environment={"XDG_DATA_HOME": "data"}).status == 0
    assert Replica(home / ".local/share/crdtctl").value("builds") == 1
    assert contents(shell.directory) == {}


def test_a_command_that_is_refused_makes_no_users_replica(shell: Shell, home: Path) -> None:
    assert_refused(shell("increment", "builds", "x"), 2)
    assert_refused(shell("increment", " builds"), 2)
    assert_refused(shell("add", "visitors"), 2)
    assert_refused(shell("increment", "--batch", "-", stdin="builds=0\n"), 2)
    assert_refused(shell("merge", "--dry-run", "-"), 66)
    assert contents(home) == {}


def test_a_file_in_the_way_is_no_replica(shell: Shell, home: Path) -> None:
    (shell.directory / ".crdtctl").write_text("a file")
    assert shell("increment", "builds").status == 0
    assert Replica(home / ".local/share/crdtctl").value("builds") == 1


def test_a_directory_that_is_no_replica_is_missing(shell: Shell) -> None:
    (shell.directory / ".crdtctl").mkdir()
    for words in (["show"], ["increment", "builds"], ["increment", "builds=1"]):
        assert_refused(shell(*words), 66)


def test_a_directory_that_was_deleted_around_the_process_is_told_in_one_line(shell: Shell, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = in_sh(Shell(gone, shell.environment), f"rm -r '{gone}'; crdtctl show")
    lines = ended.stderr.splitlines(keepends=True)
    ours = [
        line for line in lines if not line.startswith("sh: ")
    ]  # a shell starts the program, and may warn of its own
    assert_refused(Result(ended.status, ended.stdout, "".join(ours)), 66)
