"""``crdtctl run``: a replica for one command."""

import os
import pty
import signal
import subprocess
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Shell


@pytest.fixture
def shell(shell: Shell, tmp_path: Path) -> Shell:
    (tmp_path / "places").mkdir()
    path = f"{Path(PROGRAM[0]).parent}{os.pathsep}{os.environ['PATH']}"
    return Shell(shell.directory, {**shell.environment, "TMPDIR": str(tmp_path / "places"), "PATH": path})


def places(shell: Shell) -> list[str]:
    return sorted(os.listdir(shell.environment["TMPDIR"]))


def test_what_a_command_counts_is_sealed_into_a_file_and_the_replica_is_gone(shell: Shell) -> None:
    shell.ok("run", "--seal-to", "job.json", "--", "sh", "-c", "crdtctl increment builds 2; crdtctl increment builds")
    assert places(shell) == []
    assert list(Path(shell.environment["HOME"], ".local/state/crdtctl").iterdir()) == []
    shell.ok("init")
    shell.ok("absorb", "job.json")
    assert shell.ok("show", "builds") == "3\n"


def test_its_streams_are_the_commands_and_so_is_its_status(shell: Shell) -> None:
    ended = shell("run", "--seal-to", "job.json", "--", "sh", "-c", "cat; echo bad >&2; exit 7", stdin="in")
    assert (ended.status, ended.stdout, ended.stderr) == (7, "in", "bad\n")
    shell.ok("check", "job.json")


def test_options_of_the_command_are_the_commands(shell: Shell) -> None:
    assert shell.ok("run", "--seal-to", "job.json", "printf", "%s", "--help") == "--help"


def test_a_command_that_a_signal_ended_has_the_status_that_a_shell_gives_it(shell: Shell) -> None:
    words = ("sh", "-c", "crdtctl increment builds; kill -9 $$")
    assert shell("run", "--seal-to", "job.json", "--", *words).status == 128 + 9
    shell.ok("init")
    shell.ok("absorb", "job.json")
    assert shell.ok("show", "builds") == "1\n"


def test_a_signal_is_passed_on_and_what_was_counted_is_kept(shell: Shell) -> None:
    trap = "trap 'crdtctl increment builds 10; exit 5' TERM"
    script = f"crdtctl increment builds; {trap}; echo ready; while :; do sleep 0.05; done"
    process = subprocess.Popen(
        [*PROGRAM, "run", "--seal-to", "job.json", "--", "sh", "-c", script],
        cwd=shell.directory,
        env=shell.environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 5
    process.stdout.close()
    shell.ok("init")
    shell.ok("absorb", "job.json")
    assert shell.ok("show", "builds") == "11\n"


def test_ctrl_c_at_a_terminal_reaches_the_command_once(shell: Shell) -> None:
    script = "trap 'echo interrupted' INT; echo ready; sleep 1; sleep 1; echo over"
    ours, theirs = pty.openpty()
    # Who leads a session and opens a terminal has it for the keys.
    leader = ["sh", "-c", 'exec <"$0" && exec "$@"', os.ttyname(theirs)]
    words = [*PROGRAM, "run", "--seal-to", "job.json", "--", "sh", "-c", script]
    process = subprocess.Popen(
        [*leader, *words], cwd=shell.directory, env=shell.environment, stdout=theirs, start_new_session=True
    )
    shown = b""
    while b"ready" not in shown:
        shown += os.read(ours, 1024)
    os.write(ours, b"\x03")
    while b"over" not in shown:
        shown += os.read(ours, 1024)
    assert process.wait(30) == 0
    os.close(ours)
    os.close(theirs)
    assert shown.count(b"interrupted") == 1
    shell.ok("check", "job.json")


@pytest.mark.parametrize("ignored", ["HUP", "INT", "QUIT"])
def test_a_signal_that_is_ignored_around_it_is_ignored_by_the_command_as_well(shell: Shell, ignored: str) -> None:
    script = f"kill -{ignored} $$; kill -{ignored} $PPID; crdtctl increment builds; echo went on"
    around = f"trap '' {ignored}; exec \"$@\""
    ended = subprocess.run(
        ["sh", "-c", around, "sh", *PROGRAM, "run", "--seal-to", "job.json", "--", "sh", "-c", script],
        cwd=shell.directory,
        env=shell.environment,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, b"went on\n", b"")
    assert places(shell) == []


def test_a_file_that_cannot_be_written_keeps_the_replica_and_says_where_it_is(shell: Shell) -> None:
    ended = shell("run", "--seal-to", "no/such/job.json", "--", "sh", "-c", "crdtctl increment builds 4")
    assert ended.status == 66
    [place] = places(shell)
    said, failure = ended.stderr.splitlines()
    assert place in said
    assert failure.startswith("crdtctl: cannot write")
    kept = f"{shell.environment['TMPDIR']}/{place}/.crdtctl"
    assert kept in said
    assert shell.ok("--replica", kept, "show", "builds") == "4\n"


@pytest.mark.parametrize(
    "words", [[], ["true"], ["--seal-to", "x.json"], ["--seal-to", "x.json", "--"], ["--seal-to", "-", "true"]]
)
def test_without_a_file_or_a_command_nothing_is_run(shell: Shell, words: list[str]) -> None:
    ended = shell("run", *words)
    assert ended.status == 2
    assert places(shell) == []


def test_a_command_that_is_not_there_leaves_nothing(shell: Shell) -> None:
    ended = shell("run", "--seal-to", "job.json", "--", "no-such-command")
    assert (ended.status, ended.stderr) == (66, "crdtctl: there is no command 'no-such-command'\n")
    assert places(shell) == []
    assert not Path(shell.directory, "job.json").exists()


def test_a_command_that_is_no_program_leaves_nothing(shell: Shell) -> None:
    Path(shell.directory, "text").write_text("")
    assert shell("run", "--seal-to", "job.json", "--", "./text").status == 77
    assert places(shell) == []


def test_jobs_at_once_have_a_replica_each(shell: Shell) -> None:
    jobs = [
        subprocess.Popen(
            [*PROGRAM, "run", "--seal-to", f"{number}.json", "--", "crdtctl", "increment", "builds"],
            cwd=shell.directory,
            env=shell.environment,
        )
        for number in range(8)
    ]
    assert [job.wait(60) for job in jobs] == [0] * 8
    shell.ok("init")
    shell.ok("absorb", *(f"{number}.json" for number in range(8)))
    assert shell.ok("show", "builds") == "8\n"
