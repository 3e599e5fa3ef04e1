"""``crdtctl init``"""

from __future__ import annotations

import os

from crdtctl.cli import output
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, command
from crdtctl.cli.verb import session
from crdtctl.crdt.base import MAX_TIER
from crdtctl.errors import CrdtctlError, ExistsError, UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.store.replica import Replica


@command(
    Argument("path", "[PATH]", "Parent directory of .crdtctl. Default: the current directory."),
    Option("name", metavar="NAME", help="Name at the start of the replica's id. Default: the host name."),
    Option(
        "tier",
        metavar="N",
        kind=Whole(0, MAX_TIER),
        default=0,
        help="Replica tier. 0 is permanent; higher tiers hand off to lower ones.",
    ),
    Flag("after_seal", help="Continue in the directory of a sealed replica, under a new id."),
    statuses=(4, 66, 73, 74, 76, 77, 79),
)
def init(context: Context, path: str | None, name: str | None, tier: int, after_seal: bool) -> None:
    """Create a replica and print its id.

    \b
    EXAMPLES:
      crdtctl init
      crdtctl init ~/counts --name laptop
      crdtctl init --tier 1
      crdtctl --replica /var/lib/counts init --name hub

    A replica is one writer with its own files, in the directory PATH/.crdtctl. With --replica it is exactly the
    directory given there.

    A replica with a tier above 0 hands its handoff counters over to replicas with a lower tier; after that it may be
    discarded. With --after-seal, a sealed replica continues under a new id and keeps its counts and settings.
    """
    from crdtctl.store import locate, which
    from crdtctl.store.neighbours import around, in_work_tree
    from crdtctl.store.replica import Replica

    given = session(context).replica
    if path is not None or given is None:
        target = os.path.join(which.expanded(path or "."), "")
        if os.path.basename(os.path.abspath(target)) != locate.NAME:
            target = os.path.join(target, locate.NAME)
    else:
        target = given
    if after_seal:
        if name is not None or tier:
            raise UsageError("--after-seal keeps the name and the tier", "leave out --name and --tier")
        made = Replica(target) if path is not None else session(context).open()
        made.begin_again()
        output.stdout.applied = True
        output.stdout.line(made.id)
        return
    made = _made(target, name, tier)
    output.stdout.applied = True
    output.stdout.line(made.id)
    if output.is_terminal():
        output.print_message(f"created in {printable(made.path)}")
    notes = list(in_work_tree(made.path))
    if path is None or output.is_terminal():  # a script that names a path has chosen it
        notes += around(made.path)
    for note in notes:
        output.print_message(note)


def _made(target: str, name: str | None, tier: int) -> Replica:
    from crdtctl.store.replica import Replica

    try:
        return Replica.init(target, name=name, tier=tier)
    except ExistsError as reason:
        if not _is_sealed(target):
            raise
        raise ExistsError(
            f"{reason.message}, and it is sealed", "to continue in it under a new id: crdtctl init --after-seal"
        ) from None


def _is_sealed(target: str) -> bool:
    from crdtctl.store.replica import Replica

    try:
        return Replica(target).is_sealed
    except CrdtctlError:
        return False
