"""How commands that take states in end, when not all went well."""

from dataclasses import asdict

from crdtctl.cli import output
from crdtctl.errors import printable
from crdtctl.store.findings import failures
from crdtctl.store.merge import MergeReport


def end_with(report: MergeReport, *, quiet: bool, dry_run: bool = False) -> None:
    """Print all failures but the last, unless `quiet`, and raise that one."""
    all_found = failures(report, dry_run=dry_run)
    if not all_found:
        return
    *others, last = all_found
    for failure in others if not quiet else []:
        output.say(str(failure))
    raise last


def found(report: MergeReport) -> dict[str, object]:
    """Return what a merge found wrong with replicas, for programs."""
    return {
        "forks": [
            {"replica": fork.replica, "since": fork.since, "branches": list(fork.branches)} for fork, _ in report.forks
        ],
        "usurped": [printable(label) for label in report.foreign_writes],
        "made_twice": [{"name": one.name, "makers": dict(one.makers)} for one in report.made_twice],
        "returned": [asdict(one) for one in report.returned],
        "doubled": [{"record": record, "absorbers": list(by)} for record, by in sorted(report.absorbed_twice.items())],
    }
