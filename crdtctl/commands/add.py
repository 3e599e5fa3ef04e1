"""``crdtctl add``"""

from typing import Annotated

import typer

from crdtctl.cli import batches
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.verb import (
    AlsoOption,
    BadOption,
    BatchOption,
    ExistingOption,
    PrintClockOption,
    TypeOption,
    command_app,
    commit,
    session,
    skips_bad,
)
from crdtctl.crdt.hll import HLL
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.store.requests import add as adding
from crdtctl.store.requests import add_sketch

app, settings = command_app(3, 4, 73, *WRITES)


@app.command(**settings)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The set's name.")],
    elements: Annotated[list[str] | None, typer.Argument(metavar="[ELEMENT]...", show_default=False)] = None,
    tag: TypeOption = None,
    batch: BatchOption = None,
    bad: BadOption = None,
    print_clock: PrintClockOption = False,
    also: AlsoOption = False,
    existing: ExistingOption = False,
) -> None:
    """Add elements to a set.

    \b
    EXAMPLES:
      crdtctl add visitors ada grace
      cut -d' ' -f1 access.log | crdtctl add visitors --batch -
      crdtctl add pages --type hll --batch pages.txt

    The value of a set is its number of distinct elements. Adding an element again changes nothing. A set that does
    not exist yet becomes a gset, which is exact. With --type hll it becomes an hll, which estimates millions of
    elements in a few KB. A batch has one element a line; blank lines are ignored.
    """
    skip = skips_bad(context, bad, batch)
    left_out = batches.LeftOut()
    if batch is None:
        if not elements:
            raise UsageError("no element to add", "crdtctl add NAME ELEMENT..., or --batch FILE")
        requests = [adding(name, elements, tag=tag)]
    elif elements:
        raise UsageError("with --batch, the elements come from the file", f"leave out '{printable(elements[0])}'")
    elif _is_hll(context, name, tag):
        sketch, left_out = batches.sketch(batch, skip=skip)
        requests = [add_sketch(name, sketch)] if sketch else []
    else:
        found = batches.batch(batch, batches.element_line(name, tag), skip=skip)
        left_out = found.left_out
        together = [element for one in found.requests() for element in one.operation.elements]
        requests = [adding(name, together, tag=tag)] if together else []
    commit(context, requests, print_clock=print_clock, also=also, existing=existing)
    left_out.raise_if_any()


def _is_hll(context: typer.Context, name: str, tag: str | None) -> bool:
    """Return whether the set is an hll: a batch for an hll is read differently."""
    if tag is None:
        try:
            return session(context).open().meant(name) == HLL.tag
        except MissingError:  # the replica does not exist yet
            return False
    return tag == HLL.tag
