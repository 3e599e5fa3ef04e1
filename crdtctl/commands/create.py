"""``crdtctl create``"""

from __future__ import annotations

from crdtctl.cli.amounts import amount, whole
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, Option, Whole, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.options import ALSO
from crdtctl.cli.time_options import KEEPING, length
from crdtctl.cli.verb import commit, session
from crdtctl.errors import RefusedError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context

#: Idempotency key of --initial: it counts once, on however many machines the same counter is created.
_KEY = "created"


def _types() -> str:
    from crdtctl.crdt import TYPES

    return f"{'; '.join(f'{tag}: {kind.summary}' for tag, kind in TYPES.items())}."


@command(
    Argument("name", "NAME", "The counter's name.", required=True),
    Option("tag", "--type", "-t", metavar="TYPE", variable="CRDTCTL_TYPE", help=_types),
    Option("minimum", "--min", metavar="K", variable="CRDTCTL_CREATE_MIN", help="Lower bound of a bcounter."),
    Option("initial", metavar="AMOUNT", help="Value to begin with."),
    Option("source", metavar="ID", help="The meter that shows --initial, see 'observe'."),
    Option("precision", metavar="P", kind=Whole(), help="Of an hll, 4 to 16: 2^P bytes, error 1.04/√2^P. Default: 12."),
    *KEEPING,
    LABEL,
    Option("error", metavar="E", help="Of a hist, from 0.00125: largest relative error of quantiles. Default: 0.01."),
    ALSO,
    statuses=(4, 73, *WRITES),
)
def create(
    context: Context,
    name: str,
    tag: str | None,
    minimum: str | None,
    initial: str | None,
    source: str | None,
    precision: int | None,
    label: list[str],  # noqa: ARG001  # `named` reads it
    error: str | None,
    every: str | None,
    keep: str | None,
    also: bool,
) -> None:
    """Create a counter of a given type.

    \b
    EXAMPLES:
      crdtctl create page.views --type gcounter
      crdtctl create stock --type pncounter --initial 100
      crdtctl create builds --every day --keep 400d
      crdtctl create sold --type gcounter --initial 52340 --source old-shop
      crdtctl create visitors --type hll --precision 14
      crdtctl create latency --type hist --error 0.005
      crdtctl create seats --type bcounter --initial 100
      crdtctl create balance --type bcounter --min -500 --initial 0

    Most counters need no creation: the first increment makes a pncounter, and the first add a gset. Only a bcounter
    must be created, once, on one replica. It begins at --initial (default: K) and never falls below K (default: 0).

    With --every, a counter keeps the counts of each period, for 'show --per': a gcounter, pncounter or bcounter its
    amounts, an hll a sketch of the elements, a hist a distribution of the numbers. The counter may exist: then it
    keeps periods from now on, or shorter ones, or for longer. All replicas follow as soon as they have heard of it.

    With --every or --source, the type may be left out: it is the one that the counter has, or pncounter.
    """
    from crdtctl.crdt import TYPES
    from crdtctl.store.requests import create as declare
    from crdtctl.store.requests import increment
    from crdtctl.store.validation import check_type

    check_type(tag)
    name = named(context, name)
    tag = tag or _meant(context, name, is_open=every is not None or keep is not None or source is not None)
    kept_for = None if keep is None else length(keep, "--keep")
    bound = None if minimum is None else whole(minimum, "--min")
    if source is not None and initial is None:
        raise UsageError("--source needs --initial, the reading of the source", "add --initial TOTAL")
    is_setting = source is not None or "initial" in TYPES[tag].settings
    if initial is not None and not is_setting and tag == "handoff":
        raise RefusedError(
            "a handoff counter cannot have an initial amount: created on two machines, it would count twice",
            "create it without --initial, and increment it on one machine",
        )
    begins = None
    if initial is not None and is_setting:
        begins = whole(initial, "--initial") if source is None else amount(initial)
    requests = [
        declare(
            name,
            tag,
            bound=bound,
            initial=begins,
            precision=precision,
            error=error,
            source=source,
            every=every,
            keep=kept_for,
        )
    ]
    if initial is not None and not is_setting:
        requests.append(increment(name, amount(initial), tag=tag, once=_KEY))
    commit(context, requests, also=also)


def _meant(context: Context, name: str, *, is_open: bool) -> str:
    """Return the type of a counter to create without a stated type; raise `UsageError` unless the type `is_open`."""
    from crdtctl.crdt import TYPES
    from crdtctl.store.commit import DEFAULT_TYPES

    if not is_open:
        raise UsageError("create needs --type TYPE", f"types are {', '.join(TYPES)}")
    with session(context).open_to_read().snapshot() as now:
        return now.meant(name) or DEFAULT_TYPES["increment"]
