"""Read the objects of a remote, and join them in a temporary replica."""

from __future__ import annotations

import sys

from crdtctl.contexts import ExitStack, contextmanager
from crdtctl.errors import DataError, printable
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from crdtctl.store.replica import Replica
    from crdtctl.sync.remote_session import RemoteSession
    from crdtctl.sync.report import Remote, SyncReport
    from crdtctl.sync.temporary_directory import TemporaryDirectory

#: The name of the temporary replica. It never counts, so its id is in no clock.
_NAME = "observer"


class ObservedFile(Record):
    """An object at the remote: its name, its size in bytes, and the reason why it was left out; empty if it was not."""

    name: str
    size: int
    fault: str = ""


class Observation(Record):
    """The joined objects of a remote.

    `replica` is a temporary replica with all that they contain. `report` has the files that were left out, the forks,
    and the replicas that count twice. It is the report of a sync that only read. `files` are all objects.
    """

    replica: Replica
    report: SyncReport
    files: list[ObservedFile]

    @property
    def replicas(self) -> list[str]:
        """The ids of all replicas with commits in the objects, sorted."""
        return sorted(self.replica.clock().keys() - {self.replica.id})

    def export(self, write: Callable[[bytes], object]) -> None:
        """Write all objects as one state, piece by piece. It has no entries of the temporary replica."""
        from crdtctl.store.export import write_others

        with self.replica.snapshot() as now:
            write_others(now.verified(), write)

    def export_to(self, path: str) -> None:
        """Write all objects as one state to a file, see `crdtctl.Replica.export_to`."""
        from crdtctl.store.files import Directory
        from crdtctl.store.target import write_to

        directory = Directory(self.replica.path)
        try:
            write_to(path, directory, lambda file: self.export(file.write))
        finally:
            directory.close()

    def raise_if_unread(self) -> None:
        """Raise `DataError` if there are objects, and none could be read."""
        if self.files and all(one.fault for one in self.files):
            number = len(self.files)
            first = self.files[0]
            raise DataError(
                f"none of {number} file{'' if number == 1 else 's'} at the remote is a valid state; "
                f"the first one, {printable(first.name)}: {first.fault}"
            )


@contextmanager
def observe(
    remote: Remote,
    *,
    timeout: float = 300.0,
    jobs: int | None = None,
    progress: Callable[[str, int, int], object] | None = None,
) -> Iterator[Observation]:
    """Yield the joined objects of a remote. Nothing is written there.

    `timeout` is in seconds, for the whole download. At most `jobs` processes join (None: one for each core).
    `progress` is called with an activity, the bytes done and the bytes in total. Raise the errors of a sync with the
    remote, and `UnavailableError` if the place does not exist.
    """
    from crdtctl.store.create import create
    from crdtctl.store.replica import Replica
    from crdtctl.store.temporary import directory
    from crdtctl.sync.download import as_input
    from crdtctl.sync.report import SyncReport, add_merge
    from crdtctl.sync.temporary_directory import TemporaryDirectory

    with ExitStack() as stack:
        scratch = stack.enter_context(TemporaryDirectory(directory(), is_dry=True))
        replica = Replica(create(scratch.file("replica"), _NAME, 0, is_noted=False))
        stack.callback(replica.forget)
        session = _downloaded(remote, replica, scratch, timeout, jobs, progress, stack)
        inputs = [as_input(session, file) for file in session.fetched]
        total = sum(file.content.size for file in session.fetched)
        session.fetched = []  # there may be 100,000
        merged = replica.merge_inputs(
            inputs,
            hears=False,
            processes=_processes(jobs),
            progress=None if progress is None else lambda done: progress("joining", min(done, total), total),
        )
        merged.refused.update(session.refused)
        report = SyncReport([session.report])
        add_merge(report.merge, merged)
        faults = {label: reason.message for label, reason in merged.refused.items()}
        files = [
            ObservedFile(entry.name, entry.size, faults.get(session.label(entry.name), "")) for entry in session.listing
        ]
        scratch.remove("objects")
        yield Observation(replica, report, files)


def _downloaded(
    remote: Remote,
    replica: Replica,
    scratch: TemporaryDirectory,
    timeout: float,
    jobs: int | None,
    progress: Callable[[str, int, int], object] | None,
    stack: ExitStack,
) -> RemoteSession:
    """Return the session of a remote whose objects were downloaded."""
    from crdtctl.records import replace
    from crdtctl.sync import health
    from crdtctl.sync.connecting import connect_session
    from crdtctl.sync.download import download
    from crdtctl.sync.remote_session import RemoteSession
    from crdtctl.sync.report import MAX_JOBS, RemoteReport
    from crdtctl.sync.transport import Deadline

    deadline = Deadline(timeout)
    report = RemoteReport(remote.name, remote.url)
    session = RemoteSession(replace(remote, only="pull"), report, deadline, health.Health(remote.url), {}, {})
    if progress is not None:
        session.tick = lambda: progress("reading", *session.progress)
    stack.callback(session.close)
    connect_session(session, scratch.folder("state"), None if jobs is None else min(jobs, MAX_JOBS))
    download(session, replica.knowledge(), lambda: scratch.folder("objects"), accept_missing=True)
    return session


def _processes(jobs: int | None) -> int:
    """Return the number of processes that join. A process with threads is not forked."""
    from crdtctl.store.parallel import cores

    threading = sys.modules.get("threading")
    if threading is not None and threading.active_count() > 1:
        return 1
    return cores() if jobs is None else jobs
