"""Signals that end what has started other programs: those end with it, though no terminal tells them."""

import os
import signal
import threading
from pathlib import Path

import pytest

from crdtctl import Replica
from tests.conftest import Shell
from tests.support.servers.scripted import Handler, scripted
from tests.support.waiting import ended, started


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


def test_programs_that_read_several_files_at_once_end_with_us(
    shell: Shell, replica: Replica, patient: tuple[str, Path]
) -> None:
    url, pipe = patient
    program = Path(url.removeprefix("exec:"))
    files = "".join(f"1 - {number}.json\\n" for number in range(9))
    program.write_text(f"#!/bin/sh\n[ $1 = get ] || {{ printf '{files}'; exit; }}\necho $$ >>{pipe}\nexec sleep 600\n")
    with os.fdopen(os.open(pipe, os.O_RDWR), "r") as said:
        process = started(shell, "sync", url)
        pids = [int(said.readline()) for _ in range(4)]
    process.send_signal(signal.SIGINT)
    assert ended(process) == (130, b"", b"")
    assert all(is_gone(pid) for pid in pids)


def test_a_server_that_is_read_from_several_times_at_once_is_left(shell: Shell, replica: Replica) -> None:
    asked = threading.Semaphore(0)
    files = "".join(f"<response><href>/{number}.json</href></response>" for number in range(9))

    def answer(request: Handler) -> None:
        if request.command == "PROPFIND":
            request.reply(207, f'<multistatus xmlns="DAV:">{files}</multistatus>'.encode())
        else:
            asked.release()
            is_over.wait()

    is_over = threading.Event()
    try:
        with scripted(answer) as server:
            process = started(shell, "sync", f"{server.url}/")
            for _ in range(4):
                asked.acquire()
            process.send_signal(signal.SIGINT)
            assert ended(process) == (130, b"", b"")
            is_over.set()
    finally:
        is_over.set()


def is_gone(pid: int) -> bool:
    """Return whether a process has ended, though nobody may have asked how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True
