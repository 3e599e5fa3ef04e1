"""``crdtctl show``"""

from __future__ import annotations

from crdtctl.cli import distributions, output
from crdtctl.cli.amounts import whole
from crdtctl.cli.exit_status import READS
from crdtctl.cli.grammar import Argument, Flag, Option, command
from crdtctl.cli.options import FORM, TYPE
from crdtctl.cli.output import Report, json_int
from crdtctl.cli.selection import Default, counted, is_pattern, selected
from crdtctl.cli.verb import session, typed_format
from crdtctl.cli.workflow import escape_json
from crdtctl.errors import AnswerIsNo, RefusedError, UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.cli.context import Context
    from crdtctl.cli.output import Item
    from crdtctl.crdt import clock as clocks
    from crdtctl.store.reading import Reading
    from crdtctl.store.snapshot import Snapshot


@command(
    Argument("names", "[NAME]...", "Counters. Default: all.", repeated=True),
    TYPE,
    Flag("by_replica", help="Show the share of each replica."),
    Flag("members", help="Show the elements of sets."),
    Flag("attempts", help="Show all attempts of jobs, and which of them count."),
    Option("quantile", metavar="Q,...", help="Show quantiles of a hist, for example 0.5,0.99 or p99."),
    Flag("distribution", help="Show all figures of a hist: count, sum, mean, smallest and largest number, quantiles."),
    Flag("state", help="Show the raw state, as JSON."),
    Option("require", metavar="CLOCK", help="Exit with 1 unless this replica has all commits that CLOCK contains."),
    Option("minimum", "--min", metavar="N", variable="CRDTCTL_SHOW_MIN", help="Exit with 1 if the value is below N."),
    Option("maximum", "--max", metavar="N", variable="CRDTCTL_SHOW_MAX", help="Exit with 1 if the value is above N."),
    Option("default", metavar="N", help="Value of a NAME that does not exist."),
    FORM,
    statuses=(1, 4, *READS),
)
def show(
    context: Context,
    names: list[str],
    tag: str | None,
    by_replica: bool,
    members: bool,
    attempts: bool,
    quantile: str | None,
    distribution: bool,
    state: bool,
    require: str | None,
    minimum: str | None,
    maximum: str | None,
    default: str | None,
    form: str | None,
) -> None:
    """Show the value of one counter, or a table of many.

    \b
    EXAMPLES:
      crdtctl show
      crdtctl show builds
      crdtctl show 'page.*'
      crdtctl show builds --by-replica
      crdtctl show visitors --members
      crdtctl show failed --attempts
      crdtctl show latency --quantile 0.99
      crdtctl show builds --min 100 && echo celebrate
      crdtctl show failures --max 0 --default 0
      crdtctl show builds --require "$(ssh hub crdtctl clock)"
      crdtctl show --format json | jq '.counters[].value'

    A NAME with * or ? is a pattern, unless a counter has exactly that name. If a NAME has several types, the type
    that this replica uses is shown; --type selects another. Without a NAME, all counters of all types are shown.

    CLOCK is an output of 'crdtctl clock', a file with one, a state file, or '-' for standard input.
    """
    if by_replica + members + attempts + state > 1:
        raise UsageError("--by-replica, --members, --attempts and --state cannot be combined")
    least, most = (_bound(text, option, names) for text, option in ((minimum, "--min"), (maximum, "--max")))
    instead = None if default is None else whole(default, "--default")
    if instead is not None and (not names or by_replica or members or attempts or state):
        raise UsageError("--default needs a NAME, and shows values only", "leave it out")
    wants_figures = quantile is not None or distribution
    if wants_figures and (by_replica or members or attempts or state or (least, most, instead) != (None, None, None)):
        raise UsageError("--quantile and --distribution show figures of a hist only", "leave the other options out")
    chosen_quantiles = distributions.quantiles(quantile) if wants_figures else []
    if tag is not None:
        from crdtctl.store.validation import check_type

        check_type(tag)
    replica = session(context).open_to_read()
    wanted = None if require is None else _clock(require)
    with replica.snapshot() as now:
        if wanted is not None:
            _require(now, wanted)
        if attempts:
            if (least, most) != (None, None):
                raise UsageError("--min and --max cannot be combined with --attempts, which shows several values")
            output.print_report(_attempts(now, names, tag), output.resolve_format(form))
            return
        if wants_figures:
            distributions.show(now, names, tag, chosen_quantiles, form, all_figures=distribution)
            return
        one = len(names) == 1 and not is_pattern(now, names[0])
        if not one and (least, most) != (None, None):
            raise UsageError("--min and --max need exactly one NAME", "a pattern may match several counters")
        if one and not (by_replica or members or state):
            form = typed_format(context, form)
        chosen = output.resolve_format(form, default="value" if one and not by_replica else None)
        if one and form is None and not (by_replica or members or state):
            readings: Iterable[Reading | Default] = [*_one(now, names[0], tag, instead)]
        elif names:
            readings = [*selected(now, names, tag, instead)]
        else:
            readings = (reading for reading in now.counters() if tag in (None, reading.tag))
        if least is not None or most is not None:
            readings = list(readings)
        if state:
            states = counted(readings)
            _show_state(sorted(states, key=lambda reading: reading.name) if names else states)
        else:
            is_full = chosen in distributions.STRUCTURED
            output.print_report(_report(now, readings, by_replica, members, bool(names), is_full), chosen)
        for reading in readings if (least, most) != (None, None) else ():
            if least is not None and reading.value < least:
                raise AnswerIsNo(f"'{reading.name}' is {reading.value}, below {least}")
            if most is not None and reading.value > most:
                raise AnswerIsNo(f"'{reading.name}' is {reading.value}, above {most}")


def _one(now: Snapshot, name: str, tag: str | None, default: int | None) -> Iterable[Reading | Default]:
    if default is None:
        yield now.reading(name, tag)
    else:
        found = [*selected(now, [name], tag, default)]
        yield found[0] if len(found) == 1 else now.reading(name, tag)


def _bound(text: str | None, option: str, names: Sequence[str]) -> int | None:
    if text is None:
        return None
    if len(names) != 1:
        raise UsageError(f"{option} needs exactly one NAME")
    return whole(text, option)


def _clock(text: str) -> clocks.Clock:
    from crdtctl.cli.states import clock

    return clock(text)


def _require(now: Snapshot, wanted: clocks.Clock) -> None:
    lacking = now.missing(wanted)
    if lacking:
        have = now.clock()
        missing = ", ".join(f"{author} (required {seq}, have {have.get(author, 0)})" for author, seq in lacking.items())
        raise AnswerIsNo(f"not up to date: commits are missing of {missing}", "merge a newer state and try again")


def _show_state(readings: Iterable[Reading]) -> None:
    from itertools import groupby

    separator = b"{\n"
    for _, types in groupby(readings, key=lambda reading: reading.name):
        lines = {reading.tag: reading.line for reading in types}
        output.stdout.write(separator + escape_json(_joined([*lines.values()])))
        separator = b",\n"
    output.stdout.write(b"\n}\n" if separator == b",\n" else b"{}\n")


def _joined(lines: Sequence[bytes]) -> bytes:
    """Return the lines of all types of one name as one line, because a JSON reader keeps the last of two equal keys."""
    first, *others = lines
    bodies = [line[line.index(b'":{"') + 3 : -1] for line in others]  # a quote in a name is written with a backslash
    return b"".join([first[:-1], *(b"," + body for body in bodies), b"}"])


def _report(
    now: Snapshot, readings: Iterable[Reading | Default], by_replica: bool, members: bool, named: bool, is_full: bool
) -> Report:
    head = {"replica": now.id}
    if members:
        sets = (reading for reading in counted(readings) if named or _has_members(reading))
        items = ({**_item(reading), "members": reading.members} for reading in sets)
        return Report("counters", ("name", "member"), items, _member_rows, head=head)
    if by_replica:
        items = (_shared(reading) for reading in counted(readings))
        return Report("counters", ("name", "type", "replica", "value"), items, _share_rows, head=head, ids=now.clock)
    items = (distributions.with_figures(_item(one), one) if is_full else _item(one) for one in readings)
    return Report(
        "counters", ("name", "type", "value"), items, lambda i: [(i["name"], i["type"], _number(i["value"]))], head=head
    )


def _attempts(now: Snapshot, names: Sequence[str], tag: str | None) -> Report:
    asked: Sequence[str | None] = names or [None]
    found = []
    for name in asked:
        of_one = [one for one in now.attempts(name) if tag in (None, one.tag)]
        if name is not None and not of_one:
            now.readings(name, tag)  # raises if the counter does not exist
        found += of_one
    items = [
        {
            "name": one.name,
            "type": one.tag,
            "job": one.attempt.key,
            "attempt": json_int(one.attempt.number),
            "value": json_int(one.value),
            "counts": one.counts,
        }
        for one in found
    ]
    columns = ("name", "type", "job", "attempt", "value", "counts")

    def row(item: Item) -> list[list[object]]:
        cells = {**item, "value": _number(item["value"]), "counts": "yes" if item["counts"] else "no"}
        return [[cells[column] for column in columns]]

    return Report("attempts", columns, items, row, head={"replica": now.id})


def _has_members(reading: Reading) -> bool:
    try:
        return reading.members is not None
    except RefusedError:
        return False


def _item(reading: Reading | Default) -> Item:
    item = {"name": reading.name, "type": reading.tag, "value": json_int(reading.value)}
    facts = reading.facts
    return {**item, **facts} if facts else item


def _shared(reading: Reading) -> Item:
    shares = [{"replica": author, "value": json_int(value)} for author, value in reading.shares.items()]
    once = {key: json_int(value) for key, value in sorted(reading.once.items())}
    return {**_item(reading), "replicas": shares, "once": once}


def _share_rows(item: Item) -> Iterable[Sequence[object]]:
    for share in item["replicas"]:
        yield item["name"], item["type"], share["replica"], _number(share["value"])


def _member_rows(item: Item) -> Iterable[Sequence[object]]:
    for member in item["members"]:
        yield item["name"], member


def _number(value: int | str) -> int:
    return int(value)
