"""Merge two replicas on this machine into each other, until neither learns anything."""

from __future__ import annotations

from crdtctl.errors import UsageError
from crdtctl.records import Record, field
from crdtctl.store.findings import failures, raise_last
from crdtctl.store.inputs import Input
from crdtctl.store.temporary import of_replica, temporary_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.store.merge import MergeReport
    from crdtctl.store.replica import Replica

#: Maximum number of rounds. A hand-off takes four.
_MAX_ROUNDS = 16
#: Maximum number of changed counters in the report of one merge.
_MAX_CHANGES = 20


class ExchangeReport(Record, frozen=False):
    """The result of an exchange between two replicas: the reports of the merges `here` and `there`, in order."""

    rounds: int = 0
    settled: bool = False
    here: list[MergeReport] = field(default_factory=list)
    there: list[MergeReport] = field(default_factory=list)


def exchange(here: Replica, there: Replica, *, check: bool = True) -> ExchangeReport:
    """Merge two replicas into each other, see `crdtctl.Replica.exchange`."""
    if there.id == here.id:
        raise UsageError("a replica has nothing to exchange with itself", "name another replica's directory")
    result = ExchangeReport()
    while result.rounds < _MAX_ROUNDS and not result.settled:
        result.rounds += 1
        reports = [_merge(here, there), _merge(there, here)]
        result.here.append(reports[0])
        result.there.append(reports[1])
        result.settled = not any(report.changed for report in reports)
    if check:
        raise_last([failure for report in (*result.here, *result.there) for failure in failures(report)], result)
    return result


def _merge(into: Replica, other: Replica) -> MergeReport:
    """Merge the newer commits of another replica. Raise the reason if they are refused."""
    with temporary_file(of_replica(into.path)) as file:
        other.export(file.write, since=into.clock())
        file.flush()
        path = f"/dev/fd/{file.fileno()}"
        report = into.merge_inputs([Input(other.path, path=path)], details=_MAX_CHANGES)
    for reason in report.refused.values():
        raise reason
    return report
