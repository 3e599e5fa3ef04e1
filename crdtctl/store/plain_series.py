"""The totals of many series of one name, read as bytes: their values, and their counts since some time.

Entries of numbers, with periods or without, are added up as they are on their lines, and all at once where a total of
all series is asked for (`crdtctl.store.series_columns`). Only other lines are decoded. The
totals have the values, and the periods since that time, of those of `crdtctl.store.selection.totals`. They have nothing
else: all entries that were added up are one entry.
"""

from __future__ import annotations

from crdtctl.codec import dated_rows
from crdtctl.codec.layout import MAX_SAFE, NAME_END
from crdtctl.codec.plain import DATED, WEIGHTS, is_name
from crdtctl.crdt import TYPES, periods
from crdtctl.crdt.counter import join_counters, without_forgotten
from crdtctl.crdt.series import are_of, parts
from crdtctl.store import selection, series_columns
from crdtctl.store.reading import Reading
from crdtctl.store.series_columns import NEXT_ENTRY
from crdtctl.store.totals import Total

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.codec.dated_rows import Dated
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.periods import Period
    from crdtctl.crdt.selector import Selector
    from crdtctl.crdt.timeline import Timeline
    from crdtctl.store.counters import CounterSnapshot
    from crdtctl.store.series_columns import Columns

    #: A file, a line in it, and where the type on it starts.
    Line: TypeAlias = tuple[Source, bytes, int]
    #: Commit number and totals of an entry.
    Numbers: TypeAlias = tuple[int, ...]

#: Type → how many numbers an entry has, and their form.
_FORMS = {tag: (1 + len(weights), b",".join([b"%d"] * (1 + len(weights)))) for tag, weights in WEIGHTS.items()}

#: Number of lines that are read at once. If one of them is of another form, all of them are read one by one.
_BLOCK = 500

#: Replica ids that were found plain.
_known_replicas: set[bytes] = set()


def totals(
    now: CounterSnapshot,
    wanted: Selector,
    keys: Sequence[str] = (),
    *,
    each: bool = False,
    tag: str | None = None,
    since: int | None = None,
) -> list[Total]:
    """Return the totals of a selector, with their values alone, or with the counts by period since some time.

    `since` is a quarter of an hour, counted from 1970. Amounts without a period are left out of the counts.
    """
    try:
        found = _totals(now, wanted, keys, each=each, tag=tag, since=since)
    except (ValueError, LookupError):
        found = []
    return found or selection.totals(now, wanted, keys, each=each, tag=tag)


def _totals(
    now: CounterSnapshot, wanted: Selector, keys: Sequence[str], *, each: bool, tag: str | None, since: int | None
) -> list[Total]:
    """Return totals of one type; raise ValueError or LookupError if they have to be read in another way."""
    if wanted.exact or wanted.pattern is not None or now.renamed:
        raise ValueError
    lines: dict[str, list[Line]] = {}
    for source in now.sources:
        for spelling, line, start in _lines(source, wanted):
            lines.setdefault(spelling, []).append((source, line, start))
    oldest = None if since is None else periods.of_all(since)
    if not (keys or each or wanted.conditions) and are_of(wanted.name, [one for one in lines if one != wanted.name]):
        return [_of_all(wanted.name, lines, tag, oldest)]
    groups: dict[tuple[str, ...], _Group] = {}
    recent: dict[tuple[str, ...], _Recent] = {}
    for spelling in sorted(lines) if len(now.sources) > 1 else lines:
        name, labels = parts(spelling)
        if not wanted.matches(name, labels):
            continue
        group = (spelling,) if each else tuple([labels.get(key, "") for key in keys])
        if group not in groups:
            shown = labels if each else {**wanted.labels, **dict(zip(keys, group, strict=True))}
            groups[group] = _Group(name, shown, spelling)
            if oldest:
                recent[group] = _Recent(oldest)
        groups[group].add(spelling, lines[spelling], tag, recent.get(group))
    if len({tag for one in groups.values() for tag in one.tags}) != 1:
        raise ValueError  # the settings decide which of them is meant
    return [groups[group].total(recent.get(group)) for group in (groups if each else sorted(groups))]


def _of_all(name: str, lines: Mapping[str, Sequence[Line]], tag: str | None, oldest: Sequence[int] | None) -> Total:
    """Return the total of all counters on lines, as `_totals` does."""
    group, recent = _Group(name, {}, min(lines)), _Recent(oldest) if oldest else None
    group.add_all(lines, tag, recent)
    if len(group.tags) != 1:
        raise ValueError  # as above
    return group.total(recent)


def _lines(source: Source, wanted: Selector) -> Iterator[tuple[str, bytes, int]]:
    """Yield the spelling of each counter of a name in a file, its line, and where its type starts there."""
    if source.names:
        raise ValueError
    line = source.line(wanted.name) if wanted.holds({}) else None
    if line is not None:
        yield wanted.name, line, line.index(NAME_END, 1) + 3
    first = b"%b{" % wanted.name.encode()
    start, end = source.span(selection.beginning_with(first))
    if start >= end:
        return
    lines = source.pages.read(start, end - start).split(b",\n")
    ends = [line.index(NAME_END, 1) for line in lines]
    together = b"\n".join([line[1:end] for line, end in zip(lines, ends, strict=True)]).replace(b'\\"', b'"')
    names = together.split(b"\n")
    if b"\\" in together or len(names) != len(lines) or not all(map(bytes.__lt__, names, names[1:])):
        raise ValueError
    if not (names[0].startswith(first) and names[-1].startswith(first)):
        raise ValueError
    texts = wanted.texts
    for spelling, line, end in zip(together.decode().split("\n"), lines, ends, strict=True):
        if not texts or all(text in spelling for text in texts):
            yield spelling, line, end + 3


class _Group:
    """Counters that are read as one. `tags` are their types."""

    def __init__(self, name: str, labels: dict[str, str], first: str) -> None:
        self.tags: set[str] = set()
        self._name = name
        self._labels = labels
        self._first = first
        self._rows: list[Numbers] = []
        self._others: list[Reading] = []
        self._timelines: list[Timeline] = []

    def add(self, spelling: str, lines: Sequence[Line], tag: str | None, recent: _Recent | None) -> None:
        """Add a counter, if it has the type `tag` (None: any). Its periods are added to `recent`."""
        try:
            found, rows, dated = _entries([line[start:] for _, line, start in lines])
        except (ValueError, LookupError):
            self._decode(spelling, lines, tag, dated=recent is not None)
            return
        if tag in (None, found):
            self.tags.add(found)
            self._rows += rows
            if recent and dated:
                recent.add(dated, len(rows[0]) - 1)

    def add_all(self, counters: Mapping[str, Sequence[Line]], tag: str | None, recent: _Recent | None) -> None:
        """Add counters as `add` does, at once if they have one entry each."""
        alone = []
        for spelling, lines in counters.items():
            if len(lines) > 1 or NEXT_ENTRY in lines[0][1]:
                self.add(spelling, lines, tag, recent)
            else:
                alone.append(spelling)
        for first in range(0, len(alone), _BLOCK):
            self._add_block({spelling: counters[spelling] for spelling in alone[first : first + _BLOCK]}, tag, recent)

    def _add_block(self, counters: Mapping[str, Sequence[Line]], tag: str | None, recent: _Recent | None) -> None:
        try:
            found = series_columns.read([line[start:] for ((_, line, start),) in counters.values()])
        except (ValueError, LookupError):
            for spelling, lines in counters.items():
                self.add(spelling, lines, tag, recent)
            return
        if tag in (None, found.tag):
            self.tags.add(found.tag)
            self._rows.append((1, *found.sums))
            if recent:
                recent.add_all(found)

    def _decode(self, spelling: str, lines: Sequence[Line], tag: str | None, *, dated: bool) -> None:
        counter: Counter = {}
        for source, line, _ in lines:
            counter = join_counters(counter, source.read(line))
        counter = without_forgotten(counter)
        if not all(one.encode() in WEIGHTS for one in counter):
            raise ValueError  # such series are read all at once
        for one in counter.keys() if tag is None else counter.keys() & {tag}:
            reading = Reading(spelling, one, counter[one])
            self.tags.add(one)
            self._others.append(reading)
            if dated and reading.has_periods:
                self._timelines.append(reading.timeline)

    def total(self, recent: _Recent | None) -> Total:
        """Return the total of all that was added."""
        (tag,) = self.tags
        together = [Reading(self._first, tag, {"": (1, *map(sum, [*zip(*self._rows, strict=True)][1:]))})]
        timelines = [*self._timelines, *(recent.timelines() if recent else ())]
        known = None
        if timelines:
            from crdtctl.crdt.timeline import together as added

            known = added(timelines, (), TYPES[tag].together)
        return Total(self._name, tag, self._labels, (*(together if self._rows else ()), *self._others), known)


class _Recent:
    """The amounts of counters in the newest periods, and the coarsest settings. `oldest` are the first such periods."""

    def __init__(self, oldest: Sequence[int]) -> None:
        self._oldest = oldest
        self._amounts: dict[Period, int] = {}
        self._settings: list[tuple[int, int]] = []

    def add(self, several: Sequence[Dated], width: int) -> None:
        """Add the settings and periods of the replicas of a counter with `width` totals."""
        settings = several[0][:2]
        if len(several) > 1:
            settings = max([one[0] for one in several]), max([one[1] for one in several])
        if settings not in self._settings:
            self._settings = [min([settings, *self._settings])]
        for _, _, text in several:
            self._add(text, width)

    def add_all(self, found: Columns) -> None:
        """Add the settings and periods of counters."""
        if found.settings:
            self._settings = [min([*found.settings, *self._settings])]
        for text, times in found.periods.items():
            self._add(text, len(found.sums), times)

    def _add(self, text: bytes, width: int, times: int = 1) -> None:
        amounts = self._amounts
        for period, counted in periods.newest(text.decode(), width, self._oldest):
            amount = counted[0] - counted[1] if width > 1 else counted[0]
            amounts[period] = amounts.get(period, 0) + amount * times

    def timelines(self) -> Iterator[Timeline]:
        """Yield these amounts, if one of the counters keeps periods."""
        from crdtctl.crdt.timeline import Timeline

        for every, keep in self._settings:
            spans = {(periods.start_of(one), periods.end_of(one)): amount for one, amount in self._amounts.items()}
            yield Timeline(periods.NAMES[every], keep, spans, 0)


def _entries(bodies: Sequence[bytes]) -> tuple[str, list[Numbers], list[Dated]]:
    """Return the type of a counter, the numbers of its entries, and the periods of those that keep some.

    `bodies` are its lines without the name. Raise ValueError or LookupError if one of them is special.
    """
    rows: list[Numbers] = []
    several: list[Dated] = []
    replicas: list[bytes] = []
    tags: set[bytes] = set()
    for body in bodies:
        _, tag, rest = body.split(b'"', 2)
        width, form = _FORMS[tag]
        if rest[:3] != b':{"' or rest[-3:] != b"]}}":
            raise ValueError
        before = b""
        for entry in rest[3:-3].split(b'],"'):
            replica, _, row = entry.partition(b'":[')
            digits, is_dated, dated = row.partition(DATED)
            numbers = (*map(int, digits.split(b",")),)
            if len(numbers) != width or form % numbers != digits:
                raise ValueError
            if not numbers[0] or max(numbers) > MAX_SAFE or b"-" in digits:
                raise ValueError
            if replica <= before or not (replica in _known_replicas or _is_replica(replica)):
                raise ValueError  # a branch of a fork, for example
            before = replica
            rows.append(numbers)
            replicas.append(replica)
            if is_dated:
                several.append(dated_rows.read(dated))
        tags.add(tag)
    (tag,) = tags
    if len(bodies) > 1 and len(replicas) > len(set(replicas)):
        raise ValueError  # one of the entries is newer
    return tag.decode(), rows, several


def _is_replica(text: bytes) -> bool:
    """Return whether a text is a plain replica id, and remember that."""
    if is_name(text):
        _known_replicas.add(text)
        return True
    return False
