"""``crdtctl show``"""

from __future__ import annotations

from crdtctl.cli import counter_rows, output
from crdtctl.cli.amounts import whole
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, Option, Whole, command
from crdtctl.cli.options import METRICS, SHOWN, TYPE, VALUES_FORM
from crdtctl.cli.selection import existing, is_one, one_total, selected, selectors
from crdtctl.cli.time_options import READING, are_about_time
from crdtctl.cli.verb import session, typed_format
from crdtctl.crdt import TYPES
from crdtctl.crdt.series import parts
from crdtctl.errors import AnswerIsNo, UsageError, printable
from crdtctl.store.selection import conditions, label_keys, totals, totals_of_all
from crdtctl.store.totals import ordered

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item
    from crdtctl.cli.per import Question
    from crdtctl.cli.selection import Default, Read
    from crdtctl.crdt import clock as clocks
    from crdtctl.crdt.selector import Condition, Selector
    from crdtctl.store.jobs import AttemptReading
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total


@command(
    Argument("names", "[NAME]...", "Counters. Default: all.", repeated=True),
    TYPE,
    Option(
        "where",
        metavar="KEY=VALUE",
        repeated=True,
        help="Only series with this label. Also KEY!=VALUE; VALUE may be a pattern. May be repeated.",
    ),
    Option("by", metavar="KEY,...", repeated=True, help="A row for each combination of values of these labels."),
    Flag("series", help="A row for each series of the counters."),
    Flag("exact", help="Each NAME is exactly one counter: no pattern, and without further labels."),
    Option("sort", metavar="value|name", help="Order of the rows; the largest value is first."),
    Option("top", metavar="N", kind=Whole(1), help="Only the first N rows, in the order of --sort. Default: value."),
    Flag("by_replica", help="Show the share of each replica."),
    Flag("members", help="Show the elements of sets."),
    Flag("readings", help="Show the readings of meters: by source, and by generation after restarts."),
    Flag("attempts", help="Show all attempts of jobs, and which of them count."),
    Option("quantile", metavar="Q,...", help="Show quantiles of a hist, for example 0.5,0.99 or p99."),
    Flag("distribution", help="Show all figures of a hist: count, sum, mean, smallest and largest number, quantiles."),
    Flag("state", help="Show the raw state, as JSON."),
    Option("require", metavar="CLOCK", help="Exit with 1 unless this replica has all commits that CLOCK contains."),
    Option(
        "minimum",
        "--min",
        metavar="N",
        variable="CRDTCTL_SHOW_MIN",
        help="Exit with 1 if the value, or the quantile, is below N.",
    ),
    Option(
        "maximum",
        "--max",
        metavar="N",
        variable="CRDTCTL_SHOW_MAX",
        help="Exit with 1 if the value, or the quantile, is above N.",
    ),
    Option("default", metavar="N", help="Value of a NAME that does not exist."),
    *READING,
    VALUES_FORM,
    statuses=(1, 3, 4, *READS),
)
def show(
    context: Context,
    names: list[str],
    tag: str | None,
    where: list[str],
    by: list[str],
    series: bool,
    exact: bool,
    sort: str | None,
    top: int | None,
    by_replica: bool,
    members: bool,
    readings: bool,
    attempts: bool,
    quantile: str | None,
    distribution: bool,
    state: bool,
    require: str | None,
    minimum: str | None,
    maximum: str | None,
    default: str | None,
    form: str | None,
    **_: object,
) -> None:
    """Show the value of one counter, or a table of many.

    \b
    EXAMPLES:
      crdtctl show
      crdtctl show builds
      crdtctl show 'page.*'
      crdtctl show tests.failed --by os,py --sort value
      crdtctl show 'tests.failed{os="linux"}'
      crdtctl show tests.failed --where os=linux --top 5 --series
      crdtctl show builds --by-replica
      crdtctl show visitors --members
      crdtctl show builds --per day --since 30d
      crdtctl show builds --last 24h
      crdtctl show bytes.sent --readings
      crdtctl show failed --attempts
      crdtctl show latency --quantile 0.99 --max 0.5
      crdtctl show latency --per day --quantile 0.5,0.99
      crdtctl show builds --min 100 && echo celebrate
      crdtctl show failures --max 0 --default 0
      crdtctl show failures --last 24h --max 0 --default 0
      crdtctl show builds --require "$(ssh hub crdtctl clock)"
      crdtctl show --format json | jq '.counters[].value'
      crdtctl show --format prom
      crdtctl show --format markdown

    The value of a NAME is the total of the counter and of all its series, whatever their labels: amounts add up, and
    an element of several sets counts once. NAME{KEY="VALUE"} and --where select the series that have these labels. A
    label that is missing is the empty text: --where os= are the series without it. Without a NAME, every series of
    every counter has a row. See 'crdtctl help labels'.

    A NAME with *, ? or [...] is a pattern, unless a counter has exactly that name; --exact is for names that may have
    these characters. If a NAME has several types, the type that this replica uses is shown; --type selects another.
    Without a NAME, all types are shown.

    With --per, a counter that keeps periods has a row for each of them. --since and --last alone show one number, the
    amount in that time. --min and --max bound this number, or each row. --by makes a column for each group, and --sort
    and --top order these by the whole value. See 'crdtctl help time'.

    CLOCK is an output of 'crdtctl clock', a file with one, a state file, or '-' for standard input.
    """
    asked = _question(context) if are_about_time(context) else None
    if by_replica + members + readings + attempts + state > 1:
        raise UsageError("--by-replica, --members, --readings, --attempts and --state cannot be combined")
    has_parts = by_replica or members or readings or attempts or state
    keys = label_keys(key.strip(" ") for word in by for key in word.split(","))
    demanded = conditions(where)
    if series and keys:
        raise UsageError("--series and --by cannot be combined", "a series has a row of its own, and so has a group")
    if exact and (not names or demanded or keys or series):
        raise UsageError("--exact needs a NAME, and cannot be combined with --where, --by and --series")
    if keys and (attempts or state or readings):
        shown = "attempts" if attempts else "state" if state else "readings"
        raise UsageError(f"--by cannot be combined with --{shown}")
    if sort not in (None, "value", "name"):
        raise UsageError(f"--sort cannot be '{printable(sort)}'", "it is value or name")
    if (sort is not None or top is not None) and (members or state or readings):
        raise UsageError("--sort and --top order values, and --members, --readings and --state show none")
    is_of_quantile = quantile is not None
    least, most = (
        _bound(text, option, names, is_of_quantile) for text, option in ((minimum, "--min"), (maximum, "--max"))
    )
    is_bounded = (least, most) != (None, None)
    instead = None if default is None else whole(default, "--default")
    if instead is not None and (not names or has_parts or keys or series):
        raise UsageError("--default needs a NAME, and shows values only", "leave it out")
    wants_figures = quantile is not None or distribution
    if wants_figures and (has_parts or instead is not None):
        raise UsageError("--quantile and --distribution show figures of a hist only", "leave the other options out")
    quantiles = _quantiles(quantile) if wants_figures else None
    if quantiles and is_bounded and (distribution or len(quantiles) > 1):
        raise UsageError("--min and --max bound one value", "with --quantile, they need a single quantile")
    if form in METRICS and (has_parts or wants_figures or asked or is_bounded or instead is not None):
        form = typed_format(context, form)  # CRDTCTL_FORMAT has no effect where its format cannot be
        if form is not None:
            raise UsageError(
                f"--format {form} shows whole values only", "leave out the options about parts, time and bounds"
            )
    if tag is not None:
        from crdtctl.store.validation import check_type

        check_type(tag)
    replica = session(context).open_to_read()
    required = None if require is None else _clock(require)
    with replica.snapshot() as now:
        if required is not None:
            _require(now, required)
        wanted = selectors(now, names, demanded, exact=exact)
        if attempts:
            if is_bounded:
                raise UsageError("--min and --max cannot be combined with --attempts, which shows several values")
            tried = ordered(_attempts(now, wanted, demanded, tag), sort, top)
            output.print_report(counter_rows.attempts(now, tried), output.resolve_format(form, allowed=SHOWN))
            return
        one = is_one(wanted) and not (keys or series)
        if asked and instead is not None and not one:
            raise UsageError("--default needs one NAME if it is the amount in a time", "ask for one after the other")
        if is_bounded and not one:
            raise UsageError("--min and --max need one NAME, and one value", "a pattern may match several counters")
        is_value = one and not (has_parts or wants_figures or asked)
        if is_value:
            form = typed_format(context, form)
        rows: Iterable[Total | Default]
        read = totals if has_parts or wants_figures or form in METRICS else _way(asked)
        if asked and (is_bounded or instead is not None):
            from crdtctl.cli import spans

            spans.show(now, one_total(now, wanted[0], tag, instead, read), asked, form, least, most)
            return
        if is_value and form is None:
            rows = [one_total(now, wanted[0], tag, instead, read)]
        elif names:
            rows = [*selected(now, wanted, tag, instead, by=keys, each=series, read=read)]
        else:
            rows = totals_of_all(now, demanded, tag, keys)
        if "replica" in keys:
            rows = _with_label(rows, "replica")
        rows = ordered(rows, sort, top)
        if form in METRICS:
            _print_metrics(rows, form)
            return
        if asked:
            from crdtctl.cli import per

            if not names:
                rows = (total for total in existing(rows) if total.has_periods and _has_figures(total, asked))
            per.show(now, existing(rows), keys, asked, form, is_one=one)
            return
        if quantiles is not None:
            from crdtctl.cli import distributions

            is_named = bool(names) and not any(one.pattern is not None for one in wanted)
            found = (total for total in existing(rows) if is_named or distributions.is_distribution(total))
            distributions.show(
                now, found, keys, quantiles, form, is_one=one, all_figures=distribution, bounds=(least, most)
            )
            return
        plainest = "value" if one and not (by_replica or readings) else None
        layout = output.resolve_format(form, default=plainest, allowed=SHOWN)
        failure = None
        if is_bounded:
            from crdtctl.cli.bounds import outside

            rows = list(rows)
            failure = next(filter(None, (outside(row.value, 0, row.spelling, "", least, most) for row in rows)), None)
        if state:
            counters = now.as_stored(counter for total in existing(rows) for counter in total.counters)
            in_order = sorted(counters, key=lambda reading: reading.name) if names else counters
            counter_rows.print_states(output.stdout.write, in_order)
        elif members:
            output.print_report(counter_rows.members(now, rows, keys, named=bool(names)), layout)
        elif readings:
            from crdtctl.cli.meters import readings_report  # only here: few counters have readings

            output.print_report(readings_report(now, rows, are_named=bool(names)), layout)
        elif by_replica:
            output.print_report(counter_rows.shares(now, rows, keys, sort, top), layout)
        else:
            is_whole = layout in output.STRUCTURED
            values = counter_rows.values(now, rows, keys, _with_figures if is_whole else None)
            values.is_good = failure is None if is_bounded else None
            output.print_report(values, layout)
        if failure is not None:
            raise failure


def _question(context: Context) -> Question:
    """Return the question about time in the options of a command line; raise `UsageError`."""
    from crdtctl.cli import per, spans  # only here: they import time zones

    spans.check_combined(context)
    return per.question(context)


def _has_figures(total: Total, asked: Question) -> bool:
    """Return whether a total has the figures that are asked for."""
    return TYPES[total.tag].adds_numbers or not asked.quantiles


def _way(asked: Question | None) -> Read:
    """Return the quickest way to read totals if only their values, or the answers to a question, are shown."""
    from crdtctl.store import plain_series

    since = None
    if asked:
        from crdtctl.cli import per

        since = per.earliest(asked)
        if since is None:
            return totals

    def read(
        now: Snapshot, wanted: Selector, keys: Sequence[str] = (), *, each: bool = False, tag: str | None = None
    ) -> list[Total]:
        return plain_series.totals(now, wanted, keys, each=each, tag=tag, since=since)

    return read


def _quantiles(text: str | None) -> list[int]:
    from crdtctl.cli import distributions  # only here: few counters are distributions

    return distributions.quantiles(text)


def _with_figures(item: Item, one: Total | Default) -> Item:
    if one.tag is None or not TYPES[one.tag].adds_numbers:
        return item
    from crdtctl.cli.distributions import with_figures

    return with_figures(item, one)


def _print_metrics(rows: Iterable[Total | Default], form: str) -> None:
    """Print counters in a format of metrics; raise `PartialError` if names clash there."""
    from crdtctl.cli import exposition

    found, clashing = exposition.metrics(existing(rows))
    if form == "gitlab":
        from crdtctl.cli import gitlab

        lines = gitlab.text(found)
    else:
        lines = exposition.text(found, form)
    for line in lines:
        output.stdout.line(line)
    if clashing:
        raise exposition.left_out(clashing)


def _attempts(
    now: Snapshot, wanted: Sequence[Selector], demanded: Sequence[Condition], tag: str | None
) -> list[AttemptReading]:
    """Return the attempts that counted under selectors, in order; all that fulfil conditions without a selector."""
    tried = [one for one in now.attempts() if tag in (None, one.tag)]
    from crdtctl.crdt.selector import selector as selector_of

    found = []
    for selector in wanted or [selector_of("{}", demanded)]:
        of_one = [one for one in tried if selector.matches(*parts(one.name))]
        if wanted and not of_one:
            [*selected(now, [selector], tag)]  # raises if the counter does not exist
        found += of_one
    return found


def _bound(text: str | None, option: str, names: Sequence[str], is_of_quantile: bool) -> int | None:
    """Return the bound of a value, or of a quantile in units of 10^-30."""
    if text is None:
        return None
    if len(names) != 1:
        raise UsageError(f"{option} needs exactly one NAME")
    if is_of_quantile:
        from crdtctl.cli.distributions import bound

        return bound(text, option)
    return whole(text, option)


def _with_label(rows: Iterable[Total | Default], key: str) -> list[Total | Default]:
    """Return the rows; raise `UsageError` if no series has the label, which has the name of another option."""
    found = list(rows)
    if not any(total.labels.get(key) for total in existing(found)):
        raise UsageError(f"no series has the label '{key}'", f"did you mean '--by-{key}'?")
    return found


def _clock(text: str) -> clocks.Clock:
    from crdtctl.cli.states import clock

    return clock(text)


def _require(now: Snapshot, wanted: clocks.Clock) -> None:
    lacking = now.missing(wanted)
    if lacking:
        have = now.clock()
        missing = ", ".join(f"{author} (required {seq}, have {have.get(author, 0)})" for author, seq in lacking.items())
        raise AnswerIsNo(f"not up to date: commits are missing of {missing}", "merge a newer state and try again")
