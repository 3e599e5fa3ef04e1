"""Running other programs within a time limit, and without showing secrets.

They run in a session of their own. So they cannot ask anything on a terminal, and they end with this process, unless it
is killed with SIGKILL.
"""

import codecs
import errno
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, Final, Protocol

from crdtctl.errors import CrdtctlError, TransientError, UnavailableError, printable, reason_of
from crdtctl.store.temporary import temporary_file
from crdtctl.sync.transport import POLL_INTERVAL, Deadline, inherited_environment

#: A URL, with the parts that may hold a credential: before the host, and after a question mark.
_SECRET = re.compile(r"(?<=://)(?:[^/@\s]+@)?([^\s?\"']*)(?:\?[^\s\"']*)?")
#: Style and tags of HTML. Many servers wrap their messages in a page.
_HTML = re.compile(r"<(style|script)\b.*?</\1>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)
#: Maximum number of characters of a program's message that are shown.
_MAX_CHARACTERS = 300
#: Transient errors of starting a program, and hints for others.
_TRANSIENT = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
_HINTS: Final = {
    errno.EACCES: "check that it is a program which you may run; see chmod +x",
    errno.ENOEXEC: "a script begins with a line that names its interpreter, such as #!/bin/sh",
}


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """The exit status of a program, its standard output, and its standard error."""

    status: int
    output: bytes
    errors: str

    @property
    def last_lines(self) -> str:
        """The last lines of standard error, as one line for a message."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return one_line("; ".join(lines[-2:])) or f"it ended with status {self.status}"


def one_line(text: str) -> str:
    """Return another program's output as one line for a message, without credentials in URLs and without HTML tags."""
    return printable(_SECRET.sub(r"\1", " ".join(_HTML.sub(" ", text).split())))[:_MAX_CHARACTERS]


def as_utf8(output: bytes) -> bytes:
    """Return the output of a program as UTF-8, without the byte order mark that programs of Windows print.

    >>> as_utf8(b"\\xef\\xbb\\xbfone"), as_utf8("one".encode("utf-16"))
    (b'one', b'one')
    """
    if output.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return output.decode("utf-16", "replace").encode()
    return output.removeprefix(codecs.BOM_UTF8)


@contextmanager
def deferred_signals() -> Iterator[None]:
    """Defer signals with a handler to the end of the block: a process that is being started cannot be ended yet."""
    received: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # only the main thread handles signals
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda number, _: received.append(number))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if received:
            signal.raise_signal(received[0])


def _start_error(program: str, error: OSError) -> CrdtctlError:
    """Return the error for a program that could not be started."""
    message = f"cannot run '{printable(program)}': {reason_of(error)}"
    if error.errno in _TRANSIENT:
        return TransientError(message, "try again")
    return UnavailableError(message, _HINTS.get(error.errno or 0, "install it, or check PATH"))


class StallDetector(Protocol):
    """Finds out whether a running program will not end by itself."""

    def stuck(self, *, is_over: bool) -> CrdtctlError | None:
        """Return the reason why it will not end, if it is known; `is_over` is true at the end of the time limit."""


def _wait(process: subprocess.Popen[bytes], deadline: Deadline, watch: StallDetector | None) -> None:
    """Wait until a program ends; raise `TransientError` at the end of the time limit, or the error of `watch`."""
    while True:
        try:
            left = deadline.remaining()
        except TransientError:
            if watch and (reason := watch.stuck(is_over=True)):
                raise reason from None
            raise
        with suppress(subprocess.TimeoutExpired):
            process.wait(min(left, POLL_INTERVAL))
            return
        if watch and (reason := watch.stuck(is_over=False)):
            raise reason


@dataclass(frozen=True, slots=True)
class ProgramRunner:
    """Runs programs until a deadline. Temporary files are in `scratch` if the system has no directory for them."""

    deadline: Deadline
    scratch: str

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: IO[bytes] | bytes = b"",
        stdout: IO[bytes] | None = None,
        environment: Mapping[str, str | None] | None = None,
        directory: str | None = None,
        watch: StallDetector | None = None,
    ) -> ProgramResult:
        """Run a program to its end. Raise `UnavailableError` if it cannot be started, `TransientError` if it times out.

        Its standard output goes to the file `stdout`, or is returned. It has this process's environment with the
        changes in `environment`; a value of None removes a variable.
        """
        with (
            temporary_file(self.scratch) as errors,
            temporary_file(self.scratch) as given,
            temporary_file(self.scratch) as taken,
        ):
            if isinstance(stdin, bytes):
                given.write(stdin)
                given.seek(0)
                stdin = given
            self.deadline.remaining()
            changed = {**inherited_environment(), **(environment or {})}
            process = None
            try:
                with deferred_signals():
                    process = subprocess.Popen(  # the user's own programs, as a list
                        command,
                        stdin=stdin,
                        stdout=stdout or taken,
                        stderr=errors,
                        env={name: value for name, value in changed.items() if value is not None},
                        cwd=directory,
                        start_new_session=True,
                    )
                _wait(process, self.deadline, watch)
            except BaseException as error:  # also an interrupt: all processes that it started end with this one
                if process is None and isinstance(error, OSError):
                    raise _start_error(command[0], error) from None
                if process is None:
                    raise
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            errors.seek(0)
            taken.seek(0)
            said = as_utf8(errors.read(2**16)).decode("utf-8", "replace")
            return ProgramResult(process.returncode, taken.read(), said)
