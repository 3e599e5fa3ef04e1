"""``crdtctl increment``"""

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

    \b
    EXAMPLES:
      crdtctl increment builds
      crdtctl increment bytes 1048576
      crdtctl increment passed=41 failed=1
      crdtctl increment deploys --once "$CI_PIPELINE_ID"
      awk '{print $7}' access.log | crdtctl increment --batch - --lines names --bad skip
      sort names.txt | uniq -c | crdtctl increment --batch - --lines uniq

    All counters of one command are one commit. A counter that does not exist yet becomes a pncounter, or the type
    given with --type. An AMOUNT of 0 creates a counter without counting. Off a terminal, success is silent.

    A batch has one increment a line: 'NAME [AMOUNT]', or a JSON object with the fields name, amount, once and type.
    The amount follows the last space and begins with a digit, or follows a tab. If names may end with a number, choose
    the form of the lines with --lines. Blank lines are ignored. One wrong line stops the whole batch before
    anything is counted; --bad skip leaves such lines out instead.
    """
    count(context, "increment", words or [], once, tag, batch, print_clock, lines, bad, also=also, existing=existing)
