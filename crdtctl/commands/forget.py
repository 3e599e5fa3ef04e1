"""``crdtctl forget``"""

from __future__ import annotations

from crdtctl.cli import output
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.options import TYPE
from crdtctl.cli.verb import commit, session
from crdtctl.errors import printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("names", "NAME...", "Counters to forget, with all series; or patterns.", required=True, repeated=True),
    Option("where", metavar="KEY=VALUE", help="Only series with this label. Repeatable.", repeated=True),
    Flag("exact", "--exact", help="Each NAME is a whole name, also if it looks like a pattern."),
    TYPE,
    Flag(
        "keys_too",
        "--keys-too",
        help="Forget used keys and readings as well: a job or a meter counts again.",
    ),
    Flag("dry_run", "--dry-run", "-n", help="List what would be forgotten, and change nothing."),
    statuses=(4, *WRITES),
)
def forget(
    context: Context, names: list[str], where: list[str], exact: bool, tag: str | None, keys_too: bool, dry_run: bool
) -> None:
    """Forget counters, on every replica that receives this.

    \b
    EXAMPLES:
      crdtctl forget tests.failed
      crdtctl forget --dry-run 'tmp.*'
      crdtctl forget 'tests.failed{branch="old"}'
      crdtctl forget builds --where branch=old --keys-too

    All that this replica has of the counters is dropped, and old files do not bring it back. Counts that other
    replicas made before they received this survive, and bring the counter back with these counts alone. A forgotten
    name can be used again, with any type. Used --once keys stay used, unless --keys-too. All counters of one command
    are one commit. A handoff cannot be forgotten, and a bcounter only where all rights are.
    Off a terminal, success is silent.
    """
    from crdtctl.store.forget import forgetting, to_forget

    with session(context).open().snapshot() as now:
        found = to_forget(now, names, where=where, exact=exact, tag=tag)
        waiting = now.unreceived() if dry_run else []
    if dry_run:
        for late in waiting:
            output.print_message(f"{late}; counts from there may bring counters back")
        for one in found:
            output.stdout.line(f"{printable(one.name)}\t{one.tag}\t{one.value}")
        return
    commit(context, forgetting(found, keys_too=keys_too), begins=False)
