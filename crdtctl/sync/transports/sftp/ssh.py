"""The system's ssh, so that keys, agents, ``~/.ssh/config`` and jump hosts work as usual.

``CRDTCTL_SSH`` is the command to run instead of ``ssh``; it may contain options, as in ``CRDTCTL_SSH='ssh -F
other_config'``, and its options win. Nothing is ever asked: a connection that needs an answer fails.
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
from crdtctl.sync.transport import POLL_INTERVAL, Deadline, inherited_environment

#: Timeout in seconds for a connection.
_CONNECT = 30
#: Seconds that an idle ssh gets to end by itself.
END_SECONDS = 2.0
_READ_SIZE = 2**18
_OPTIONS: Final = (
    "-oBatchMode=yes",
    "-oLogLevel=INFO",  # lower levels omit the reason for the end of a connection
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
#: Messages of ssh: the pattern, the error, its message (empty: that of ssh), and the hint. The first match counts.
_MESSAGES: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), kind, words, hint)
    for pattern, kind, words, hint in (
        (
            r"HOST IDENTIFICATION HAS CHANGED",
            AccessError,
            "its host key has changed",
            "find out why; if it is right, delete the old key with 'ssh-keygen -R' and connect once with '{ssh}'",
        ),
        (
            r"Host key verification failed|No \S+ host key is known",
            AccessError,
            "its host key is not known on this machine",
            "connect once with '{ssh}' and compare the key",
        ),
        (
            r"Permission denied \(|Too many authentication failures",
            AccessError,
            "",
            "'{ssh}' must work without asking anything; see ssh-add and ssh-copy-id",
        ),
        (
            r"subsystem request failed",
            UnavailableError,
            "it does not offer sftp",
            "add this line to its sshd_config: Subsystem sftp internal-sftp",
        ),
        (r"administratively prohibited", UnavailableError, "", "check that '{ssh}' works"),
        (r"Could not resolve", TransientError, "", "try again; check the network and the name of the host"),
    )
)
_AWAY_PATTERN: Final = re.compile(_AWAY, re.IGNORECASE)
#: The status of ssh itself, if no program ran on the other side.
_OWN_STATUS = 255


@dataclass(frozen=True, slots=True)
class Destination:
    """The target of ssh: a user, a host or an alias, and a port. ``~/.ssh/config`` provides empty parts."""

    host: str
    user: str = ""
    port: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the destination of ``[user@]host[:port]``; raise `UsageError` if ssh might understand it differently.

        >>> Destination.parse("me@[::1]:2222")
        Destination(host='::1', user='me', port='2222')
        """
        found = _PLACE.fullmatch(text)
        if found is None or not 0 < int(found["port"] or 22) < 2**16:
            raise UsageError(
                f"'{printable(text)[:80]}' is not [user@]host[:port]",
                "put other options into ~/.ssh/config",
            )
        return cls(found["literal"] or found["host"], found["user"] or "", found["port"] or "")

    @property
    def arguments(self) -> tuple[str, ...]:
        """The arguments of ssh for this destination."""
        user = ("-l", self.user) if self.user else ()
        port = ("-p", self.port) if self.port else ()
        return (*user, *port, "--", self.host)

    @property
    def command(self) -> str:
        """The command that a person types to connect."""
        port = f"-p {self.port} " if self.port else ""
        return f"ssh {port}{self.user}{'@' if self.user else ''}{self.host}"


class Ssh:
    """A subsystem of sshd at a destination, as a stream of bytes in each direction, with a deadline.

    Raises `UnavailableError` if ssh cannot be run.
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
        # Messages of ssh go to a file, so that ssh, and a process that it leaves behind, never wait for a reader.
        self._errors = temporary_file(scratch)
        process = None
        try:
            with deferred_signals():
                process = self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=self._errors,
                    env={**inherited_environment(), "LC_ALL": "C", "SSH_ASKPASS_REQUIRE": "never"},
                    start_new_session=True,  # no terminal to ask at, and its child processes end with it
                )
        except OSError as error:
            self._errors.close()
            raise UnavailableError(
                f"cannot run '{printable(command[0])}': {os.strerror(error.errno or 0)}",
                "install the OpenSSH client, or check PATH and CRDTCTL_SSH",
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
        """Queue bytes to send, now or during a `receive`, so that neither side waits for the other."""
        self._unsent += data

    def receive(self) -> bytes:
        """Return some bytes; empty when the other side has ended. Raise `TransientError` at the deadline."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self._unsent:
            poll.register(self._to, select.POLLOUT)
        while True:
            ready = {fd for fd, _ in poll.poll(min(self._deadline.remaining(), POLL_INTERVAL) * 1000)}
            if self._from.fileno() in ready:
                self._answers = True
                return os.read(self._from.fileno(), _READ_SIZE)
            if self._to.fileno() in ready:
                self._write()
                if not self._unsent:
                    poll.unregister(self._to)

    def _write(self) -> None:
        try:
            with memoryview(self._unsent) as view:
                sent = os.write(self._to.fileno(), view[:_READ_SIZE])
        except BlockingIOError:
            return
        except BrokenPipeError:  # it has ended; the next read finds that out
            sent = len(self._unsent)
        del self._unsent[:sent]

    def failure(self, doing: str) -> CrdtctlError:
        """Return the error for a connection that ended before the first operation."""
        status, lines = self._end(END_SECONDS), self._messages()
        for pattern, kind, words, hint in _MESSAGES:
            for line in lines:
                if pattern.search(line):
                    return kind(f"cannot {doing}: {words or one_line(line)}", hint.format(ssh=self.destination.command))
        words = one_line("; ".join(lines[-2:])) or _silent(status)
        # The lines include the server's banner before log-in, so only the last line counts as a reason.
        if status == _OWN_STATUS and (not lines or _AWAY_PATTERN.search(lines[-1])):
            return TransientError(
                f"cannot {doing}: {words}", f"try again, and check that '{self.destination.command}' works"
            )
        return UnavailableError(f"cannot {doing}: {words}", f"check that '{self.destination.command}' works")

    def lost(self, doing: str) -> TransientError:
        """Return the error for a connection that ended during an operation, which is transient."""
        status = self._end(END_SECONDS)
        words = one_line("; ".join(self._messages()[-1:])) or _silent(status)
        return TransientError(f"cannot {doing}: {words}", "try again")

    def _messages(self) -> list[str]:
        """Return the lines that ssh printed."""
        self._errors.seek(0)
        text = self._errors.read(2**16).decode("utf-8", "replace")
        return [line.strip() for line in text.splitlines() if line.strip("@ \t")]

    def close(self) -> None:
        """End ssh. It may end by itself if it is connected and idle; otherwise it is killed."""
        try:
            self._end(END_SECONDS if self._answers and not self._unsent else 0)
        finally:
            self._from.close()
            self._errors.close()

    def _end(self, patience: float) -> int:
        with suppress(BrokenPipeError):
            self._to.close()
        try:
            return self._process.wait(patience)
        except BaseException as error:  # also an interrupt
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                return self._process.returncode
            raise


def _silent(status: int) -> str:
    """Return the reason for an ssh that printed none."""
    if status == _OWN_STATUS:
        return "ssh lost the connection without a reason"
    return f"ssh ended with status {status}"


def _program() -> list[str]:
    text = os.environ.get("CRDTCTL_SSH", "").strip() or "ssh"
    try:
        return shlex.split(text)
    except ValueError as error:
        raise UsageError(f"CRDTCTL_SSH is not a valid command: {error}", "check its quotes") from None
