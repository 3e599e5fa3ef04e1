"""What a transport is: a place that holds files under names, and nothing more.

A transport neither reads states nor knows replicas. What it raises is told to users as it stands: `TransientError` for
what passes by itself, and is tried again; `UnavailableError` for what does not; `AccessError`, `StorageError` and
`ConfigError` where they say more. Messages never hold a credential.
"""

import os
import re
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Final, Self, TypeVar

from crdtctl.codec.layout import HEAD_START
from crdtctl.codec.other_layouts import MAX_BYTES
from crdtctl.errors import CrdtctlError, DataError, MissingError, TransientError, from_os, printable

if TYPE_CHECKING:
    from concurrent.futures import Future

_T = TypeVar("_T")
_R = TypeVar("_R")
#: The largest object that is read.
MAX_OBJECT = 2**30
#: Files that are together in a replica's directory only: no place for a remote, where other files are states to be met.
REPLICA_FILES: Final = ("own.json", "own.lock")
#: What the name of a file begins with that is put to find out about a remote: no dot, for some servers list none such.
CHECK_PREFIX: Final = "crdtctl-probe-"
#: A draft so many seconds older than another was left by one that was killed.
STALE_SECONDS: Final = 86_400
_DRAFT = re.compile(r"\.crdtctl-[0-9a-f]{16}\.new|crdtctl-probe-[0-9a-f]{16}")


#: Who waits for another machine or program looks this often whether that must end.
POLL_INTERVAL = 0.2


def interruptible_result(future: "Future[_T]") -> _T:
    """Return what comes of it, or raise what it raised. A signal ends the waiting, also one from just before it."""
    from concurrent.futures import wait

    while not future.done():
        wait((future,), POLL_INTERVAL)
    return future.result()


class Deadline:
    """The time limit for all network operations of one step: `seconds` from now.

    Waits in worker threads last at most `POLL_INTERVAL` seconds each. Only the main thread notices an interrupt; it
    then ends the time limit of all threads.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.renew()

    def renew(self) -> None:
        """Let the time begin again."""
        self._end = time.monotonic() + self._seconds

    def end(self) -> None:
        """Let the time be over."""
        self._end = min(self._end, time.monotonic())

    @property
    def overdue(self) -> float:
        """How many seconds ago the time was over; negative before that."""
        return time.monotonic() - self._end

    def sleep(self, seconds: float) -> None:
        """Wait; raise `TransientError` when the time is over before that."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self.remaining(), POLL_INTERVAL))

    def remaining(self) -> float:
        """Return how many seconds are left; raise `TransientError` when none are."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.over()
        return left

    def over(self) -> TransientError:
        """Return the failure that says that the time is over."""
        return TransientError(f"not done after {self._seconds:g} seconds", "try again, or give it more --timeout")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file at a remote, as a listing shows it.

    Two entries that are equal have the same content, as far as the remote can tell: `version` is its etag, or what it
    knows of times and places.
    """

    name: str
    size: int
    version: str = ""


def checked_name(name: str) -> str:
    """Return `name` if it can be that of a file at a remote; raise `MissingError`: it leads nowhere else."""
    if not name or name in (".", "..") or not name.isprintable() or "/" in name:
        raise MissingError(f"'{printable(name)}' is no name of a file at a remote")
    return name


def new_draft(number: int | None = None) -> str:
    """Return a name for a file that is not whole yet, which is skipped: nobody else's, unless `number` is given."""
    token = os.urandom(8).hex() if number is None else f"{number:016x}"
    return f".crdtctl-{token}.new"


def is_draft(name: str) -> bool:
    """Return whether a file is such a one, or was put to find out about a remote."""
    return _DRAFT.fullmatch(name) is not None


class LimitedWriter:
    """Lets pass what may be a state; raises `DataError` as soon as it cannot be one, however large it is.

    What cannot be kept here is a `StorageError`: it is no fault of the remote's.
    """

    def __init__(self, entry: Entry, write: Callable[[bytes], object]) -> None:
        self._entry = entry
        self._write = write
        self._start = b""
        self._size = 0

    def __call__(self, piece: bytes) -> None:
        """Take the next piece of a file."""
        if len(self._start) < len(HEAD_START):
            self._start += piece[: len(HEAD_START)]
        self._size += len(piece)
        limit = MAX_OBJECT if HEAD_START.startswith(self._start[: len(HEAD_START)]) else MAX_BYTES
        if max(self._size, self._entry.size) > limit:
            why = f"larger than {limit // 2**20} MiB"
            raise DataError(f"{printable(self._entry.name)} is not a valid state: it is {why}")
        try:
            self._write(piece)
        except OSError as error:
            raise from_os(error, "write a temporary file") from None


class Transport(ABC):
    """The files at one place, by name: not those in folders below it.

    A transport is used by one thread, but for `get`, which `parallel` threads use at once.
    """

    #: How many files are read at once.
    parallel: ClassVar[int] = 1
    #: Whether a listing shows at once what was put before. Where it need not, it is listed again after each put.
    is_consistent: ClassVar[bool] = False
    #: The folder that was made for the first file that was put; empty if none was.
    made = ""

    @property
    def atomic(self) -> bool:
        """Whether a file is put as a whole or not at all, also where the put is cut; else half a file may be seen."""
        return True

    @abstractmethod
    def list(self) -> Sequence[Entry]:
        """Return what is there; nothing, if the place itself is not there yet."""

    @abstractmethod
    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        """Read a file, piece by piece. Raise `MissingError` if it is gone."""

    @abstractmethod
    def put(self, name: str, path: str) -> None:
        """Write the local file `path` to `name`, making the place if it is not there; what was there is replaced."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file; one that is not there is no error."""

    def fetch(self, entries: Sequence[Entry], directory: str) -> Iterator[tuple[Entry, str | CrdtctlError]]:
        """Read files into a local directory; yield each with its path there, or why it cannot be read."""
        numbered = list(enumerate(entries))

        def one(item: tuple[int, Entry]) -> tuple[Entry, str | CrdtctlError]:
            number, entry = item
            path = f"{directory}/{number}"
            try:
                with open(path, "wb") as file:
                    self.get(entry.name, LimitedWriter(entry, file.write))
            except CrdtctlError as error:
                return entry, error
            return entry, path

        yield from self.in_parallel(one, numbered)

    def in_parallel(self, call: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
        """Call for each item, several at once where that is faster; yield what comes of it, in order."""
        if self.parallel == 1 or len(items) < 2:
            yield from map(call, items)
            return
        from concurrent.futures import ThreadPoolExecutor  # which costs more than a folder's whole listing

        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                for future in [pool.submit(call, item) for item in items]:
                    yield interruptible_result(future)
            except BaseException:  # we are interrupted, or nobody wants the rest
                pool.shutdown(wait=False, cancel_futures=True)
                self.cancel()
                raise

    def cancel(self) -> None:  # noqa: B027  # who reads one file at a time has nothing to do
        """Let whatever is done in other threads end soon: nobody wants it any more."""

    def flush(self) -> None:  # noqa: B027  # most have nothing to do
        """Make what was put and deleted be seen by others, where that is done for many files at once."""

    def close(self) -> None:  # noqa: B027  # the same
        """Let go of what is held here: processes, connections, temporary files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
