"""The end of a sync: its failures are printed and become an exit status."""

from __future__ import annotations

import time

from crdtctl.cli import output
from crdtctl.cli.context import Ended
from crdtctl.cli.durations import length, seconds_at
from crdtctl.cli.refusals import end_with
from crdtctl.errors import (
    AnswerIsNo,
    BusyError,
    CrdtctlError,
    PartialError,
    TransientError,
    UnavailableError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtctl.store.replica import Replica
    from crdtctl.sync.health import Health
    from crdtctl.sync.report import Remote, SyncReport


def end(
    replica: Replica,
    report: SyncReport,
    answers: Sequence[CrdtctlError],
    alert_after: float | None,
    *,
    quiet: bool,
    dry_run: bool,
) -> None:
    """Print the failures of a sync, and raise the one to end with.

    In order of precedence: a fork, a failure at a remote, a failure in `answers`, a skipped file. With `alert_after`,
    transient errors are silent, and become a permanent failure after that many seconds.
    """
    from crdtctl.sync.failures import failure_of, oddities, skipped_files

    failures: list[CrdtctlError] = []
    silent: list[CrdtctlError] = []
    for one in report.remotes:
        if one.error is not None:
            failure = failure_of(one)
            if alert_after is not None and isinstance(failure, TransientError):
                alert = _alert(_health(replica, one.url), failure, alert_after)
                (failures if alert else silent).append(alert or failure)
            else:
                failures.append(failure)
    failures.sort(key=lambda failure: not isinstance(failure, TransientError))  # permanent errors are printed last
    merge = report.merge
    skipped = skipped_files(merge)
    odd = [failure for one in report.remotes for failure in oddities(one)]
    last: CrdtctlError | None = None
    if failures:
        last = failures.pop()
    elif answers:
        last = answers[-1]
    elif len(skipped) + len(odd) == 1:
        last = (skipped or odd).pop()
    elif skipped:
        last = PartialError(f"{len(skipped)} file{' was' if len(skipped) == 1 else 's were'} skipped")
    elif odd:
        last = odd.pop()
    is_forked = merge.may_be_wrong
    named = [*odd, *skipped, *failures, *answers[:-1], *([last] if last and is_forked else [])]
    for one_failure in named if not quiet else []:
        output.print_message(str(one_failure))
    if is_forked:
        merge.refused = {}
        end_with(merge, quiet=quiet, dry_run=dry_run)
    if last:
        raise last
    if silent:
        raise Ended(silent[0].status)


def stale(replica: Replica, report: SyncReport, age: float) -> list[AnswerIsNo]:
    """Return the failed check that all replicas synced within `age` seconds, or an empty list."""
    from crdtctl.sync.object_name import AHEAD

    mine, now = {past.replica for past in replica.past()}, time.time()
    others = {replica_id: when for replica_id, when in report.seen.items() if replica_id not in mine}
    late = {}
    for replica_id, when in others.items():
        if when is None:
            late[replica_id] = "time of the last sync unknown"
        elif when > now + AHEAD:
            late[replica_id] = f"clock ahead by {length(when - now)}"
        elif now - when > age:
            late[replica_id] = f"{length(now - when)} ago"
    if not late:
        return []
    named = ", ".join(f"{replica_id} ({reason})" for replica_id, reason in sorted(late.items())[:5])
    more = f" and {len(late) - 5} more" if len(late) > 5 else ""
    message = f"{len(late)} of {len(others)} other replicas did not sync within {length(age)}: {named}{more}"
    return [
        AnswerIsNo(
            message, "if one is gone forever: delete its object at the remote, and run crdtctl sync --accept-missing"
        )
    ]


def busy(replica: Replica, remotes: Sequence[Remote], error: BusyError, alert_after: float | None) -> CrdtctlError:
    """Return the failure to end with if another sync is running; raise `Ended` to end silently.

    With `alert_after`, a sync that has been running for longer is a permanent failure.
    """
    if alert_after is None or not remotes:
        return error
    known = [_health(replica, one.url) for one in remotes]
    if not all(one.last_ok or one.failing_since for one in known):
        return error
    alerts = [_alert(one, error, alert_after) for one in known]
    if not any(alerts):
        raise Ended(error.status)
    return next(alert for alert in alerts if alert)


def _health(replica: Replica, url: str) -> Health:
    from crdtctl.sync import health
    from crdtctl.sync.kept_files import directory

    return health.load(directory(replica.path), url)


def _alert(known: Health, error: CrdtctlError, alert_after: float) -> CrdtctlError | None:
    """Return a permanent failure if an error has lasted for `alert_after` seconds, else None."""
    since = known.last_ok or known.failing_since
    passed = time.time() - (seconds_at(since) or time.time())
    if passed < alert_after:
        return None
    tries = f", {known.failures} failures since" if known.failures else ""
    history = f"last sync {length(passed)} ago" if known.last_ok else f"no sync yet, in {length(passed)}"
    return UnavailableError(f"{error.message} ({history}{tries})", "is it still the right remote?")
