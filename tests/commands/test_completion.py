"""Completion in real shells: what the replica holds is offered, and nothing is written or reported for it."""

import os
import pty
import re
import select
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli.scripts import SCRIPTS
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused, contents

SCRIPT_FILES = Path(__file__).resolve().parents[2] / "completions"


@pytest.fixture
def filled(shell: Shell, replica: Replica) -> Replica:
    for name, amount in {"page:home": 2, "page:about": 1, "my counter": 3, "builds": 1, "café": 1}.items():
        replica.increment(name, amount)
    replica.add_remote("hub", "/srv/counts")
    return replica


def asked(shell: Shell, kind: str, *words: str, directory: Path | None = None) -> list[str]:
    """Return what the program answers a script; the first line is the kind of the words."""
    ended = shell(*words, environment={"_CRDTCTL_COMPLETE": kind, "_CRDTCTL_BREAKS": " :="}, directory=directory)
    assert (ended.status, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "kind", "words"),
    [
        ("crdtctl dec", "words", ["decrement"]),
        ("crdtctl help bc", "words", ["bcounter"]),
        ("crdtctl help sho", "words", ["show"]),
        ("crdtctl help show ", "words", []),
        ("crdtctl show pa", "words", ["page:about", "page:home"]),
        ("crdtctl show page:h", "words", ["home"]),
        ("crdtctl show builds pa", "words", ["page:about", "page:home"]),
        ("crdtctl show my", "words", [r"my\ counter"]),
        ('crdtctl show "my', "words", ["my counter"]),
        ("crdtctl show my\\ co", "words", [r"my\ counter"]),
        ("crdtctl show ca", "words", ["café"]),
        ("crdtctl show --by", "words", ["--by", "--by-replica"]),
        ("crdtctl show --min ", "words", []),
        ("crdtctl show -- b", "words", ["builds"]),
        ("crdtctl inc bu", "words", ["builds"]),
        ("crdtctl rename bu", "words", ["builds"]),
        ("crdtctl rename builds pa", "words", ["page:about", "page:home"]),
        ("crdtctl increment builds ", "words", []),
        ("crdtctl create new --type g", "words", ["gcounter", "gset"]),
        ("crdtctl create new --type=gs", "words", ["gset"]),
        ("crdtctl show --format nd", "words", ["ndjson"]),
        ("crdtctl show --format pr", "words", ["prom"]),
        ("crdtctl status --format pr", "words", []),
        ("crdtctl export --format ", "words", ["json", "toml"]),
        ("crdtctl sync h", "files", ["hub"]),
        ("crdtctl remote ", "words", ["add", "remove", "list", "check", "key", "rekey"]),
        ("crdtctl remote remove ", "words", ["hub"]),
        ("crdtctl remote rm ", "words", ["hub"]),
        ("crdtctl remote add ", "words", []),
        ("crdtctl merge ", "files", []),
        ("crdtctl --replica ", "files", []),
        ("crdtctl --replica nowhere show b", "words", []),
        ("crdtctl --replica .crdtctl show b", "words", ["builds"]),
        ("crdtctl show b --replica ", "files", []),
        ("crdtctl completion z", "words", ["zsh"]),
        ("crdtctl help comp", "words", ["compare", "completion"]),
        ("crdtctl bogus ", "words", []),
        ("crdtctl show --bogus ", "words", [r"builds", "café", r"my\ counter", "page:about", "page:home"]),
        ("crdtctl seal ", "words", []),
        ("crdtctl --rep", "words", ["--replica"]),
        ("crdtctl show --no-h", "words", ["--no-header"]),
        ("crdtctl show --label", "words", []),
        ("crdtctl show --where o", "open", ["os="]),
        ("crdtctl show --where os=", "words", ["linux", "mac"]),
        ("crdtctl show --where os=m", "words", ["mac"]),
        ("crdtctl show --by o", "words", ["os"]),
        ("crdtctl show --by py,o", "words", ["py,os"]),
        ("crdtctl inc tests --label os=l", "words", ["linux"]),
        ("crdtctl help gi", "words", ["git"]),
    ],
)
def test_a_word_is_completed_from_what_is_known(
    shell: Shell, filled: Replica, line: str, kind: str, words: list[str]
) -> None:
    if "--where" in line or "--by " in line or "--label " in line:
        for labels in ({"os": "linux"}, {"os": "mac", "py": "3.12"}):
            filled.increment("tests", labels=labels)
    assert asked(shell, "bash", line) == [kind, *words]


@pytest.mark.parametrize(
    ("kind", "words", "completed"),
    [
        ("zsh", ["show", "te"], ["tests:14 (pncounter)", "tests.slow:1 (pncounter)"]),
        ("zsh", ["show", "tests{"], ['tests{os="linux"}:6 (pncounter)']),
        ("fish", ["increment", "tests{o"], ['tests{os="linux"}\t6 (pncounter)']),
        ("fish", ["show", "[te"], []),
        ("fish", ["show", "t*"], []),
        ("bash", ["crdtctl show 'tests{o"], ['tests{os="linux"}']),
    ],
)
def test_names_are_completed_and_their_series_behind_a_brace(
    shell: Shell, replica: Replica, kind: str, words: list[str], completed: list[str]
) -> None:
    replica.increment("tests", 8)
    replica.increment("tests", 6, labels={"os": "linux"})
    replica.increment("tests.slow")
    assert asked(shell, kind, *words) == ["words", *completed]


@pytest.mark.parametrize("is_renamed", [False, True])
def test_many_names_are_completed_once_each_without_values(shell: Shell, replica: Replica, is_renamed: bool) -> None:
    other = Replica.init(shell.directory / "other")
    for n in range(60, 63):
        other.increment(f"page.{n:03d}")
    other.increment("page.100")
    other.export_to(shell.directory / "other.json")
    replica.merge(shell.directory / "other.json")
    with replica.batch() as batch:
        for n in range(90):
            batch.increment(f"page.{n:03d}")
            batch.increment(f"page.{n:03d}", labels={"os": "linux"})
    replica.forget_counters("page.007")
    if is_renamed:
        replica.rename("page.010", "qage")
    expected = [f"page.{n:03d}" for n in (*range(90), 100) if n != 7 and not (is_renamed and n == 10)]
    assert asked(shell, "fish", "show", "page.") == ["words", *expected]


def test_ids_of_replicas_are_completed(shell: Shell, filled: Replica) -> None:
    for line in ("crdtctl transfer seats ", "crdtctl request seats ", "crdtctl settle "):
        assert asked(shell, "bash", line) == ["words", filled.id]


def test_completion_writes_nothing_and_makes_no_replica(shell: Shell, filled: Replica, tmp_path: Path) -> None:
    before = contents(shell.environment["HOME"]) | contents(filled.path)
    asked(shell, "bash", "crdtctl show ")
    assert contents(shell.environment["HOME"]) | contents(filled.path) == before
    empty = tmp_path / "empty"
    empty.mkdir()
    assert asked(shell, "bash", "crdtctl show ", directory=empty) == ["words"]
    assert contents(empty) == {}
    assert contents(shell.environment["HOME"]) | contents(filled.path) == before


@pytest.mark.harms_replicas
def test_a_damaged_replica_is_not_reported_where_words_are_completed(shell: Shell, tmp_path: Path) -> None:
    damaged = Path(Replica.init(tmp_path / "damaged").path)
    (damaged / "own.json").write_bytes(b"\xff")
    (damaged / "config.toml").write_bytes(b"\xff")
    assert asked(shell, "bash", f"crdtctl --replica {damaged} show ") == ["words"]
    assert asked(shell, "bash", f"crdtctl --replica {damaged} sync ") == ["files"]


@pytest.mark.parametrize("name", SCRIPTS)
def test_the_program_prints_the_scripts(shell: Shell, name: str) -> None:
    assert shell.ok("completion", name) == (SCRIPT_FILES / f"crdtctl.{name}").read_text()


def test_there_is_no_script_for_another_shell(shell: Shell) -> None:
    assert "shells are bash, zsh, fish" in assert_refused(shell("completion", "tcsh"), 2)
    assert "did you mean 'bash'?" in assert_refused(shell("completion", "bahs"), 2)


# Real shells -------------------------------------------------------------------------------------------


def typed(shell: Shell, program: list[str], setup: str, line: str, expected: str) -> str:
    """Type `line` into a shell that ran `setup` first, until `expected` is shown; return all that was shown."""
    ours, theirs = pty.openpty()
    environment = {
        **shell.environment,
        "PATH": f"{Path(PROGRAM[0]).parent}:{os.environ['PATH']}",
        "TERM": "dumb",
        "PS1": "ready> ",
    }
    process = subprocess.Popen(
        program,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=shell.directory,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown = ""
    try:
        os.write(ours, f"{setup}; echo set''up\n".encode())
        shown = _until(ours, "setup\r", shown)
        os.write(ours, line.encode())
        return _until(ours, expected, shown)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _until(terminal: int, expected: str, shown: str) -> str:
    start = len(shown)
    deadline = time.monotonic() + 60
    while expected not in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08]", "", shown[start:]):
        assert time.monotonic() < deadline, shown
        if select.select([terminal], [], [], 1)[0]:
            shown += os.read(terminal, 4096).decode(errors="replace")
    return shown


def test_bash_completes_a_name_with_a_colon(shell: Shell, filled: Replica) -> None:
    setup = f"source {SCRIPT_FILES}/crdtctl.bash"
    bash = ["bash", "--norc", "--noprofile", "-i"]
    typed(shell, bash, setup, "crdtctl show page:h\t", "crdtctl show page:home ")
    typed(shell, bash, setup, "crdtctl show my\t", r"crdtctl show my\ counter ")
    typed(shell, bash, setup, "crdtctl show pag\t", "crdtctl show page:")
    typed(shell, bash, setup, "crdtctl sync h\t", "crdtctl sync hub ")


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_completes_at_the_first_tab_of_an_autoloaded_file(shell: Shell, filled: Replica) -> None:
    functions = shell.directory / "functions"
    functions.mkdir()
    shutil.copy(SCRIPT_FILES / "crdtctl.zsh", functions / "_crdtctl")
    setup = f"fpath=({functions} $fpath); autoload -U compinit; compinit -u -D"
    typed(shell, ["zsh", "-f", "-i"], setup, "crdtctl show page:h\t", "show page:home ")
    listed = typed(shell, ["zsh", "-f", "-i"], setup, "crdtctl comp\t\t", "Print the completion script for a shell.")
    assert "completion" in listed


@pytest.mark.skipif(shutil.which("fish") is None, reason="there is no fish here")
def test_fish_completes_with_descriptions(shell: Shell, filled: Replica) -> None:
    script = f"source {SCRIPT_FILES}/crdtctl.fish; complete --do-complete 'crdtctl show page:h'"
    path = f"{Path(PROGRAM[0]).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["fish", "--no-config", "-c", script],
        env={**shell.environment, "PATH": path},
        cwd=shell.directory,
        capture_output=True,
        check=True,
    )
    assert done.stdout.decode() == "page:home\t2 (pncounter)\n"
