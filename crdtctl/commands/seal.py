"""``crdtctl seal``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("which", "[REPLICA]", "Id or name of this replica, as a confirmation."),
    Flag("yes", help="Seal the replica without naming it."),
    statuses=(4, *WRITES),
)
def seal(context: Context, which: str | None, yes: bool) -> None:
    """Retire this replica: it accepts no more counts or merges.

    \b
    EXAMPLES:
      crdtctl seal --yes && crdtctl export -o job-17.json
      crdtctl init --after-seal

    Sealing cannot be undone, so name the replica or pass --yes. It is for the replicas of jobs and containers, which
    would otherwise stay in every state forever. Export the sealed replica, and let one permanent replica absorb it.
    'crdtctl run' does all of this for one command. 'crdtctl init --after-seal' continues under a new id.
    """
    from crdtctl.store.commit import typed
    from crdtctl.store.identity import name_of

    found = session(context).open()
    if which is None and not yes:
        raise UsageError(
            f"sealing retires {found.id} forever, so it must be confirmed",
            f"to confirm: {typed('seal', name_of(found.id))}",
        )
    if which is not None and which not in (found.id, name_of(found.id)):
        raise UsageError(f"this replica is {found.id}, not '{printable(which[:80])}'", "nothing was done")
    sealed = found.seal()
    output.stdout.applied = sealed
    if output.is_talkative():
        output.stdout.line("sealed" if sealed else "already sealed")
