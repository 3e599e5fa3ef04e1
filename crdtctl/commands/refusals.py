"""How commands that take states in end, when not all went well."""

from dataclasses import asdict

from crdtctl.commands import output
from crdtctl.crdt.forks import Fork
from crdtctl.errors import CrdtctlError, ForkError, PartialError, printable
from crdtctl.store.ended import counts_twice
from crdtctl.store.merge import MergeReport


def end_with(report: MergeReport, *, quiet: bool, dry_run: bool = False) -> None:
    """Name what is wrong with files and replicas, and raise the failure to end with, if any."""
    if report.forks or report.usurped:
        raise _forked(report, quiet=quiet, dry_run=dry_run)
    if report.twice:
        raise _doubled(report, quiet=quiet)
    if report.returned:
        *others, last = map(str, report.returned)
        for said in others if not quiet else []:
            output.say(said)
        raise ForkError(last, "compare what it counted; 'crdtctl settle ID' declares it settled")
    if report.made:
        for made in report.made[:-1] if not quiet else []:
            output.say(made)
        raise ForkError(str(report.made[-1]), report.made[-1].advice)
    if report.refused:
        raise _told(report, quiet=quiet)


def found(report: MergeReport) -> dict[str, object]:
    """Return what a merge found wrong with replicas, for programs."""
    return {
        "forks": [
            {"replica": fork.replica, "since": fork.since, "branches": list(fork.branches)} for fork, _ in report.forks
        ],
        "usurped": [printable(label) for label in report.usurped],
        "made_twice": [{"name": one.name, "makers": dict(one.makers)} for one in report.made],
        "returned": [asdict(one) for one in report.returned],
        "doubled": [{"record": record, "absorbers": list(by)} for record, by in sorted(report.twice.items())],
    }


def _doubled(report: MergeReport, *, quiet: bool) -> ForkError:
    """Name the replicas that were absorbed several times; return the failure to end with."""
    *others, last = [counts_twice(record, by) for record, by in sorted(report.twice.items())]
    for said in others if not quiet else []:
        output.say(said)
    return ForkError(last, "'crdtctl settle' takes one of the two back, see its --help; let one replica absorb")


def _forked(report: MergeReport, *, quiet: bool, dry_run: bool) -> ForkError:
    """Name what is wrong with other files and other forks; return the failure to end with."""
    failures = [ForkError(*_words(fork, labels)) for fork, labels in report.forks]
    if not failures:
        said = f"{', '.join(map(printable, report.usurped))}: knows more of this replica than it knows itself"
        hint = (
            "the merge would go on under a new id" if dry_run else "it goes on under a new id; both branches are kept"
        )
        failures = [ForkError(f"{said}: it was copied, or an older version of it was put back", hint)]
    others: list[CrdtctlError] = [*report.refused.values(), *failures[:-1]]
    for failure in others if not quiet else []:
        output.say(str(failure))
    return failures[-1]


def _words(fork: Fork, labels: list[str]) -> tuple[str, str]:
    said = f"{', '.join(map(printable, labels))}: {fork.replica} had several writers since commit {fork.since + 1}"
    kept = f"its branches {' and '.join(fork.branches)} are kept apart, and what they share counts once"
    hint = f"compare them with 'crdtctl show --by-replica', then 'crdtctl settle {fork.replica} [NAME=AMOUNT]'"
    return f"{said}, a clone or an older version; {kept}", hint


def _told(report: MergeReport, *, quiet: bool) -> CrdtctlError:
    """Name the refused files, unless the report does; return the failure to end with."""
    failures = list(report.refused.values())
    if len(failures) == 1 and not report.taken:
        return failures[0]
    for failure in failures if not quiet else []:
        output.say(str(failure))
    number = f"{len(failures)} of {len(failures) + len(report.taken)} files"
    said = f"{number} refused, {len(report.taken) or 'none'} taken"
    if report.taken:
        return PartialError(said)
    return type(failures[0])(said)
