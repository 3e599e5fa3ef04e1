"""``crdtctl increment``"""

from typing import Annotated

import typer

from crdtctl.cli.counting import LinesOption, count
from crdtctl.cli.statuses import WRITES
from crdtctl.cli.verb import (
    AlsoOption,
    BadOption,
    BatchOption,
    ExistingOption,
    OnceOption,
    PrintClockOption,
    TypeOption,
    verb_app,
)

app, settings = verb_app(3, 4, 73, *WRITES, once=True)


@app.command(**settings)
def increment(
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
    """Count up, by 1 or by AMOUNT.

    All counters of one command are one commit. A counter that is not there yet becomes a pncounter, or
    what --type says. Silent, but on a terminal.

    A batch has a line 'NAME [AMOUNT]' for each increment, or a JSON object with name, amount, once and
    type. What begins with a digit behind the last space is the amount; behind a tab, anything. Where a name
    may end with a number, say what a line is with --lines. Blank lines ask for nothing. One wrong line, and
    nothing is done, unless --bad skip leaves it out. An AMOUNT of 0 adds nothing, and makes a counter known.

    \b
    EXAMPLES:
      crdtctl increment builds
      crdtctl increment bytes 1048576
      crdtctl increment passed=41 failed=1
      crdtctl increment deploys --once "$CI_PIPELINE_ID"
      awk '{print $7}' access.log | crdtctl increment --batch - --lines names --bad skip
      sort names.txt | uniq -c | crdtctl increment --batch - --lines uniq
    """
    count(context, "increment", words or [], once, tag, batch, print_clock, lines, bad, also=also, existing=existing)
