"""``crdtctl cron`` prints a line that cron, and units that systemd, understand, whatever the names of the files."""

import shutil
import subprocess
from pathlib import Path

import pytest

from crdtctl import Replica
from crdtctl.cli import schedule
from crdtctl.errors import UsageError
from tests.conftest import Shell
from tests.support.expect import assert_refused

HOSTILE = 'it\'s 100% "$HOME" \\%\\\\ `x` é; #'


def fields(line: str) -> tuple[list[str], str]:
    """Return the five fields of time and the command of a line, as cron reads them: crontab(5)."""
    *when, command = line.rstrip("\n").split(" ", 5)
    read, letters = "", iter(command)
    for letter in letters:
        if letter == "\\":
            after = next(letters)
            read += after if after in "\\%" else letter + after
        else:
            assert letter != "%", "cron ends the command here"
            read += letter
    return when, read


def as_cron(shell: Shell, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command as cron does: in the home directory, with a short environment."""
    environment = {"HOME": shell.environment["HOME"], "PATH": "/usr/bin:/bin", "SHELL": "/bin/sh"}
    return subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=environment["HOME"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_line_syncs_the_replica_where_paths_are_hostile(shell: Shell) -> None:
    place = shell.directory / HOSTILE
    place.mkdir()
    (place / "there").mkdir()
    here = Shell(place, shell.environment)
    here.ok("init", "--name", "here")
    here.ok("increment", "builds")
    line = here.ok("cron", "./there", "--textfile", "counts.prom")
    when, command = fields(line)
    assert when[0].endswith("-59/10")
    assert when[1:] == ["*"] * 4
    done = as_cron(shell, command)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert [one.name for one in (place / "there").iterdir() if one.name.startswith("here-")]
    assert "builds" in (place / "counts.prom").read_text()


@pytest.mark.parametrize(
    ("every", "when"),
    [
        ("1m", ["*", "*"]),
        ("5m", ["3-59/5", "*"]),
        ("30m", ["13-59/30", "*"]),
        ("1h", ["13", "*"]),
        ("2h", ["13", "1-23/2"]),
        ("1d", ["13", "5"]),
    ],
)
def test_interval_is_in_the_fields_of_time(every: str, when: list[str]) -> None:
    from crdtctl.cli.durations import duration

    line = schedule.crontab_line(["x"], {}, schedule.minutes(duration(every)), 5 * 60 + 13)
    assert line == f"{when[0]} {when[1]} * * * x"


@pytest.mark.parametrize("every", ["7m", "90m", "30s", "0", "5h", "2d", "soon"])
def test_interval_that_cron_cannot_repeat_is_refused(shell: Shell, replica: Replica, every: str) -> None:
    assert_refused(shell("cron", "--every", every), 2)


def test_path_with_a_line_break_is_refused() -> None:
    for make in (lambda: schedule.crontab_line(["a\nb"], {}, 5, 0), lambda: schedule.systemd_units(["a\nb"], {}, 5)):
        with pytest.raises(UsageError, match="line break"):
            make()


@pytest.mark.parametrize("every", ["5m", "1h", "2h", "1d"])
def test_systemd_accepts_the_units(shell: Shell, every: str) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    place = shell.directory / HOSTILE
    place.mkdir()
    here = Shell(place, shell.environment)
    here.ok("init")
    text = here.ok("cron", "--systemd", "--every", every)
    units = written(text, shell.directory)
    done = subprocess.run(["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "crdtctl-sync" in line]
    assert (done.returncode, ours) == (0, [])


def written(text: str, directory: Path) -> list[Path]:
    """Write the units in an output to files, and return these."""
    units = []
    for part in text.split("# ~/.config/systemd/user/")[1:]:
        name, _, body = part.partition("\n")
        units.append(directory / name)
        units[-1].write_text(body)
    assert [unit.suffix for unit in units] == [".service", ".timer"]
    return units


def test_words_of_a_unit_are_quoted() -> None:
    service = schedule.systemd_units(["/a b", '50% "$x" \\', ""], {"PATH": "/x y:/bin"}, 10)["crdtctl-sync.service"]
    assert 'ExecStart="/a b" "50%% \\"$$x\\" \\\\" ""\n' in service
    assert 'Environment="PATH=/x y:/bin"\n' in service
