"""A stream: increments, decrements and additions of many threads, committed in groups by a thread of its own.

>>> import tempfile
>>> from crdtctl import Replica
>>> home = tempfile.TemporaryDirectory()
>>> replica = Replica.init(f"{home.name}/here", name="here")
>>> with replica.stream() as stream:
...     for _ in range(1000):
...         stream.increment("hits")
...     stream.flush()               # all of them are on disk
1000
>>> replica.value("hits")
1000
>>> home.cleanup()

Between two groups, the stream holds no lock and no open file of the replica. So other processes count at the same time,
and a copy of the replica is noticed by the next group.
"""

from __future__ import annotations

import os
import threading
from time import monotonic

from crdtctl.errors import CrdtctlError, InternalError, UsageError
from crdtctl.store import requests
from crdtctl.store.group_commit import Refusal, commit_group
from crdtctl.store.validation import checked_name, flattened, typed_numbers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from decimal import Decimal
    from types import TracebackType
    from typing import Any, Self, TypeAlias

    from crdtctl.store.commit import Request
    from crdtctl.store.group_commit import Commit

    #: Verb, name, amount or elements, idempotency key, type.
    Key: TypeAlias = tuple[str, str, int | tuple[str, ...], str | None, str | None]

#: Number of groups that may wait for the disk. Further operations block.
_MOST_GROUPS = 16
#: Most requests that are kept for operations that are equal to earlier ones.
_MOST_KEPT = 100_000


class Stream:
    """Operations that are committed in groups. Any thread may use it, in the context of `crdtctl.Replica.stream`.

    A group is committed `every` seconds, or with `group` operations, or if a caller waits for it. An operation returns
    at once: `flush` waits until it is on disk, and so does the end of the context, also after an exception. A group
    that fails ends the stream: its failure is raised by `flush`, by later operations and by the end of the context.
    `count` is then the number of the first operations that are on disk. All later ones are not, except after
    `crdtctl.errors.OutcomeUnknownError`.
    """

    def __init__(self, commit: Commit, *, every: float, group: int) -> None:
        if not every >= 0:
            raise UsageError("the seconds between two groups must be at least 0")
        if type(group) is not int or group < 1:
            raise UsageError("a group has at least one operation")
        self._commit = commit
        self._every = every
        self._group = group
        self._most = group * _MOST_GROUPS
        #: Guards all that follows. It is notified when something is to be committed, or was.
        self._changed = threading.Condition()
        self._waiting: list[Key] = []
        self._since = 0.0
        self._requests: dict[Key, Request] = {}
        self._given = 0
        self._wanted = 0
        self._durable = 0
        self._failure: CrdtctlError | None = None
        self._is_open = False
        self._callbacks: list[tuple[int, Callable[[], object]]] = []
        self._thread: threading.Thread | None = None
        self._process = 0

    # Operations --------------------------------------------------------------------------------------------

    def increment(
        self,
        name: str,
        amount: int = 1,
        *,
        once: str | None = None,
        tag: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Count `amount` (≥ 0) up, as `crdtctl.Replica.increment` does. Raise `UsageError` for a wrong argument."""
        self._put(("increment", _spelled(name, labels), amount, once, tag))

    def decrement(
        self,
        name: str,
        amount: int = 1,
        *,
        once: str | None = None,
        tag: str | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Count `amount` (≥ 0) down, as `crdtctl.Replica.decrement` does."""
        self._put(("decrement", _spelled(name, labels), amount, once, tag))

    def add(
        self, name: str, *elements: str | Iterable[str], tag: str | None = None, labels: Mapping[str, str] | None = None
    ) -> None:
        """Add elements to a set: strings, or iterables of strings."""
        self._put(("add", _spelled(name, labels), tuple(flattened(elements)), None, tag))

    def add_numbers(self, name: str, *numbers: float | str | Decimal, labels: Mapping[str, str] | None = None) -> None:
        """Add numbers to a hist, as `crdtctl.Replica.add_numbers` does."""
        self._put(("add", _spelled(name, labels), tuple(typed_numbers(numbers)), None, "hist"))

    @property
    def count(self) -> int:
        """The number of operations, from the first, that are on disk."""
        return self._durable

    def flush(self) -> int:
        """Wait until all operations so far are on disk. Return their number. Raise the failure of a group."""
        self._refuse_child()
        with self._changed:
            target = self._ask_for_all()
            while self._durable < target and self._failure is None:
                self._changed.wait()
            return self._result(target)

    async def flushed(self) -> int:
        """Wait as `flush` does, without blocking the event loop."""
        import asyncio  # only here: it is large

        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()

        def wake() -> None:
            if not done.done():
                done.set_result(None)

        def call() -> None:
            try:
                loop.call_soon_threadsafe(wake)
            except RuntimeError:  # the loop was closed, so no one waits
                pass

        self._refuse_child()
        with self._changed:
            target = self._ask_for_all()
            if self._durable < target and self._failure is None:
                self._callbacks.append((target, call))
            else:
                done.set_result(None)
        await done
        with self._changed:
            return self._result(target)

    def _put(self, key: Key) -> None:
        try:
            request = self._requests.get(key)
        except TypeError:  # an argument without a hash is of no allowed type
            request = None
        if request is None:
            request = _request(*key)
        self._refuse_child()
        changed = self._changed
        with changed:
            while len(self._waiting) >= self._most and self._failure is None and self._is_open:
                changed.wait()
            if not self._is_open:
                raise UsageError(
                    "a stream counts nothing outside of its context", "use 'with replica.stream() as stream:'"
                )
            if self._failure is not None:
                raise self._failure
            self._requests[key] = request
            if not self._waiting:
                self._since = monotonic()
                changed.notify_all()
            self._waiting.append(key)
            self._given += 1
            if len(self._waiting) == self._group:
                changed.notify_all()

    def _ask_for_all(self) -> int:
        self._wanted = self._given
        self._changed.notify_all()
        return self._given

    def _result(self, target: int) -> int:
        if self._durable < target and self._failure is not None:
            raise self._failure
        return self._durable

    def _refuse_child(self) -> None:
        """Raise `UsageError` in a forked process, before it waits for a lock that a thread of its parent held."""
        if self._process not in (0, os.getpid()):
            raise UsageError(
                "a stream belongs to the process that opened it, and this one was forked from it",
                "open another stream here",
            )

    # Committing --------------------------------------------------------------------------------------------

    def _run(self) -> None:
        """Commit groups until the stream is closed and nothing waits any more."""
        while True:
            with self._changed:
                while not self._is_due():
                    if not self._waiting and not self._is_open:
                        return
                    self._changed.wait(self._patience())
                group, self._waiting = self._waiting[: self._group], self._waiting[self._group :]
                known = self._requests
                if len(known) > _MOST_KEPT:
                    self._requests = {key: known[key] for key in self._waiting}
                self._changed.notify_all()
            failure = self._carry_out(group, known)
            with self._changed:
                if failure is not None:
                    self._failure, self._waiting = failure, []
                self._call_back()
                self._changed.notify_all()
                if failure is not None:
                    return

    def _is_due(self) -> bool:
        if not self._waiting:
            return False
        if not self._is_open or len(self._waiting) >= self._group or self._wanted > self._durable:
            return True
        return monotonic() >= self._since + self._every

    def _patience(self) -> float | None:
        return max(0.0, self._since + self._every - monotonic()) if self._waiting else None

    def _carry_out(self, group: list[Key], known: dict[Key, Request]) -> CrdtctlError | None:
        """Commit a group. Return the failure, or None."""
        try:
            commit_group(self._commit, group, known)
        except Refusal as refusal:
            self._durable += refusal.place
            return refusal.reason
        except CrdtctlError as failure:
            return failure
        except BaseException as failure:  # noqa: BLE001  # a thread has no caller: those who wait have to learn of it
            return InternalError(f"{type(failure).__name__}: {failure}", "please report this")
        self._durable += len(group)
        return None

    def _call_back(self) -> None:
        left = []
        for target, call in self._callbacks:
            if self._durable >= target or self._failure is not None:
                call()
            else:
                left.append((target, call))
        self._callbacks = left

    # The context -------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        with self._changed:
            if self._thread is not None:
                raise UsageError("a stream has one context only", "open another stream")
            self._is_open, self._process = True, os.getpid()
            self._thread = threading.Thread(target=self._run, name="crdtctl stream", daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process != os.getpid():
            return  # forked: what waits belongs to the other process
        with self._changed:
            self._is_open = False
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None and self._failure is not error:
            raise self._failure

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import asyncio

        await asyncio.to_thread(self.__exit__, kind, error, trace)


def _request(verb: str, name: str, value: Any, once: str | None, tag: str | None) -> Request:
    """Return the request of an operation. Raise `UsageError` for a wrong argument."""
    if verb == "add":
        return requests.add(name, value, tag=tag)
    making = requests.increment if verb == "increment" else requests.decrement
    return making(name, value, once=once, tag=tag)


def _spelled(name: str, labels: Mapping[str, str] | None) -> str:
    return name if labels is None else checked_name(name, labels)
