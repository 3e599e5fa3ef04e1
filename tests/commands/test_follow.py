"""``--follow``: lines that are appended to a file, counted once, however often the program is killed and started."""

import os
import select
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused


@contextmanager
def following(shell: Shell, *words: str, verb: str = "increment") -> Iterator[subprocess.Popen[bytes]]:
    """Follow the file ``log`` until the end of the context."""
    with subprocess.Popen(
        [*PROGRAM, verb, *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[bytes], lines: int) -> None:
    """Wait until so many lines are acknowledged."""
    assert process.stdout
    for answer in process.stdout:
        if int(answer.removeprefix(b"OK ")) >= lines:
            return
    assert process.stderr
    pytest.fail(f"it ended: {process.stderr.read().decode()}")


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes]:
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    return process.returncode, stderr


def values(replica: Replica) -> dict[str, int]:
    return {one.name: one.value for one in replica.counters()}


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


@pytest.fixture
def log(shell: Shell) -> Path:
    return shell.directory / "log"


def test_lines_are_counted_as_they_are_appended(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\nb 2\n")
    with following(shell, "--follow", "log") as process:
        wait_for(process, 2)
        append(log, "a\nunfini")
        wait_for(process, 3)
        append(log, "shed\n")
        wait_for(process, 4)
        assert ended(process) == (143, b"")
    assert values(replica) == {"a": 2, "b": 2, "unfinished": 1}


def test_restart_continues_where_the_last_commit_was(shell: Shell, replica: Replica, log: Path) -> None:
    for _ in range(3):
        append(log, "a\n" * 4)
        with following(shell, "--follow", "log") as process:
            wait_for(process, 4)
            process.kill()
    assert values(replica) == {"a": 12}


def test_each_command_and_set_has_its_own_position(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "x\ny\n")
    for verb, words in (
        ("increment", []),
        ("add", ["seen"]),
        ("add", ["others"]),
        ("decrement", ["--type", "bcounter"]),
    ):
        if verb == "decrement":
            continue
        with following(shell, *words, "--follow", str(log), verb=verb) as process:
            wait_for(process, 2)
    assert values(replica) == {"others": 2, "seen": 2, "x": 1, "y": 1}


def test_rotated_files_are_read_to_their_ends_after_a_restart(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\n")
    shell.ok("increment", "--follow", "log", "--until-end")
    append(log, "b\n")
    log.rename(f"{log}.2")
    append(Path(f"{log}.1"), "c\n")
    append(log, "d\n")
    shell.ok("increment", "--follow", "log", "--until-end")
    assert values(replica) == {"a": 1, "b": 1, "c": 1, "d": 1}


def test_plain_increments_stay_fast_and_keep_the_position(shell: Shell, replica: Replica, log: Path) -> None:
    from crdtctl import fastpath

    append(log, "a\n")
    with following(shell, "--follow", "log") as process:
        wait_for(process, 1)
    with replica.snapshot() as now:
        before = dict(now.follows)
    assert before
    os.environ["CRDTCTL_REPLICA"] = replica.path
    try:
        assert fastpath.run(["increment", "a"]) == 0  # None would mean that the whole program has to run
    finally:
        del os.environ["CRDTCTL_REPLICA"]
    with replica.snapshot() as now:
        assert dict(now.follows) == before
    assert values(replica) == {"a": 2}


def test_second_follower_of_the_same_file_ends(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\n")
    with following(shell, "--follow", "log") as one:
        wait_for(one, 1)
        with following(shell, "--follow", "log") as other:
            while one.poll() is other.poll() is None:
                append(log, "a\n")
                time.sleep(0.01)
            assert {one.poll(), other.poll()} == {None, 75}
    with following(shell, "--follow", "log") as process:
        append(log, "b\n")
        while "b" not in values(replica):
            time.sleep(0.01)
        process.kill()
    assert values(replica) == Counter(log.read_text().split())


def test_bad_line_ends_it_before_that_line_and_can_be_skipped(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\na=b\na\n")
    for _ in range(2):
        with following(shell, "--follow", "log") as process:
            assert process.wait(timeout=60) == 2
    assert values(replica) == {"a": 1}
    with following(shell, "--follow", "log", "--bad", "skip") as process:
        wait_for(process, 2)
        status, stderr = ended(process)
    assert status == 143
    assert b"1 of 2 lines was left out, the first: line 1 of " in stderr
    assert values(replica) == {"a": 2}


def test_many_kills_and_rotations_count_every_line_once(shell: Shell, replica: Replica, log: Path) -> None:
    """A writer that rotates its log as logrotate does, while the program that follows it is killed again and again."""
    written: Counter[str] = Counter()
    is_over = threading.Event()

    def write() -> None:
        for number in range(60):
            with log.open("a") as file:
                for part in range(20):
                    file.write(f"n{number % 7}.{part}\n")
                    written[f"n{number % 7}.{part}"] += 1
                    file.flush()
            if number % 5 == 4:
                for old in range(20, 0, -1):
                    if os.path.exists(f"{log}.{old}"):
                        os.rename(f"{log}.{old}", f"{log}.{old + 1}")
                log.rename(f"{log}.1")
            is_over.wait(0.02)
        is_over.set()

    log.touch()
    with following(shell, "--follow", "log") as process:
        append(log, "begin\n")
        wait_for(process, 1)
    writer = threading.Thread(target=write)
    writer.start()
    kills = 0
    while not is_over.is_set() or kills < 3:
        with following(shell, "--follow", "log", "--group", "7") as process:
            assert process.stdout
            select.select([process.stdout], [], [], 1)  # until it has counted, or there is nothing to count
        kills += 1
    writer.join()
    append(log, "end\n")
    with following(shell, "--follow", "log") as process:
        while "end" not in values(replica):
            time.sleep(0.01)
        assert ended(process)[0] == 143
    assert values(replica) == {**written, "begin": 1, "end": 1}


def test_until_the_end_is_a_run_for_cron(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\nb\nunfini")
    assert shell.ok("increment", "--follow", "log", "--until-end") == "OK 2\n"
    assert shell.ok("increment", "--follow", "log", "--until-end") == ""
    append(log, "shed\n")
    assert shell.ok("increment", "--follow", "log", "--until-end", "--every", "1h") == "OK 1\n"
    assert values(replica) == {"a": 1, "b": 1, "unfinished": 1}
    ended = shell("increment", "--follow", "gone", "--until-end")
    assert (ended.status, ended.stdout) == (0, "")
    assert ended.stderr.endswith("gone does not exist yet\n"), "nothing waits for it with --until-end"


def test_mark_at_the_beginning_is_not_in_a_name(shell: Shell, replica: Replica, log: Path) -> None:
    log.write_bytes(b"\xef\xbb\xbfa\nb\n")
    for _ in range(2):
        shell.ok("increment", "--follow", "log", "--until-end", "--group", "1")
    assert values(replica) == {"a": 1, "b": 1}


WRONG = [
    (["--follow", "-"], "--stream"),
    (["--follow", "log", "--stream"], "--stream"),
    (["--follow", "log", "builds"], "builds"),
    (["--follow", "log", "--batch", "x"], "--batch"),
    (["--follow", ""], "empty"),
    (["--follow", "log", "--follow", "other"], "'other'"),
    (["--follow", "a\nb"], "printable"),
    (["builds", "--until-end"], "--until-end"),
    (["--stream", "--until-end"], "--follow"),
]


@pytest.mark.parametrize(("words", "named"), WRONG)
def test_wrong_words_are_refused(shell: Shell, replica: Replica, words: list[str], named: str) -> None:
    assert named in assert_refused(shell("increment", *words), 2)


def test_pipe_is_refused(shell: Shell, replica: Replica, log: Path) -> None:
    os.mkfifo(log)
    assert "--stream" in assert_refused(shell("increment", "--follow", "log"), 2)


@pytest.mark.parametrize("is_counted", [True, False])
def test_file_is_not_followed_under_a_second_path(shell: Shell, replica: Replica, log: Path, is_counted: bool) -> None:
    """Its lines would count twice."""
    other = shell.directory / "below" / "log"
    other.parent.mkdir()
    append(log, "a\nb\n" if is_counted else "")
    shell.ok("increment", "--follow", "log", "--until-end")
    log.rename(other)
    log.symlink_to(other)
    append(other, "c\n")
    for path in ("below/log", "below/../below/log"):
        assert f"follow it as {log}" in assert_refused(shell("increment", "--follow", path, "--until-end"), 4)
    shell.ok("add", "seen", "--follow", "below/log", "--until-end")
    assert shell.ok("increment", "--follow", "log", "--until-end", "-q") == ""
    expected = {"a": 1, "b": 1, "c": 1} if is_counted else {"c": 1}
    assert {one.name: one.value for one in replica.counters() if one.tag == "pncounter"} == expected


def test_moved_file_is_followed_through_a_link_in_its_old_place(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\n")
    shell.ok("increment", "--follow", "log", "--until-end")
    moved = log.rename(shell.directory / "moved")
    assert "symbolic link" in assert_refused(shell("increment", "--follow", "moved", "--until-end"), 4)
    log.symlink_to(moved)
    append(moved, "b\n")
    shell.ok("increment", "--follow", "log", "--until-end")
    assert values(replica) == {"a": 1, "b": 1}


@pytest.mark.parametrize("has_lines", [True, False])
def test_another_file_with_the_inode_number_of_a_followed_one_is_read(
    shell: Shell, replica: Replica, log: Path, has_lines: bool
) -> None:
    append(log, "a\n" if has_lines else "")
    shell.ok("increment", "--follow", "log", "--until-end")
    other = log.rename(shell.directory / "other")
    other.write_text("b\n")  # it keeps the number
    shell.ok("increment", "--follow", "other", "--until-end")
    assert values(replica) == ({"a": 1, "b": 1} if has_lines else {"b": 1})


def test_log_that_becomes_a_link_to_a_followed_file_is_refused(shell: Shell, replica: Replica, log: Path) -> None:
    for name in ("day1", "day2"):
        append(shell.directory / name, f"{name}\n")
    log.symlink_to("day1")
    shell.ok("increment", "--follow", "log", "--until-end")
    shell.ok("increment", "--follow", "day2", "--until-end")
    log.unlink()
    log.symlink_to("day2")
    append(shell.directory / "day2", "more\n")
    assert "day2" in assert_refused(shell("increment", "--follow", "log", "--until-end"), 4)


def test_rotation_to_a_file_that_is_followed_already_is_refused(shell: Shell, replica: Replica, log: Path) -> None:
    append(log, "a\n")
    append(shell.directory / "other", "b\n")
    for name in ("log", "other"):
        shell.ok("increment", "--follow", name, "--until-end")
    log.rename(f"{log}.1")
    log.symlink_to("other")
    assert "other" in assert_refused(shell("increment", "--follow", "log", "--until-end"), 4)
    assert values(replica) == {"a": 1, "b": 1}


def test_job_does_not_follow_a_file(shell: Shell, replica: Replica, log: Path) -> None:
    """Each run would count the file from its beginning."""
    append(log, "a\n")
    run = shell("run", "--seal-to", "job.json", "--", *PROGRAM, "increment", "--follow", "log", "--until-end")
    assert run.status == 4
    assert "--replica" in run.stderr
    permanent = ["increment", "--follow", "log", "--until-end", "--replica", replica.path]
    for _ in range(2):
        shell.ok("run", "--seal-to", "job.json", "--overwrite", "--", *PROGRAM, *permanent)
    assert values(replica) == {"a": 1}


@pytest.mark.parametrize("is_absorbed", [False, True])
def test_replica_that_continues_after_its_seal_counts_each_line_once(
    shell: Shell, replica: Replica, new_replica: Callable[[str], Replica], is_absorbed: bool
) -> None:
    file = shell.directory / "lines.txt"
    file.write_text("builds 2\n")
    words = ("increment", "--follow", "lines.txt", "--until-end", "--quiet")
    hub = new_replica("hub")
    shell.ok(*words)
    replica.seal()
    if is_absorbed:
        hub.absorb(replica.export_bytes())
    with file.open("a") as more:
        more.write("builds 5\n")
    shell.ok("init", "--after-seal")
    for _ in range(2):
        shell.ok(*words)
    hub.merge_bytes(replica.export_bytes())
    assert (replica.value("builds"), hub.value("builds")) == (7, 7)
