"""What README says is run, and compared."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from crdtctl.cli.verbs import ALIASES, VERBS
from tests.conftest import Shell
from tests.docs.scenes import blocks, play

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


@pytest.mark.timeout(600)
def test_the_scenes_print_what_readme_says(shell: Shell) -> None:
    assert play(shell, README) > 12


def test_the_program_in_readme_runs(shell: Shell, tmp_path: Path) -> None:
    hub = Path(shell.directory, "hub.json")
    shell.ok("init")
    shell.ok("increment", "builds=2")
    hub.write_text(shell.ok("export"))
    [program] = blocks(README, "python")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=shell.directory, env=shell.environment, capture_output=True, check=True
    )
    assert done.stdout.decode() == "3\n0 counters changed\n"
    assert done.stderr == b""


def test_every_command_stands_in_readme() -> None:
    section = README.partition("## Commands")[2].partition("\n## ")[0]
    table = "".join(re.findall(r"^\|.*\n", section, re.MULTILINE))
    named = set(re.findall(r"`([a-z]+)`", table))
    assert named == {*VERBS, *ALIASES}


def test_the_main_job_counts_an_access_log_like_awk(shell: Shell) -> None:
    log = shell.directory / "access.log"
    log.write_text("".join(f'10.0.0.{n % 7} - - [x] "GET /{n}" 200\n' for n in range(100)))
    script = ROOT / "examples" / "three_replicas.py"
    done = subprocess.run([sys.executable, script, log], env=shell.environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().endswith("All three tables and the independent count are equal: 100 in all.\n")


def test_the_main_job_counts_the_git_history_like_git_grep(shell: Shell) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a git checkout")
    script = ROOT / "examples" / "three_replicas.py"
    done = subprocess.run([sys.executable, script], env=shell.environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert "All three tables and the independent count are equal" in done.stdout.decode()


def test_the_main_job_of_a_checkout_of_one_commit_has_many_rows(shell: Shell) -> None:
    checkout = shell.directory / "checkout"
    script = checkout / "examples" / "three_replicas.py"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "examples" / "three_replicas.py").read_bytes())
    for folder in ("one", "two", "three/deep/deeper"):
        (checkout / folder).mkdir(parents=True)
        (checkout / folder / "file").write_text("a\nb\n")
    person = ["-c", "user.name=ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], [*person, "commit", "-qm", "first"]):
        subprocess.run(["git", *words], cwd=checkout, env=shell.environment, check=True)
    done = subprocess.run([sys.executable, script], env=shell.environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    rows = [line.split() for line in done.stdout.decode().splitlines()]
    assert [row[-2:] for row in rows if row[:1] in (["one"], ["two"], ["three/deep"])] == [["2", "2"]] * 3


def test_the_main_job_counts_a_real_access_log(shell: Shell) -> None:
    log = ROOT.parent / "shared" / "data" / "apache_access_10k.log"
    if not log.exists():
        pytest.skip("the real access log is not beside this checkout")
    script = ROOT / "examples" / "three_replicas.py"
    done = subprocess.run([sys.executable, script, log], env=shell.environment, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode().endswith("are equal: 10,000 in all.\n")
