"""``crdtctl doctor``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.durations import duration
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Flag, Option, command
from crdtctl.cli.options import FORM
from crdtctl.cli.output import Report
from crdtctl.cli.signals import exit_on_signal
from crdtctl.cli.verb import session
from crdtctl.errors import AnswerIsNo, ConfigError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtctl.cli.context import Context
    from crdtctl.cli.diagnosis import Diagnosis
    from crdtctl.store.replica import Replica


@command(
    Flag("offline", help="Do not contact the remotes."),
    Option("timeout", metavar="DURATION", kind=duration, default=60.0, help="Time limit for each remote. Default: 1m."),
    FORM,
    statuses=(1, 78, *READS),
)
def doctor(context: Context, offline: bool, timeout: float, form: str | None) -> None:
    """Look for common faults of this machine and replica.

    \b
    EXAMPLES:
      crdtctl doctor
      crdtctl doctor --offline

    Checks the clock, HOME, the file system of the replica, its mode and the umask, the state directory, whether a work
    tree surrounds it, copies and piled up ids, the programs that reach remotes, also with the PATH of cron, the keys of
    private remotes, and the remotes, as 'crdtctl remote check' does. Each fault has a line with the next step. Ends
    with status 1 after a fault.

    Run it as the user of the job: cron and services have another environment. The files themselves are verified by
    'crdtctl check'.
    """
    import time

    from crdtctl.cli import diagnosis

    chosen = output.resolve_format(form)
    replica = session(context).open()
    with replica.snapshot() as now:
        found = [*diagnosis.of_machine(replica, now, time.time()), *diagnosis.of_replica(now)]
    found += diagnosis.of_programs([*replica.remotes().values()])
    found += _of_keys(replica)
    if not offline:
        with exit_on_signal():
            found += _of_remotes(replica, timeout)
    columns = ("what", "verdict", "found")
    items = [one._asdict() for one in found]
    rows = Report(
        "checks", columns, items, lambda item: [[item["what"], "ok" if item["ok"] else "FAULT", item["found"]]]
    )
    output.print_report(rows, chosen)
    faults = sum(not one.ok for one in found)
    if faults:
        raise AnswerIsNo(f"{faults} fault{'' if faults == 1 else 's'} found", "each line above has the next step")


def _of_keys(replica: Replica) -> Iterator[Diagnosis]:
    """Yield the diagnoses of the keys of private remotes."""
    from crdtctl.cli.diagnosis import Diagnosis

    for name, settings in replica.remote_settings().items():
        if settings.keys:
            from crdtctl.sync.key_sources import load

            try:
                used = load(settings.keys)[0].id
            except ConfigError as error:
                yield Diagnosis(f"key {name}", False, str(error))
            else:
                yield Diagnosis(f"key {name}", True, f"the remote is private, with the key {used}")


def _of_remotes(replica: Replica, timeout: float) -> Iterator[Diagnosis]:
    from crdtctl.cli.diagnosis import Diagnosis
    from crdtctl.sync.kept_files import directory
    from crdtctl.sync.remote_check import check_remote
    from crdtctl.sync.remotes import named_remotes
    from crdtctl.sync.transport import Deadline

    for one in named_remotes(replica, []) if replica.remotes() else ():
        failed = [probe for probe in check_remote(one, Deadline(timeout), directory(replica.path)) if not probe.ok]
        yield from (Diagnosis(f"remote {one.name}", False, f"{probe.what}: {probe.found}") for probe in failed)
        if not failed:
            yield Diagnosis(f"remote {one.name}", True, "it can be written and read")
