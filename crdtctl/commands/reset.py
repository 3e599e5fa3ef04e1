"""``crdtctl reset``"""

from __future__ import annotations

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.options import TYPE
from crdtctl.cli.verb import commit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("names", "NAME...", "Counters to reset.", required=True, repeated=True),
    LABEL,
    TYPE,
    statuses=(4, *WRITES),
)
def reset(context: Context, names: list[str], label: list[str], tag: str | None) -> None:  # noqa: ARG001  # `named`
    """Start counters over: cancel all known counts.

    \b
    EXAMPLES:
      crdtctl reset builds
      crdtctl reset builds failures

    A reset cancels exactly the counts that this replica knows, from all replicas, and other replicas follow when they
    receive it. Counts that other replicas made before that, and that had not arrived here, survive: the counter may
    then read more than 0. A used --once key stays used. All counters of one command are one commit. Off a terminal,
    success is silent.
    """
    from crdtctl.store import requests

    commit(context, [requests.reset(named(context, name), tag=tag) for name in names], begins=False)
