"""All failures that are reported to users, as one tree. The exit status is an attribute of the class.

::

    CrdtctlError
    ├── AnswerIsNo            1  no
    ├── UsageError            2  usage
    ├── PartialError          3  partial
    ├── RefusedError          4  refused
    ├── ForkError             5  fork
    ├── DataError            65  data
    ├── MissingError         66  missing
    ├── UnavailableError     69  unavailable
    ├── InternalError        70  internal
    ├── ExistsError          73  exists
    ├── StorageError         74  io
    ├── BusyError            75  busy
    │   └── TransientError   75  busy
    ├── OutcomeUnknownError  76  unknown
    ├── AccessError          77  permission
    ├── ConfigError          78  config
    ├── UnreportedError      79  unreported
    ├── NotRunnableError    126  noexec
    └── NoCommandError      127  notfound

A class below another one has its status and name.

A message names the fault and its place. A hint names the next step. Both are one line.
"""

from __future__ import annotations

import errno

from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class CrdtctlError(Exception):
    """Base of all failures that are reported to a user in one line."""

    status = 74
    name = "io"
    #: What the exit status means. Help, manual and man pages print this line.
    meaning = ""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        #: The report of an operation that was carried out in part, such as a merge that refused one of its files.
        self.report: Any = None

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message


class AnswerIsNo(CrdtctlError):
    """A check failed: the question has the answer no."""

    status = 1
    name = "no"
    meaning = "the requested condition is false, or a check found a fault"


class UsageError(CrdtctlError):
    """The arguments are wrong. The command did not start."""

    status = 2
    name = "usage"
    meaning = "wrong arguments; the command did not start"


class PartialError(CrdtctlError):
    """Some of several inputs were taken, others refused."""

    status = 3
    name = "partial"
    meaning = "some inputs were accepted, others refused; each is named"


class RefusedError(CrdtctlError):
    """The operation is not allowed on this counter or replica."""

    status = 4
    name = "refused"
    meaning = "the operation is not allowed on this counter or replica"


class ForkError(CrdtctlError):
    """Two writers used one replica id."""

    status = 5
    name = "fork"
    meaning = "two writers used one replica id; the message names the next step"


class DataError(CrdtctlError):
    """A file is not a valid state: damaged, truncated, hostile, or from a newer version."""

    status = 65
    name = "data"
    meaning = "a file is not a valid state: damaged, truncated, or too new"


class MissingError(CrdtctlError):
    """No such file, replica or counter; or a delta whose base is missing here."""

    status = 66
    name = "missing"
    meaning = "a file, replica or counter does not exist, or a delta has a gap"
    #: The name of the missing counter, if any, for a suggestion of a similar name.
    counter: str | None = None

    @classmethod
    def of_counter(cls, name: str, message: str, hint: str) -> MissingError:
        """Return the failure for a missing counter."""
        failure = cls(message, hint)
        failure.counter = name
        return failure


class UnavailableError(CrdtctlError):
    """A remote is not available, or does not work as required, and a retry would not help."""

    status = 69
    name = "unavailable"
    meaning = "a remote is missing or does not work, and a retry will not help"


class InternalError(CrdtctlError):
    """A bug in this program."""

    status = 70
    name = "internal"
    meaning = "a bug in this program; please report it"


class ExistsError(CrdtctlError):
    """Something is there already and will not be overwritten."""

    status = 73
    name = "exists"
    meaning = "the target exists and is not overwritten"


class StorageError(CrdtctlError):
    """The operating system reported an input/output error. The change was not applied."""

    status = 74
    name = "io"
    meaning = "input/output error; not applied"


class BusyError(CrdtctlError):
    """Another process holds the lock. The change was not applied."""

    status = 75
    name = "busy"
    meaning = "a lock is held, or a remote does not answer; not applied, try again"


class TransientError(BusyError):
    """A remote failed to answer correctly, but a retry may succeed.

    `after` is the number of seconds that the remote asked to wait, 0 if it did not ask.
    """

    after = 0.0


class OutcomeUnknownError(CrdtctlError):
    """The new state is in place, but may not survive a power cut."""

    status = 76
    name = "unknown"
    meaning = "the outcome is unknown; try again with the same --once key"


class AccessError(CrdtctlError):
    """Permission to read or write a file or directory is missing."""

    status = 77
    name = "permission"
    meaning = "no permission to read or write"


class ConfigError(CrdtctlError):
    """``config.toml`` is wrong."""

    status = 78
    name = "config"
    meaning = "config.toml is not valid"


class UnreportedError(CrdtctlError):
    """The change is applied and on disk, but standard output was closed or full."""

    status = 79
    name = "unreported"
    meaning = "applied, but standard output was closed or full"


class NotRunnableError(CrdtctlError):
    """A command exists, but cannot be executed. It was not run."""

    status = 126
    name = "noexec"
    meaning = "the command of 'run' cannot be executed"


class NoCommandError(CrdtctlError):
    """A command does not exist. It was not run."""

    status = 127
    name = "notfound"
    meaning = "the command of 'run' does not exist"


#: Exit statuses that no exception has, each with its name and meaning.
_OTHERS = (
    (0, "ok", "done, and on disk"),
    (129, "hangup", "the terminal was closed"),
    (130, "interrupted", "interrupted by Ctrl-C"),
    (143, "terminated", "terminated by a signal"),
)


def exit_statuses() -> list[tuple[int, str, str]]:
    """Return all exit statuses of the program, ascending: number, name, meaning."""
    return sorted([*_OTHERS, *((one.status, one.name, one.meaning) for one in CrdtctlError.__subclasses__())])


def printable(text: str | bytes | os.PathLike[str]) -> str:
    """Return `text` for one line of a terminal or log, with unprintable characters escaped.

    >>> printable("caf\\u00e9 \\x1b[31m")
    'café \\\\x1b[31m\'
    """
    plain = os.fsdecode(text)
    if plain.isprintable():
        return plain
    from crdtctl.joiners import is_in_place  # seldom, and errors are on the path of every increment

    return "".join(
        c if c.isprintable() or is_in_place(plain, i) else c.encode("unicode_escape").decode("ascii")
        for i, c in enumerate(plain)
    )


def reason_of(failure: CrdtctlError | OSError) -> str:
    """Return the reason of a failure in words, without advice."""
    if isinstance(failure, CrdtctlError):
        return failure.message
    return os.strerror(failure.errno) if failure.errno else str(failure)


def from_os(error: OSError, doing: str, otherwise: str = "nothing was changed") -> CrdtctlError:
    """Return the failure for an error of the operating system while `doing` something.

    `otherwise` is the hint for an error without advice of its own.
    """
    message = f"cannot {doing}: {reason_of(error)}"
    match error.errno:
        case errno.EACCES | errno.EPERM:
            return AccessError(message, "check the owner and mode of the file and its directory")
        case errno.ENOENT | errno.ENOTDIR:
            return MissingError(message)
        case errno.ENOSPC | errno.EDQUOT:
            return StorageError(message, "nothing was changed; free some space and try again")
        case errno.EROFS:
            return StorageError(message, "nothing was changed; the file system is read-only")
        case errno.ELOOP:
            return DataError(message, "symbolic links are not followed; name the file itself")
        case _:
            return StorageError(message, otherwise)
