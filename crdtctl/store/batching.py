"""A batching counter for servers: many threads count in memory, and one commit per interval brings it to disk.

>>> import tempfile
>>> from crdtctl import Replica
>>> home = tempfile.TemporaryDirectory()
>>> replica = Replica.init(f"{home.name}/here", name="here")
>>> views = replica.counter("views")
>>> for _ in range(1000):
...     views.inc()
>>> views.flush()
>>> replica.value("views"), replica.clock()[replica.id]
(1000, 1)
>>> home.cleanup()

Only sums wait in memory, one for each counter and direction. A thread runs only while some wait.

A forked process begins with nothing that waits: the sums belong to its parent, which commits them. A fork waits for the
end of a commit. Otherwise the child would inherit the open lock file, and hold the lock for as long as it lives.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
from time import sleep

import filelock  # noqa: F401  # registers its own functions for a fork: not amid one that waits for the first commit

from crdtctl.errors import CrdtctlError, InternalError, OutcomeUnknownError, UsageError, printable
from crdtctl.store import requests
from crdtctl.store.validation import check_amount

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Protocol, Self, TypeAlias

    from crdtctl.store.commit import OnRefused, Request

    class Commit(Protocol):
        """The signature of `crdtctl.Replica.commit`."""

        def __call__(self, requests: list[Request], /, *, on_refused: OnRefused | None) -> object:
            """Carry out requests as one commit, without the refused ones."""

    #: Name and type of a counter, and whether it is counted up.
    Key: TypeAlias = tuple[str, str | None, bool]

#: Most counters whose sums wait. With more, an operation commits them before it returns.
_MOST = 10_000
#: Longest interval between two commits, in seconds.
_LONGEST = 86_400

#: Guards the sums and failures of all batches, and the names below. It is held for moments only.
_guard = threading.Lock()
#: Held during a commit.
_committing = threading.Lock()
#: The batches with sums or failures that no caller has seen.
_open: set[Batches] = set()
#: Whether the process ends: each operation is committed before it returns.
_is_ending = False
_has_hook = False


class Batches:
    """The waiting sums of one replica. Its counters have them in common, so they are committed together."""

    def __init__(self, commit: Commit, every: float) -> None:
        if not 0 <= every <= _LONGEST:
            raise UsageError(f"the seconds between two commits must be from 0 to {_LONGEST}")
        self._commit = commit
        self._every = every
        self._sums: dict[Key, int] = {}
        self._failures: dict[Key, CrdtctlError] = {}
        self._unclear: CrdtctlError | None = None
        self._has_thread = False

    def put(self, key: Key, amount: int) -> None:
        """Add to the sum of a counter, and see that it is committed. Raise the failure of its last commit instead."""
        check_amount(amount)
        with _guard:
            self._raise_failure(key)
            total = self._sums.get(key, 0) + amount
            check_amount(total)
            self._sums[key] = total
            _open.add(self)
            is_urgent = _is_ending or len(self._sums) > _MOST
            starts, self._has_thread = not self._has_thread, True
        if starts and not _started(self._run):
            with _guard:
                self._has_thread = False
            is_urgent = True
        if is_urgent:
            self.flush(key)

    def flush(self, *keys: Key) -> None:
        """Commit all sums. Raise the failure of a commit, or of one of the `keys`."""
        done = threading.Event()

        def work() -> None:
            try:
                self._carry_out()
            finally:
                done.set()

        if _started(work):  # an exception of a signal, raised in this thread, does not interrupt the commit
            done.wait()
        else:
            self._carry_out()
        with _guard:
            for key in keys:
                self._raise_failure(key)

    def report_rest(self) -> None:
        """Commit all sums at the end of the process, and print the sums that are left."""
        self.flush()
        with _guard:
            rest = [f"{number} of '{printable(key[0])}'" for key, number in self._sums.items()]
            reasons = [*self._failures.values(), *([] if self._unclear is None else [self._unclear])]
        if reasons:
            what = f"not counted at the end of the program: {', '.join(rest[:3])}: " if rest else ""
            sys.stderr.write(f"crdtctl: {what}{reasons[0].message}\n")

    def forget_parent(self) -> None:
        """Begin with nothing, in a process that was forked."""
        self._sums, self._failures, self._unclear, self._has_thread = {}, {}, None, False

    def _raise_failure(self, key: Key) -> None:
        if self._unclear is not None:
            failure, self._unclear = self._unclear, None  # its sums are not counted again, so it is raised once
            raise failure.with_traceback(None)
        if key in self._failures:  # without the calls of earlier times, which would add up
            raise self._failures[key].with_traceback(None)

    def _run(self) -> None:
        while True:
            sleep(self._every)
            self._carry_out()
            with _guard:
                if not self._sums:
                    self._has_thread = False
                    return

    def _carry_out(self) -> None:
        """Commit the sums. Those that are certainly not on disk wait again."""
        with _committing:
            with _guard:
                taken, self._sums = self._sums, {}
            failed, unclear = _committed(self._commit, taken) if taken else ({}, None)
            with _guard:
                for key, number in taken.items():
                    if key in failed:
                        self._sums[key] = self._sums.get(key, 0) + number
                        self._failures[key] = failed[key]
                    else:
                        self._failures.pop(key, None)
                self._unclear = unclear or self._unclear
                if not self._sums and self._unclear is None:
                    _open.discard(self)


class BatchingCounter:
    """A counter of a replica whose operations are committed together, every few milliseconds.

    Made by `crdtctl.Replica.counter`. Any number of threads and tasks may use it. After a failed commit, as of a full
    disk, no count is lost: the commit is tried again at each interval. Until it succeeds, every
    operation of the counter raises the failure and counts nothing itself. After `crdtctl.errors.OutcomeUnknownError`
    the amounts are in the replica, but may not survive a power cut. This error is raised once.

    The end of the program commits the waiting sums, also the end of a process of `multiprocessing`. A process
    that ends by a signal or by `os._exit` must call `flush` before.
    """

    def __init__(self, batches: Batches, name: str, tag: str | None) -> None:
        self._batches = batches
        self._up: Key = (name, tag, True)
        self._down: Key = (name, tag, False)

    def inc(self, amount: int = 1) -> None:
        """Count `amount` (≥ 0) up, in memory. Raise `UsageError` for a wrong amount, and the failure of a commit."""
        self._batches.put(self._up, amount)

    def dec(self, amount: int = 1) -> None:
        """Count `amount` (≥ 0) down, as `inc` counts up."""
        self._batches.put(self._down, amount)

    def flush(self) -> None:
        """Wait until all operations so far are on disk. Raise the failure of a commit."""
        self._batches.flush(self._up, self._down)

    async def flushed(self) -> None:
        """Wait as `flush` does, without blocking the event loop."""
        import asyncio  # only here: it is large

        await asyncio.to_thread(self.flush)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.flush()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.flushed()


def _committed(commit: Commit, sums: dict[Key, int]) -> tuple[dict[Key, CrdtctlError], CrdtctlError | None]:
    """Commit sums. Return those that are certainly not counted, with the reason, and a failure of unclear outcome."""
    asked = {key: _request(key, number) for key, number in sums.items()}
    keys = {id(request): key for key, request in asked.items()}
    refused: dict[Key, CrdtctlError] = {}

    def refuse(request: Request, reason: CrdtctlError) -> None:
        refused[keys[id(request)]] = reason

    try:
        commit(list(asked.values()), on_refused=refuse)
    except OutcomeUnknownError as failure:
        return refused, failure
    except CrdtctlError as failure:
        return dict.fromkeys(sums, failure), None
    except BaseException as failure:  # noqa: BLE001  # a thread has no caller: the next caller has to learn of it
        return refused, InternalError(f"{type(failure).__name__}: {failure}", "please report this")
    return refused, None


def _request(key: Key, number: int) -> Request:
    name, tag, is_up = key
    return (requests.increment if is_up else requests.decrement)(name, number, tag=tag)


def _started(work: Callable[[], None]) -> bool:
    """Start a thread. Return false if the system or the end of the interpreter prevents that."""
    _hook_multiprocessing()
    try:
        threading.Thread(target=work, name="crdtctl counter", daemon=True).start()
    except RuntimeError:
        return False
    return True


# The end of a process, and its forks -----------------------------------------------------------------------


def _hook_multiprocessing() -> None:
    """Commit at the end of a process of `multiprocessing`, which does not call the functions of `atexit`."""
    global _has_hook
    if not _has_hook and (util := sys.modules.get("multiprocessing.util")) is not None:
        _has_hook = True
        util.Finalize(None, _end, exitpriority=0)


def _end() -> None:
    global _is_ending
    with _guard:
        _is_ending = True
        found = list(_open)
    for batches in found:
        batches.report_rest()


def _before_fork() -> None:
    _committing.acquire()
    _guard.acquire()


def _after_fork() -> None:
    _guard.release()
    _committing.release()


def _in_child() -> None:
    global _has_hook, _is_ending
    _has_hook = _is_ending = False
    for batches in _open:
        batches.forget_parent()
    _open.clear()
    _after_fork()


atexit.register(_end)
os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_child)
