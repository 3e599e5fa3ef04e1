"""``crdtctl rename``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.verb import session
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("old", "OLD", "Name of the counter, without labels.", required=True),
    Argument("new", "NEW", "Its new name. The name OLD itself ends a rename of it.", required=True),
    statuses=(4, *WRITES),
)
def rename(context: Context, old: str, new: str) -> None:
    """Rename a counter, on every replica that receives this.

    \b
    EXAMPLES:
      crdtctl rename tests.failed failures
      crdtctl rename failures tests.failed
      crdtctl rename tests.failed tests.failed

    OLD becomes an alias: both names read and count the same counter, with all its series. So replicas that have not
    received the rename, or scripts that are never changed, lose no count. If NEW has counts already, they are read as
    one with those of OLD; the types must be the same. A bcounter and a handoff cannot be renamed.

    If two replicas rename one counter differently, all replicas choose the same name, and 'crdtctl check' lists the
    conflict until the counter is renamed again. Off a terminal, success is silent.
    """
    done = session(context).open().rename(old, new)
    output.stdout.applied = done
    if output.is_talkative():
        output.stdout.line(f"'{printable(old)}' is '{printable(new)}' now" if done else "nothing to rename")
