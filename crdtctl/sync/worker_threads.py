"""Work at several remotes side by side, each within its own time.

A thread for each remote does what waits for others. One that does not come back in its time, since the kernel itself
waits for a file server that is away, is left behind: the sync goes on without it.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Self

from crdtctl.sync.remote_session import Visit
from crdtctl.sync.transport import GLANCE

#: So many seconds after the end of its time, or after a signal, a thread is left behind.
_MERCY = 2.0


class Crew:
    """Threads, at most one for each visit at a time. To be used by one thread."""

    def __init__(self) -> None:
        self._ended: SimpleQueue[tuple[Visit, BaseException | None]] = SimpleQueue()
        self._working: dict[Visit, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return bool(self._working)

    def __contains__(self, visit: Visit) -> bool:
        """Return whether work is under way at a remote."""
        return visit in self._working

    def start(self, visit: Visit, work: Callable[[], object]) -> None:
        """Begin some work at a remote. Failures that are for users are noted in the report of the visit."""
        visit.deadline.renew()
        thread = threading.Thread(target=self._work, args=(visit, work), daemon=True, name="crdtctl-remote")
        self._working[visit] = thread
        thread.start()

    def _work(self, visit: Visit, work: Callable[[], object]) -> None:
        raised: BaseException | None = None
        try:
            with visit.noting_failures():
                work()
        except BaseException as error:  # noqa: BLE001  # it is raised again by the thread that waits
            raised = error
        with self._lock:
            if not visit.left:
                self._ended.put((visit, raised))
                return
        if visit.transport is not None:
            visit.transport.close()

    def ended(self, patience: float, tick: Callable[[], object]) -> list[Visit]:
        """Wait until some work has ended, and `patience` seconds more for the rest; return the visits.

        Of those that took too long, the report says so. `tick` is called now and then. An exception that is for nobody
        else is raised again.
        """
        found: list[Visit] = []
        until = float("inf")
        while self._working and time.monotonic() < until:
            if (visit := self._next(min(GLANCE, until - time.monotonic()))) is not None:
                found.append(visit)
                until = min(until, time.monotonic() + patience)
            for late in [one for one in self._working if one.deadline.overdue > _MERCY]:
                if self._leave(late):
                    late.report.error = late.deadline.over()
                    found.append(late)
            tick()
        return found

    def _next(self, seconds: float) -> Visit | None:
        try:
            visit, raised = self._ended.get(timeout=max(seconds, 0.001))
        except Empty:
            return None
        self._working.pop(visit).join()  # so that this process may be forked again
        if raised is not None:
            raise raised
        return visit

    def _leave(self, visit: Visit) -> bool:
        """Leave a thread behind; return whether it was still at work. What it notes from now on is not looked at."""
        with self._lock:
            if not self._working[visit].is_alive() or not self._ended.empty():
                return False
            visit.left = True
        del self._working[visit]
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End whatever is still under way: something else failed, or a signal came."""
        for visit in self._working:
            visit.deadline.end()
        until = time.monotonic() + _MERCY
        for visit, thread in list(self._working.items()):
            thread.join(max(0.0, until - time.monotonic()))
            with self._lock:
                visit.left = thread.is_alive()
