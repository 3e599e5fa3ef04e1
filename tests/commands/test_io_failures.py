"""Full disks, full or closed standard output, missing rights, wrong settings: the status says what was applied."""

import fcntl
import os
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import PROGRAM, Shell, assert_sound
from tests.support.expect import assert_one_line, assert_refused, contents
from tests.support.handwritten import counted, document
from tests.support.sh import in_sh

STATE = document("other", 1, counted("builds", "other", 1, 7))
FULL = "> /dev/full" if Path("/dev/full").exists() else ">&-"
WRITING = ["increment builds", "increment builds=1", "add visitors ada", "merge ../state.json"]


@pytest.fixture
def small(shell: Shell, tmp_path: Path) -> Iterator[Shell]:
    """Return a shell in a file system of 64 KiB, with a replica in it."""
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "crdtctl-test", str(place)]
    if os.geteuid() != 0 or subprocess.run(mounting, capture_output=True, check=False).returncode != 0:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        replica = Replica.init(place / ".crdtctl", name="here")
        replica.increment("builds", 42)
        (tmp_path / "state.json").write_bytes(STATE)
        yield Shell(place, shell.environment)
        assert_sound(replica)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_on_a_full_disk_nothing_is_applied_and_reading_goes_on(small: Shell) -> None:
    assert in_sh(small, "head -c 1000000 /dev/zero > filler").status != 0
    replica = small.directory / ".crdtctl"
    before = contents(replica)
    for command in WRITING:
        assert "No space left" in assert_refused(small(*command.split()), 74)
        assert contents(replica) == before
    assert_refused(small("--replica", "another", "init"), 74)
    assert_refused(small("export", "-o", "state.json"), 74)
    assert sorted(os.listdir(small.directory)) == [".crdtctl", "filler"]
    assert small.ok("show", "builds") == "42\n"
    (small.directory / "filler").unlink()
    small.ok("increment", "builds")
    assert small.ok("show", "builds") == "43\n"


def test_on_a_read_only_disk_nothing_is_applied_and_reading_goes_on(small: Shell) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small.directory)], check=True)
    before = contents(small.directory)
    for command in WRITING:
        assert "read-only" in assert_refused(small(*command.split()), 74)
    assert small.ok("show", "builds") == "42\n"
    assert contents(small.directory) == before


def test_beyond_a_limit_of_the_file_size_nothing_is_applied(shell: Shell, replica: Replica) -> None:
    replica.increment("builds", 42)
    (shell.directory.parent / "state.json").write_bytes(STATE)
    before = contents(replica.path)
    for command in WRITING:
        assert_refused(in_sh(shell, f"ulimit -f 0; crdtctl {command}"), 74)
        assert contents(replica.path) == before


# Standard output --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    ["show", "show builds", "show --state", "export", "clock", "status", "check", "schema", "--version", "show --help"],
)
def test_what_cannot_be_shown_is_an_io_failure(shell: Shell, replica: Replica, command: str) -> None:
    replica.increment("builds", 42)
    ended = in_sh(shell, f"crdtctl {command} {FULL}")
    assert ended.status == 74
    assert "standard output" in assert_one_line(ended.stderr)


@pytest.mark.parametrize("to", sorted({FULL, ">&-"}))
def test_a_replica_that_was_made_and_could_not_be_reported(shell: Shell, to: str) -> None:
    ended = in_sh(shell, f"crdtctl init --name laptop {to}")
    assert ended.status == 79
    assert "applied" in assert_one_line(ended.stderr)
    assert shell.ok("status").startswith("laptop-")


@pytest.mark.parametrize("to", sorted({FULL, ">&-"}))
def test_a_merge_that_could_not_be_reported_is_applied(shell: Shell, replica: Replica, to: str) -> None:
    (shell.directory / "state.json").write_bytes(STATE)
    ended = in_sh(shell, f"crdtctl merge --format json state.json {to}")
    assert ended.status == 79
    assert replica.value("builds") == 7
    ended = in_sh(shell, f"crdtctl merge --format json state.json {to}")
    assert ended.status == 74  # this time there was nothing to apply


def test_what_says_nothing_needs_no_standard_streams(shell: Shell, replica: Replica) -> None:
    for command in ("increment builds", "increment builds=1", "decrement builds=1"):
        assert in_sh(shell, f"crdtctl {command} <&- >&- 2>&-").status == 0
        assert in_sh(shell, f"crdtctl {command} {FULL}").status == 0
    assert replica.value("builds") == 2
    assert in_sh(shell, "crdtctl show nope <&- >&- 2>&-").status == 66
    before = contents(replica.path)
    assert in_sh(shell, "crdtctl show <&- >&- 2>&-").status == 74
    assert in_sh(shell, "crdtctl merge - <&-").status == 74
    assert contents(replica.path) == before


# Rights -----------------------------------------------------------------------------------------------


@pytest.fixture
def plain(shell: Shell, replica: Replica) -> str:
    """Return what a command is begun with so that modes of files hold for it, even for root."""
    replica.increment("builds", 42)
    if os.geteuid() != 0:
        return "crdtctl"
    powers = "-dac_override,-dac_read_search"
    giving_up = f"setpriv --bounding-set={powers} --inh-caps={powers}"
    if in_sh(shell, f"{giving_up} true").status != 0:
        pytest.skip("root reads and writes everything, and cannot give that up here")
    return f"{giving_up} {shlex.join(PROGRAM)}"


def test_without_the_right_to_write_nothing_is_applied(shell: Shell, replica: Replica, plain: str) -> None:
    (shell.directory.parent / "state.json").write_bytes(STATE)
    before = contents(replica.path)
    os.chmod(replica.path, 0o500)
    try:
        for command in WRITING:
            assert_refused(in_sh(shell, f"{plain} {command}"), 77)
        assert in_sh(shell, f"{plain} show builds").stdout == "42\n"
    finally:
        os.chmod(replica.path, 0o700)
    assert contents(replica.path) == before


@pytest.mark.parametrize("file", ["", "/own.json"])
def test_without_the_right_to_read_nothing_is_shown(shell: Shell, replica: Replica, plain: str, file: str) -> None:
    path = Path(replica.path + file)
    mode = path.stat().st_mode
    path.chmod(0)
    try:
        for command in ("show", "show builds", "export", "clock", "status", "check", "increment builds"):
            assert_refused(in_sh(shell, f"{plain} {command}"), 77)
    finally:
        path.chmod(mode)
    assert replica.value("builds") == 42


def test_files_that_may_not_be_read_or_written_are_named(shell: Shell, replica: Replica, plain: str) -> None:
    (shell.directory / "state.json").write_bytes(STATE)
    (shell.directory / "state.json").chmod(0)
    for command in ("merge state.json", "compare state.json", "increment --batch state.json"):
        assert "state.json" in assert_refused(in_sh(shell, f"{plain} {command}"), 77)
    checked = in_sh(shell, f"{plain} check state.json")
    assert (checked.status, checked.stdout.startswith("state.json\tFAULT\t")) == (1, True)
    (shell.directory / "closed").mkdir(0o500)
    for command in ("export -o closed/state.json", "init closed"):
        assert "closed" in assert_refused(in_sh(shell, f"{plain} {command}"), 77)
    assert os.listdir(shell.directory / "closed") == []


# Settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "settings",
    ["lock_timeout = soon", "lock_timeout = -1", "lock_timeout = nan", 'lock_timeout = "3"', "colour = 1", "\x00", "["],
)
def test_wrong_settings_are_told_when_one_is_needed(shell: Shell, replica: Replica, settings: str) -> None:
    config = Path(replica.path, "config.toml")
    sound = config.read_bytes()
    config.write_text(settings)
    before = contents(replica.path)
    with Path(replica.path, "own.lock").open("r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert "config.toml" in assert_refused(shell("increment", "builds"), 78)
    assert contents(replica.path) == before
    config.write_bytes(sound)
