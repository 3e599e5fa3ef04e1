"""Errors that follow from the report of a merge: refused files, forked ids, double absorption. Pure."""

from __future__ import annotations

from crdtctl.errors import ForkError, PartialError, printable
from crdtctl.store.retirement import double_absorption

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.crdt.forks import Fork
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.merge import MergeReport


def failures(report: MergeReport, *, dry_run: bool = False) -> list[CrdtctlError]:
    """Return all errors of a merge. The last one decides the exit status.

    Forks and double absorptions come after refused files, because sending a file again does not end them. Files that
    were not refused have been merged.
    """
    refused = list(report.refused.values())
    if found := _of_replicas(report, dry_run=dry_run):
        return [*refused, *found]
    if len(refused) > 1 or (refused and report.taken):
        return [*refused, _summary(refused, len(report.taken))]
    return refused


def raise_last(found: Sequence[CrdtctlError], report: object) -> None:
    """Raise the last of the errors, if there is one, with the `report` attached."""
    if found:
        found[-1].report = report
        raise found[-1]


def _of_replicas(report: MergeReport, *, dry_run: bool) -> list[CrdtctlError]:
    """Return the errors about replicas: those of the gravest kind only."""
    if report.forks:
        return [_forked(fork, labels) for fork, labels in report.forks]
    if report.foreign_writes:
        return [_foreign_writes(report, dry_run=dry_run)]
    if report.absorbed_twice:
        hint = "'crdtctl settle' takes one of the two back, see its --help; absorb with one replica only"
        return [ForkError(double_absorption(record, by), hint) for record, by in sorted(report.absorbed_twice.items())]
    if report.returned:
        hint = "compare what it counted; 'crdtctl settle ID' declares it settled"
        return [ForkError(str(one), hint) for one in report.returned]
    return [ForkError(str(one), one.advice) for one in report.made_twice]


def _foreign_writes(report: MergeReport, *, dry_run: bool) -> CrdtctlError:
    labels = ", ".join(map(printable, report.foreign_writes))
    return ForkError(
        f"{labels}: contains commits of this replica's id that this replica did not make: it was copied, or restored "
        "from a backup",
        "the merge would continue under a new id" if dry_run else "it continues under a new id; both branches are kept",
    )


def _forked(fork: Fork, labels: list[str]) -> CrdtctlError:
    shown = ", ".join(map(printable, labels))
    return ForkError(
        f"{shown}: {fork.replica} had several writers since commit {fork.since + 1}, such as a clone or a restored "
        f"backup; its branches {' and '.join(fork.branches)} are kept apart, and their common commits count once",
        f"compare them with 'crdtctl show --by-replica', then 'crdtctl settle {fork.replica} [NAME=AMOUNT]'",
    )


def _summary(refused: list[CrdtctlError], taken: int) -> CrdtctlError:
    message = f"{len(refused)} of {len(refused) + taken} files refused, {taken or 'none'} taken"
    return PartialError(message) if taken else type(refused[0])(message)
