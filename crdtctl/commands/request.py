"""``crdtctl request``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.amounts import of_replica
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.verb import session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("name", "NAME", "The bcounter.", required=True),
    Argument("holder", "FROM", "The replica to ask.", required=True),
    Argument("amount", "AMOUNT", "Number of rights.", required=True),
    LABEL,
    statuses=(4, *WRITES),
)
def request(context: Context, name: str, holder: str, amount: str, label: list[str]) -> None:  # noqa: ARG001  # `named` reads it
    """Ask another replica for rights to a bounded counter.

    \b
    EXAMPLES:
      crdtctl request seats hub 30

    FROM is the id of a replica, its name, or the beginning of its id; 'crdtctl status' lists them. The request travels
    with the next export or sync. The other replica lists it in 'crdtctl status', and grants it with
    'crdtctl transfer NAME --granted'. It stays open until that many rights have arrived.
    """
    rights = of_replica("request", name, holder, amount)
    name = named(context, name)
    replica = session(context).open()
    replica.request(name, holder, rights)
    output.stdout.applied = True
    if output.is_talkative():
        asked = ", ".join(f"{n} of {who}" for who, n in replica.rights(name).asked.items())
        output.stdout.line(f"{name}: asked for {asked}; the request travels with the next export or sync")
