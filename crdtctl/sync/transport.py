"""The interface of a transport: a place that holds files under names.

A transport neither reads states nor knows replicas. Users see its errors as they are: `TransientError` for a failure
that may go away by itself, and is retried; `UnavailableError` for any other; `AccessError`, `StorageError` and
`ConfigError` where they are more precise. Messages never contain a credential.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod

from crdtctl.codec.layout import HEAD_START
from crdtctl.errors import CrdtctlError, DataError, MissingError, TransientError, printable
from crdtctl.records import NamedTuple
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from concurrent.futures import Future
    from typing import Final, Self, TypeVar

    from crdtctl.sync.local_files import LocalFile

    _T = TypeVar("_T")
    _R = TypeVar("_R")

#: The first bytes of an object at a private remote, see `sealed_object`.
SEALED_START: Final = b"crdtctl sealed object 1\n"
#: The environment variable with keys (`key_sources`). Programs that a sync starts do not inherit it.
KEY_VARIABLE: Final = "CRDTCTL_REMOTE_KEY"
#: Maximum number of bytes of an object.
MAX_OBJECT = 2**30
#: Files that are together only in a replica's directory, which therefore cannot be a remote.
REPLICA_FILES: Final = ("own.json", "own.lock")
#: Prefix of the temporary files of a remote check. It has no leading dot, because some servers do not list such names.
CHECK_PREFIX: Final = "crdtctl-probe-"
#: Seconds after which a draft counts as left behind by a killed sync.
STALE_SECONDS: Final = 86_400
_HEXADECIMAL: Final = frozenset("0123456789abcdef")

#: Seconds between two looks at whether a wait for another machine or program must end.
POLL_INTERVAL = 0.2


def interruptible_result(future: Future[_T]) -> _T:
    """Return the future's result, or raise its exception. It polls, so that a signal can interrupt the wait."""
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
        """Start the time again."""
        self._end = time.monotonic() + self._seconds

    def end(self) -> None:
        """End the time now."""
        self._end = min(self._end, time.monotonic())

    @property
    def overdue(self) -> float:
        """Seconds since the end of the time; negative before it."""
        return time.monotonic() - self._end

    def sleep(self, seconds: float) -> None:
        """Wait; raise `TransientError` at the end of the time."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(left, self.remaining(), POLL_INTERVAL))

    def remaining(self) -> float:
        """Return the number of seconds left; raise `TransientError` at the end of the time."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise self.error()
        return left

    def error(self) -> TransientError:
        """Return the error for the end of the time."""
        return TransientError(f"timed out after {self._seconds:g} seconds", "try again, or raise --timeout")


class ListedObject(NamedTuple):
    """A file at a remote, from a listing.

    Two equal entries have the same content, as far as the remote can know: `version` is its etag, or a combination of
    times, inode and size.
    """

    name: str
    size: int
    version: str = ""


def inherited_environment() -> dict[str, str]:
    """Return the environment for other programs, which must not see keys."""
    return {name: value for name, value in os.environ.items() if name != KEY_VARIABLE}


def checked_name(name: str) -> str:
    """Return `name` if it is valid for a file at a remote; raise `MissingError` if it may lead to another place."""
    if not name or name in (".", "..") or not name.isprintable() or "/" in name:
        raise MissingError(f"'{printable(name)}' is not a valid name of a file at a remote")
    return name


def refuse_unprintable(name: str) -> None:
    """Raise `DataError` for a name with unprintable characters. Such a file is listed and reported, but not read."""
    if not name.isprintable():
        raise DataError(f"'{printable(name)}' has a name with unprintable characters, so it is not read")


def new_draft(number: int | None = None) -> str:
    """Return a name for a file that is being written: a random one, or a fixed one if `number` is given."""
    token = os.urandom(8).hex() if number is None else f"{number:016x}"
    return f".crdtctl-{token}.new"


def is_draft(name: str) -> bool:
    """Return whether a file has the name of a draft, or of a remote check's temporary file."""
    if name.startswith(".crdtctl-") and name.endswith(".new"):
        token = name[len(".crdtctl-") : -len(".new")]
    elif name.startswith(CHECK_PREFIX):
        token = name[len(CHECK_PREFIX) :]
    else:
        return False
    return len(token) == 16 and _HEXADECIMAL.issuperset(token)


class LimitedWriter:
    """Passes on a file that may be a state; raises `DataError` as soon as it cannot be one, or is too large."""

    def __init__(self, entry: ListedObject, write: Callable[[bytes], object]) -> None:
        self._entry = entry
        self._write = write
        self._start = b""
        self._size = 0

    def __call__(self, piece: bytes) -> None:
        """Write the next piece of a file."""
        if len(self._start) < len(HEAD_START):
            self._start = (self._start + piece)[: len(HEAD_START)]
        self._size += len(piece)
        limit = MAX_OBJECT
        if not HEAD_START.startswith(self._start) and not SEALED_START.startswith(self._start):
            from crdtctl.codec.other_layouts import MAX_BYTES  # objects are in canonical layout

            limit = MAX_BYTES
        if max(self._size, self._entry.size) > limit:
            why = f"larger than {limit // 2**20} MiB"
            raise DataError(f"{printable(self._entry.name)} is not a valid state: it is {why}")
        self._write(piece)


class Transport(ABC):
    """The files at one place, by name, without those in folders below it.

    One thread uses a transport, except for `get`, which `parallel` threads call at the same time.
    """

    #: Number of files that are read at the same time; 0 if another program decides.
    parallel: int = 1
    #: Whether a listing shows all files that were put before. Otherwise the sync lists again after each put.
    is_consistent: bool = False
    #: The folder that was made for the first file; empty if none was.
    made = ""
    #: Whether the last listing is empty because the place does not exist.
    is_absent = False

    @property
    def atomic(self) -> bool:
        """Whether an interrupted put leaves no file; otherwise it may leave half a file."""
        return True

    def stored_size(self, size: int) -> int:
        """Return the size at the remote of a file with `size` bytes."""
        return size

    @abstractmethod
    def list(self) -> Sequence[ListedObject]:
        """Return the files. If the place does not exist but can be made, return an empty list."""

    @abstractmethod
    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        """Read a file, and pass it to `write` in pieces. Raise `MissingError` if it does not exist."""

    @abstractmethod
    def put(self, name: str, path: str) -> None:
        """Write the local file `path` to `name`, replacing a former file. Make the place if it does not exist."""

    @abstractmethod
    def delete(self, name: str) -> None:
        """Delete a file. It is not an error if the file does not exist."""

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        """Read files into an empty local directory; yield each with its content there, or the error of its read."""

        def read(entry: ListedObject) -> tuple[ListedObject, LocalFile | CrdtctlError]:
            try:
                with files.new() as incoming:
                    self.get(entry.name, LimitedWriter(entry, incoming.write))
                    return entry, incoming.finish()
            except CrdtctlError as error:
                return entry, error

        from crdtctl.sync.local_files import LocalFiles  # only here: most syncs have no news

        with LocalFiles(directory) as files:
            yield from self.in_parallel(read, entries)

    def in_parallel(self, call: Callable[[_T], _R], items: Sequence[_T]) -> Iterator[_R]:
        """Call a function for each item, in `parallel` threads; yield the results in order."""
        if self.parallel == 1 or len(items) < 2:
            yield from map(call, items)
            return
        from concurrent.futures import ThreadPoolExecutor  # its import takes longer than to list a folder

        with ThreadPoolExecutor(self.parallel) as pool:
            try:
                for future in [pool.submit(call, item) for item in items]:
                    yield interruptible_result(future)
            except BaseException:  # an interrupt, or the caller needs no more results
                pool.shutdown(wait=False, cancel_futures=True)
                self.cancel()
                raise

    def stored_name(self, name: str) -> str:
        """Return the name of a listed file as it is stored at the remote."""
        return name

    def cancel(self) -> None:  # noqa: B027  # a transport that reads one file at a time has nothing to do
        """Cancel operations that other threads have in flight."""

    def flush(self) -> None:  # noqa: B027  # most transports have nothing to do
        """Make all puts and deletions visible to others, if the transport does that for many files at once."""

    def close(self) -> None:  # noqa: B027  # some transports have nothing to do
        """Release processes, connections and temporary files."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
