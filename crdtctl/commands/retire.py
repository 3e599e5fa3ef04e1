"""``crdtctl retire``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("which", "ID", "Id or name of another replica, or the beginning of its id.", required=True),
    Flag("yes", help="Retire it without a question. Needed off a terminal."),
    statuses=(4, *WRITES),
)
def retire(context: Context, which: str, yes: bool) -> None:
    """Declare another replica gone for good.

    \b
    EXAMPLES:
      crdtctl status
      crdtctl retire old-laptop --yes

    For an id that will never count again: its machine is lost, or it continues under another id. All its counts stay
    in all totals. The declaration travels with the states. If the replica counts after all, its counts are merged as
    ever, and reported: 'merge' and 'sync' exit with 5, and 'check' and 'status' list it. As soon as it receives the
    declaration itself, it continues under a new id.

    'crdtctl status' and 'crdtctl check' list replicas that were not heard of for long. A replica that still exists
    should be sealed and absorbed instead, which removes its id: see 'crdtctl help jobs'. On a terminal, the command
    asks first.
    """
    from crdtctl.store.commit import typed

    found = session(context).open()
    with found.snapshot() as now:
        replica = now.replica_to_retire(which)
        commits, heard = now.clock()[replica], now.heard().get(replica, "")
    if not yes and not _is_confirmed(f"retire {replica}, with {commits} commits, last heard of {heard or 'never'}?"):
        raise UsageError(
            f"{replica} was not retired: it has to be confirmed",
            f"to confirm: {typed('retire', replica, option='--yes')}",
        )
    done = found.retire(replica)
    output.stdout.applied = done
    if output.is_talkative():
        output.stdout.line(f"retired {replica}" if done else "already retired")


def _is_confirmed(question: str) -> bool:
    """Ask a question on the terminal, and return whether the answer is yes; False off a terminal."""
    if not (os.isatty(0) and os.isatty(2)):
        return False
    os.write(2, f"{question} [y/N] ".encode())
    return os.read(0, 100).strip().lower() in (b"y", b"yes")
