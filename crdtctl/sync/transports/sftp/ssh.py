"""ssh: the system's own, so that keys, agents, ``~/.ssh/config`` and jump hosts do what they do elsewhere.

``CRDTCTL_SSH`` is the command to run instead of ``ssh``, with options of its own if it has some, as in
``CRDTCTL_SSH='ssh -F other_config'``; what it says wins. Nothing is ever asked: what needs an answer fails.
"""

import math
import os
import re
import select
import shlex
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Self

from crdtctl.errors import AccessError, CrdtctlError, TransientError, UnavailableError, UsageError, printable
from crdtctl.store.temporary import temporary_file
from crdtctl.sync.process import deferred_signals, one_line
from crdtctl.sync.transport import POLL_INTERVAL, Deadline

#: A host that does not answer is given up after so many seconds.
_CONNECT = 30
#: So many seconds ssh has to end by itself when there is nothing left to do.
_PATIENCE = 2.0
_READ = 2**18
_OPTIONS: Final = (
    "-oBatchMode=yes",
    "-oLogLevel=INFO",  # below that, it does not say why a connection ended
    "-oForwardAgent=no",
    "-oForwardX11=no",
    "-oClearAllForwardings=yes",
    "-oPermitLocalCommand=no",
    "-oRemoteCommand=none",
    "-oRequestTTY=no",
)
_PLACE = re.compile(
    r"(?:(?P<user>[\w.+][\w.@+-]*)@)?(?:\[(?P<literal>[0-9A-Fa-f:.]+(?:%[\w.-]+)?)\]|(?P<host>\w[\w.-]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
_AWAY = (
    r"Connection (refused|reset|closed|to .* closed)|timed out|closed by|disconnected|No route to host"
    r"|Network is (unreachable|down)|Host is down|Broken pipe|temporarily unavailable"
)
#: What ssh says, what kind of failure that is, in which words (its own, if none), and what to do: the first one that is
#: found counts. What is not found here does not pass by itself.
_SAID: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, words, hint)
    for pattern, kind, words, hint in (
        (
            r"HOST IDENTIFICATION HAS CHANGED",
            AccessError,
            "its host key has changed",
            "find out why; if that is right, forget the old key with 'ssh-keygen -R' and connect once with '{ssh}'",
        ),
        (
            r"Host key verification failed|No \S+ host key is known",
            AccessError,
            "its host key is not known here",
            "connect once with '{ssh}' and compare the key",
        ),
        (
            r"Permission denied \(|Too many authentication failures",
            AccessError,
            "",
            "nothing is asked here: '{ssh}' must work without a question; see ssh-add and ssh-copy-id",
        ),
        (
            r"subsystem request failed",
            UnavailableError,
            "it offers no sftp",
            "its sshd_config needs a line 'Subsystem sftp internal-sftp'",
        ),
        (r"administratively prohibited", UnavailableError, "", "does '{ssh}' work?"),
        (r"Could not resolve", TransientError, "", "try again; is the network there, and the name right?"),
    )
)
_AWAY_SAID: Final = re.compile(_AWAY, re.IGNORECASE)
#: The status of ssh itself, where no program ran at the other side.
_OWN_STATUS = 255


@dataclass(frozen=True, slots=True)
class Destination:
    """Who and where: a user, a host or an alias of one in ``~/.ssh/config``, and a port; empty: as that says."""

    host: str
    user: str = ""
    port: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what ``[user@]host[:port]`` names; raise `UsageError` for what ssh might take for anything else.

        >>> Destination.parse("me@[::1]:2222")
        Destination(host='::1', user='me', port='2222')
        """
        found = _PLACE.fullmatch(text)
        if found is None or not 0 < int(found["port"] or 22) < 2**16:
            raise UsageError(
                f"'{printable(text)[:80]}' is not [user@]host[:port]",
                "what is more special than that belongs in ~/.ssh/config",
            )
        return cls(found["literal"] or found["host"], found["user"] or "", found["port"] or "")

    @property
    def arguments(self) -> tuple[str, ...]:
        """How ssh is told."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", self.port) if self.port else ()
        return (*user, *port, "--", self.host)

    @property
    def command(self) -> str:
        """What a person types to get there."""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{self.user}{'@' if self.user else ''}{self.host}"


class Ssh:
    """A subsystem of sshd at a destination, as a stream of bytes each way, within a time.

    Raises `UnavailableError` if there is no ssh here.
    """

    def __init__(self, destination: Destination, subsystem: str, deadline: Deadline, scratch: str) -> None:
        self.destination = destination
        self._deadline = deadline
        patience = min(_CONNECT, math.ceil(deadline.remaining()))
        command = [
            *_program(),
            *_OPTIONS,
            f"-oConnectTimeout={patience}",
            "-s",
            *destination.arguments,
            subsystem,
        ]
        # What ssh says goes to a file: nobody need read it for ssh to go on, also where it leaves a process behind.
        self._errors = temporary_file(scratch)
        process = None
        try:
            with deferred_signals():
                process = self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env={**os.environ, "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"},
                    start_new_session=True,  # no terminal to ask at, and whatever it starts ends with it
                )
        except OSError as error:
            self._errors.close()
            raise UnavailableError(
                f"cannot run '{printable(command[0])}': {os.strerror(error.errno or 0)}",
                "install the OpenSSH client, or see PATH and CRDTCTL_SSH",
            ) from None
        except BaseException:
            self._errors.close()
            if process is not None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
            raise
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout
        os.set_blocking(self._to.fileno(), False)
        os.set_blocking(self._from.fileno(), False)
        self._unsent = bytearray()
        self._answers = False

    def send(self, data: bytes) -> None:
        """Send bytes when the other side takes them: now or in a `receive`, so that neither waits for the other."""
        self._unsent += data

    def receive(self) -> bytes:
        """Return some bytes; none when the other side has ended. Raise `TransientError` when time is over."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self._unsent:
            poll.register(self._to, select.POLLOUT)
        while True:
            ready = {fd for fd, _ in poll.poll(min(self._deadline.remaining(), POLL_INTERVAL) * 1000)}
            if self._from.fileno() in ready:
                self._answers = True
                return os.read(self._from.fileno(), _READ)
            if self._to.fileno() in ready:
                self._write()
                if not self._unsent:
                    poll.unregister(self._to)

    def _write(self) -> None:
        try:
            with memoryview(self._unsent) as view:
                sent = os.write(self._to.fileno(), view[:_READ])
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has ended, which is what is read next
            sent = len(self._unsent)
        del self._unsent[:sent]

    def failure(self, doing: str) -> CrdtctlError:
        """Return why it ended before anything was done."""
        status, lines = self._end(_PATIENCE), self._said()
        for pattern, kind, words, hint in _SAID:
            for line in lines:
                if pattern.search(line):
                    return kind(f"cannot {doing}: {words or one_line(line)}", hint.format(ssh=self.destination.command))
        words = one_line("; ".join(lines[-2:])) or _silent(status)
        # What a server shows before log-in is among the lines, so only the last one is taken for a reason.
        if status == _OWN_STATUS and (not lines or _AWAY_SAID.search(lines[-1])):
            return TransientError(f"cannot {doing}: {words}", f"try again; does '{self.destination.command}' work?")
        return UnavailableError(f"cannot {doing}: {words}", f"does '{self.destination.command}' work?")

    def lost(self, doing: str) -> TransientError:
        """Return that it ended amid something, which passes by itself."""
        status = self._end(_PATIENCE)
        words = one_line("; ".join(self._said()[-1:])) or _silent(status)
        return TransientError(f"cannot {doing}: {words}", "try again")

    def _said(self) -> list[str]:
        """Return the lines that ssh printed."""
        self._errors.seek(0)
        said = self._errors.read(2**16).decode("utf-8", "replace")
        return [line.strip() for line in said.splitlines() if line.strip("@ \t")]

    def close(self) -> None:
        """End it: by itself, if it is there and nothing is under way."""
        try:
            self._end(_PATIENCE if self._answers and not self._unsent else 0)
        finally:
            self._from.close()
            self._errors.close()

    def _end(self, patience: float) -> int:
        with suppress(BrokenPipeError):
            self._to.close()
        try:
            return self._process.wait(patience)
        except BaseException as error:  # also when we are interrupted
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                return self._process.returncode
            raise


def _silent(status: int) -> str:
    """Return how ssh ended that gave no reason."""
    if status == _OWN_STATUS:
        return "ssh lost the connection, and printed no reason"
    return f"ssh ended with status {status}"


def _program() -> list[str]:
    text = os.environ.get("CRDTCTL_SSH", "").strip() or "ssh"
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"CRDTCTL_SSH cannot be read as a command: {error}") from None
