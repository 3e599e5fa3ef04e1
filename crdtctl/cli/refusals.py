"""The end of commands that merge states, if some inputs were refused or faults were found."""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.merge import MergeReport


def end_with(report: MergeReport, *, quiet: bool, dry_run: bool = False) -> None:
    """Print all failures except the last, unless `quiet`, and raise the last one."""
    from crdtctl.store.findings import failures

    all_found = failures(report, dry_run=dry_run)
    if not all_found:
        return
    *others, last = all_found
    for failure in others if not quiet else []:
        output.print_message(str(failure))
    raise last


def found(report: MergeReport) -> dict[str, object]:
    """Return the faults of replicas that a merge found, as data."""
    from crdtctl.records import as_dict

    return {
        "forks": [
            {"replica": fork.replica, "since": fork.since, "branches": list(fork.branches)} for fork, _ in report.forks
        ],
        "usurped": [printable(label) for label in report.foreign_writes],
        "made_twice": [{"name": one.name, "makers": dict(one.makers)} for one in report.made_twice],
        "returned": [as_dict(one) for one in report.returned],
        "doubled": [{"record": record, "absorbers": list(by)} for record, by in sorted(report.absorbed_twice.items())],
    }
