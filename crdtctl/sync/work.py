"""Work at folders of this machine, which answer at once: one after the other, without threads."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crdtctl.sync.remote_session import RemoteSession


class InTurn:
    """Does each work when it is started. It is used like `worker_threads.WorkerThreads`."""

    def __init__(self, tick: Callable[[], object]) -> None:
        """Make an object without work. `tick` is called after each object that is read."""
        self._tick = tick
        self._done: list[RemoteSession] = []

    @property
    def is_busy(self) -> bool:
        """Whether any work was not returned by `finished` yet."""
        return bool(self._done)

    def __contains__(self, session: RemoteSession) -> bool:
        """Return whether work at a remote was not returned by `finished` yet."""
        return session in self._done

    def start(self, session: RemoteSession, work: Callable[[], object]) -> None:
        """Do work at a remote, with a new time limit. Failures for users are recorded in the session's report."""
        session.deadline.renew()
        session.tick = self._tick
        with session.recording_failures():
            work()
        self._done.append(session)

    def finished(self, _grouping: float) -> list[RemoteSession]:
        """Return the sessions of the work that was done since the last call."""
        done, self._done = self._done, []
        self._tick()
        return done
