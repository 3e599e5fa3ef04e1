"""``--stream``: lines are counted as they arrive, and acknowledged when they are on disk."""

import array
import fcntl
import os
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_one_line, assert_refused


@contextmanager
def coprocess(shell: Shell, *words: str) -> Iterator[subprocess.Popen[bytes]]:
    """Start a stream whose input and output are pipes, and end it."""
    with subprocess.Popen(
        [*PROGRAM, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.directory,
        env=shell.environment,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def send(process: subprocess.Popen[bytes], data: bytes) -> None:
    assert process.stdin
    process.stdin.write(data)
    process.stdin.flush()


def answer(process: subprocess.Popen[bytes]) -> bytes:
    assert process.stdout
    return process.stdout.readline()


def ended(process: subprocess.Popen[bytes]) -> tuple[int, bytes, bytes]:
    stdout, stderr = process.communicate(timeout=60)
    return process.returncode, stdout, stderr


def commits(replica: Replica) -> int:
    return replica.clock().get(replica.id, 0)


@pytest.mark.parametrize("source", ["-", "file", "named"])
def test_stream_counts_every_line_to_the_end(shell: Shell, replica: Replica, source: str) -> None:
    text = "builds\nbytes 40\n\nbuilds\nlast"
    (shell.directory / "lines.txt").write_text(text)
    words = {"-": [], "file": ["lines.txt"], "named": ["-"]}[source]
    assert shell.ok("increment", "--stream", *words, stdin=text).splitlines()[-1] == "OK 5"
    assert [(one.name, one.value) for one in replica.counters()] == [("builds", 2), ("bytes", 40), ("last", 1)]


def test_stream_counts_down_and_adds(shell: Shell, replica: Replica) -> None:
    replica.increment("stock", 10)
    assert shell.ok("decrement", "--stream", stdin="stock 3\nstock\n").endswith("OK 2\n")
    assert shell.ok("add", "visitors", "--stream", stdin="ada\ngrace\nada\n").endswith("OK 3\n")
    assert shell.ok("add", "pages", "--type", "hll", "--stream", stdin="/\n/a\n/\n").endswith("OK 3\n")
    assert [replica.value(name) for name in ("stock", "visitors", "pages")] == [6, 2, 2]


def test_lone_line_is_acknowledged_at_once_and_is_on_disk_then(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream") as process:
        for number in range(1, 4):
            send(process, b"builds\n")
            assert answer(process) == b"OK %d\n" % number
            assert replica.value("builds") == number
        send(process, b"buil")
        send(process, b"ds 5\nother\n")
        while answer(process) != b"OK 5\n":
            pass
        assert ended(process) == (0, b"", b"")
    assert [replica.value("builds"), replica.value("other")] == [8, 1]


def test_other_processes_count_while_a_stream_waits(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream") as process:
        send(process, b"builds\n")
        assert answer(process) == b"OK 1\n"
        shell.ok("increment", "builds", "10", "--lock-timeout", "0")
        send(process, b"builds\n")
        assert answer(process) == b"OK 2\n"
    assert replica.value("builds") == 12


def test_copy_of_the_replica_is_noticed_between_two_groups(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream") as process:
        send(process, b"builds\n")
        assert answer(process) == b"OK 1\n"
        own = Path(replica.path, "own.json")
        own.with_name("copy").write_bytes(own.read_bytes())
        own.with_name("copy").rename(own)
        send(process, b"builds\n")
        assert answer(process) == b"OK 2\n"
        _, _, stderr = ended(process)
    assert b"continues as" in stderr
    assert replica.value("builds") == 2


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)], ids=str
)
def test_signal_commits_what_was_read(shell: Shell, replica: Replica, number: int, status: int) -> None:
    with coprocess(shell, "increment", "--stream", "--every", "1h") as process:
        send(process, b"first\n" * 3 + b"unfinish")
        wait_until_it_is_read(process)
        process.send_signal(number)
        assert ended(process) == (status, b"OK 3\n", b"")
    assert [(one.name, one.value) for one in replica.counters()] == [("first", 3)]


def wait_until_it_is_read(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin
    unread = array.array("i", [1])
    while unread[0]:
        fcntl.ioctl(process.stdin, termios.FIONREAD, unread)
        time.sleep(0.01)
    time.sleep(0.05)  # it has been read, and is about to be waited for


def test_kill_loses_only_what_was_not_acknowledged(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream", "--group", "7") as process:
        send(process, b"builds\n" * 50)
        while answer(process) != b"OK 21\n":
            pass
        process.kill()
        stdout = ended(process)[1]
    acknowledged = int(stdout.split()[-1]) if stdout else 21
    assert acknowledged <= replica.value("builds") <= 50


def test_named_pipe_is_read_until_its_last_writer_closes_it(shell: Shell, replica: Replica) -> None:
    os.mkfifo(shell.directory / "pipe")
    with coprocess(shell, "increment", "--stream", "pipe") as process:
        with open(shell.directory / "pipe", "wb", buffering=0) as one:
            one.write(b"a\n")
            assert answer(process) == b"OK 1\n"
            with open(shell.directory / "pipe", "wb", buffering=0) as other:
                other.write(b"b\n")
            assert answer(process) == b"OK 2\n"
            one.write(b"a")
        assert ended(process) == (0, b"OK 3\n", b"")
    assert [one.value for one in replica.counters()] == [2, 1]


def test_group_and_time_decide_how_many_commits_are_made(shell: Shell, replica: Replica) -> None:
    lines = "".join(f"n{number}\n" for number in range(10))
    assert shell.ok("increment", "--stream", "--group", "4", stdin=lines) == "OK 4\nOK 8\nOK 10\n"
    assert commits(replica) == 3
    assert shell.ok("increment", "--stream", "--every", "1h", stdin=lines) == "OK 10\n"
    assert commits(replica) == 4
    assert shell.ok("increment", "--stream", "--quiet", stdin=lines) == ""


def test_lines_that_add_nothing_make_no_commit_and_are_acknowledged(shell: Shell, replica: Replica) -> None:
    replica.increment("failed", 2)
    assert shell.ok("increment", "--stream", stdin="\n\r\n  \nfailed 0\n").endswith("OK 4\n")
    assert commits(replica) == 1
    assert shell.ok("increment", "--stream", stdin="passed 41\nfailed 0\nskipped 0\n").endswith("OK 3\n")
    assert [(one.name, one.value) for one in replica.counters()] == [("failed", 2), ("passed", 41), ("skipped", 0)]


@pytest.mark.parametrize(
    ("text", "name"), [(b"\xef\xbb\xbfcaf\xc3\xa9\n", "café"), ("café\n".encode("utf-16"), "café"), (b"x\r\n", "x")]
)
def test_mark_at_the_beginning_is_no_fault(shell: Shell, replica: Replica, text: bytes, name: str) -> None:
    with coprocess(shell, "increment", "--stream") as process:
        for place in range(len(text)):
            send(process, text[place : place + 1])
        assert answer(process) == b"OK 1\n"
        assert ended(process) == (0, b"", b"")
    assert [one.name for one in replica.counters()] == [name]


@pytest.mark.parametrize("bad", [b"a=b", b"\xff", b"x" * 200_000, b"a 1.5", b'{"name":', b" a"])
def test_bad_line_ends_the_stream_after_those_before_it(shell: Shell, replica: Replica, bad: bytes) -> None:
    told = shell("increment", "--stream", stdin=b"a\n\na\n" + bad + b"\na\n")
    assert (told.status, told.stdout.splitlines()[-1]) == (2, "OK 3")
    assert "line 4 of standard input: " in assert_one_line(told.stderr)
    assert "all lines before it are on disk (3)" in told.stderr
    assert replica.value("a") == 2


@pytest.mark.parametrize("bad", [b"a=b", b"\xff", b"x" * 200_000, b"a 1.5", b'{"name":', b" a"])
def test_bad_lines_are_skipped_on_demand(shell: Shell, replica: Replica, bad: bytes) -> None:
    told = shell("increment", "--stream", "--bad", "skip", "--group", "3", stdin=b"a\n\na\n" + bad + b"\na\n" + bad)
    assert (told.status, told.stdout.splitlines()[-1]) == (3, "OK 6")
    assert "2 of 6 lines were left out, the first: line 4 of standard input: " in assert_one_line(told.stderr)
    assert replica.value("a") == 3


def test_signal_reports_the_lines_that_were_left_out(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream", "--bad", "skip") as process:
        send(process, b"a\na=b\n")
        while answer(process) != b"OK 2\n":
            pass
        process.send_signal(signal.SIGTERM)
        status, _, stderr = ended(process)
    assert status == 143
    assert b"1 of 2 lines was left out, the first: line 2 of standard input" in stderr
    assert replica.value("a") == 1


def test_what_a_type_refuses_is_left_out_or_ends_the_stream(shell: Shell, replica: Replica) -> None:
    replica.create("grows", "gcounter")
    replica.create("seats", "bcounter", initial=3)
    lines = "seats\nseats\ngrows\nseats 2\nseats\n"
    told = shell("decrement", "--stream", "--every", "1h", stdin=lines)
    assert (told.status, told.stdout) == (4, "OK 2\n")
    assert "line 3 of standard input: cannot decrement 'grows'" in told.stderr
    told = shell("decrement", "--stream", "--every", "1h", "--bad", "skip", stdin=lines)
    assert (told.status, told.stdout) == (3, "OK 5\n")
    assert "4 of 5 lines were left out, the first: line 2 of standard input: cannot decrement 'seats'" in told.stderr
    assert replica.value("seats") == 0


def test_repeated_key_counts_once_and_another_amount_is_refused(shell: Shell, replica: Replica) -> None:
    line = '{"name": "deploys", "amount": 2, "once": "job-1"}\n'
    assert shell.ok("increment", "--stream", stdin=line * 3).endswith("OK 3\n")
    told = shell("increment", "--stream", "--every", "1h", stdin=f"a\n{line}{line.replace('2', '3')}a\n")
    assert (told.status, told.stdout) == (4, "OK 2\n")
    assert [one.value for one in replica.counters()] == [1, 2]


def test_closed_output_ends_the_stream_and_is_reported(shell: Shell, replica: Replica) -> None:
    with coprocess(shell, "increment", "--stream") as process:
        send(process, b"builds\n")
        assert answer(process) == b"OK 1\n"
        assert process.stdout
        process.stdout.close()
        send(process, b"builds\n")
        assert process.wait(timeout=60) == 79
        assert process.stderr
        assert b"could not be reported" in process.stderr.read()
    assert replica.value("builds") == 2


def test_acknowledgements_that_are_not_read_do_not_stop_the_stream(shell: Shell, replica: Replica) -> None:
    """The pipe has room for few of them. The last one is there in the end."""
    lines = 200
    with coprocess(shell, "increment", "--stream", "--group", "1", "--every", "0") as process:
        assert process.stdout
        fcntl.fcntl(process.stdout, fcntl.F_SETPIPE_SZ, 4096)
        send(process, b"builds\n" * lines)
        while replica.value("builds", default=0) < lines:
            time.sleep(0.01)
        answers: list[bytes] = []
        while not answers or answers[-1] != b"OK %d\n" % lines:
            answers.append(answer(process))
        assert len(answers) < lines
        send(process, b"builds\n")
        assert answer(process) == b"OK %d\n" % (lines + 1)
        assert ended(process) == (0, b"", b"")


def test_held_lock_is_a_failure_that_counts_nothing_more(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    with open(Path(replica.path, "own.lock")) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told = shell("increment", "--stream", "--lock-timeout", "0", stdin="builds\n")
    assert (told.status, told.stdout) == (75, "")
    assert "lines on disk: 0" in told.stderr
    assert replica.value("builds") == 1


WRONG = [
    (["increment", "--stream", "a", "b"], "reads one FILE"),
    (["increment", "--stream", "--batch", "x"], "--batch"),
    (["increment", "--stream", "--once", "k"], "--once"),
    (["increment", "--stream", "--print-clock"], "--print-clock"),
    (["increment", "--stream", "--lines", "csv"], "--lines"),
    (["increment", "--stream", "--bad", "ignore"], "--bad"),
    (["increment", "--stream", "--group", "0"], "--group"),
    (["increment", "--stream", "--every", "soon"], "--every"),
    (["increment", "builds", "--every", "1s"], "--every"),
    (["decrement", "builds", "--group", "3"], "--group"),
    (["add", "--stream"], "NAME"),
]


@pytest.mark.parametrize(("words", "named"), WRONG)
def test_wrong_words_are_refused(shell: Shell, replica: Replica, words: list[str], named: str) -> None:
    assert named in assert_refused(shell(*words), 2)
    assert not commits(replica)


def test_missing_file_and_directory_are_refused(shell: Shell, replica: Replica) -> None:
    assert "gone.txt" in assert_refused(shell("increment", "--stream", "gone.txt"), 66)
    assert "directory" in assert_refused(shell("increment", "--stream", "."), 2)


STATSD = [
    ("hits:3|c", 3),
    ("hits:3|c|@1|T17", 3),
    ("hits:2|c|@0.1", 20),
    ("hits:2|c|@.5", 4),
    ("hits:1|c|@1", 1),
    ("hits:1|c|@0.333", None),
    ("hits:1|c|@0", None),
    ("hits:1|c|@2", None),
    ("hits:0|c", 0),
    ("hits:-4|c", -4),
    ("hits:2.0|c", 2),
    ("hits:2.5|c", None),
    ("hits:1:2|c", None),
    ("hits:320|ms", None),
    ("hits:1", None),
    ("hits", None),
    (":1|c", None),
    ("hits:|c", None),
    ("_e{5,4}:title|text", None),
]


@pytest.mark.parametrize("way", ["--batch", "--stream"])
@pytest.mark.parametrize(("line", "value"), STATSD)
def test_lines_of_statsd(shell: Shell, replica: Replica, way: str, line: str, value: int | None) -> None:
    told = shell("increment", way, "-", "--lines", "statsd", stdin=f"{line}\n\n")
    if value is None:
        assert told.status == 2
        assert "line 1 of standard input: " in assert_one_line(told.stderr)
        assert list(replica.counters()) == []
    else:
        assert told.status == 0
        assert [(one.name, one.value) for one in replica.counters()] == [("hits", value)]
        assert shell("decrement", way, "-", "--lines", "statsd", stdin=line).status == 0
        assert replica.value("hits") == 0
