"""``crdtctl add``"""

from typing import Annotated

import typer

from crdtctl.commands import arguments
from crdtctl.commands.statuses import WRITES
from crdtctl.commands.verb import BatchOption, PrintClockOption, TypeOption, commit, verb_app
from crdtctl.errors import UsageError, printable
from crdtctl.store.replica import request

app, settings = verb_app(4, *WRITES)


@app.command(**settings)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The set's name.")],
    elements: Annotated[list[str] | None, typer.Argument(metavar="[ELEMENT]...", show_default=False)] = None,
    tag: TypeOption = None,
    batch: BatchOption = None,
    print_clock: PrintClockOption = False,
) -> None:
    """Add elements to a set.

    Its value is how many distinct elements it has. A set that is not there yet becomes a gset. Adding
    what is there changes nothing. A batch has an element a line.

    \b
    EXAMPLES:
      crdtctl add visitors ada grace
      cut -d' ' -f1 access.log | crdtctl add visitors --batch -
    """
    if batch is None:
        if not elements:
            raise UsageError("there is no element to add", "see 'crdtctl add --help'")
        requests = [request("add", name, elements=elements, tag=tag)]
    elif elements:
        raise UsageError("a batch names its elements itself", f"leave out '{printable(elements[0])}'")
    else:
        found = arguments.batch(batch, arguments.element_line(name, tag), lambda one, _: [one])
        together = [element for one in found for element in one.operation.elements]
        requests = [request("add", name, elements=together, tag=tag)] if together else []
    commit(context, requests, print_clock=print_clock)
