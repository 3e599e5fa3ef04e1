"""The oracle: what a counter must read, from the operations that were seen and nothing else.

A reset cancels exactly the operations that had been seen where it was done, and so does forgetting the counter. All
functions take all operations that were seen, in the order in which they were done; with `by`, they tell what one author
has in the result.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from crdtctl.crdt.base import Operation, Verb
from tests.support import meters
from tests.support.histories import NUMBERS, HistoryEvent

SIGNS = {"increment": 1, "decrement": -1}
RESETS = ("reset", "forget")


def cancelled(done: Sequence[HistoryEvent]) -> frozenset[int]:
    """Return the numbers of the operations that a reset had seen."""
    return frozenset().union(*(saw for _, _, operation, saw, *_ in done if operation.verb in RESETS))


def plain(done: Sequence[HistoryEvent], by: str | None = None) -> int:
    """Return the sum of all amounts without an idempotency key that no reset had seen, and of what an expiry added."""
    gone = cancelled(done)
    counted = sum(
        SIGNS[operation.verb] * operation.amount
        for number, author, operation, *_ in done
        if operation.verb in SIGNS and operation.once is None and number not in gone and by in (None, author)
    )
    return counted + sum(
        sign * amount
        for one in done
        if one.operation.verb == "expire" and one.number not in gone and by in (None, one.author)
        for sign, amount in _added(done, one)
    )


def once(done: Sequence[HistoryEvent]) -> Mapping[str, int]:
    """Return once-key → what it counts, a single time for the whole world.

    Of each author the first operation under a key counts, or the first one after that expired. Where authors do not
    agree on the amount, the largest increment and the largest decrement do. Of what a reset had seen, only what is
    larger counts on.
    """
    sums = {key: max(map(len, sent.values())) for key, sent in numbers_under_keys(done).items()}
    for (key, verb), left in _left(done).items():
        sums[key] = sums.get(key, 0) + SIGNS[verb] * left
    return sums


def once_of(done: Sequence[HistoryEvent], by: str) -> int:
    """Return what counts under keys because of one author: of those who sent the largest amount, it is the first."""
    sent = _standing(done)
    total = 0
    for numbers in numbers_under_keys(done).values():
        if by == max(sorted(numbers), key=lambda author: (len(numbers[author]), sum(map(Decimal, numbers[author])))):
            total += len(numbers[by])
    for (key, verb), left in _left(done).items():
        found = {
            one.author: one.operation.amount for one in sent if (one.operation.once, one.operation.verb) == (key, verb)
        }
        first = min(author for author, amount in found.items() if amount == max(found.values()))
        total += SIGNS[verb] * left * (first == by)
    return total


def _added(done: Sequence[HistoryEvent], expiry: HistoryEvent) -> list[tuple[int, int]]:
    """Return what an expiry adds to the totals of its author: by how much the keys count less from then on."""
    before = [one for one in done if one.number in expiry.saw]
    left, after = _left(before), _left([*before, expiry])
    return [(SIGNS[verb], amount - after.get((key, verb), 0)) for (key, verb), amount in left.items()]


def _left(done: Sequence[HistoryEvent]) -> Mapping[tuple[str, Verb], int]:
    """Return (once-key, verb) → what resets leave of the largest amount."""
    resets = [one for one in done if one.operation.verb in RESETS]
    seen: dict[tuple[str, Verb], int] = {}
    for reset in resets:
        for key, amount in _largest(_standing([one for one in done if one.number in reset.saw])).items():
            seen[key] = max(amount, seen.get(key, 0))
    left = {key: amount - seen.get(key, 0) for key, amount in _largest(_standing(done)).items()}
    return {key: amount for key, amount in left.items() if amount > 0}


def _largest(done: Sequence[HistoryEvent]) -> Mapping[tuple[str, Verb], int]:
    """Return (once-key, verb) → the largest amount that somebody sent."""
    largest: dict[tuple[str, Verb], int] = {}
    for one in done:
        key = one.operation.once or "", one.operation.verb
        largest[key] = max(largest.get(key, 0), one.operation.amount)
    return largest


def _standing(
    done: Sequence[HistoryEvent], known: dict[frozenset[int], list[HistoryEvent]] | None = None
) -> list[HistoryEvent]:
    """Return the operations under idempotency keys that count in their own right, and have not expired.

    Who forgets a counter keeps its keys used, as if it had sent them. `known` are results for some of the operations.
    """
    known = {} if known is None else known
    expiries = [one for one in done if one.operation.verb == "expire"]
    sent: list[HistoryEvent] = []
    for one in done:
        if one.operation.verb in SIGNS and one.operation.once is not None:
            again = [
                other for other in sent if (other.author, other.operation.once) == (one.author, one.operation.once)
            ]
            seen = [expiry for expiry in expiries if expiry.number in one.saw]
            if all(_has_expired(other, seen) for other in again):
                sent.append(one)
        elif one.operation.verb == "forget":
            if one.saw not in known:
                known[one.saw] = _standing([other for other in done if other.number in one.saw], known)
            for (key, verb), amount in _largest(known[one.saw]).items():
                sent.append(one._replace(operation=Operation(verb, amount, once=key)))
    return [one for one in sent if not _has_expired(one, expiries)]


def _has_expired(one: HistoryEvent, expiries: Sequence[HistoryEvent]) -> bool:
    return any(
        one.number in expiry.saw and one.seq <= dict(expiry.operation.clock).get(one.author, 0) for expiry in expiries
    )


def numbers(done: Sequence[HistoryEvent], by: str | None = None) -> list[str]:
    """Return the numbers that were added without an idempotency key."""
    added = [one for one in done if _adds_numbers(one) and one.operation.once is None and by in (None, one.author)]
    return [number for one in added for number in one.operation.elements]


def numbers_under_keys(done: Sequence[HistoryEvent]) -> dict[str, dict[str, tuple[str, ...]]]:
    """Return once-key → author → the first numbers that it added under the key."""
    found: dict[str, dict[str, tuple[str, ...]]] = {}
    for one in done:
        if _adds_numbers(one) and one.operation.once is not None:
            found.setdefault(one.operation.once, {}).setdefault(one.author, one.operation.elements)
    return found


def _adds_numbers(one: HistoryEvent) -> bool:
    return one.operation.verb == "add" and one.operation.elements in NUMBERS[1:]


def elements(done: Sequence[HistoryEvent], by: str | None = None) -> set[str]:
    """Return what was added, and not cancelled.

    An element that its author had added, and that counted there, was not added again.
    """
    gone = cancelled(done)
    adds: dict[tuple[str, str], list[int]] = {}  # (author, element) → the operations that did add it
    for number, author, operation, saw, *_ in done:
        if operation.verb == "add" and operation.elements not in NUMBERS:
            gone_there = cancelled([one for one in done if one.number in saw])
            for element in operation.elements:
                earlier = adds.setdefault((author, element), [])
                if gone_there.issuperset(earlier):
                    earlier.append(number)
    return {
        element for (author, element), numbers in adds.items() if by in (None, author) and not gone.issuperset(numbers)
    }


def declared(done: Sequence[HistoryEvent]) -> list[tuple[str, int, int, bool]]:
    """Return the author, the bound and the initial value of each declaration, and whether it was forgotten.

    0 is the default. An author declares a counter once, and again after it was forgotten.
    """
    gone, found = cancelled(done), list[tuple[str, int, int, bool]]()
    for number, author, operation, saw, *_ in done:
        if operation.verb == "create" and (
            author not in {who for who, *_ in found} or _is_forgotten([one for one in done if one.number in saw])
        ):
            bound = operation.bound or 0
            initial = bound if operation.initial is None else operation.initial
            found.append((author, bound, initial, number in gone))
    return found


def _is_forgotten(done: Sequence[HistoryEvent]) -> bool:
    """Return whether all operations that changed a counter were seen by those that forgot it."""
    gone = cancelled(done)
    changes = [one for one in done if one.changes]
    return bool(changes) and all(one.number in gone or one.operation.verb == "forget" for one in changes)


def begun(done: Sequence[HistoryEvent]) -> dict[str, int]:
    """Return author → what its declarations add to the value: the largest bound counts once, what is above it always.

    Of those who declared that bound, it is with the first. Of what was forgotten, only the bound counts.
    """
    found = declared(done)
    bound = max((bound for _, bound, _, _ in found), default=0)
    first = min((author for author, one, _, _ in found if one == bound), default=None)
    sums = {author: bound * (author == first) for author in sorted({who for who, *_ in found})}
    for author, own, initial, is_gone in found:
        sums[author] += 0 if is_gone else initial - own
    return sums


def value(done: Sequence[HistoryEvent]) -> int:
    """Return what the counter reads."""
    keys, members = sum(once(done).values()), len(elements(done)) + len(numbers(done))
    return plain(done) + keys + meters.total(done) + members + sum(begun(done).values())
