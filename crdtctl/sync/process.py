"""Running other programs, within a time, and without telling secrets.

They run in a session of their own, so that none of them can ask anything at a terminal, and end with us, unless we are
killed outright.
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
from crdtctl.sync.transport import POLL_INTERVAL, Deadline

#: A URL with what stands before its host, and after a question mark.
_SECRET = re.compile(r"(?<=://)(?:[^/@\s]+@)?([^\s?\"']*)(?:\?[^\s\"']*)?")
#: What makes words an HTML page, in which many a server wraps what it says: its style, and its tags.
_MARK = re.compile(r"<(style|script)\b.*?</\1>|</?[a-z!][^<>]*>", re.IGNORECASE | re.DOTALL)
#: So many characters of what a program said are told.
_TOLD = 300
#: Why a program does not begin just now, and what to do where it never does.
_PASSING = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE, errno.ETXTBSY)
_BEGINS: Final = {
    errno.EACCES: "is it a program, and may you run it? see chmod +x",
    errno.ENOEXEC: "a script begins with a line that names what runs it, such as #!/bin/sh",
}


@dataclass(frozen=True, slots=True)
class ProgramResult:
    """How a program ended, and what it wrote."""

    status: int
    output: bytes
    errors: str

    @property
    def last_lines(self) -> str:
        """What it said last, in one line, fit to be told."""
        lines = [line.strip() for line in self.errors.splitlines() if line.strip()]
        return one_line("; ".join(lines[-2:])) or f"it ended with status {self.status}"


def one_line(text: str) -> str:
    """Return what another program said, in one line, without the credentials in its URLs, nor the marks of a page."""
    return printable(_SECRET.sub(r"\1", " ".join(_MARK.sub(" ", text).split())))[:_TOLD]


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
    """Let signals that have a handler here wait until this is over: what is just being started cannot be ended yet."""
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():  # only there are signals handled
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if callable(signal.getsignal(number)):
                before[number] = signal.signal(number, lambda one, _: came.append(one))
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])


def _not_run(program: str, error: OSError) -> CrdtctlError:
    """Return the failure that says why a program did not begin."""
    message = f"cannot run '{printable(program)}': {reason_of(error)}"
    if error.errno in _PASSING:
        return TransientError(message, "try again")
    return UnavailableError(message, _BEGINS.get(error.errno or 0, "install it, or see PATH"))


class StallDetector(Protocol):
    """Finds out whether a program that runs will not end by itself."""

    def stuck(self, *, is_over: bool) -> CrdtctlError | None:
        """Return why it will not end, if that is known; `is_over` is set when its time is."""


def _wait(process: subprocess.Popen[bytes], deadline: Deadline, watch: StallDetector | None) -> None:
    """Wait until a program ends; raise `TransientError` when time is over, or what `watch` finds."""
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


def run(
    command: Sequence[str],
    deadline: Deadline,
    scratch: str,
    *,
    stdin: IO[bytes] | bytes = b"",
    stdout: IO[bytes] | None = None,
    environment: Mapping[str, str | None] | None = None,
    directory: str | None = None,
    watch: StallDetector | None = None,
) -> ProgramResult:
    """Run a program until it ends; raise `UnavailableError` if it cannot be, `TransientError` when time is over.

    What it writes goes to the file `stdout`, or is returned. It has our environment, changed by `environment`, where
    None stands for a variable that it is not to have. What it says goes to temporary files, which are in the directory
    `scratch` where the system has no other.
    """
    with temporary_file(scratch) as errors, temporary_file(scratch) as given, temporary_file(scratch) as taken:
        if isinstance(stdin, bytes):
            given.write(stdin)
            given.seek(0)
            stdin = given
        deadline.remaining()
        process = None
        try:
            with deferred_signals():
                process = subprocess.Popen(  # the user's own programs, as a list
                    command,
                    stdin=stdin,
                    stdout=stdout or taken,
                    stderr=errors,
                    env={k: v for k, v in {**os.environ, **(environment or {})}.items() if v is not None},
                    cwd=directory,
                    start_new_session=True,
                )
            _wait(process, deadline, watch)
        except BaseException as error:  # also when we are interrupted: whatever it started ends with us
            if process is None and isinstance(error, OSError):
                raise _not_run(command[0], error) from None
            if process is None:
                raise
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        errors.seek(0)
        taken.seek(0)
        return ProgramResult(process.returncode, taken.read(), as_utf8(errors.read(2**16)).decode("utf-8", "replace"))
