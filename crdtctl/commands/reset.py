"""``crdtctl reset``"""

from __future__ import annotations

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.options import TYPE
from crdtctl.cli.verb import commit, session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.store.snapshot import Snapshot


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
      crdtctl reset tests --label os=linux

    With a name, all its series are reset, and with labels all series that have these: what 'crdtctl show' adds up.

    A reset cancels exactly the counts that this replica knows, from all replicas, and other replicas follow when they
    receive it. Counts that other replicas made before that, and that had not arrived here, survive: the counter may
    then read more than 0. A used --once key stays used. All counters of one command are one commit. Off a terminal,
    success is silent.
    """
    from crdtctl.store import requests

    names = [named(context, name) for name in names]
    for name in names:
        requests.reset(name, tag=tag)  # raises the error for a wrong name or type
    with session(context).open().snapshot() as now:
        found = dict.fromkeys(one for name in names for one in _series(now, name, tag))
    commit(context, [requests.reset(name, tag=tag) for name in found], begins=False)


def _series(now: Snapshot, name: str, tag: str | None) -> list[str]:
    """Return the names of the counters that a name means, with all labels; the name itself without any."""
    from crdtctl.crdt.names import entered_counter
    from crdtctl.crdt.selector import Condition, Selector
    from crdtctl.crdt.series import split
    from crdtctl.store.selection import find

    called, labels = split(entered_counter(name))
    wanted = Selector(called, tuple(Condition(key, value) for key, value in labels.items()))
    return [one.name for one in find(now, wanted, tag)] or [name]
