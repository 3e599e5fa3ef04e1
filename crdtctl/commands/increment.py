"""``crdtctl increment``"""

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
def increment(
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
    """Count up, by 1 or by AMOUNT.

    \b
    EXAMPLES:
      crdtctl increment builds
      crdtctl increment bytes 1048576
      crdtctl increment passed=41 failed=1
      crdtctl increment tests.failed --label os=linux -l py=3.12
      crdtctl increment 'tests.failed{os="linux",py="3.12"}' 3
      crdtctl increment deploys --once "$CI_PIPELINE_ID"
      crdtctl increment builds 7 --at 2026-03-01
      awk '{print $7}' access.log | crdtctl increment --batch - --lines names --bad skip
      tail -F app.log | crdtctl increment --stream --lines names
      sort names.txt | uniq -c | crdtctl increment --batch - --lines uniq

    All counters of one command are one commit. A counter that does not exist yet becomes a pncounter, or the type
    given with --type. An AMOUNT of 0 creates a counter without counting. Off a terminal, success is silent.

    A batch has one increment a line: 'NAME [AMOUNT]', or a JSON object with the fields name, labels, amount, once,
    type and at.
    The amount follows the last space and begins with a digit, or follows a tab. If names may end with a number, choose
    the form of the lines with --lines. Blank lines are ignored. One wrong line stops the whole batch before
    anything is counted; --bad skip leaves such lines out instead.

    With --stream and --follow, the same lines are counted in groups, as they arrive: see 'crdtctl help stream'.
    """
    if stream or follow:
        from crdtctl.cli.stream_command import run

        return run(context, "increment", words)
    count(context, "increment", words, once, tag, batch, print_clock, bad, also=also, existing=existing)
    return None
