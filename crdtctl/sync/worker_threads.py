"""Work at several remotes side by side, each within its own time.

A thread for each remote does what waits for others. One that does not come back in its time, since the kernel itself
waits for a file server that is away, is left behind: the sync goes on without it.
"""

import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Self

from crdtctl.sync.remote_session import RemoteSession
from crdtctl.sync.transport import POLL_INTERVAL

#: So many seconds after the end of its time, or after a signal, a thread is left behind.
_GRACE_SECONDS = 2.0


class WorkerThreads:
    """Threads, at most one for each visit at a time. To be used by one thread."""

    def __init__(self) -> None:
        self._ended: SimpleQueue[tuple[RemoteSession, BaseException | None]] = SimpleQueue()
        self._working: dict[RemoteSession, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return bool(self._working)

    def __contains__(self, session: RemoteSession) -> bool:
        """Return whether work is under way at a remote."""
        return session in self._working

    def start(self, session: RemoteSession, work: Callable[[], object]) -> None:
        """Begin some work at a remote. Failures that are for users are noted in the report of the visit."""
        session.deadline.renew()
        thread = threading.Thread(target=self._work, args=(session, work), daemon=True, name="crdtctl-remote")
        self._working[session] = thread
        thread.start()

    def _work(self, session: RemoteSession, work: Callable[[], object]) -> None:
        raised: BaseException | None = None
        try:
            with session.recording_failures():
                work()
        except BaseException as error:  # noqa: BLE001  # it is raised again by the thread that waits
            raised = error
        with self._lock:
            if not session.left:
                self._ended.put((session, raised))
                return
        if session.transport is not None:
            session.transport.close()

    def ended(self, patience: float, tick: Callable[[], object]) -> list[RemoteSession]:
        """Wait until some work has ended, and `patience` seconds more for the rest; return the visits.

        Of those that took too long, the report says so. `tick` is called now and then. An exception that is for nobody
        else is raised again.
        """
        found: list[RemoteSession] = []
        until = float("inf")
        while self._working and time.monotonic() < until:
            if (session := self._next(min(POLL_INTERVAL, until - time.monotonic()))) is not None:
                found.append(session)
                until = min(until, time.monotonic() + patience)
            for late in [one for one in self._working if one.deadline.overdue > _GRACE_SECONDS]:
                if self._leave(late):
                    late.report.error = late.deadline.over()
                    found.append(late)
            tick()
        return found

    def _next(self, seconds: float) -> RemoteSession | None:
        try:
            session, raised = self._ended.get(timeout=max(seconds, 0.001))
        except Empty:
            return None
        self._working.pop(session).join()  # so that this process may be forked again
        if raised is not None:
            raise raised
        return session

    def _leave(self, session: RemoteSession) -> bool:
        """Leave a thread behind; return whether it was still at work. What it notes from now on is not looked at."""
        with self._lock:
            if not self._working[session].is_alive() or not self._ended.empty():
                return False
            session.left = True
        del self._working[session]
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End whatever is still under way: something else failed, or a signal came."""
        for session in self._working:
            session.deadline.end()
        until = time.monotonic() + _GRACE_SECONDS
        for session, thread in list(self._working.items()):
            thread.join(max(0.0, until - time.monotonic()))
            with self._lock:
                session.left = thread.is_alive()
