"""``crdtctl add``"""

from __future__ import annotations

from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL, named
from crdtctl.cli.options import (
    ALSO,
    BAD,
    BATCH,
    EVERY,
    EXISTING,
    FOLLOW,
    GROUP,
    NOTE,
    ONCE,
    PRINT_CLOCK,
    STREAM,
    TYPE,
    UNTIL_END,
)
from crdtctl.cli.time_options import AT
from crdtctl.cli.verb import commit, session, skips_bad
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.store.requests import add as adding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.batches import LeftOut
    from crdtctl.cli.context import Context
    from crdtctl.store.commit import Request


@command(
    Argument("name", "NAME", "The name of the set or distribution.", required=True),
    Argument("elements", "[ELEMENT]...", repeated=True),
    LABEL,
    NOTE,
    ONCE,
    TYPE,
    AT,
    BATCH,
    BAD,
    STREAM,
    FOLLOW,
    UNTIL_END,
    EVERY,
    GROUP,
    PRINT_CLOCK,
    ALSO,
    EXISTING,
    statuses=(3, 4, 73, *WRITES),
    once=True,
)
def add(
    context: Context,
    name: str,
    elements: list[str],
    label: list[str],  # noqa: ARG001  # as below
    note: str | None,  # noqa: ARG001  # `commit` reads the values of the context
    once: str | None,
    tag: str | None,
    at: str | None,
    batch: str | None,
    bad: str | None,
    stream: bool,
    follow: list[str],
    until_end: bool,  # noqa: ARG001  # streams read the values of the context
    every: float | None,  # noqa: ARG001
    group: int | None,  # noqa: ARG001
    print_clock: bool,
    also: bool,
    existing: bool,
) -> int | None:
    """Add elements to a set, or numbers to a distribution.

    \b
    EXAMPLES:
      crdtctl add visitors ada grace
      cut -d' ' -f1 access.log | crdtctl add visitors --batch -
      crdtctl add pages --type hll --batch pages.txt
      crdtctl add latency 0.35 --type hist
      crdtctl add visitors --batch march.txt --at 2026-03-01

    The value of a set is its number of distinct elements. Adding an element again changes nothing. A set that does
    not exist yet becomes a gset, which is exact. With --type hll it becomes an hll, which estimates millions of
    elements in a few KB. With --type hist it becomes a hist, where each number counts: see 'crdtctl help
    distributions'. Write -- before a negative number.

    A batch has one element or number a line; blank lines are ignored. With --stream and --follow, lines are added as
    they arrive: see 'crdtctl help stream'.
    """
    name = named(context, name)
    if stream or follow:
        from crdtctl.cli.stream_command import run

        return run(context, "add", elements, name)
    skip = skips_bad(context, bad, batch)
    left_out: LeftOut | None = None
    if batch is None:
        if not elements:
            raise UsageError("no element to add", "crdtctl add NAME ELEMENT..., or --batch FILE")
        requests = [adding(name, elements, once=once, tag=tag)]
    elif elements:
        raise UsageError("with --batch, the elements come from the file", f"leave out '{printable(elements[0])}'")
    else:
        requests, left_out = _of_batch(context, name, batch, tag, once, skip=skip)
    if at is not None:
        from crdtctl.cli.counting import at_time
        from crdtctl.cli.times import moment

        if once is not None:
            raise UsageError("--once and --at cannot be combined", "what has an idempotency key has no period")
        requests = at_time(requests, moment(at, "--at"))
    commit(context, requests, print_clock=print_clock, also=also, existing=existing)
    if left_out is not None:
        left_out.raise_if_any()
    return None


def _of_batch(
    context: Context, name: str, batch: str, tag: str | None, once: str | None, *, skip: bool
) -> tuple[list[Request], LeftOut]:
    """Return the requests of a batch, and the lines that are left out."""
    from crdtctl.cli import batches
    from crdtctl.crdt.hist import Hist
    from crdtctl.crdt.hll import HLL
    from crdtctl.store.commit import DEFAULT_TYPES
    from crdtctl.store.requests import add_numbers, add_sketch

    meant = _type_of(context, name, tag)
    if meant == Hist.tag:
        numbers, left_out = batches.numbers(batch, skip=skip)
        return [add_numbers(name, numbers, once=once)] if numbers.counts else [], left_out
    if meant == HLL.tag:
        sketch, left_out = batches.sketch(batch, skip=skip)
        return [add_sketch(name, sketch)] if sketch else [], left_out
    found = batches.batch(batch, batches.element_line(name, tag), skip=skip)
    together = [element for one in found.requests() for element in one.operation.elements]
    # With its type, the request is refused if another process has made a hist since: in it, equal lines would count.
    return [adding(name, together, tag=meant or DEFAULT_TYPES["add"])] if together else [], found.left_out


def _type_of(context: Context, name: str, tag: str | None) -> str | None:
    """Return the type of the counter, None for a new gset: a batch for an hll or a hist is read differently."""
    if tag is None:
        try:
            with session(context).open().snapshot() as now:
                return now.meant(name) or now.type_of_series(name) or None
        except MissingError:  # the replica does not exist yet
            return None
    return tag
