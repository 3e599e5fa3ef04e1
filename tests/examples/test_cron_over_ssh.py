"""Machines that meet at a hub over ssh, from cron: the crontab's own lines are run as cron would."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import Result
from tests.examples.recipes import EXAMPLES, Machine
from tests.support.servers.sshd import Sshd, serve

CRONTAB = (EXAMPLES / "cron-over-ssh.crontab").read_text()
#: When, and what.
JOBS = dict(re.findall(r"^(@reboot|[*/\d]+(?: [*/\d]+){4}) +(.*)$", CRONTAB, re.MULTILINE))


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Sshd]:
    with serve(tmp_path / "sshd") as server:
        config = server.config.read_text()
        server.config.write_text(f"Host hub.example.org\n  HostName 127.0.0.1\n  Port {server.port}\n{config}")
        with (server.directory / "known_hosts").open("a") as file:
            file.write(f"hub.example.org {(server.directory / 'host_key.pub').read_text()}")
        yield server


def made_ready(machine: Machine, hub: Sshd, place: Path) -> Machine:
    """Do once, by hand, what the crontab says, where the hub's directory is another one."""
    known = machine.with_environment(CRDTCTL_SSH=hub.command)
    commands = re.findall(r"^#   (crdtctl .*)$", CRONTAB, re.MULTILINE)
    assert [command.split()[1] for command in commands] == ["remote", "remote"]
    for command in commands:
        assert known.run(command.replace("/srv/counts", str(place))).status == 0
    return known


def cron(machine: Machine, when: str, later: str = "+0") -> Result:
    """Run a job as cron does: from the home directory, by sh, with next to no environment."""
    assert "%" not in JOBS[when]  # cron would take it for the end of the line
    kept = {name: machine.shell.environment[name] for name in ("HOME", "CRDTCTL_SSH")}
    [path] = re.findall(r"^PATH=(.*)$", CRONTAB, re.MULTILINE)
    done = subprocess.run(
        ["faketime", "-f", later, "/bin/sh", "-c", JOBS[when]],
        env={**kept, "PATH": f"{machine.home}/bin:{path}"},
        cwd=machine.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=100,
        check=False,
    )
    return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


def test_machines_agree_and_cron_has_nothing_to_mail(
    machine: Callable[[str], Machine], hub: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "srv").mkdir()
    machines = [made_ready(machine(name), hub, tmp_path / "srv" / "counts") for name in ("one", "two")]
    assert list(JOBS) == ["@reboot", "*/15 * * * *", "30 7 * * *"]
    for each in machines:
        assert cron(each, "@reboot") == Result(0, "", "")
    for each in [*machines, *machines]:
        assert cron(each, "*/15 * * * *") == Result(0, "", "")
    assert cron(machines[0], "30 7 * * *") == Result(0, "", "")
    assert [each.ok("crdtctl show boots") for each in machines] == ["2\n", "2\n"]


def test_a_hub_that_is_down_is_no_mail_and_what_is_wrong_is_one_line(
    machine: Callable[[str], Machine], hub: Sshd, tmp_path: Path
) -> None:
    (tmp_path / "srv").mkdir()
    one = made_ready(machine("one"), hub, tmp_path / "srv" / "counts")
    cron(one, "@reboot")
    (tmp_path / "srv").rename(tmp_path / "gone")
    wrong = cron(one, "*/15 * * * *")
    assert (wrong.stdout, wrong.stderr.count("\n")) == ("", 1)
    assert "does not exist" in wrong.stderr
    hub.stop()
    assert cron(one, "*/15 * * * *") == Result(75, "", "")
    late = cron(one, "*/15 * * * *", "+7h")
    assert (late.status, late.stdout, late.stderr.count("\n")) == (69, "", 1)
    assert "7 hours" in late.stderr
