"""``show --last 24h --max 0``: the amount of one counter in a span of time, with bounds, and a default."""

from __future__ import annotations

from crdtctl.cli import output, per
from crdtctl.cli.distributions import check_bounds
from crdtctl.cli.selection import Default, existing
from crdtctl.cli.time_options import READING
from crdtctl.errors import AnswerIsNo, RefusedError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.cli.context import Context
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

#: Options of ``show`` that no question about time can be combined with.
_OTHER_FIGURES = ("by_replica", "members", "readings", "attempts", "state")
#: Those that need one number.
_OF_ONE_NUMBER = ("minimum", "maximum", "default")
_LONGER = "ask for a span that begins with such a period, or keep short ones for longer with 'crdtctl create --keep'"


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
    rows = given.get("per") or given.get("rate")
    for name in ("quantile", "distribution"):
        if "rate" in given and name in given:
            raise UsageError(f"--rate and {given[name]} cannot be combined", "a quantile is not an amount")
    for name in _OF_ONE_NUMBER:
        if name in given and rows:
            raise UsageError(
                f"{rows} and {given[name]} cannot be combined",
                f"{given[name]} works with --last or --since alone, which ask for one number",
            )


def show(
    now: Snapshot,
    one: Total | Default,
    asked: per.Question,
    form: str | None,
    least: int | None,
    most: int | None,
) -> None:
    """Print the amount of a counter in a span of time, or the default of a missing one.

    Raise `AnswerIsNo` if it is out of bounds, and `RefusedError` if that is not known: longer periods begin before the
    span.
    """
    edges, found = per.answers([*existing([one])], asked)
    for answer in found:
        per.check_numbers(answer, edges, asked)
    amount, cut = (found[0].found.values[0], found[0].found.across) if found else (one.value, 0)
    if isinstance(one, Default):
        chosen = output.resolve_format(form, default="value")
        is_whole = chosen in output.STRUCTURED
        output.print_report(per.report_of_default(now, one, edges, asked, is_whole=is_whole), chosen)
    else:
        per.print_answers(now, edges, found, (), asked, form, is_one=True)
    span = per.span_of(edges, asked)
    if asked.quantiles:
        if cut:
            raise RefusedError(
                f"the quantile of '{one.spelling}' {span} is not known: {cut} numbers are in longer periods", _LONGER
            )
        check_bounds(found[0].amounts[0], asked.quantiles[0], f"'{one.spelling}' {span}", least, most)
        return
    if least is not None and amount + max(cut, 0) < least:
        raise AnswerIsNo(f"'{one.spelling}' is {amount} {span}, below {least}")
    if most is not None and amount + min(cut, 0) > most:
        raise AnswerIsNo(f"'{one.spelling}' is {amount} {span}, above {most}")
    if (least is not None and amount + min(cut, 0) < least) or (most is not None and amount + max(cut, 0) > most):
        raise RefusedError(
            f"'{one.spelling}' is {amount} or {amount + cut} {span}: {cut} were counted in longer periods",
            _LONGER,
        )
