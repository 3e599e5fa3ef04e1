"""Threads that work at several remotes side by side, each within its own time limit.

A thread can be stuck in a system call, because the kernel waits for a file server that is away. Such a thread is
abandoned after its time limit, and the sync continues without that remote.
"""

from __future__ import annotations

import threading
import time
from queue import Empty, SimpleQueue

from crdtctl.sync.transport import POLL_INTERVAL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Self

    from crdtctl.sync.remote_session import RemoteSession

#: Seconds between the end of a time limit, or a signal, and the moment when a thread is abandoned.
_GRACE_SECONDS = 2.0


class WorkerThreads:
    """Threads, at most one for each remote at a time. Only one thread may use this object."""

    def __init__(self, tick: Callable[[], object]) -> None:
        """Make an object without threads. `tick` is called at least every `POLL_INTERVAL` seconds of a wait."""
        self._tick = tick
        self._finished: SimpleQueue[tuple[RemoteSession, BaseException | None]] = SimpleQueue()
        self._working: dict[RemoteSession, threading.Thread] = {}
        self._lock = threading.Lock()

    @property
    def is_busy(self) -> bool:
        """Whether any work is in progress."""
        return bool(self._working)

    def __contains__(self, session: RemoteSession) -> bool:
        """Return whether work at a remote is in progress."""
        return session in self._working

    def start(self, session: RemoteSession, work: Callable[[], object]) -> None:
        """Start work at a remote, with a new time limit. Failures for users are recorded in the session's report."""
        session.deadline.renew()
        thread = threading.Thread(target=self._work, args=(session, work), daemon=True, name="crdtctl-remote")
        self._working[session] = thread
        thread.start()

    def _work(self, session: RemoteSession, work: Callable[[], object]) -> None:
        raised: BaseException | None = None
        try:
            with session.recording_failures():
                work()
        except BaseException as error:  # noqa: BLE001  # the waiting thread raises it again
            raised = error
        with self._lock:
            if not session.abandoned:
                self._finished.put((session, raised))
                return
        session.close()

    def finished(self, grouping: float) -> list[RemoteSession]:
        """Wait until one remote has finished, and up to `grouping` seconds longer for others; return their sessions.

        A remote that exceeds its time limit is abandoned, and its report gets that error. Any exception that is not a
        failure for users is raised again here.
        """
        sessions: list[RemoteSession] = []
        until = float("inf")
        while self._working and time.monotonic() < until:
            if (session := self._next(min(POLL_INTERVAL, until - time.monotonic()))) is not None:
                sessions.append(session)
                until = min(until, time.monotonic() + grouping)
            for late in [session for session in self._working if session.deadline.overdue > _GRACE_SECONDS]:
                if self._abandon(late):
                    late.report.error = late.deadline.error()
                    sessions.append(late)
            self._tick()
        return sessions

    def _next(self, seconds: float) -> RemoteSession | None:
        try:
            session, raised = self._finished.get(timeout=max(seconds, 0.001))
        except Empty:
            return None
        self._working.pop(session).join()  # so that this process may be forked again
        if raised is not None:
            raise raised
        return session

    def _abandon(self, session: RemoteSession) -> bool:
        """Abandon a thread and return True, unless it has just finished. Its later results are ignored."""
        with self._lock:
            if not self._working[session].is_alive() or not self._finished.empty():
                return False
            session.abandoned = True
        del self._working[session]
        return True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End all work in progress, after an error or a signal. Threads that do not end are abandoned."""
        for session in self._working:
            session.deadline.end()
        until = time.monotonic() + _GRACE_SECONDS
        for session, thread in list(self._working.items()):
            thread.join(max(0.0, until - time.monotonic()))
            with self._lock:
                session.abandoned = thread.is_alive()
