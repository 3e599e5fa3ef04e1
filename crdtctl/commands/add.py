"""``crdtctl add``"""

from typing import Annotated

import typer

from crdtctl.cli import batches
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import (
    AlsoOption,
    BadOption,
    BatchOption,
    ExistingOption,
    PrintClockOption,
    TypeOption,
    commit,
    session,
    skips_bad,
    verb_app,
)
from crdtctl.crdt.hll import HLL
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.store.requests import add as adding
from crdtctl.store.requests import add_sketch

app, settings = verb_app(3, 4, 73, *WRITES)


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

    Its value is how many distinct elements it has. A set that is not there yet becomes a gset, or an hll
    if you say so, which takes a few KB for millions. Adding what is there changes nothing. A batch has an
    element a line; blank lines ask for nothing.

    \b
    EXAMPLES:
      crdtctl add visitors ada grace
      cut -d' ' -f1 access.log | crdtctl add visitors --batch -
      crdtctl add pages --type hll --batch pages.txt
    """
    skip = skips_bad(context, bad, batch)
    left_out = batches.LeftOut()
    if batch is None:
        if not elements:
            raise UsageError("there is no element to add", "see 'crdtctl add --help'")
        requests = [adding(name, elements, tag=tag)]
    elif elements:
        raise UsageError("a batch names its elements itself", f"leave out '{printable(elements[0])}'")
    elif _is_hll(context, name, tag):
        met, left_out = batches.sketch(batch, skip=skip)
        requests = [add_sketch(name, met)] if met else []
    else:
        found = batches.batch(batch, batches.element_line(name, tag), skip=skip)
        left_out = found.left_out
        together = [element for one in found.requests() for element in one.operation.elements]
        requests = [adding(name, together, tag=tag)] if together else []
    commit(context, requests, print_clock=print_clock, also=also, existing=existing)
    left_out.raise_if_any()


def _is_hll(context: typer.Context, name: str, tag: str | None) -> bool:
    """Return whether the elements are for an hll, for which they are read in another way."""
    if tag is None:
        try:
            return session(context).open().meant(name) == HLL.tag
        except MissingError:  # there is no replica yet
            return False
    return tag == HLL.tag
