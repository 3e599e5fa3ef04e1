"""``crdtctl horizon``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, command
from crdtctl.cli.verb import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("beyond", "CLOCK", "An earlier output of 'crdtctl clock'.", required=True),
    Flag(
        "take_over",
        help="Confirm that the replica that ran this before is gone, and all its commits are known.",
    ),
    statuses=(4, *WRITES),
)
def horizon(context: Context, beyond: str, take_over: bool) -> None:
    """Forget old idempotency keys; their counts stay.

    \b
    EXAMPLES:
      crdtctl horizon last-month.clock && crdtctl clock > last-month.clock

    Every --once key is remembered forever, and makes every state larger. This command forgets the keys of all
    commits that CLOCK contains. Their counts become plain counts of this replica, so no value changes. Other
    replicas follow as they receive it, in any order. A forgotten key that is used again counts again, so choose a
    CLOCK that is older than anything still to be repeated.

    Let one permanent replica run this. Where another replica has run it for a counter, it is refused. A replica
    that was offline since before CLOCK may bring a forgotten key that was also used by another replica; that key
    then counts again.
    """
    from crdtctl.cli.states import clock

    replica = session(context).open()
    number = replica.expire(clock(beyond), take_over=take_over)
    output.stdout.applied = number > 0
    if output.is_talkative():
        output.stdout.line(f"{number} idempotency key{'' if number == 1 else 's'} forgotten; their counts stay")
