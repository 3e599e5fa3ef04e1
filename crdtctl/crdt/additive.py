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
    MARKS,
    ONCE,
    ONCE_MARKS,
    READINGS,
    beyond,
    but,
    larger,
    left_of,
)
from crdtctl.crdt.additive_values import AdditiveValues
from crdtctl.crdt.base import TOO_LARGE, Refused
from crdtctl.crdt.branches import merge_branches, observed_resets, origin
from crdtctl.records import abstractmethod, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.crdt.additive_row import Totals
    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext
    from crdtctl.crdt.dated import Dated
    from crdtctl.crdt.readings import Readings


class AdditiveCounter(AdditiveValues):
    """A counter of totals that only grow: the operations that change its entries."""

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

            readings = (meters.begun_again if operation.keys_too else meters.all_cancelled)(readings, found)
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

    def _with_dated(self, mine: Entry, found: Dated) -> Entry:
        """Return `mine` with other settings of periods, and other periods."""
        width = len(self.weights)
        rest = self._rest(mine, ONCE, EVERY)
        return self.record.make(*mine[: 1 + width], *rest, *found, self._part(mine, FORGOTTEN))

    def _created(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        """Return `mine` with the settings of periods of an operation."""
        from crdtctl.crdt import dated  # only here and below: few counters have periods

        return self._with_dated(mine, dated.created(self._dated(mine), self._times(context.others()), operation))

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
