"""Failures that follow from the report of a merge: refused files, forked ids, double absorption. Pure."""

from collections.abc import Sequence

from crdtctl.crdt.forks import Fork
from crdtctl.errors import CrdtctlError, ForkError, PartialError, printable
from crdtctl.store.merge import MergeReport
from crdtctl.store.retirement import double_absorption


def failures(report: MergeReport, *, dry_run: bool = False) -> list[CrdtctlError]:
    """Return everything to report after a merge; the last failure decides how the operation ends.

    Forks and double absorptions come after refused files, for they do not go away by sending a file again. What was
    not refused has been merged all the same.
    """
    refused = list(report.refused.values())
    if found := _of_replicas(report, dry_run=dry_run):
        return [*refused, *found]
    if len(refused) > 1 or (refused and report.taken):
        return [*refused, _summary(refused, len(report.taken))]
    return refused


def raise_last(found: Sequence[CrdtctlError], report: object) -> None:
    """Raise the last of the failures, which decides, if there is one; it carries the `report`."""
    if found:
        found[-1].report = report
        raise found[-1]


def _of_replicas(report: MergeReport, *, dry_run: bool) -> list[CrdtctlError]:
    """Return what is wrong with replicas, the gravest kind alone."""
    if report.forks:
        return [_forked(fork, labels) for fork, labels in report.forks]
    if report.foreign_writes:
        return [_usurped(report, dry_run=dry_run)]
    if report.absorbed_twice:
        hint = "'crdtctl settle' takes one of the two back, see its --help; let one replica absorb"
        return [ForkError(double_absorption(record, by), hint) for record, by in sorted(report.absorbed_twice.items())]
    if report.returned:
        hint = "compare what it counted; 'crdtctl settle ID' declares it settled"
        return [ForkError(str(one), hint) for one in report.returned]
    return [ForkError(str(one), one.advice) for one in report.made_twice]


def _usurped(report: MergeReport, *, dry_run: bool) -> CrdtctlError:
    labels = ", ".join(map(printable, report.foreign_writes))
    return ForkError(
        f"{labels}: knows more of this replica than it knows itself: it was copied, or an older version of it was "
        "put back",
        "the merge would go on under a new id" if dry_run else "it goes on under a new id; both branches are kept",
    )


def _forked(fork: Fork, labels: list[str]) -> CrdtctlError:
    shown = ", ".join(map(printable, labels))
    return ForkError(
        f"{shown}: {fork.replica} had several writers since commit {fork.since + 1}, a clone or an older version; "
        f"its branches {' and '.join(fork.branches)} are kept apart, and what they share counts once",
        f"compare them with 'crdtctl show --by-replica', then 'crdtctl settle {fork.replica} [NAME=AMOUNT]'",
    )


def _summary(refused: list[CrdtctlError], taken: int) -> CrdtctlError:
    message = f"{len(refused)} of {len(refused) + taken} files refused, {taken or 'none'} taken"
    return PartialError(message) if taken else type(refused[0])(message)
