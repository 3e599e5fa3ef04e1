"""Files of metrics: whole or not at all, readable for the collector, and with the truth about syncs in them."""

import shutil
import socket
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell
from tests.support.expect import assert_refused
from tests.support.strace import at, load, logged, needs_strace, run, without_caches

MARK = "# Metrics of a crdtctl replica\n"


def metric(path: Path, name: str) -> dict[str, float]:
    """Return the samples of a metric, by what is in braces."""
    lines = [line.rpartition(" ") for line in path.read_text().splitlines() if not line.startswith("#")]
    found = {key.partition("{")[2].rstrip("}"): float(value) for key, _, value in lines if key.split("{")[0] == name}
    assert found or name not in path.read_text()
    return found


@pytest.fixture
def target(shell: Shell, replica: Replica) -> Path:
    shell.ok("increment", "builds", "3", "--type", "gcounter")
    return shell.directory / "counts.prom"


def test_export_writes_the_counters_and_the_state_of_syncs(shell: Shell, target: Path) -> None:
    assert shell.ok("export", "--textfile", target.name) == ""
    assert target.read_text().startswith(f"{MARK}# HELP crdtctl_up ")
    assert target.read_text().endswith(shell.ok("show", "--format", "prom"))
    assert metric(target, "crdtctl_up") == {"": 1}
    assert metric(target, "crdtctl_last_sync_timestamp_seconds") == {}


@pytest.mark.parametrize("umask", ["077", "022"])
def test_file_is_readable_for_every_collector(shell: Shell, target: Path, umask: str) -> None:
    words = ["sh", "-c", f'umask {umask}; exec "$@"', "sh", *PROGRAM]
    for _ in range(2):
        subprocess.run([*words, "export", "--textfile", target], cwd=shell.directory, env=shell.environment, check=True)
        assert stat.S_IMODE(target.stat().st_mode) == 0o644


def test_sync_writes_the_times_also_if_a_remote_fails(shell: Shell, target: Path) -> None:
    Replica.init(shell.directory / "other", name="other").increment("runs")
    (shell.directory / "shared").mkdir()
    shell.ok("--replica", "other", "sync", "./shared")
    shell.ok("remote", "add", "hub", "./shared")
    shell.ok("remote", "add", "gone", "./missing/shared")
    before = int(time.time())
    done = shell("sync", "--textfile", target.name)
    assert done.status == 69
    assert metric(target, "crdtctl_up") == {"": 0}
    synced = metric(target, "crdtctl_last_sync_timestamp_seconds")
    assert synced['remote="gone"'] == 0
    assert synced['remote="hub"'] >= before
    (heard,) = metric(target, "crdtctl_heard_timestamp_seconds").items()
    assert heard[0].startswith('replica="other-')
    assert heard[1] >= before
    shell.ok("remote", "remove", "gone")
    shell.ok("sync", "--textfile", target.name)
    assert metric(target, "crdtctl_up") == {"": 1}


def test_names_that_clash_are_reported_and_the_rest_is_written(shell: Shell, target: Path) -> None:
    shell.ok("increment", "a.b=1", "a-b=1", "--type", "gcounter")
    (shell.directory / "shared").mkdir()
    for words in ("export", "sync ./shared"):
        target.unlink(missing_ok=True)
        assert "'a-b', 'a.b'" in assert_refused(shell(*words.split(), "--textfile", target.name), 3)
        assert metric(target, "builds_total") == {"": 3}


@pytest.mark.parametrize("word", ["counts.txt", "counts", ".prom", "-", ""])
def test_name_that_the_collector_does_not_read_is_refused(shell: Shell, target: Path, word: str) -> None:
    for command in ("export", "sync"):
        assert_refused(shell(command, "--textfile", word), 2)


@pytest.mark.parametrize("words", ["export --since {}", "export -o x.json", "export --format toml", "sync --dry-run"])
def test_options_that_mean_something_else_are_refused(shell: Shell, target: Path, words: str) -> None:
    message = assert_refused(shell(*words.split(), "--textfile", target.name), 2)
    assert "cannot be combined" in message or "--dry-run changes nothing" in message
    assert not target.exists()


def test_file_of_another_program_is_kept(shell: Shell, target: Path) -> None:
    target.write_text("# HELP other 1\n")
    (shell.directory / "shared").mkdir()
    for words in ("export", "sync ./shared"):
        assert "is not a file of metrics" in assert_refused(shell(*words.split(), "--textfile", target.name), 73)
    assert target.read_text() == "# HELP other 1\n"


@needs_strace
@pytest.mark.parametrize("how", ["signal=SIGKILL", "error=ENOSPC"])
def test_file_is_the_old_one_or_the_new_one_when_a_call_fails(shell: Shell, target: Path, how: str) -> None:
    words, environment = ["export", "--textfile", target.name], without_caches(shell.environment)
    load(words, environment, shell.directory)
    old = target.read_bytes()
    shell.ok("increment", "builds")
    log = shell.directory / "log"
    calls = "write,fsync,rename,renameat"
    run(words, environment, trace=calls, log=log, directory=shell.directory)
    new = target.read_bytes()
    assert new != old
    for point in logged(log):
        target.write_bytes(old)
        ended = run(words, environment, **at(point, how), directory=shell.directory)
        assert target.read_bytes() in (old, new)
        assert how.startswith("signal") or (ended.status in (74, 76) and ended.stderr.startswith("crdtctl: "))


def test_node_exporter_shows_the_counters(shell: Shell, target: Path) -> None:
    program = shutil.which("prometheus-node-exporter")
    if program is None:
        pytest.skip("node_exporter is not installed: Debian's package prometheus-node-exporter")
    shell.ok("increment", "builds", "2", "--label", 'os=a"\\b')
    shell.ok("export", "--textfile", target.name)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    words = [program, "--collector.disable-defaults", "--collector.textfile", f"--web.listen-address={address}"]
    server = subprocess.Popen([*words, f"--collector.textfile.directory={shell.directory}"], stderr=subprocess.DEVNULL)
    try:
        text = scraped(f"http://{address}/metrics", server)
    finally:
        server.terminate()
        server.wait()
    assert "node_textfile_scrape_error 0" in text
    assert 'builds_total{os="a\\"\\\\b"} 2' in text
    assert 'builds_total{os=""} 3' in text or "builds_total 3" in text
    assert "crdtctl_up 1" in text


def scraped(url: str, server: subprocess.Popen[bytes]) -> str:
    """Return a page of a server on loopback, as soon as the server answers."""
    while server.poll() is None:
        try:
            with urllib.request.urlopen(url) as answer:
                return str(answer.read().decode())
        except OSError:
            time.sleep(0.02)
    pytest.fail("node_exporter ended")
