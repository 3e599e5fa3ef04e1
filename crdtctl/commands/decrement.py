"""``crdtctl decrement``"""

from __future__ import annotations

from crdtctl.cli.counting import LINES, count
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL
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

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context


@command(
    Argument("words", "NAME [AMOUNT] | NAME=AMOUNT...", repeated=True),
    LABEL,
    NOTE,
    ONCE,
    TYPE,
    AT,
    BATCH,
    LINES,
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
def decrement(
    context: Context,
    words: list[str],
    label: list[str],  # noqa: ARG001  # as below
    note: str | None,  # noqa: ARG001  # `commit` reads the values of the context
    once: str | None,
    tag: str | None,
    at: str | None,  # noqa: ARG001  # the values of the context are read
    batch: str | None,
    lines: str | None,  # noqa: ARG001
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
    For --batch see 'crdtctl increment --help', for --stream and --follow see 'crdtctl help stream'.
    """
    if stream or follow:
        from crdtctl.cli.stream_command import run

        return run(context, "decrement", words)
    count(context, "decrement", words, once, tag, batch, print_clock, bad, also=also, existing=existing)
    return None
