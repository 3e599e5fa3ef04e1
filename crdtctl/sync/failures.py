"""What a sync found wrong, as failures: with remotes, with files there, with replicas. Pure."""

from collections.abc import Iterator
from dataclasses import replace

from crdtctl.errors import AccessError, CrdtctlError, PartialError, TransientError, UnavailableError, printable
from crdtctl.store import findings
from crdtctl.store.merge import MergeReport
from crdtctl.sync.report import RemoteReport, SyncReport


def failures(report: SyncReport) -> list[CrdtctlError]:
    """Return everything to report after a sync; the last failure decides how it ends.

    What is wrong with replicas is graver than what failed at a remote, and a permanent failure than a transient one.
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
    """Yield what was not as it should be at a remote, though the sync went well."""
    for gone in remote.missing:
        name = printable(f"{remote.name.rstrip('/')}/{gone.object}")
        if gone.is_own:
            yield PartialError(f"{name}, which this replica put, was not there any more", "it was put again")
        else:
            hint = f"if it was deleted on purpose: crdtctl sync --accept-missing {remote.name}"
            yield PartialError(f"{name} is missing, and {gone.owner} put no other", hint)
    if remote.undeletable:
        hint = "all else was done; it is tried again in a day, and not said again"
        yield PartialError(f"{remote.name}: old objects stay there: {remote.undeletable}", hint)


def _remedy(reason: CrdtctlError) -> str:
    """Return what to do about a file that was skipped."""
    if isinstance(reason, AccessError | UnavailableError) and reason.hint:
        return reason.hint
    return "move it away, or send it again from where it came"


def failure_of(remote: RemoteReport) -> CrdtctlError:
    """Return what failed at a remote as it is told: with its name, where the message does not say it anyway."""
    error = remote.error or CrdtctlError("")
    is_said = not {"/", ":"}.isdisjoint(remote.name) and remote.name in error.message  # a path or URL, and no name
    return type(error)(error.message if is_said else f"{remote.name}: {error.message}", error.hint)
