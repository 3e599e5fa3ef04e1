"""The failures of a sync: of remotes, of files there, and of replicas. Pure."""

from __future__ import annotations

from crdtctl.errors import AccessError, CrdtctlError, PartialError, TransientError, UnavailableError, printable
from crdtctl.records import replace
from crdtctl.store import findings

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.store.merge import MergeReport
    from crdtctl.sync.report import RemoteReport, SyncReport


def failures(report: SyncReport) -> list[CrdtctlError]:
    """Return all failures to report after a sync. The last one decides the exit status.

    Failures of replicas outweigh failures of remotes, and permanent failures outweigh transient ones.
    """
    remotes = [failure_of(one) for one in report.remotes if one.error is not None]
    remotes.sort(key=lambda failure: not isinstance(failure, TransientError))
    skipped = skipped_files(report.merge)
    replicas = findings.failures(replace(report.merge, refused={}))
    return [*(odd for one in report.remotes for odd in oddities(one)), *skipped, *remotes, *replicas]


def skipped_files(merge: MergeReport) -> list[CrdtctlError]:
    """Return a failure for each file at the remotes that was skipped."""
    return [
        PartialError(f"{reason.message}; it was skipped", _remedy(reason))
        for _, reason in sorted(merge.refused.items())
    ]


def oddities(remote: RemoteReport) -> Iterator[PartialError]:
    """Yield the problems at a remote that did not make its sync fail."""
    for gone in remote.missing:
        name = printable(f"{remote.name.rstrip('/')}/{gone.object}")
        if gone.is_own:
            yield PartialError(f"{name}, an object of this replica, disappeared", "its content was uploaded again")
        else:
            hint = f"if it was deleted on purpose: crdtctl sync --accept-missing {remote.name}"
            yield PartialError(f"{name} is missing, and {gone.owner} has no other object there", hint)
    for one in remote.unread:
        yield PartialError(f"{remote.name}: {one.message}", one.hint)
    for who, (now, before) in sorted(remote.older.items()):
        yield PartialError(
            f"{remote.name}: older objects are back there: of {who} up to commit {now}, before up to commit {before}",
            "was a backup restored there? no count is lost, and this replica uploads the newer counts",
        )
    if remote.undeletable:
        hint = "allow this user to delete files there; the next attempt is in a day, and all else was done"
        yield PartialError(f"{remote.name}: old objects could not be deleted: {remote.undeletable}", hint)


def _remedy(reason: CrdtctlError) -> str:
    """Return the hint for a file that was skipped."""
    if isinstance(reason, AccessError | UnavailableError) and reason.hint:
        return reason.hint
    return "move it away, or let its replica upload it again"


def failure_of(remote: RemoteReport) -> CrdtctlError:
    """Return the failure of a remote with the remote's name in front, unless the message already contains it."""
    error = remote.error or CrdtctlError("")
    is_named = not {"/", ":"}.isdisjoint(remote.name) and remote.name in error.message  # a path or a URL
    return type(error)(error.message if is_named else f"{remote.name}: {error.message}", error.hint)
