"""``show --last 24h --max 0``: the amounts of one counter in a span of time, with bounds, and a default."""

from __future__ import annotations

from itertools import pairwise

from crdtctl.cli import distributions, output, per
from crdtctl.cli.bounds import LONGER, outside
from crdtctl.cli.options import JOBS, SHOWN
from crdtctl.cli.selection import Default, existing
from crdtctl.cli.time_options import READING
from crdtctl.errors import RefusedError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

#: Options of ``show`` that no question about time can be combined with.
_OTHER_FIGURES = ("by_replica", "members", "readings", "attempts", "state")
#: Those that need amounts.
_OF_NUMBERS = ("minimum", "maximum", "default")


def check_combined(context: Context) -> None:
    """Raise `UsageError` for a question about time beside an option that it cannot be combined with; name both."""
    given = {
        option.name: option.names[0]
        for option in context.command.options
        if context.values[option.name] not in (None, False, [])
    }
    asked = next(given[option.name] for option in READING if option.name in given)
    for name in _OTHER_FIGURES:
        if name in given:
            raise UsageError(f"{asked} and {given[name]} cannot be combined", "ask one after the other")
    for name in ("quantile", "distribution"):
        if "rate" in given and name in given:
            raise UsageError(f"--rate and {given[name]} cannot be combined", "a quantile is not an amount")
    for name in _OF_NUMBERS:
        if name in given and "rate" in given:
            raise UsageError(f"--rate and {given[name]} cannot be combined", f"{given[name]} is for amounts")


def show(
    now: Snapshot,
    one: Total | Default,
    asked: per.Question,
    form: str | None,
    least: int | None,
    most: int | None,
) -> None:
    """Print the amount of a counter in a span of time, or in each period of it, or the default of a missing counter.

    Raise `AnswerIsNo` if an amount is out of bounds, and `RefusedError` if that is not known: longer periods begin
    before the span. A period that has not ended may be below the lower bound.
    """
    edges, found = per.answers([*existing([one])], asked)
    for answer in found:
        per.check_numbers(answer, edges, asked)
    failure = None
    if (least, most) != (None, None):
        failure = next(filter(None, _failures(one, edges, found, asked, least, most)), None)
    is_good = None if (least, most) == (None, None) else failure is None
    if isinstance(one, Default):
        chosen = output.resolve_format(form, default=None if asked.per else "value", allowed=SHOWN)
        made = per.report_of_default(now, one, edges, asked, is_whole=chosen in (*output.STRUCTURED, *JOBS))
        made.is_good = is_good
        output.print_report(made, chosen)
    else:
        per.print_answers(now, edges, found, (), asked, form, is_one=True, is_good=is_good)
    if failure is not None:
        raise failure


def _failures(
    one: Total | Default,
    edges: Sequence[int],
    found: Sequence[per.Answer],
    asked: per.Question,
    least: int | None,
    most: int | None,
) -> Iterator[CrdtctlError | None]:
    """Yield the failure of each row of a counter, or None."""
    cut = found[0].found.across if found else 0
    for at, (start, end) in enumerate(pairwise(edges)):
        where = per.place_of(start, end, asked)
        if asked.quantiles:
            if cut:
                yield RefusedError(
                    f"the quantile of '{one.spelling}' {where} is not known: {cut} numbers are in longer periods",
                    LONGER,
                )
            named = f"'{one.spelling}' {where}"
            yield distributions.outside(found[0].amounts[at], asked.quantiles[0], named, least, most)
            continue
        value = found[0].found.values[at] if found else one.value
        has_ended = asked.per is None or end <= asked.now
        yield outside(value, cut, one.spelling, where, least if has_ended else None, most)
