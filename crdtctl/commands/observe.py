"""``crdtctl observe``"""

from __future__ import annotations

from crdtctl.cli.counting import check_words
from crdtctl.cli.exit_status import WRITES
from crdtctl.cli.grammar import Argument, command
from crdtctl.cli.labelling import LABEL, labelled, of_lines
from crdtctl.cli.observing import (
    LINES,
    ON_DROP,
    SOURCE,
    Defaults,
    checked_form,
    checked_on_drop,
    observed_line,
    of_batch,
    of_words,
)
from crdtctl.cli.options import (
    ALSO,
    BAD,
    BATCH,
    EVERY,
    EXISTING,
    FOLLOW,
    GROUP,
    NOTE,
    PRINT_CLOCK,
    STREAM,
    TYPE,
    UNTIL_END,
)
from crdtctl.cli.time_options import AT
from crdtctl.cli.verb import commit, skips_bad

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.batches import Batch
    from crdtctl.cli.context import Context


@command(
    Argument("words", "NAME TOTAL | NAME=TOTAL...", repeated=True),
    SOURCE,
    ON_DROP,
    AT,
    LABEL,
    NOTE,
    TYPE,
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
)
def observe(
    context: Context,
    words: list[str],
    source: str | None,
    on_drop: str | None,
    at: str | None,
    label: list[str],  # noqa: ARG001  # as below
    note: str | None,  # noqa: ARG001  # `commit` reads the values of the context
    tag: str | None,
    batch: str | None,
    lines: str | None,
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
    """Record what a meter reads: a total that counts once.

    \b
    EXAMPLES:
      crdtctl observe bytes.sent 73400320 --source "$(hostname)/eth0" --on-drop restart
      crdtctl observe rx=4096 tx=512 --source router-1
      crdtctl observe tokens 18230 --source project.log --at 2026-03-01
      scan-logs | crdtctl observe --batch -

    A source is a meter: its reading is an absolute number, and grows. Of all its readings, on all machines, the largest
    counts. So reading it again, or on another machine, adds nothing, and an equal reading changes no file. All counters
    of one command are one commit. A counter that does not exist yet becomes a pncounter, or the type given with --type.

    A reading below what is known of its source is refused. With --on-drop restart, the source has restarted: the
    reading counts beside what was read before.

    With --at, it is the total of one period: the day, or a shorter period that the counter keeps. The period is part of
    the source, so each day has its own reading, and 'show --per day' shows them.

    A batch has one reading a line: 'NAME TOTAL [SOURCE]', or a JSON object with the fields name, total, source, at,
    labels and type. A NAME with spaces needs tabs, or JSON. See 'crdtctl help readings'.
    """
    default = Defaults(source, checked_on_drop(on_drop), tag, None if at is None else _moment(at))
    form = checked_form(lines)
    if stream or follow:
        from crdtctl.cli.stream_command import run

        return run(context, "observe", words, parse=of_lines(context, observed_line(default, form)))
    skip = skips_bad(context, bad, batch)
    found: Batch | None = None
    check_words(context, words, batch, "crdtctl observe NAME TOTAL --source ID")
    if batch is None:
        requests = labelled(context, of_words(words, default))
    else:
        found = of_batch(context, batch, default, form, skip=skip, also=also)
        requests = found.requests()
    commit(
        context,
        requests,
        print_clock=print_clock,
        also=also,
        existing=existing,
        on_refused=found.on_refused(requests, skip=skip) if found else None,
    )
    if found:
        found.left_out.raise_if_any()
    return None


def _moment(at: str) -> float:
    from crdtctl.cli.times import moment  # only here: it imports what knows dates

    return moment(at, "--at")
