"""A counter that never falls below a bound, even while its replicas are offline: stock, seats, budgets.

Every decrement consumes *rights*, and each right belongs to one replica at any time. An increment creates rights for
the replica that makes it, which may transfer them to others. A replica without rights is refused, even if the value
is high. So no two replicas can use the same right, and the value, which is the bound plus all rights, cannot fall
below the bound.

Source: V. Balegas et al., "Extending Eventually Consistent Cloud Databases for Enforcing Numeric Invariants",
SRDS 2015. The paper has the matrix R and the vector U; one row of both is one replica's entry here. Requests, claims
and several creators are additions.

**Forgetting.** A replica that holds all rights can forget the counter (`crdtctl.crdt.forgetting`): it uses them up, so
that the value falls to the bound, and its entry covers all known entries. These stay in the files, because the rights
that others made or gave must add up with their later counts. An increment by a replica that had not received this is
exact: it makes rights there, and brings the counter back with them. A bound never falls. So a counter that is created
again needs one that is at least as high.

Of a fork (`crdtctl.crdt.forks`), each branch may have used the same rights. Then the rights of that replica are
negative in the joined state, by at least the oversold amount, and the value stays at the bound. A transfer of that many
rights to the replica makes up for it.
"""

from __future__ import annotations

from crdtctl.crdt import forgetting
from crdtctl.crdt.base import TOO_LARGE, Lacking, Refused
from crdtctl.crdt.bcounter_row import FORGOTTEN, RECORD, Row
from crdtctl.crdt.branches import merge_branches, origin
from crdtctl.crdt.periodic import Periodic
from crdtctl.records import final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext
    from crdtctl.crdt.periods import Period, Totals

#: Maximum number of holders of rights that a refusal names.
_NAMED = 3


@final
class BCounter(Periodic):
    """Row ``(seq, created, used, bounds, gifts, requests, claims, begun, every, keep, periods, forgotten)``.

    See `Row` for the parts.

    The value is K + Σ created − Σ used; K is the largest declared bound.
    """

    tag = "bcounter"
    can_be_renamed = False
    why_not_renamed = (
        "rights to one name could not be used under another one",
        "where all its rights are, 'crdtctl forget' it and create a counter with the other name and its value",
    )
    record = RECORD
    can_be_forgotten = True
    summary = "a counter that never falls below a bound; each replica decrements what it holds rights to"
    settings = frozenset({"bound", "initial", "every", "keep"})
    has_default_periods = True
    created_first = True

    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        if operation.once is not None:
            raise Refused(
                "a bcounter has no idempotency keys: rights are used on one replica, "
                "which cannot find out whether another replica has used the key"
            )
        row, amount = Row(*mine), operation.amount
        if amount < 0:
            raise Refused("an amount must be at least 0")
        match operation.verb:
            case "create":
                if not self._only_sets_periods(operation, context):
                    row = self._created(row, operation, context)
                return self.with_settings(self.record.make(*row), operation, context)
            case "increment":
                row = row._replace(created=_total(row.created + amount))
                return self.in_period(self.record.make(*row), (amount, 0) if amount else None, operation, context)
            case "decrement":
                self._require(amount, mine, context)
                row = row._replace(used=_total(row.used + amount))
                return self.in_period(self.record.make(*row), (0, amount) if amount else None, operation, context)
            case "transfer" if operation.granted:
                row = self._granted(row, operation, context)
            case "transfer":
                row = self._transferred(row, operation, context)
            case "request":
                row = self._requested(row, operation, context)
            case "forget":
                row = self._forgotten(row, context)
            case "reset":
                raise Refused(
                    "a bcounter cannot be reset: each replica can only use or transfer its own rights; "
                    "increment or decrement it"
                )
            case _:
                raise Refused(
                    "a bcounter counts amounts and has no elements; increment it, or add to a gset of another name"
                )
        return self.record.make(*row)

    @staticmethod
    def _only_sets_periods(operation: Operation, context: OperationContext) -> bool:
        """Return whether ``create`` sets the periods of a counter that another replica created."""
        is_new = operation.bound is not None or operation.initial is not None
        sets_periods = operation.every is not None or operation.keep is not None
        return sets_periods and not is_new and any(Row(*row).bounds for row in context.others().values())

    def forget_blocker(self, replica: str, entries: Entries) -> Lacking | None:
        found = ((n, who) for who, n in self.rights(entries).items() if n > 0 and who != replica)
        others = sorted(found, key=lambda one: (-one[0], one[1]))
        if not others:
            return None
        amount, holder = others[0]
        reason = f"other replicas could still use their rights: {_holders(others)}; all rights must be here first"
        return Lacking(reason, holder, amount)

    def _forgotten(self, row: Row, context: OperationContext) -> Row:
        """Use up all rights, which this replica must hold, and cover all entries."""
        known = _all_entries(self.record.make(*row), context)
        if blocker := self.forget_blocker(context.replica, known):
            raise blocker
        rest = max(0, sum(self.rights(known).values()))
        forgotten = forgetting.forgotten_by(context.replica, context.seq, known, FORGOTTEN)
        return row._replace(used=_total(row.used + rest), periods="", forgotten=forgotten)

    def least(self, entries: Entries) -> int:
        return self.bound(entries)

    def _created(self, row: Row, operation: Operation, context: OperationContext) -> Row:
        """Return the row with a bound and an initial value, unless it has some that were not forgotten."""
        known = _all_entries(self.record.make(*row), context)
        was_forgotten = self.is_forgotten(known)
        if row.bounds and not was_forgotten:
            return row
        new, bound = _declared(row, operation, context.replica), self.bound(known)
        if was_forgotten and int(new.bounds[0]) < bound:
            raise Refused(f"its bound was {bound} before it was forgotten, and never falls; add --bound {bound}")
        return new._replace(bounds=tuple(sorted({*row.bounds, *new.bounds})), begun={**new.begun, **row.begun})

    def fold(self, entries: Entries) -> int:
        rows = self._rows(entries).values()
        return self.bound(entries) + max(0, sum(row.created - row.used for row in rows))

    def shares(self, entries: Entries) -> dict[str, int]:
        """Return replica id → rights created minus rights used; the bound is a share of its first declarer."""
        found = {author: row[1] - row[2] for author, row in entries.items()}
        bound = self.bound(entries)
        declarer = min((a for a, row in entries.items() if str(bound) in Row(*row).bounds), default=None)
        if declarer is not None:
            found[declarer] += bound
        return found

    def bound(self, entries: Entries) -> int:
        """Return the lower bound: the largest that was declared."""
        return max((int(text) for row in entries.values() for text in Row(*row).bounds), default=0)

    def rights(self, entries: Entries) -> dict[str, int]:
        """Return replica id → its rights. They are negative only after a fork or a wrong claim.

        Their sum is the value minus the bound, as long as none is negative.
        """
        held: dict[str, int] = {}

        def move(amount: int, source: str, target: str) -> None:
            held[source] = held.get(source, 0) - amount
            held[target] = held.get(target, 0) + amount

        for author, row in self._rows(entries).items():
            held[author] = held.get(author, 0) + row.created - row.used
            for replica, amount in row.gifts.items():
                move(amount, author, replica)
            for replica, amount in row.claims.items():
                move(amount, replica, author)
        return dict(sorted(held.items()))

    def read_periods(self, kept: str) -> dict[Period, Totals]:
        from crdtctl.crdt import periods  # only here and below: few counters have periods

        return periods.read(kept, 2)

    def periods_kept(self, periods: Mapping[Period, Totals]) -> str:
        from crdtctl.crdt.periods import text

        return text(periods)

    def add_amounts(self, a: Totals, b: Totals) -> Totals:
        return a[0] + b[0], a[1] + b[1]

    def amount(self, entries: Entries) -> Totals:
        """Return the bound and the rights made, and the rights used. After a fork, no more were used than made."""
        rows = self._rows(entries).values()
        used = sum(row.used for row in rows)
        return self.bound(entries) + max(used, sum(row.created for row in rows)), used

    def together(self, amounts: Iterable[Any]) -> Totals:
        found = list(amounts)
        return sum(one[0] for one in found), sum(one[1] for one in found)

    def beyond(self, whole: Totals, part: Totals) -> Totals:
        return whole[0] - part[0], whole[1] - part[1]

    def size(self, amount: Any) -> int:
        return int(amount[0] - amount[1])

    def figures(self, amount: Any) -> Mapping[str, int]:
        return {"created": amount[0], "used": amount[1]}

    def makers(self, entries: Entries) -> dict[str, int]:
        """Return creator → its initial rights. If several replicas created the counter, all of them count.

        Those whose entries were forgotten are left out.
        """
        found: dict[str, int] = {}
        gone = forgetting.covered(entries, FORGOTTEN)
        for row in self._rows(entries).values():
            found.update({who: amount for who, amount in row.begun.items() if who not in gone})
        return dict(sorted(found.items()))

    def requests(self, entries: Entries) -> dict[str, dict[str, int]]:
        """Return holder → replica id → rights requested from the holder and not given yet."""
        rows = self._rows(entries)
        found: dict[str, dict[str, int]] = {}
        for author, row in sorted(rows.items()):
            for holder, amount in sorted(row.requests.items()):
                given = rows[holder].gifts.get(author, 0) if holder in rows else 0
                if amount > given:
                    found.setdefault(holder, {})[author] = amount - given
        return found

    def seal_blocker(self, replica: str, entries: Entries) -> tuple[str, ...]:
        held = self.rights(entries).get(replica, 0)
        if held <= 0:
            return ()
        return f"holds {held} right{'' if held == 1 else 's'} here", "give them away with 'crdtctl transfer' first"

    def absorb(self, mine: Entry, author: str, context: OperationContext) -> Entry:
        """Take over the created, used, given and claimed rights of `author`, and claim its received ones."""
        row, theirs, others = Row(*mine), Row(*context.others()[author]), self._rows(context.others())
        given = sum(one.gifts.get(author, 0) - one.claims.get(author, 0) for one in (*others.values(), row))
        gifts = dict(row.gifts)
        for replica, amount in theirs.gifts.items():
            if replica != context.replica:
                gifts[replica] = _total(gifts.get(replica, 0) + amount)
        claims = dict(row.claims)
        for replica, amount in (*theirs.claims.items(), *([(author, given)] if given > 0 else [])):
            claims[replica] = _total(claims.get(replica, 0) + amount)
        absorbed = self.record.make(
            row.seq,
            _total(row.created + theirs.created),
            _total(row.used + theirs.used),
            tuple(sorted({*row.bounds, *theirs.bounds})),
            gifts,
            row.requests,
            claims,
            self.record.parts[7].join(row.begun, theirs.begun),
            *self.dated(mine),
        )
        gone = {author: context.others()[author]}
        has_counts = self.value({context.replica: absorbed}) > self.bound({context.replica: absorbed})
        forgotten = forgetting.taken_over(context.replica, context.seq, mine, gone, FORGOTTEN, has_counts=has_counts)
        absorbed = self.record.make(*Row(*absorbed)[:FORGOTTEN], forgotten)
        return self.with_periods_of(absorbed, gone[author])

    def _rows(self, entries: Entries) -> dict[str, Row]:
        return {author: Row(*row) for author, row in merge_branches(self.record, entries).items()}

    def _require(self, amount: int, mine: Entry, context: OperationContext) -> None:
        """Raise `Lacking` unless this replica holds `amount` rights."""
        entries = _all_entries(mine, context)
        held = self.rights(entries)
        left = max(0, held.pop(context.replica, 0))
        if amount <= left:
            return
        missing = amount - left
        need = f"needs {amount} right{'' if amount == 1 else 's'}, but this replica holds {left}"
        most = sorted(((n, who) for who, n in held.items() if n > 0), key=lambda one: (-one[0], one[1]))
        if not most:
            raise Lacking(f"{need}; no other known replica holds any, so only an increment can create some")
        holders = _holders(most)
        asked = sum(others.get(context.replica, 0) for others in self.requests(entries).values())
        if asked >= missing:
            raise Lacking(f"{need}; {holders}; {asked} were requested and have not arrived yet")
        raise Lacking(f"{need}; {holders}", most[0][1], min(missing - asked, most[0][0]))

    def _transferred(self, row: Row, operation: Operation, context: OperationContext) -> Row:
        source, target, amount = (
            origin(operation.source or context.replica),
            origin(operation.replica),
            operation.amount,
        )
        if source == target:
            raise Refused("that replica has these rights; name another one")
        if source == context.replica:
            self._require(amount, self.record.make(*row), context)
        else:
            held = self.rights(_all_entries(self.record.make(*row), context)).get(source, 0)
            if amount > held:
                raise Refused(f"{source} holds only {max(0, held)} rights, as far as this replica knows")
            row = row._replace(claims=_more(row.claims, source, amount))
        if target != context.replica:
            row = row._replace(gifts=_more(row.gifts, target, amount))
        return row

    def _granted(self, row: Row, operation: Operation, context: OperationContext) -> Row:
        """Give the requested rights in the order of the ids, as far as they last."""
        entries = _all_entries(self.record.make(*row), context)
        left = self.rights(entries)[context.replica]
        for replica, amount in self.requests(entries).get(context.replica, {}).items():
            given = min(amount, left)
            if given > 0 and operation.replica in ("", replica):
                row = row._replace(gifts=_more(row.gifts, replica, given))
                left -= given
        return row

    def _requested(self, row: Row, operation: Operation, context: OperationContext) -> Row:
        """Request more than was requested before and than was given without a request, so that all of it is open."""
        holder = origin(operation.replica)
        if holder == context.replica:
            raise Refused("a replica cannot ask itself for rights; name another one")
        rows = self._rows(context.others())
        given = rows[holder].gifts.get(context.replica, 0) if holder in rows else 0
        asked = max(row.requests.get(holder, 0), given)
        return row._replace(requests={**row.requests, holder: _total(asked + operation.amount)})


def _declared(row: Row, operation: Operation, replica: str) -> Row:
    bound = operation.bound or 0
    initial = bound if operation.initial is None else operation.initial
    if initial < bound:
        raise Refused(f"the initial value {initial} is below the bound {bound}")
    if abs(bound) >= TOO_LARGE:
        raise Refused("a bound has at most 100 digits")
    begun = {replica: initial - bound} if initial > bound else {}
    return row._replace(created=_total(row.created + initial - bound), bounds=(str(bound),), begun=begun)


def _holders(most: Sequence[tuple[int, str]]) -> str:
    """Return the text of holders of rights, given with the largest ones first."""
    named = ", ".join(f"{who} holds {n}" for n, who in most[:_NAMED])
    return f"{named}, and {len(most) - _NAMED} other replicas hold some" if len(most) > _NAMED else named


def _all_entries(mine: Entry, context: OperationContext) -> dict[str, Entry]:
    return {**context.others(), context.replica: mine}


def _more(amounts: Mapping[str, int], replica: str, amount: int) -> dict[str, Any]:
    return {**amounts, replica: _total(amounts.get(replica, 0) + amount)}


def _total(number: int) -> int:
    if number >= TOO_LARGE:
        raise Refused("the total would have more than 100 digits")
    return number
