"""``crdtctl run``: a replica for one command."""

import os
import pty
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import pytest

from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused


@contextmanager
def readonly(path: Path) -> Iterator[None]:
    """Make a directory in which nobody can make a file; for root, it is one of the kernel's."""
    path.mkdir()
    if os.geteuid():
        path.chmod(0o555)
        yield
        path.chmod(0o755)
    else:
        path.rmdir()
        path.symlink_to("/proc/self")
        yield
        path.unlink()


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
    assert not [one for one in Path(shell.environment["HOME"], ".local/state/crdtctl").rglob("*") if one.is_file()]
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


def test_the_folder_of_the_file_is_made(shell: Shell) -> None:
    shell.ok("run", "--seal-to", "no/such/job.json", "--", "crdtctl", "increment", "builds", "4")
    shell.ok("init")
    shell.ok("absorb", "no/such/job.json")
    assert shell.ok("show", "builds") == "4\n"


@pytest.mark.parametrize(
    ("target", "status", "words"),
    [
        ("old.json", 73, "--overwrite"),
        ("text", 73, "not an exported state"),
        (".", 73, "is a directory"),
        ("text/job.json", 74, "folder"),
        ("hub/job.json", 73, "inside a replica"),
        ("full.sock", 73, "is a socket"),
        ("x" * 300, 74, "cannot write"),
    ],
)
def test_a_file_that_cannot_be_written_is_found_before_the_command_starts(
    shell: Shell, target: str, status: int, words: str
) -> None:
    shell.ok("run", "--seal-to", "old.json", "--", "crdtctl", "increment", "builds")
    shell.ok("--replica", "hub", "init")
    Path(shell.directory, "text").write_text("text")
    with socket.socket(socket.AF_UNIX) as one, chdir(shell.directory):  # the path of a socket has at most 107 bytes
        one.bind("full.sock")
        before = sorted(os.listdir(shell.directory))
        ended = shell("run", "--seal-to", target, "--", "touch", "started")
    assert words in assert_refused(ended, status)
    assert sorted(os.listdir(shell.directory)) == before
    assert places(shell) == []


def test_a_folder_that_cannot_be_written_to_is_found_before_the_command_starts(shell: Shell) -> None:
    with readonly(shell.directory / "closed"):
        ended = shell("run", "--seal-to", "closed/job.json", "--", "touch", "started")
    assert ended.status in (66, 74, 77)
    assert not Path(shell.directory, "started").exists()
    assert places(shell) == []


def test_a_state_that_was_not_merged_is_replaced_if_that_is_asked_for(shell: Shell) -> None:
    for amount in "12":
        shell.ok("run", "--overwrite", "--seal-to", "job.json", "--", "crdtctl", "increment", "builds", amount)
    shell.ok("init")
    shell.ok("absorb", "job.json")
    assert shell.ok("show", "builds") == "2\n"
    Path(shell.directory, "text").write_text("text")
    assert_refused(shell("run", "--overwrite", "--seal-to", "text", "--", "true"), 73)


@pytest.mark.parametrize(("own", "status"), [(3, 3), (0, 73)])
def test_what_prevents_sealing_in_the_end_is_reported_and_a_failed_command_keeps_its_status(
    shell: Shell, own: int, status: int
) -> None:
    script = f"crdtctl increment builds 4; echo text > job.json; exit {own}"
    ended = shell("run", "--seal-to", "job.json", "--", "sh", "-c", script)
    assert (ended.status, ended.stdout) == (status, "")
    [place] = places(shell)
    kept = f"{shell.environment['TMPDIR']}/{place}/.crdtctl"
    assert f"the counts of sh are in {kept}" in ended.stderr
    assert "not an exported state" in ended.stderr
    assert shell.ok("--replica", kept, "show", "builds") == "4\n"


@pytest.mark.parametrize(
    ("script", "status"),
    [("rm -r results; exit 3", 3), ("rm -r $CRDTCTL_REPLICA; exit 4", 4), ("crdtctl seal --yes; exit 5", 5)],
)
def test_a_command_that_deletes_or_seals_what_run_made_keeps_its_status(shell: Shell, script: str, status: int) -> None:
    ended = shell("run", "--seal-to", "results/job.json", "--", "sh", "-c", script)
    assert ended.status == status
    assert ("deleted the replica" in ended.stderr) == ("CRDTCTL_REPLICA" in script)
    assert places(shell) == []


def test_a_pipe_takes_the_sealed_state(shell: Shell) -> None:
    os.mkfifo(shell.directory / "pipe")
    with subprocess.Popen(["cat", "pipe"], cwd=shell.directory, stdout=subprocess.PIPE) as reader:
        shell.ok("run", "--seal-to", "pipe", "--", "crdtctl", "increment", "builds")
        assert reader.stdout is not None
        assert b'"builds"' in reader.stdout.read()


def test_what_is_set_for_a_run_is_not_for_one_inside(shell: Shell) -> None:
    within = Shell(
        shell.directory, {**shell.environment, "CRDTCTL_RUN_SEAL_TO": "job.json", "CRDTCTL_RUN_JOB": "outer"}
    )
    assert "--seal-to" in assert_refused(within("run", "--", "crdtctl", "run", "--", "true"), 2)


@pytest.mark.parametrize(
    "words", [[], ["true"], ["--seal-to", "x.json"], ["--seal-to", "x.json", "--"], ["--seal-to", "-", "true"]]
)
def test_without_a_file_or_a_command_nothing_is_run(shell: Shell, words: list[str]) -> None:
    ended = shell("run", *words)
    assert ended.status == 2
    assert places(shell) == []


@pytest.mark.parametrize(
    ("command", "status"),
    [("no-such-command", 127), ("./no-such-command", 127), ("./orphan", 127), ("./text", 126), (".", 126), ("", 127)],
)
def test_a_command_that_cannot_be_run_ends_as_with_env_and_leaves_nothing(
    shell: Shell, command: str, status: int
) -> None:
    Path(shell.directory, "text").write_text("")
    Path(shell.directory, "orphan").write_text("#!/no/such/interpreter\n")
    Path(shell.directory, "orphan").chmod(0o755)
    assert_refused(shell("run", "--seal-to", "job.json", "--", command), status)
    assert places(shell) == []
    assert not Path(shell.directory, "job.json").exists()


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
