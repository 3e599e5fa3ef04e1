"""How long, how large: the distribution of numbers, with counts in logarithmic buckets, exact sums, and the extremes.

A replica's entry has its own counts, which only grow, so the join of entries is exact: the distribution that several
entries give together is that of all their numbers. Replicas that created the counter at the same time may have chosen
different levels (`crdtctl.crdt.buckets`). Each keeps its own, and the coarsest applies on read. That is exact as well,
since a bucket of a finer level is a part of one bucket of a coarser level.

Numbers may be added under an idempotency key. They are kept by themselves, and count once for all replicas together: of
different numbers under one key those of one replica count, the most numerous ones.
"""

from __future__ import annotations

from crdtctl.crdt import buckets, decimals, distribution
from crdtctl.crdt.base import MAX_DIGITS, TOO_LARGE, Malformed, Refused
from crdtctl.crdt.distribution import Distribution
from crdtctl.crdt.lattice import Decimals, Elements, MapOf, Nat, PeriodsOf, Record, Restarted
from crdtctl.crdt.names import key_fault, replica_fault
from crdtctl.crdt.restarting import Restarting
from crdtctl.records import NamedTuple, final

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from crdtctl.crdt.base import Entries, Entry, Operation, OperationContext

_COUNTS = MapOf(buckets.key_fault, Nat(), are_names=False)
_PARTS = (_COUNTS, Decimals(), Decimals(), Decimals(downwards=True), Decimals())
_KEYED = Record(*_PARTS, required=1)
#: The places of parts of a row.
_ONCE, _USED = 7, 11
_REFUSALS = {
    "increment": "a hist counts numbers; add them to it",
    "decrement": "a hist cannot take a number back, because it does not store which numbers it counted; "
    "amounts that are taken back belong to a pncounter",
    "reset": "a hist cannot be reset, because it does not store which numbers it counted; 'crdtctl forget' drops it",
}


class Numbers(NamedTuple):
    """Numbers as a row has them: bucket → count, sums, extremes. A text is empty without such a number.

    `plus` is the sum of the positive numbers and `minus` that of the negative ones, without its sign.
    """

    counts: Mapping[str, int]
    plus: str = ""
    minus: str = ""
    least: str = ""
    most: str = ""

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return sum(self.counts.values())


@final
class Hist(Restarting):
    """Row ``(seq, levels, counts, plus, minus, least, most, once, every, keep, periods, used, start, forgotten)``.

    The value is how many numbers there are. For the parts of numbers, see `Numbers`.

    `levels` are the one that this replica chose, and those of replicas that it absorbed; it uses the coarsest. `once`
    maps an idempotency key to ``(counts, plus, minus, least, most)``, and `periods` those numbers of each period that
    were added without a key. `used` are the keys that were forgotten, and whose numbers do not count. `start` and
    `forgotten`: see `crdtctl.crdt.restarting`.
    """

    tag = "hist"
    record = Restarted(
        Nat(),
        Elements(buckets.level_fault),
        *_PARTS,
        MapOf(key_fault, _KEYED),
        Nat(),
        Nat(),
        PeriodsOf(_KEYED),
        Elements(key_fault),
        Nat(),
        MapOf(replica_fault, Nat()),
        required=3,
    )
    summary = "how long, how large: quantiles of numbers within 1 %, and their exact sum"
    settings = frozenset({"level", "every", "keep"})
    adds_numbers = True

    def mutate(self, mine: Entry, operation: Operation, context: OperationContext) -> Entry:
        if operation.verb in _REFUSALS:
            raise Refused(_REFUSALS[operation.verb])
        if operation.verb == "forget":
            return self.forget(mine, operation, context)
        if operation.verb not in ("create", "add"):
            raise Refused("a hist has no rights, and no keys that expire")
        mine = self.present(mine, context)
        levels, numbers, once = mine[1] or (self._level(operation, context),), _numbers(mine), self._keys(mine)
        if operation.verb == "create":
            return self.with_settings(self._row(mine, levels, numbers, once), operation, context)
        added = _of(self._added(operation), levels)
        if operation.once is None:
            row = self._row(mine, levels, _sum(numbers, added), once)
            return self.in_period(row, _KEYED.make(*added) if added.counts else None, operation, context)
        if operation.at is not None:
            raise Refused("numbers with an idempotency key have no period; leave out the time, or the key")
        used = self._used({**context.others(), context.replica: mine})
        if operation.once not in once and operation.once not in used and added.counts:
            once = {**once, operation.once: _KEYED.make(*added)}
        return self._row(mine, levels, numbers, once)

    def _row(self, mine: Entry, levels: tuple[str, ...], numbers: Numbers, once: Mapping[str, Entry]) -> Entry:
        """Return `mine` with other numbers, and unchanged other parts."""
        rest = [self.record.at(mine, index) for index in range(_ONCE + 1, len(self.record.parts))]
        return self.record.make(mine[0], levels, *numbers, once, *rest)

    @staticmethod
    def _level(operation: Operation, context: OperationContext) -> str:
        """Return the level of a new entry: the requested one, or the one of other replicas."""
        if operation.level:
            return operation.level
        return min((level for row in context.others().values() for level in row[1]), default=buckets.DEFAULT)

    def _keys(self, row: Entry) -> Mapping[str, Entry]:
        once: Mapping[str, Entry] = self.record.at(row, _ONCE)
        return once

    def _used(self, entries: Entries) -> set[str]:
        """Return the idempotency keys whose numbers were forgotten."""
        return {key for row in entries.values() for key in self.record.at(row, _USED)}

    def forgetting(self, entries: Entries, operation: Operation) -> list[Any]:
        *parts, _ = super().forgetting(entries, operation)
        return [*parts, () if operation.keys_too else tuple(sorted(self.used_keys(entries)))]

    def settings_of(self, row: Entry) -> Mapping[str, str]:
        chosen = {"level": min(row[1])} if row[1] else {}
        return {**chosen, **super().settings_of(row)}

    def fold(self, entries: Entries) -> int:
        return sum(_numbers(row).size for row in entries.values()) + sum(self.once(entries).values())

    def shares(self, entries: Entries) -> dict[str, int]:
        shares = {author: _numbers(row).size for author, row in entries.items()}
        for author, numbers in self._sent(entries).values():
            shares[author] += numbers.size
        return shares

    def once(self, entries: Entries) -> Mapping[str, int]:
        return {key: numbers.size for key, (_, numbers) in self._sent(entries).items()}

    def _sent(self, entries: Entries) -> dict[str, tuple[str, Numbers]]:
        """Return idempotency key → the replica whose numbers count under it, and these numbers."""
        found: dict[str, tuple[str, Numbers]] = {}
        used = self._used(entries)
        for author, row in sorted(entries.items()):
            for key, sent in self._keys(row).items():
                numbers = Numbers(*sent)
                if key in used:
                    continue
                if key not in found or _order(numbers) > _order(found[key][1]):
                    found[key] = author, numbers
        return found

    def used_keys(self, entries: Entries) -> Mapping[str, int]:
        return {**self.once(entries), **dict.fromkeys(self._used(entries), 0)}

    def is_repetition(self, entries: Entries, operation: Operation) -> bool:
        """Return whether the numbers of an operation are those that were counted under its idempotency key.

        Forgotten numbers are not known, and so any numbers are taken as these.
        """
        key = operation.once or ""
        if key in self._used(entries):
            return True
        sent = [Numbers(*keys[key]) for row in entries.values() if key in (keys := self._keys(row))]
        added = _of(self._added(operation), buckets.LEVELS)
        return any(one[1:] == added[1:] and one.size == added.size for one in sent)

    @staticmethod
    def _added(operation: Operation) -> Distribution:
        """Return the numbers that an operation adds; raise `Malformed`."""
        return distribution.together([distribution.of(_read(operation.elements)), *operation.numbers])

    def distribution(self, entries: Entries) -> Distribution:
        """Return the distribution of all numbers in several entries."""
        entries = self.merged(entries)
        found = [_numbers(row) for row in entries.values()]
        found += [numbers for _, numbers in self._sent(entries).values()]
        chosen = [Distribution(level, {}) for row in entries.values() for level in row[1]]
        return distribution.together([*chosen, *(one for numbers in found for one in _distributions(numbers))])

    def precision_info(self, entries: Entries) -> Mapping[str, float]:
        levels = {level for row in entries.values() for level in row[1]}
        for row in entries.values():
            levels.update(
                key[0] for numbers in (row[2], *(sent[0] for sent in self._keys(row).values())) for key in numbers
            )
        return {"relative_error": buckets.ERRORS[min(levels)]} if levels else {}

    def take_over(self, mine: Entry, theirs: Entry) -> Entry:
        once = dict(self._keys(mine))
        for key, sent in self._keys(theirs).items():
            if key not in once or _order(Numbers(*sent)) > _order(Numbers(*once[key])):
                once[key] = sent
        levels = self.record.parts[1].join(mine[1], theirs[1])
        row = self._row(mine, levels, _sum(_numbers(mine), _numbers(theirs)), once)
        used = self.record.parts[_USED].join(self.record.at(row, _USED), self.record.at(theirs, _USED))
        if used:
            rest = [self.record.at(row, index) for index in range(len(self.record.parts))]
            row = self.record.make(*rest[:_USED], used, *rest[_USED + 1 :])
        return self.with_periods_of(row, theirs)

    def add_amounts(self, a: Entry, b: Entry) -> Entry:
        return _KEYED.make(*_sum(Numbers(*a), Numbers(*b)))

    def shown(self, kept: Entry) -> Distribution:
        return distribution.together(_distributions(Numbers(*kept)))

    def amount(self, entries: Entries) -> Distribution:
        return self.distribution(entries)

    def together(self, amounts: Iterable[Any]) -> Distribution:
        found = list(amounts)
        return distribution.together(found or [Distribution(buckets.FINEST, {})])

    def beyond(self, whole: Distribution, part: Distribution) -> Distribution:
        return distribution.beyond(whole, part)

    def size(self, amount: Any) -> int:
        return int(amount.count)


def _numbers(row: Entry) -> Numbers:
    return Numbers(*row[2:7])


def _read(elements: Iterable[str]) -> list[int]:
    """Return typed numbers in units; raise `Malformed`."""
    found = []
    for element in elements:
        try:
            found.append(decimals.read(element))
        except decimals.NotANumber as fault:
            raise Malformed(f"'{element[:40]}': {fault}", fault.hint) from None
    return found


def _of(found: Distribution, levels: Iterable[str]) -> Numbers:
    """Return a distribution as a row has it, in the coarsest of some levels."""
    found = found.at(min(levels))
    counts = {buckets.key(bucket, found.level): count for bucket, count in found.counts.items()}
    sums = ("" if number == 0 else decimals.text(number) for number in (found.plus, found.minus))
    extremes = ("" if number is None else decimals.text(number) for number in (found.least, found.most))
    return Numbers(counts, *sums, *extremes)


def _distributions(numbers: Numbers) -> Iterable[Distribution]:
    """Yield the counts of each level, and then the sums and extremes."""
    by_level: dict[str, dict[int, int]] = {}
    for key, count in numbers.counts.items():
        level, bucket = buckets.parsed(key)
        by_level.setdefault(level, {})[bucket] = count
    plus, minus, least, most = (decimals.units(text) if text else None for text in numbers[1:])
    for level, counts in by_level.items():
        yield Distribution(level, counts)
    if by_level:
        yield Distribution(buckets.FINEST, {}, plus or 0, minus or 0, least, most)


def _sum(a: Numbers, b: Numbers) -> Numbers:
    """Return all numbers of both together; raise `Refused`."""
    counts = dict(a.counts)
    for key, count in b.counts.items():
        counts[key] = counts.get(key, 0) + count
    plus, minus = (_total(*texts) for texts in ((a.plus, b.plus), (a.minus, b.minus)))
    if sum(counts.values()) >= TOO_LARGE or any(decimals.fault(text, MAX_DIGITS) for text in (plus, minus) if text):
        raise Refused("the total would have more than 100 digits")
    return Numbers(counts, plus, minus, _PARTS[3].join(a.least, b.least), _PARTS[4].join(a.most, b.most))


def _total(a: str, b: str) -> str:
    """Return the sum of two decimal numbers as text. An empty text is 0."""
    return decimals.text(decimals.units(a) + decimals.units(b)) if a and b else a or b


def _order(numbers: Numbers) -> tuple[object, ...]:
    """Return a sort key of numbers under one idempotency key: more numbers come later, then a larger sum."""
    plus, minus = (decimals.units(text) if text else 0 for text in (numbers.plus, numbers.minus))
    return numbers.size, plus - minus, sorted(numbers.counts.items()), *numbers[1:]
