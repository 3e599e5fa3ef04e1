"""Signals that end what has started other programs: those end with it, though no terminal tells them."""

import os
import signal
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.commands.waiting import ended, started
from tests.conftest import Shell


@pytest.fixture
def patient(shell: Shell) -> tuple[str, Path]:
    """Return the URL of a program that does nothing for long, and the pipe in which it says that it runs."""
    pipe, program = shell.directory / "pipe", shell.directory / "patient"
    os.mkfifo(pipe)
    program.write_text(f"#!/bin/sh\necho $$ >{pipe}\nexec sleep 600\n")
    program.chmod(0o755)
    return f"exec:{program}", pipe


@pytest.mark.parametrize("words", [["sync"], ["remote", "check"]], ids=" ".join)
@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)], ids=str
)
def test_a_program_that_serves_a_remote_ends_with_us(
    shell: Shell, replica: Replica, patient: tuple[str, Path], words: list[str], number: int, status: int
) -> None:
    url, pipe = patient
    process = started(shell, *words, url)
    pid = int(pipe.read_text())
    process.send_signal(number)
    assert ended(process) == (status, b"", b"")
    assert is_gone(pid)


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
