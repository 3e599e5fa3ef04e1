"""How the entries of `gcounter` and `pncounter` are read: their value, shares, keys, readings and periods.

`crdtctl.crdt.additive` explains the parts of an entry.
"""

from __future__ import annotations

from crdtctl.crdt.additive_row import (
    EVERY,
    EXPIRED,
    FORGOTTEN,
    GONE,
    MARKS,
    ONCE,
    ONCE_MARKS,
    READINGS,
    is_of,
    larger,
    left_of,
)
from crdtctl.crdt.base import CounterType, Refused
from crdtctl.crdt.branches import merge_branches, observed_resets, origin
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from crdtctl.crdt.additive_row import Totals
    from crdtctl.crdt.base import Entries, Entry
    from crdtctl.crdt.dated import Dated
    from crdtctl.crdt.readings import Readings
    from crdtctl.crdt.timeline import Timeline


class AdditiveValues(CounterType):
    """A counter whose value is a weighted sum of totals that only grow."""

    #: The sign of each total in the value: +1 or −1.
    weights: ClassVar[tuple[int, ...]]

    def _rest(self, row: Entry, first: int, end: int) -> Sequence[Any]:
        """Return some parts of a row after the totals."""
        begin = 1 + len(self.weights)
        return [self.record.at(row, begin + number) for number in range(first, end)]

    def _dated(self, row: Entry) -> Dated:
        """Return the last parts of a row: the settings of periods, and the periods as text."""
        every, keep, periods = self._rest(row, EVERY, FORGOTTEN)
        return every, keep, periods

    def _times(self, entries: Entries) -> list[Dated]:
        return [self._dated(row) for row in entries.values()]

    @final
    def settings_of(self, row: Entry) -> Mapping[str, int]:
        if not self.has_periods(row):
            return {}
        from crdtctl.crdt import dated

        every, keep, _ = dated.agreed((0, 0, ""), [self._dated(row)])
        return {field: value for field, value in (("every", every), ("keep", keep)) if value}

    @final
    def has_periods(self, row: Entry) -> bool:
        first = 1 + len(self.weights)
        return len(row) > first + EVERY and any(row[first + EVERY : first + FORGOTTEN])

    @final
    def timeline(self, entries: Entries) -> Timeline:
        from crdtctl.crdt import dated, dated_readings, timeline

        width, merged = len(self.weights), merge_branches(self.record, entries)
        marks, none = self._marks(merged), (0,) * width
        every, keep, _ = dated.agreed((0, 0, ""), self._times(merged))
        read = self._read(merged)
        by_period = dated_readings.by_period(read)
        every = max(every, dated_readings.finest(self.readings(merged)))
        if not every:
            raise Refused(dated.NO_PERIODS)
        rows = [(row[1 : 1 + width], marks.get(who, none), self._dated(row)[2]) for who, row in merged.items()]
        undated = sum(self.once(merged).values()) + sum(read.values()) - sum(by_period.values())
        return timeline.timeline((every, keep), rows, undated, self.weigh, by_period)

    def _gone(self, row: Entry) -> int:
        """Return the last commit whose keys the replica of a row has dropped."""
        gone: int = self.record.at(row, 1 + len(self.weights) + GONE)
        return gone

    def _left_under_keys(self, entries: Entries) -> dict[str, Totals]:
        """Return idempotency key → the totals that resets leave."""
        marks = self._once_marks(entries)
        return {key: left_of(totals, marks.get(key)) for key, totals in self._sent(entries).items()}

    def _unexpired(self, row: Entry, limit: int) -> Mapping[str, Totals]:
        """Return the keys of a row with their totals and commits, without those of commits up to a limit."""
        once, width = self._part(row, ONCE), len(self.weights)
        return {key: sent for key, sent in once.items() if not is_of(sent, width, limit)} if limit and once else once

    def tidied(self, rows: dict[str, Entry]) -> dict[str, Entry]:
        """Return rows without those that are forgotten, and without keys that have expired or are forgotten."""
        width = len(self.weights)
        if max(map(len, rows.values()), default=0) > 1 + width + FORGOTTEN:
            from crdtctl.crdt import forgetting

            rows = forgetting.left(rows, 1 + width + FORGOTTEN)
            for author, row in rows.items():
                unused = self._unexpired(row, self._forgotten_keys(author, rows))
                if len(unused) < len(self._part(row, ONCE)):
                    rows[author] = self.record.make(*row[: 1 + width], unused, *row[2 + width :])
        if max(map(len, rows.values()), default=0) > 4 + width:
            expired = self._expired(rows)
            for author, row in rows.items():
                left = self._unexpired(row, expired.get(origin(author), 0))
                if len(left) < len(self._part(row, ONCE)):
                    rows[author] = self.record.make(*row[: 1 + width], left, *row[2 + width :])
        return rows

    def _forgotten_keys(self, replica: str, entries: Entries) -> int:
        """Return the last commit of a replica whose idempotency keys are forgotten."""
        part = 1 + len(self.weights) + FORGOTTEN
        if max(map(len, entries.values())) <= part:
            return 0
        from crdtctl.crdt import forgetting

        return forgetting.by_another(replica, entries, part)

    @final
    def weigh(self, totals: Totals) -> int:
        """Return the weighted sum of `totals`."""
        return sum(weight * total for weight, total in zip(self.weights, totals, strict=True))

    @final
    def shares(self, entries: Entries) -> dict[str, int]:
        shares = self._plain(entries)
        expired = self._expired(entries)
        limits = {author: expired.get(origin(author), 0) for author in entries}
        sent = {author: self._unexpired(row, limits[author]) for author, row in entries.items()}
        for key, left in self._left_under_keys(entries).items():
            for column, weight in enumerate(self.weights):
                if left[column]:
                    senders = [author for author in sent if key in sent[author]]
                    largest = max(sent[author][key][column] for author in senders)
                    owner = min(author for author in senders if sent[author][key][column] == largest)
                    shares[owner] += weight * left[column]
        read = self._read(entries)
        if read:
            from crdtctl.crdt import readings as meters

            by = {author: self._part(row, READINGS) for author, row in entries.items()}
            for (source, generation), count in read.items():
                shares[meters.first_reader(source, generation, by)] += count
        return shares

    def _plain(self, entries: Entries) -> dict[str, int]:
        """Return replica id → its counts without a key that no reset cancelled."""
        return {author: self.weigh(left) for author, left in self._left(entries).items()}

    def _left(self, entries: Entries) -> dict[str, Totals]:
        """Return replica id → its totals without the amounts that resets cancelled."""
        width = len(self.weights)
        totals = {author: row[1 : 1 + width] for author, row in entries.items()}
        marks = self._marks(entries)
        if marks:
            totals = {author: left_of(row, marks.get(origin(author))) for author, row in totals.items()}
        return totals

    @final
    def once(self, entries: Entries) -> Mapping[str, int]:
        left = self._left_under_keys(entries)
        return {key: self.weigh(totals) for key, totals in left.items() if any(totals)}

    @final
    def used_keys(self, entries: Entries) -> Mapping[str, int]:
        return {key: self.weigh(totals) for key, totals in self._sent(entries).items()}

    @final
    def keepers(self, entries: Entries) -> list[str]:
        return [author for author, row in entries.items() if self._part(row, EXPIRED)]

    @final
    def readings(self, entries: Entries) -> Readings:
        parts = self._parts(entries, READINGS)
        if not parts:
            return {}
        from crdtctl.crdt import readings as meters

        return meters.joined(parts)

    def _read(self, entries: Entries) -> Mapping[tuple[str, str], int]:
        """Return (source, generation) → the amount that resets leave of its reading, if it is above 0."""
        together = self.readings(entries)
        if not together:
            return {}
        from crdtctl.crdt import readings as meters

        return meters.left(together)

    @final
    def has_dated_readings(self, row: Entry) -> bool:
        return any(source[0] == " " for source in self._part(row, READINGS))

    @final
    def readings_of(self, row: Entry) -> Readings:
        return self._part(row, READINGS)

    @final
    def fold(self, entries: Entries) -> int:
        rows, weights = entries.values(), self.weights
        if set(map(len, rows)) == {1 + len(weights)}:  # totals alone, by far the most common: no call for each row
            _, *columns = zip(*rows, strict=True)
            return sum(map(int.__mul__, weights, map(sum, columns)))
        plain = sum(self._plain(entries).values())
        return plain + sum(self.once(entries).values()) + sum(self._read(entries).values())

    @final
    def totals(self, entries: Entries) -> Totals:
        """Return the totals of all replicas together, without the amounts that resets cancelled.

        The value is their weighted sum. Amounts under idempotency keys are in the total of their column, and readings
        in the first one.
        """
        merged = merge_branches(self.record, entries)
        left = [*self._left(merged).values(), *self._left_under_keys(merged).values()]
        first, *others = map(sum, zip(*left, strict=True))
        return (first + sum(self._read(merged).values()), *others)

    def _part(self, row: Entry, number: int) -> Mapping[str, Any]:
        """Return one of the maps at the end of a row: keys, marks, marks on keys, expired commits, readings."""
        found: Mapping[str, Any] = self.record.at(row, 1 + len(self.weights) + number)
        return found

    def _parts(self, entries: Entries, number: int) -> list[Mapping[str, Any]]:
        """Return one of these maps from each row that has it."""
        index = 1 + len(self.weights) + number
        return [row[index] for row in entries.values() if len(row) > index]

    def _sent(self, entries: Entries) -> dict[str, Totals]:
        width, expired = len(self.weights), self._expired(entries)
        keyed = [(author, row) for author, row in entries.items() if len(row) > 1 + width]
        found = [self._unexpired(row, expired.get(origin(author), 0)) for author, row in keyed]
        return observed_resets([{key: sent[:width] for key, sent in one.items()} for one in found], larger, str)

    def _expired(self, entries: Entries) -> dict[str, int]:
        """Return replica id → the last commit whose keys have expired."""
        gone = {author: self._gone(row) for author, row in entries.items() if len(row) > 1 + len(self.weights) + GONE}
        return observed_resets([*self._parts(entries, EXPIRED), gone], max)

    def _marks(self, entries: Entries) -> dict[str, Totals]:
        return observed_resets(self._parts(entries, MARKS), larger)

    def is_cancelled(self, entries: Entries, replica: str, commit: int, amount: int, later: int) -> bool:
        if super().is_cancelled(entries, replica, commit, amount, later):
            return True
        mark, mine = self._marks(entries).get(replica), entries.get(replica)
        if mark is None or mine is None:
            return mark is not None
        column = 0 if amount > 0 else len(self.weights) - 1
        return bool(mark[column] > mine[1 + column] - later - abs(amount))

    def _once_marks(self, entries: Entries) -> dict[str, Totals]:
        return observed_resets(self._parts(entries, ONCE_MARKS), larger, str)
