"""``crdtctl transfer``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.amounts import of_replica
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.verb import session
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("name", "NAME", "The counter.", required=True),
    Argument("to", "[TO]", "The replica that gets the rights."),
    Argument("amount", "[AMOUNT]", "Number of rights."),
    LABEL,
    Flag("granted", help="Give the requested rights, to TO or to all replicas, as far as they last."),
    Option(
        "source",
        "--from",
        metavar="OLD",
        variable="CRDTCTL_TRANSFER_FROM",
        help="Take the rights from OLD, a replica that is gone forever.",
    ),
    statuses=(4, *WRITES),
)
def transfer(
    context: Context,
    name: str,
    to: str | None,
    amount: str | None,
    label: list[str],  # noqa: ARG001  # `named` reads it
    granted: bool,
    source: str | None,
) -> None:
    """Give rights to another replica, or take back a hand-off.

    \b
    EXAMPLES:
      crdtctl transfer seats laptop 30
      crdtctl transfer seats laptop --granted
      crdtctl transfer seats --granted
      crdtctl transfer seats hub 12 --from laptop-7f3a9c64d1e05b28a7f3069c51de84b2
      crdtctl transfer requests --from hub-19c2d65cf0a8437e8d1b7f2c94e350aa

    Rights allow a replica to decrement a bounded counter; the value does not change. TO is the id of a replica, its
    name, or the beginning of its id; 'crdtctl status' lists them, and the rights that others asked for. Giving more
    rights than this replica holds is refused. --granted gives the rights that were asked for, in the order of the ids,
    and gives nothing without requests.

    Rights of a replica that is gone, such as a former id of this one, stay with it until --from takes them. You must be
    certain that OLD makes no more commits, and that no other replica takes the same rights; otherwise a right is used
    twice, and the counter may fall below its bound.

    For a handoff counter, --from alone takes back the count on its way to OLD, a permanent replica that was lost or
    restored from a backup. The next exchange hands that count to another replica. Sync first, because counts that OLD
    had accepted already are in its last state. Other replicas learn that OLD is gone; if it comes back with later
    commits, their merges end with status 5.
    """
    typed_name, name = name, named(context, name)
    replica = session(context).open()
    if granted:
        if amount is not None or source is not None:
            raise UsageError(
                "--granted cannot be combined with AMOUNT or --from", "leave them out: it gives the requested rights"
            )
        given = replica.grant(name, to or "")
    elif source and to is None:
        replica.take_back(name, source)
        output.stdout.applied = True
        return
    else:
        if to is None or amount is None:
            raise UsageError("transfer needs TO and AMOUNT, or --granted", "see 'crdtctl transfer --help'")
        replica.transfer(name, to, of_replica("transfer", typed_name, to, amount), source=source or "")
        given = True
    output.stdout.applied = given
    if output.is_talkative():
        left = replica.rights(name).here
        output.stdout.line(f"{printable(name)}: {'' if given else 'nothing to give; '}{left} left here")
