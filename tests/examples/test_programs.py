"""The programs in ``examples/``: a server that counts, a stock, an importer of logs. Each is run as its users would."""

import gzip
import signal
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

from crdtctl import Replica
from tests.examples.recipes import EXAMPLES


def run(program: str, *arguments: str | Path) -> str:
    """Run a program, expect that it ends well, and return what it prints."""
    command = [sys.executable, str(EXAMPLES / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_server_with_threads_and_processes_counts_each_of_its_requests(tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLES / "views_server.py"), str(tmp_path / "views"), "0", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stderr is not None
        address = server.stdout.readline().strip()

        def visit(path: str) -> None:
            for _ in range(40):
                with urllib.request.urlopen(address + path, timeout=60) as answer:
                    assert answer.read() == b"Hello.\n"

        visitors = [threading.Thread(target=visit, args=(f"/{number % 2}",)) for number in range(6)]
        for one in visitors:
            one.start()
        for one in visitors:
            one.join()
        server.send_signal(signal.SIGTERM)
        assert (server.wait(60), server.stderr.read()) == (0, "")
    replica = Replica(tmp_path / "views")
    assert [(one.name, one.value) for one in replica.counters()] == [
        ('views{path="/0"}', 120),
        ('views{path="/1"}', 120),
    ]


def test_shops_sell_what_there_is_and_no_more() -> None:
    assert run("stock.py").splitlines() == [
        "apart: north sells 6 of 9, south sells 2 of 2",
        "after a transfer of 1: north sells 1 of 3, south sells 1 of 3",
        "left: 0 in the north and 0 in the south",
    ]


LINE = '10.0.0.1 - - [17/May/2015:10:05:{:02}] "GET / HTTP/1.1" {} 512{}\n'


def test_importer_counts_only_what_is_new_in_logs_that_grow_and_are_rotated(tmp_path: Path) -> None:
    replica = Replica.init(tmp_path / "replica", name="here")
    log, rotated = tmp_path / "access.log", tmp_path / "access.log.1"

    def imported(*logs: Path) -> dict[str, int]:
        assert run("import_access_logs.py", replica.path, *logs) == ""
        return {one.name[17:-2]: one.value for one in replica.counters()}

    combined = ' "-" "Agent \\"7\\" 500 "'
    log.write_text(
        "".join(LINE.format(second, 200 + second // 8 * 204, combined * (second % 2)) for second in range(10))
    )
    assert imported(log) == {"200": 8, "404": 2}
    commits = replica.commits
    assert imported(log, log) == {"200": 8, "404": 2}
    assert replica.commits == commits
    with log.open("a") as file:
        file.write(LINE.format(11, 500, "") + "-\n" + LINE.format(12, 200, "")[:-1])  # the last line is not complete
    assert imported(log) == {"200": 8, "404": 2, "500": 1, "unreadable": 1}
    log.write_text(log.read_text() + "\n")
    log.rename(rotated)
    log.write_text(LINE.format(13, 200, ""))
    assert imported(rotated, log) == {"200": 10, "404": 2, "500": 1, "unreadable": 1}
    compressed = tmp_path / "access.log.2.gz"
    compressed.write_bytes(gzip.compress(rotated.read_bytes()))
    other = Replica.init(tmp_path / "other", name="other")
    run("import_access_logs.py", other.path, compressed, log)
    other.merge_bytes(replica.export_bytes())
    assert {one.name[17:-2]: one.value for one in other.counters()} == imported(log, compressed)
    assert sum(one.value for one in other.counters()) == 14
