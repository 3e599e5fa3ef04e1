"""``crdtctl watch`` shows what other processes count, as lines or on a real terminal, until it is ended."""

import os
import pty
import re
import select
import signal
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.report.live import PARTS, WINDOW, Watch, sparkline
from crdtctl.store.stamps import stamp
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused

BUILDS = ("builds", "pncounter")
PAGES = ("pages", "pncounter")


@contextmanager
def watching(shell: Shell, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a watch whose output is a pipe, and end it."""
    with subprocess.Popen(
        [*PROGRAM, "watch", "--every", "100ms", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=shell.directory,
        env=shell.environment,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def line(process: subprocess.Popen[str]) -> list[str]:
    """Return the next line without its time."""
    assert process.stdout
    at, *rest = process.stdout.readline().rstrip("\n").split("\t")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", at)
    return rest


class Terminal:
    """A terminal of so many columns with a watch on it."""

    def __init__(self, shell: Shell, columns: int, *words: str) -> None:
        self.fd, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (12, columns))
        self.seen = b""
        self.process = subprocess.Popen(
            [*PROGRAM, "watch", *words],
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
            text=True,
            cwd=shell.directory,
            env={**shell.environment, "LINES": "99", "COLUMNS": "99"},
            start_new_session=True,
        )
        os.close(theirs)

    def read_until(self, pattern: str) -> str:
        """Read until the last drawing has a pattern; return that drawing."""
        while not re.search(pattern, drawing := _plain(self.seen.rpartition(b"\x1b[H")[2])):
            assert select.select([self.fd], [], [], 60)[0], self.seen
            self.seen += os.read(self.fd, 2**16)
        return drawing

    def end(self, number: int) -> tuple[int, str]:
        """Send a signal; return the status, and what was written after it."""
        before = len(self.seen)
        self.process.send_signal(number)
        try:
            while block := os.read(self.fd, 2**16):
                self.seen += block
        except OSError:  # the process has left its terminal
            pass
        _, stderr = self.process.communicate(timeout=60)
        assert stderr == ""
        os.close(self.fd)
        return self.process.returncode, self.seen[before:].decode()


def _plain(drawing: bytes) -> str:
    """Return a drawing, perhaps a part of one, without the sequences for colours and the like."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", drawing.decode(errors="ignore"))


# Off a terminal ----------------------------------------------------------------------------------------------


def test_lines_follow_what_other_processes_count(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 5)
    replica.increment("deploys", 1)
    with watching(shell) as process:
        assert [line(process), line(process)] == [["builds", "5", "0"], ["deploys", "1", "0"]]
        shell.ok("increment", "builds", "2")
        assert line(process) == ["builds", "7", "2"]
        shell.ok("decrement", "builds", "3")
        assert line(process) == ["builds", "4", "-1"]
        shell.ok("increment", "tests")
        assert line(process) == ["tests", "1", "1"]


def test_lines_follow_a_merge(shell: Shell, replica: Replica) -> None:
    other = Replica.init(shell.directory / "other", name="other")
    other.increment("builds", 40)
    replica.increment("builds", 2)
    with watching(shell, "builds") as process:
        assert line(process) == ["builds", "2", "0"]
        shell.ok("merge", "-", stdin=other.export_bytes())
        assert line(process) == ["builds", "42", "40"]


def test_selectors_choose_what_is_watched(shell: Shell, replica: Replica) -> None:
    replica.increment('failed{os="linux"}', 1)
    replica.increment('failed{os="mac"}', 2)
    with watching(shell, "fail*", "--where", "os=mac") as process:
        assert line(process) == ['failed{os="mac"}', "2", "0"]
        replica.increment('failed{os="linux"}', 1)
        replica.increment('failed{os="mac"}', 5)
        assert line(process) == ['failed{os="mac"}', "7", "5"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_lines_without_a_word(shell: Shell, replica: Replica, number: int) -> None:
    replica.increment("builds")
    with watching(shell) as process:
        line(process)
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=60)
        assert (process.returncode, stdout, stderr) == (128 + number, "", "")


def test_closed_reader_ends_lines_although_nothing_is_counted(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    with watching(shell) as process:
        line(process)
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.wait(60) == 0
        assert process.stderr.read() == ""


def test_last_changes_are_printed_at_the_end(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    with watching(shell, "--every", "1h") as process:
        assert line(process) == ["builds", "1", "0"]
        replica.increment("builds", 4)
        process.send_signal(signal.SIGTERM)
        assert line(process) == ["builds", "5", "4"]
        assert process.wait(60) == 128 + signal.SIGTERM


def test_time_ends_lines(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    assert shell.ok("watch", "--for", "100ms").endswith("Z\tbuilds\t1\t0\n")


def test_wrong_lines_are_refused_at_once(shell: Shell, replica: Replica) -> None:
    assert "no counter 'builds' here" in assert_refused(shell("watch", "builds"), 66)
    assert "--every is from 100ms to 1d" in assert_refused(shell("watch", "--every", "1ms"), 2)
    assert "--every: 'soon' is not a duration" in assert_refused(shell("watch", "--every", "soon"), 2)


# On a terminal -----------------------------------------------------------------------------------------------


def test_terminal_shows_changes_and_is_left_as_it_was(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 5)
    terminal = Terminal(shell, 100)
    drawn = terminal.read_until(r"builds +5 +0 +0 ")
    assert replica.id in drawn
    shell.ok("increment", "builds", "37")
    terminal.read_until(r"builds +42 +\+37 .*█")
    status, rest = terminal.end(signal.SIGTERM)
    assert status == 128 + signal.SIGTERM
    assert "\x1b[?25h" in rest
    assert "\x1b[?1049l" in rest


def test_terminal_may_change_its_size(shell: Shell, replica: Replica) -> None:
    for number in range(20):
        replica.increment(f"name.of.counter.{number:02}")
    replica.increment("a.name.that.is.wider.than.a.narrow.terminal", 123_456)
    terminal = Terminal(shell, 100, "--every", "1h")
    terminal.read_until("(?s)last 60 s.*and 15 more")
    termios.tcsetwinsize(terminal.fd, (30, 44))
    drawn = terminal.read_until(r"(?s)counter\.19 .*\n.*\Z")
    assert "last 60 s" not in drawn
    assert re.search(r"a\.name\.that\S+… +123456 +0 +0\s", drawn)
    assert re.search(r"counter\.19 +1 +0 +0\s", drawn)
    assert all(len(row.rstrip()) <= 44 for row in drawn.splitlines())
    assert terminal.end(signal.SIGINT)[0] == 128 + signal.SIGINT


def test_terminal_shows_the_last_sync_with_each_remote(shell: Shell, replica: Replica) -> None:
    replica.increment("builds")
    shell.ok("remote", "add", "stick", str(shell.directory / "stick"))
    terminal = Terminal(shell, 100)
    terminal.read_until("remote stick: no sync yet")
    (shell.directory / "stick").mkdir()
    shell.ok("sync")
    terminal.read_until(r"remote stick: last sync \d+ seconds? ago")
    terminal.end(signal.SIGINT)


# The parts ---------------------------------------------------------------------------------------------------


def test_change_counts_from_the_start_and_the_rate_from_a_minute_ago() -> None:
    watch = Watch({BUILDS: 100}, 0.0)
    assert watch.take({BUILDS: 160}, 30.0) == [BUILDS]
    (row,) = watch.rows([BUILDS], 30.0)
    assert (row.value, row.change, row.rate, sum(row.parts), row.parts[-1]) == (160, 60, 2.0, 60, 60)
    (row,) = watch.rows([BUILDS], 30.0 + WINDOW / 2)
    assert (row.rate, row.parts[PARTS // 2 - 1]) == (1.0, 60)
    (row,) = watch.rows([BUILDS], 31.0 + WINDOW)
    assert (row.value, row.change, row.rate, row.parts) == (160, 60, 0.0, [0] * PARTS)


def test_new_counter_has_changed_from_zero() -> None:
    watch = Watch({BUILDS: 1}, 0.0)
    assert watch.take({BUILDS: 1, PAGES: 7}, 5.0) == [PAGES]
    assert watch.rows([PAGES], 5.0)[0].change == 7
    assert watch.take({PAGES: 7}, 6.0) == []
    assert watch.latest(9) == [PAGES]


def test_without_room_the_latest_changes_are_kept() -> None:
    watch = Watch({(name, "pncounter"): 1 for name in "abcd"}, 0.0)
    watch.take({(name, "pncounter"): 2 if name == "c" else 1 for name in "abcd"}, 1.0)
    assert [name for name, _ in watch.latest(4)] == ["a", "b", "c", "d"]
    assert [name for name, _ in watch.latest(2)] == ["c", "a"]


def test_history_of_a_busy_counter_is_bounded() -> None:
    watch = Watch({BUILDS: 0}, 0.0)
    for second in range(10 * WINDOW):
        watch.take({BUILDS: second}, float(second))
    assert len(watch._steps[BUILDS]) <= WINDOW + 1
    assert watch.rows([BUILDS], 10.0 * WINDOW - 1)[0].rate == 1.0


def test_sparkline_has_a_bar_for_each_amount() -> None:
    assert sparkline([0, 7, 14]) == "▁▄█"
    assert sparkline([-5, 0, 5]) == "▁▄█"


@pytest.mark.parametrize("change", ["increment", "merge", "settings"])
def test_stamp_differs_after_a_write_and_only_then(replica: Replica, tmp_path: Path, change: str) -> None:
    replica.increment("builds")
    age(replica)
    before = stamp(replica.path)
    assert stamp(replica.path) == before
    other = Replica.init(tmp_path / "other", name="other")
    other.increment("builds")
    match change:
        case "increment":
            replica.increment("builds")
        case "merge":
            replica.merge_bytes(other.export_bytes())
        case _:
            replica.add_remote("stick", str(tmp_path))
    age(replica)
    assert stamp(replica.path) != before


def test_stamp_of_a_fresh_file_is_not_trusted(replica: Replica) -> None:
    """Another write at the same moment could leave the same size and time."""
    own = Path(replica.path, "own.json")
    now = os.stat(own).st_mtime_ns
    import time

    os.utime(own, ns=(now, time.time_ns() + 30_000_000))
    assert stamp(replica.path) != stamp(replica.path)


def age(replica: Replica) -> None:
    """Give all files of a replica the same time, which is long past."""
    for one in Path(replica.path).iterdir():
        os.utime(one, ns=(10**18, 10**18))
