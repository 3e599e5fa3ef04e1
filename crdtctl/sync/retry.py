"""Retries of transient errors, with exponential backoff."""

from __future__ import annotations

from crdtctl.errors import CrdtctlError, TransientError, from_os
from crdtctl.sync.transport import Deadline, ListedObject, Transport
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import TypeVar

    from crdtctl.sync.local_files import LocalFile

    _T = TypeVar("_T")

#: Maximum number of attempts.
ATTEMPTS = 4
#: Seconds. Each further pause is about twice as long.
FIRST_PAUSE = 0.2


def retry(call: Callable[[], _T], deadline: Deadline, sleep: Callable[[float], object] | None = None) -> _T:
    """Return the result of `call`. After a `TransientError`, call again, at most `ATTEMPTS` times in total.

    The last error is raised, as is an error whose pause would go beyond the deadline. If the deadline cuts an attempt
    short, the error of the attempt before it is raised, which has the reason.
    """
    reason: TransientError | None = None
    for attempt in range(1, ATTEMPTS):
        try:
            return call()
        except TransientError as error:
            if reason and deadline.overdue >= 0:
                raise reason from None
            _pause(error, attempt, deadline, sleep or deadline.sleep)
            reason = error
    return call()


def _pause(error: TransientError, attempt: int, deadline: Deadline, sleep: Callable[[float], object]) -> None:
    """Wait before the next attempt; raise the error if the deadline is earlier."""
    import random

    seconds = FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1)  # noqa: S311  # so that clients do not retry in step
    seconds = max(seconds, error.after)
    if seconds >= deadline.remaining():
        raise error
    sleep(seconds)


class RetryingTransport(Transport):
    """Another transport, whose operations are retried after transient errors. Only `get` is not: see `fetch`."""

    def __init__(self, transport: Transport, deadline: Deadline, jobs: int | None = None) -> None:
        """Use `transport`. If it reads several files at the same time, `jobs` replaces their maximum number."""
        self._transport = transport
        self._deadline = deadline
        self.is_consistent = transport.is_consistent
        self._attempts = 0
        if jobs is not None and transport.parallel != 1:
            transport.parallel = jobs

    @property
    def atomic(self) -> bool:
        return self._transport.atomic

    def list(self) -> Sequence[ListedObject]:
        listing = retry(self._transport.list, self._deadline)
        self.is_absent = self._transport.is_absent
        return listing

    def get(self, name: str, write: Callable[[bytes], object]) -> None:
        """Read a file once, since pieces that were passed to `write` cannot be taken back."""
        self._transport.get(name, write)

    def fetch(
        self, entries: Sequence[ListedObject], directory: str
    ) -> Iterator[tuple[ListedObject, LocalFile | CrdtctlError]]:
        """Read files into a local directory. Only files whose read failed with a transient error are read again."""
        left = {entry.name: entry for entry in entries}
        for attempt in range(1, ATTEMPTS + 1):
            failed: TransientError | None = None
            try:
                for entry, result in self._transport.fetch(list(left.values()), self._new_directory(directory)):
                    if isinstance(result, TransientError):
                        failed = failed or result
                    else:
                        del left[entry.name]
                        yield entry, result
            except TransientError as error:
                failed = error
            if failed is None:
                return
            if attempt == ATTEMPTS:
                raise failed
            _pause(failed, attempt, self._deadline, self._deadline.sleep)

    def _new_directory(self, directory: str) -> str:
        """Make a directory for the files of one attempt."""
        self._attempts += 1
        made = f"{directory}/attempt-{self._attempts}"
        try:
            os.mkdir(made, 0o700)
        except OSError as error:
            raise from_os(error, "make a temporary directory") from None
        return made

    def put(self, name: str, path: str) -> None:
        retry(lambda: self._transport.put(name, path), self._deadline)
        self.made = self._transport.made

    def delete(self, name: str) -> None:
        retry(lambda: self._transport.delete(name), self._deadline)

    def cancel(self) -> None:
        self._transport.cancel()

    def flush(self) -> None:
        retry(self._transport.flush, self._deadline)

    def close(self) -> None:
        self._transport.close()
