"""``crdtctl decrement``"""

from typing import Annotated

import typer

from crdtctl.cli.counting import LinesOption, count
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.verb import (
    AlsoOption,
    BadOption,
    BatchOption,
    ExistingOption,
    OnceOption,
    PrintClockOption,
    TypeOption,
    command_app,
)

app, settings = command_app(3, 4, 73, *WRITES, once=True)


@app.command(**settings)
def decrement(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="NAME [AMOUNT] | NAME=AMOUNT...", show_default=False)
    ] = None,
    once: OnceOption = None,
    tag: TypeOption = None,
    batch: BatchOption = None,
    lines: LinesOption = None,
    bad: BadOption = None,
    print_clock: PrintClockOption = False,
    also: AlsoOption = False,
    existing: ExistingOption = False,
) -> None:
    """Count down, by 1 or by AMOUNT.

    \b
    EXAMPLES:
      crdtctl decrement stock
      crdtctl decrement stock 12
      crdtctl decrement apples=2 pears=1
      crdtctl decrement seats --existing
      crdtctl decrement --batch sold.txt

    All counters of one command are one commit. Types that only grow refuse it. A counter that does not exist yet
    becomes a pncounter below zero, with a warning; --existing refuses it. Off a terminal, success is silent.
    For --batch see 'crdtctl increment --help'.
    """
    count(context, "decrement", words or [], once, tag, batch, print_clock, lines, bad, also=also, existing=existing)
