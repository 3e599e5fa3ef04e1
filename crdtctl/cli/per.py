"""The readings of ``show`` by time: rows of periods, and ranges."""

from __future__ import annotations

import time
from datetime import datetime
from itertools import islice, pairwise
from shlex import join

from crdtctl.cli import calendar, distributions, output, times
from crdtctl.cli.counter_rows import named, report
from crdtctl.cli.options import FIGURES, SHOWN
from crdtctl.cli.output import Report, json_int
from crdtctl.cli.rows import Rows, rows
from crdtctl.crdt import TYPES
from crdtctl.crdt.decimals import text
from crdtctl.crdt.periods import LENGTHS, QUARTER, RANKS, kept
from crdtctl.errors import AnswerIsNo, RefusedError, UsageError, printable
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import tzinfo
    from typing import Any

    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item
    from crdtctl.cli.selection import Default
    from crdtctl.crdt.base import CounterType
    from crdtctl.crdt.timeline import Timeline
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

#: Maximum number of figures in all rows of one counter.
_MAX_FIGURES = 100_000
#: A period that begins later than this number of seconds from now was counted by a wrong clock.
_AHEAD = _DAY = 86_400
_UNKNOWN = "before or unknown"
_AHEAD_OF_NOW = "in the future"
_BAR = 40
_EIGHTHS = " ▏▎▍▌▋▊▉"


class Question(Record):
    """A question: rows of a length (None: one for all), in a zone, in a range (None: all that is known).

    It asks for amounts, amounts per second (`rate`), `quantiles`, in units of 10^-30, or all figures of distributions.
    """

    per: str | None
    zone: tzinfo
    since: float | None
    until: float | None
    rate: bool
    now: float
    quantiles: tuple[int, ...] = ()
    all_figures: bool = False

    @property
    def columns(self) -> list[str]:
        """The names of the figures of each row."""
        if self.all_figures:
            return distributions.figure_names(self.quantiles)
        return [*map(text, self.quantiles)] or ["rate" if self.rate else "value"]

    @property
    def is_single(self) -> bool:
        """Whether the answer for one total is one number."""
        return self.per is None and len(self.columns) == 1

    @property
    def is_open(self) -> bool:
        """Whether the rows begin with the first count, whenever that was."""
        return self.since is None


def question(context: Context) -> Question:
    """Return the question in the options of a command line; raise `UsageError`."""
    values = context.values
    per, last = values["per"], values["last"]
    if per is not None and per not in calendar.LENGTHS:
        raise UsageError(f"--per cannot be '{printable(per[:40])}'", f"it is one of {', '.join(calendar.LENGTHS)}")
    if last is not None and values["since"] is not None:
        raise UsageError("--last and --since cannot be combined", "leave one of both out")
    zone, now = times.zone_of(values["tz"]), time.time()
    begin, option = (values["since"], "--since") if last is None else (last, "--last")
    since = None if begin is None else times.since(begin, option, zone, now)
    until = None if values["until"] is None else times.until(values["until"], "--until", zone, now)
    if per is None and since is None:
        raise UsageError("--tz, --until and --rate need --per, --since or --last", "for example --per day")
    if since is not None and since >= (now if until is None else until):
        if until is None and not times.is_dated(begin):
            raise UsageError(f"{option}: '{printable(begin[:40])}' is not a length of time", "for example 24h or 30d")
        raise UsageError("the range ends before it begins", "exchange --since and --until, or correct the year")
    words, figures = values["quantile"], bool(values["distribution"])
    chosen = () if words is None and not figures else tuple(dict.fromkeys(distributions.quantiles(words)))
    return Question(per, zone, since, until, bool(values["rate"]), now, chosen, figures)


def earliest(asked: Question) -> int | None:
    """Return the quarter of an hour since 1970 before which no row begins; None if that depends on the counts."""
    if asked.since is None:
        return None
    if asked.per is None:
        return int(asked.since // _DAY * _DAY) // QUARTER
    return next(calendar.edges(asked.per, asked.zone, asked.since, asked.since)) // QUARTER


class Answer(Record):
    """The rows of one total: the amounts in them, and those in none, if the range is open.

    Those are `unknown`, or `ahead` of now: dated by a wrong clock. Of a sketch, they are the things that no row has.
    `amounts` are what the type keeps of each row.
    """

    total: Total
    found: Rows
    unknown: int
    ahead: int
    amounts: Sequence[Any]


def answers(totals: Sequence[Total], asked: Question) -> tuple[list[int], list[Answer]]:
    """Return the edges of the rows, which all totals have in common, and the rows of each. Raise `RefusedError`."""
    known = [total.timeline for total in totals]
    edges = _edges(known, asked)
    made = []
    for total, one in zip(totals, known, strict=True):
        _check(total, one, asked, edges)
        if asked.quantiles:
            distributions.check_type(total)
        kind = TYPES[total.tag]
        found = rows(one.periods, edges, kind.together)
        unknown = ahead = 0
        if asked.is_open:
            outside = [one.unknown, found.before, found.across]
            unknown = _more(kind, found.values, outside)
            ahead = _more(kind, [*found.values, *outside], [found.after]) if asked.until is None else 0
        amounts = found.values
        found = Rows([*map(kind.size, amounts)], *map(kind.size, (found.before, found.after, found.across)))
        made.append(Answer(total, found, unknown, ahead, amounts))
    return edges, made


def _more(kind: CounterType, amounts: Sequence[Any], others: Sequence[Any]) -> int:
    """Return how much the value of amounts grows with others: for numbers, that is the sum of the others."""
    return kind.size(kind.together([*amounts, *others])) - kind.size(kind.together(amounts))


def _edges(known: Sequence[Timeline], asked: Question) -> list[int]:
    ends = (end * QUARTER - 1 for one in known for _, end in one.periods)
    latest = max((end for end in ends if end < asked.now + _AHEAD), default=0)
    last = max(asked.now, latest) if asked.until is None else asked.until - 1
    first = min((_first(one, asked, last) for one in known), default=last) if asked.since is None else asked.since
    if asked.per is None:
        every = max((_length(one) for one in known), default=QUARTER)
        return [int(first // every * every), int(last // every * every) + every]
    most = _MAX_FIGURES // len(asked.columns)
    edges = list(islice(calendar.edges(asked.per, asked.zone, first, last), most + 2))
    if len(edges) > most + 1:
        fewer = ", or fewer quantiles" if asked.quantiles else ""
        raise UsageError(f"that is more than {most:,} rows", f"take a longer --per, or a later --since{fewer}")
    return edges


def _first(one: Timeline, asked: Question, last: float) -> float:
    """Return the first count in the time that periods are kept; months are kept longer."""
    rank = RANKS[calendar.LENGTHS[asked.per]] if asked.per else RANKS[one.every]
    kept_for = kept(RANKS[one.every], one.keep) * LENGTHS[rank] * QUARTER
    oldest = 0 if asked.per == "month" else asked.now - kept_for
    return min((start * QUARTER for start, _ in one.periods if oldest <= start * QUARTER <= last), default=last)


def _length(one: Timeline) -> int:
    """Return the length of the finest periods in seconds."""
    return LENGTHS[RANKS[one.every]] * QUARTER


def _check(total: Total, known: Timeline, asked: Question, edges: Sequence[int]) -> None:
    name, every = printable(total.spelling), f"{'an' if known.every == 'hour' else 'a'} {known.every}"
    if asked.per is not None and RANKS[calendar.LENGTHS[asked.per]] > RANKS[known.every]:
        raise RefusedError(f"'{name}' keeps periods of {every}, and none of {asked.per}", _finer(total, asked.per))
    off = [edge for edge in edges if edge % _length(known)]
    if off:
        needed = "15m" if any(edge % (LENGTHS[2] * QUARTER) for edge in off) else "hour"
        raise RefusedError(
            f"'{name}' keeps periods of {every} in UTC, and a {asked.per} in {asked.zone} does not begin with one",
            f"leave out --tz, or {_finer(total, needed)}",
        )


def _finer(total: Total, every: str) -> str:
    """Return the advice to keep finer periods."""
    options = ["--type", total.tag, "--every", every]
    name = total.spelling
    words = [*options, "--", name] if name.startswith("-") else [name, *options]
    return f"keep shorter ones from now on: {printable(join(['crdtctl', 'create', *words]))}"


# Reports -----------------------------------------------------------------------------------------------


def show(
    now: Snapshot, totals: Iterable[Total], by: Sequence[str], asked: Question, form: str | None, *, is_one: bool
) -> None:
    """Print the counts of periods, or their quantiles.

    Counts of longer periods that the rows cut are in none of them, and are reported. Raise `AnswerIsNo` if one quantile
    of no numbers is asked for.
    """
    edges, found = answers([*totals], asked)
    if is_one:
        check_numbers(found[0], edges, asked)
    print_answers(now, edges, found, by, asked, form, is_one=is_one)


def check_numbers(one: Answer, edges: Sequence[int], asked: Question) -> None:
    """Raise `AnswerIsNo` if the answer is one quantile of an empty distribution."""
    if asked.quantiles and asked.is_single and not one.found.values[0]:
        raise AnswerIsNo(f"'{one.total.spelling}' has no numbers {span_of(edges, asked)}")


def span_of(edges: Sequence[int], asked: Question) -> str:
    """Return the words for the whole span of some rows."""
    return f"from {shown(edges[0], asked.zone)} to {shown(edges[-1], asked.zone)}"


def place_of(start: int, end: int, asked: Question) -> str:
    """Return the words for the time of a row."""
    if asked.per is None:
        return span_of([start, end], asked)
    return f"in {'' if asked.per == '15m' else 'the '}{asked.per} {calendar.label(asked.per, asked.zone, start)}"


def print_answers(
    now: Snapshot,
    edges: Sequence[int],
    found: Sequence[Answer],
    by: Sequence[str],
    asked: Question,
    form: str | None,
    *,
    is_one: bool,
    is_good: bool | None = None,
) -> None:
    """Print answers; report what is in none of the rows. `is_good` is whether the amounts are within bounds."""
    chosen = output.resolve_format(form, default="value" if is_one and asked.is_single else None, allowed=SHOWN)
    if chosen in output.STRUCTURED or chosen in FIGURES or not (is_one or by):
        items = (_item(one, edges, asked) for one in found)
        if chosen in FIGURES:
            made = _figures_report(now, items, by, asked)
        else:
            made = report(now, ("type",), ("period", *asked.columns), by, items, _cells)
        made.is_good = is_good
        output.print_report(made, chosen)
    else:
        bars = chosen == "table" and output.is_terminal() and is_one and asked.per is not None
        bars = bars and not (asked.rate or asked.quantiles)
        output.print_report(_columns(now, found, edges, by, asked, bars=bars), chosen)
    for one in found:
        if one.found.across and not asked.is_open:  # otherwise they have a row
            output.print_message(
                f"{one.found.across} of '{one.total.spelling}' were counted in longer periods that these rows cut, and "
                "are in none of them"
            )


def _figures_report(now: Snapshot, items: Iterable[Item], by: Sequence[str], asked: Question) -> Report:
    """Return the report with a row for each figure, without the period if there is only one."""
    periods = ("period",) if asked.per else ()
    names = ("figure",) if len(asked.columns) > 1 else ()

    def cells(item: Item) -> Iterator[Sequence[object]]:
        for period, *figures in _cells(item):
            for name, figure in zip(asked.columns, figures, strict=True):
                yield [*[period for _ in periods], *[name for _ in names], figure]

    return report(now, ("type",), (*periods, *names, "value"), by, items, cells)


def report_of_default(now: Snapshot, one: Default, edges: Sequence[int], asked: Question, *, is_whole: bool) -> Report:
    """Return the report of a counter that does not exist, with its default as the amount of each row.

    If it `is_whole`, it also has the name of the counter.
    """
    periods = [_row(start, end, one.value, None, asked) for start, end in pairwise(edges)]
    item: Item = {**named(one.name, one.labels), "type": None, "per": asked.per, "periods": periods}
    if not is_whole:
        return Report("periods", ("period", "value"), [item], _cells, value=1, head={"replica": now.id})
    return _figures_report(now, [item], (), asked)


def _cells(item: Item) -> Iterator[Sequence[object]]:
    is_of_quantiles = any("quantiles" in row for row in item["periods"][:1])
    if int(item.get("before_or_unknown", 0)) and not is_of_quantiles:
        yield _UNKNOWN, int(item["before_or_unknown"])
    for row in item["periods"]:
        yield row["period"], *_figures(row)
    if int(item.get("in_the_future", 0)) and not is_of_quantiles:
        yield _AHEAD_OF_NOW, int(item["in_the_future"])


def _figures(row: Item) -> Sequence[Any]:
    """Return the cells of a row after its period."""
    if "buckets" in row:
        return distributions.figure_cells(row)
    if "quantiles" in row:
        return [*row["quantiles"].values()]
    return [row["rate"] if "rate" in row else int(row["value"])]


def _columns(
    now: Snapshot, found: Sequence[Answer], edges: Sequence[int], by: Sequence[str], asked: Question, *, bars: bool
) -> Report:
    """Return the report with a row for each period, and a column for each group."""
    groups = asked.columns
    if by:
        groups = [" ".join(one.total.labels.get(key) or f"{key}=" for key in by) for one in found]
        if len({one.total.name for one in found}) > 1:
            groups = [f"{one.total.name} {group}" for one, group in zip(found, groups, strict=True)]
        if len(asked.columns) > 1:
            groups = [f"{group} {column}" for group in groups for column in asked.columns]
    items: list[Item] = []
    if any(one.unknown for one in found) and not asked.quantiles:
        items.append({"period": _UNKNOWN, "cells": [one.unknown for one in found]})
    for at, (start, end) in enumerate(pairwise(edges)):
        cells = [_row(start, end, one.found.values[at], one.amounts[at], asked) for one in found]
        items.append({"period": cells[0]["period"], "cells": [figure for cell in cells for figure in _figures(cell)]})
    if any(one.ahead for one in found) and not asked.quantiles:
        items.append({"period": _AHEAD_OF_NOW, "cells": [one.ahead for one in found]})
    longest = max((cell for item in items for cell in item["cells"]), default=0) if bars else 0

    def rows_of(item: Item) -> Iterator[Sequence[object]]:
        bar = (
            [_bar(item["cells"][0], longest) if item["period"] not in (_UNKNOWN, _AHEAD_OF_NOW) else ""] if bars else []
        )
        yield [item["period"], *item["cells"], *bar]

    columns = ("period", *groups, *([""] if bars else []))
    return Report("periods", columns, items, rows_of, value=1, head={"replica": now.id})


def _item(one: Answer, edges: Sequence[int], asked: Question) -> Item:
    kind = TYPES[one.total.tag]
    periods = []
    for start, end, value, amount in zip(edges, edges[1:], one.found.values, one.amounts, strict=False):
        row = _row(start, end, value, amount, asked)
        row.update({name: json_int(number) for name, number in kind.figures(amount).items()})
        periods.append(row)
    item: Item = {**named(one.total.name, one.total.labels), "type": one.total.tag, "per": asked.per}
    item["periods"] = periods
    if asked.is_open:
        item["before_or_unknown"] = json_int(one.unknown)
        if one.ahead:
            item["in_the_future"] = json_int(one.ahead)
    return item


def _row(start: int, end: int, value: int, amount: Any, asked: Question) -> Item:
    """Return a row with the `value` of an amount, or with the quantiles of the `amount`."""
    name = calendar.label(asked.per, asked.zone, start) if asked.per else shown(start, asked.zone)
    row: Item = {"period": name, "start": shown(start, asked.zone), "end": shown(end, asked.zone)}
    row["value"] = json_int(value)
    if asked.rate:
        passed = min(end, asked.now) - start
        row["rate"] = float(f"{value / passed:.6g}") if passed > 0 else 0.0
    if asked.all_figures:
        row.update(distributions.figures_of(amount, asked.quantiles))
        if not value:
            row["relative_error"] = None  # numbers alone have a precision
    elif asked.quantiles:
        row["quantiles"] = distributions.quantiles_of(amount, asked.quantiles)
    return row


def shown(seconds: int, zone: tzinfo) -> str:
    """Return a time in a zone as text, such as 1970-01-01T00:00Z."""
    return datetime.fromtimestamp(seconds, zone).isoformat(timespec="minutes").replace("+00:00", "Z")


def _bar(amount: int, longest: int) -> str:
    eighths = amount * _BAR * 8 // longest if amount > 0 else 0
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
