"""Totals that only grow, with idempotency keys and reset marks: the base of `gcounter` and `pncounter`.

The entry of one replica is ``(seq, total, …, once, marks, once_marks, expired, gone, readings, every, keep, periods,
forgotten)``. `once` maps a key to its own totals and the number of the commit that sent it. On read, a key counts once
for all replicas together: the maximum over the replicas that sent it, and then the sum over the keys.

`marks` are the totals that this replica's resets saw, by replica; `once_marks` are those of keys. On read they are
subtracted, each as the maximum over all replicas that reset the counter. So a reset cancels exactly the counts that it
had seen.

Source of the marks: C. Baquero, P. S. Almeida, C. Lerche, "The Problem with Embedded CRDT Counters and a Solution",
PaPoC 2016, whose reset also remembers the counts that it saw of each replica.

**Expiry.** Keys would accumulate forever. So one replica, the keeper, may let keys expire that it knows up to a clock.
It records that in `expired`: replica id → the last commit whose keys have expired. A replica that receives this leaves
these keys out, on read and in the state. A replica that drops its own keys records in `gone` the last commit whose
keys it dropped. In the same commit the keeper adds to its own totals the difference that the missing keys make. So the
value does not change, neither at the keeper nor at any replica that has both parts:

* The commits of a replica up to a number are known as a whole, because entries travel whole. So `expired` covers only
  keys that the keeper saw. A key that was sent later, or that the keeper did not know, has a larger number and counts.
* A stale file brings nothing back: its keys of these commits are left out, in any order of arrival. `expired` only
  grows, and the keys that it covers are fixed, so joins stay joins.
* A key that several replicas sent expires for each by its own commits. While one of them is left, the key counts with
  that one's amount, and the keeper adds the rest.
* A replica that absorbs another one leaves out the expired keys of that one as well.

The memory is lost: a key that is sent again after it expired counts again, from any replica. That is the meaning of
expiry, and the clock should be older than anything that is repeated. Two keepers that do not know each other would
count the same keys twice. So a replica that knows another keeper refuses; one replica should do this, as one should
absorb.

**Readings** of meters count up, beside the totals, see `crdtctl.crdt.readings`. They have no commit and never expire:
there are as many as sources.

**Periods.** With a setting `every`, a replica also counts *when*: `periods` has the amounts that it added in each, see
`crdtctl.crdt.periods`. Totals are those of its whole life, so no value depends on a clock. The difference between the
totals and all periods has no period: it was counted before the replica had heard of the setting, or its periods were
dropped. Keys have no period either, and readings have their own. `every` and `keep` are numbers that grow, and the
settings of a counter are the largest of all entries. Their author folds old periods, so they are not joined one by one:
of two versions of an entry, the periods of the one with the larger `seq` are taken, see `crdtctl.crdt.additive_row`.
"""

from __future__ import annotations

from crdtctl.crdt.additive_row import (
    END,
    EVERY,
    EXPIRED,
    FORGOTTEN,
    GONE,
    MARKS,
    ONCE,
    ONCE_MARKS,
    READINGS,
    beyond,
    but,
    is_of,
    larger,
    left_of,
)
from crdtctl.crdt.base import TOO_LARGE, CounterType, Refused
from crdtctl.crdt.branches import merge_branches, observed_resets, origin
from crdtctl.records import abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, ClassVar

    from crdtctl.crdt.additive_row import Totals
    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext
    from crdtctl.crdt.dated import Dated
    from crdtctl.crdt.readings import Readings
    from crdtctl.crdt.timeline import Timeline


class AdditiveCounter(CounterType):
    """A counter whose value is a weighted sum of totals that only grow."""

    #: The sign of each total in the value: +1 or −1.
    weights: ClassVar[tuple[int, ...]]
    has_keys = True
    has_readings = True
    settings = frozenset({"every", "keep"})
    has_default_periods = True
    can_be_forgotten = True

    @abstractmethod
    def column(self, operation: Operation) -> int:
        """Return the index of the total that `operation` adds to; raise `Refused`."""

    @final
    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        if operation.verb in ("create", "observe"):
            row = self._observed(mine, operation, context) if operation.readings else mine
            return row if (operation.every, operation.keep) == (None, None) else self._created(row, operation, context)
        if operation.verb == "reset":
            return self._reset(mine, context)
        if operation.verb == "forget":
            return self._forget(mine, operation, context)
        if operation.verb == "expire":
            return self._expire(mine, operation, context)
        column = self.column(operation)
        width = len(self.weights)
        totals = list(mine[1 : 1 + width])
        once = self._part(mine, 0)
        if operation.once is None:
            totals[column] += operation.amount
            if totals[column] >= TOO_LARGE:
                raise Refused("the total would have more than 100 digits")
            mine = self._in_period(mine, column, operation, context)
        elif operation.at is not None:
            raise Refused("an amount with an idempotency key has no period; leave out the time, or the key")
        else:
            gone = self._gone(mine)
            if once:  # another replica may have let some of them expire, or forgotten them
                known = {**context.others(), context.replica: mine}
                gone = self._expired(known).get(origin(context.replica), 0)
                forgotten = self._forgotten_keys(context.replica, known)
                once = self._unexpired(mine, max(gone, forgotten))
                if forgotten and operation.once not in once and operation.once in self._sent(self.tidied(known)):
                    return mine  # the entry that forgot it keeps it used
            if operation.once not in once and operation.amount:  # 0 makes no entry, so that a later count is not lost
                added = (operation.amount if i == column else 0 for i in range(width))
                once = {**once, operation.once: (*added, context.seq)}
                return self._with(mine, totals, once, self._part(mine, EXPIRED), gone)
        return self._with(mine, totals, self._part(mine, ONCE), self._part(mine, EXPIRED), self._gone(mine))

    def _observed(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return `mine` after it read some meters."""
        others = [self._part(row, READINGS) for row in context.others().values()]
        before, asked = self._part(mine, READINGS), operation.readings
        if operation.moments:
            from crdtctl.crdt import dated, dated_readings

            every = max(dated.agreed(self._dated(mine), self._times(context.others()))[0], operation.every or 0)
            asked = (*dated_readings.placed(asked, operation.moments, every, [before, *others]),)
        from crdtctl.crdt import readings as meters  # only here and below: few counters have readings

        found = meters.observed(before, others, asked, operation.on_drop, context.on_fall)
        return self._with_readings(mine, found)

    def _with_readings(self, mine: Entry, found: Readings) -> Entry:
        """Return `mine` with other readings."""
        first = 1 + len(self.weights)
        parts = [self.record.at(mine, index) for index in range(first + READINGS)]
        return self.record.make(*parts, found, *self._dated(mine), self._part(mine, FORGOTTEN))

    def _reset(self, mine: Entry, context: OperationContext) -> Entry:
        """Return `mine` with marks on all known totals that no mark covers yet."""
        width = len(self.weights)
        seen = merge_branches(self.record, {**context.others(), context.replica: mine})
        totals = {author: row[1 : 1 + width] for author, row in seen.items()}
        marks = {**self._part(mine, MARKS), **beyond(self._marks(seen), totals)}
        once_marks = {**self._part(mine, ONCE_MARKS), **beyond(self._once_marks(seen), self._sent(seen))}
        row = self.record.make(*mine[: 1 + width], self._part(mine, ONCE), marks, once_marks, *mine[4 + width :])
        found = self._parts(seen, READINGS)
        if not found:
            return row
        from crdtctl.crdt import readings as meters

        return self._with_readings(row, meters.cancelled(self._part(mine, READINGS), found))

    def _forget(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return an entry that covers all known ones: a reset of everything, see `crdtctl.crdt.forgetting`."""
        from crdtctl.crdt import forgetting  # only here and below: few counters are forgotten

        width, known = len(self.weights), {**context.others(), context.replica: mine}
        seen = merge_branches(self.record, known)
        marks = observed_resets([self._marks(seen), {who: row[1 : 1 + width] for who, row in seen.items()}], larger)
        sent, gone = self._sent(seen), self._gone(mine)
        once_marks = {**self._once_marks(seen), **beyond(self._once_marks(seen), sent)}
        once = {key: (*totals, context.seq) for key, totals in sent.items()}
        if operation.keys_too:
            if self._part(mine, ONCE_MARKS):
                raise Refused("this replica reset it before, so its idempotency keys stay used")
            once, once_marks, gone = {}, {}, max(gone, context.seq - 1)
        found = self._parts(seen, READINGS)
        readings = self._part(mine, READINGS)
        if found:
            from crdtctl.crdt import readings as meters

            readings = (meters.begun_again if operation.keys_too else meters.all_cancelled)(found)
        every, keep, _ = self._dated(mine)
        forgotten = forgetting.forgotten_by(context.replica, context.seq, known, 1 + width + FORGOTTEN)
        marks = {who: mark for who, mark in marks.items() if any(mark)}
        expired = {who: last for who, last in self._expired(seen).items() if last and who != context.replica}
        parts = (marks, once_marks, expired, gone, readings, every, keep, "", forgotten)
        return self.record.make(*mine[: 1 + width], once, *parts)

    def _expire(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return `mine` after the keys of the commits up to a clock expired, with their amounts in the totals."""
        width = len(self.weights)
        known = {**context.others(), context.replica: mine}
        for author, row in context.others().items():
            if self._part(row, EXPIRED) and origin(author) != context.replica and not operation.granted:
                raise Refused(
                    f"{author} lets its idempotency keys expire; a second replica that does this would count them twice"
                )
        clock, expired, gone = dict(operation.clock), dict(self._part(mine, EXPIRED)), self._gone(mine)
        for author, row in known.items():
            limit, who = min(clock.get(author, 0), row[0]), origin(author)
            sent = self._unexpired(row, gone if who == origin(context.replica) else expired.get(who, 0))
            if any(len(one) > width and one[width] <= limit for one in sent.values()):
                if who == origin(context.replica):
                    gone = max(gone, limit)
                else:
                    expired[who] = limit
        once = self._unexpired(mine, gone)
        before = self._left_under_keys(known)
        after = self._left_under_keys(
            {**known, context.replica: self._with(mine, mine[1 : 1 + width], once, expired, gone)}
        )
        totals = list(mine[1 : 1 + width])
        for key, left in before.items():
            for column, count in enumerate(left):
                totals[column] += count - after.get(key, (0,) * width)[column]
        if max(totals) >= TOO_LARGE:
            raise Refused("the total would have more than 100 digits")
        return self._with(mine, totals, once, expired, gone)

    def _with(
        self,
        mine: Entry,
        totals: Sequence[int],
        once: Mapping[str, Totals],
        expired: Mapping[str, int],
        gone: int,
    ) -> Entry:
        """Return `mine` with other totals and keys, and with unchanged marks, readings and periods."""
        marks, last = self._rest(mine, MARKS, EXPIRED), self._rest(mine, READINGS, END)
        return self.record.make(mine[0], *totals, once, *marks, expired, gone, *last)

    def _rest(self, row: Entry, first: int, end: int) -> Sequence[Any]:
        """Return some parts of a row after the totals."""
        begin = 1 + len(self.weights)
        return [self.record.at(row, begin + number) for number in range(first, end)]

    def _dated(self, row: Entry) -> Dated:
        """Return the last parts of a row: the settings of periods, and the periods as text."""
        every, keep, periods = self._rest(row, EVERY, FORGOTTEN)
        return every, keep, periods

    def _with_dated(self, mine: Entry, found: Dated) -> Entry:
        """Return `mine` with other settings of periods, and other periods."""
        width = len(self.weights)
        rest = self._rest(mine, ONCE, EVERY)
        return self.record.make(*mine[: 1 + width], *rest, *found, self._part(mine, FORGOTTEN))

    def _created(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return `mine` with the settings of periods of an operation."""
        from crdtctl.crdt import dated  # only here and below: few counters have periods

        return self._with_dated(mine, dated.created(self._dated(mine), self._times(context.others()), operation))

    def _times(self, entries: Entries) -> list[Dated]:
        return [self._dated(row) for row in entries.values()]

    def _in_period(self, mine: Entry, column: int, operation: Operation, context: OperationContext) -> Entry:
        """Return `mine` with an amount in its period, if this counter has any."""
        heard = context.heard()
        if not (heard or self.has_periods(mine) or operation.every or operation.at is not None):
            return mine  # by far the most common
        from crdtctl.crdt import dated

        amount = tuple([operation.amount if i == column else 0 for i in range(len(self.weights))])
        found = dated.counted(
            dated.Tallies(len(amount)),
            self._dated(mine),
            self._times(heard),
            operation,
            amount if operation.amount else None,
            context.now,
        )
        return mine if found is None else self._with_dated(mine, found)

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
    def absorb(self, mine: Entry, author: str, context: OperationContext) -> Entry:
        return self.absorb_all(mine, [author], context)

    @final
    def absorb_all(self, mine: Entry, authors: Sequence[str], context: OperationContext) -> Entry:
        if not authors:
            return mine
        width, others = len(self.weights), context.others()
        known = {**others, context.replica: mine}
        # What is taken over adds nothing to these, since the entries stay among the others.
        cancels, expired = self._marks(known), self._expired(known)
        gone = max(self._gone(mine), expired.get(origin(context.replica), 0))
        totals = mine[1 : 1 + width]
        once = dict(self._unexpired(mine, gone))
        parts = {number: self._part(mine, number) for number in (MARKS, ONCE_MARKS, EXPIRED, READINGS)}
        time = self._dated(mine)
        for author in authors:
            theirs = others[author]
            left = left_of(theirs[1 : 1 + width], cancels.get(author))
            totals = tuple([a + b for a, b in zip(totals, left, strict=True)])
            if max(totals) >= TOO_LARGE:
                raise Refused("the total would have more than 100 digits")
            for key, sent in self._unexpired(theirs, expired.get(origin(author), 0)).items():
                more = sent[:width] if key not in once else larger(once[key][:width], sent[:width])
                if key not in once or more != once[key][:width]:
                    once[key] = (*more, context.seq)
            for number, part in parts.items() if len(theirs) > 2 + width else ():
                parts[number] = self.record.parts[1 + width + number].join(part, self._part(theirs, number))
            for number in (MARKS, EXPIRED):
                if author in parts[number]:
                    parts[number] = but(parts[number], author)
            if self.has_periods(theirs):
                from crdtctl.crdt import dated

                none = (0,) * width
                time = dated.together(time, self._dated(theirs), theirs[1 : 1 + width], cancels.get(author, none))
        *marks, last, readings = parts.values()
        forgotten = self._part(mine, FORGOTTEN)
        absorbed = {author: others[author] for author in authors}
        if max(map(len, [mine, *absorbed.values()])) > 1 + width + FORGOTTEN:
            from crdtctl.crdt import forgetting

            row = self.record.make(mine[0], *totals, once, *marks, last, gone, readings)
            place, has_counts = 1 + width + FORGOTTEN, self._has_counts({context.replica: row})
            forgotten = forgetting.taken_over(
                context.replica, context.seq, mine, absorbed, place, has_counts=has_counts
            )
        return self.record.make(mine[0], *totals, once, *marks, last, gone, readings, *time, forgotten)

    def _has_counts(self, entries: Entries) -> bool:
        """Return whether resets leave any count."""
        width, marks = len(self.weights), self._marks(entries)
        totals = [left_of(row[1 : 1 + width], marks.get(origin(author))) for author, row in entries.items()]
        return any(map(any, totals)) or bool(self.once(entries) or self._read(entries))

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

    def _once_marks(self, entries: Entries) -> dict[str, Totals]:
        return observed_resets(self._parts(entries, ONCE_MARKS), larger, str)
