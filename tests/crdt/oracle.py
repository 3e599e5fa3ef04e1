"""The oracle: what a counter must read, from the operations that were seen and nothing else.

A reset cancels exactly the operations that had been seen where it was done. All functions take all operations that
were seen, in the order in which they were done; with `by`, they tell what one author has in the result.
"""

from collections.abc import Mapping, Sequence

from tests.crdt.histories import Done

SIGNS = {"increment": 1, "decrement": -1}


def cancelled(done: Sequence[Done]) -> frozenset[int]:
    """Return the numbers of the operations that a reset had seen."""
    return frozenset().union(*(saw for _, _, operation, saw in done if operation.verb == "reset"))


def plain(done: Sequence[Done], by: str | None = None) -> int:
    """Return the sum of all amounts without a once-key that no reset had seen."""
    gone = cancelled(done)
    return sum(
        SIGNS[operation.verb] * operation.amount
        for number, author, operation, _ in done
        if operation.verb in SIGNS and operation.once is None and number not in gone and by in (None, author)
    )


def once(done: Sequence[Done]) -> Mapping[str, int]:
    """Return once-key → what it counts, a single time for the whole world.

    Of each author the first operation under a key counts. Where authors do not agree on the amount, the
    largest increment and the largest decrement do. Of what a reset had seen, only what is larger counts on.
    """
    gone = cancelled(done)
    largest = _largest(done)
    seen = _largest([one for one in done if one.number in gone])
    sums: dict[str, int] = {}
    for (key, verb), amount in largest.items():
        left = amount - seen.get((key, verb), 0)
        if left:
            sums[key] = sums.get(key, 0) + SIGNS[verb] * left
    return sums


def once_of(done: Sequence[Done], by: str) -> int:
    """Return what counts under keys because of one author: of those who sent the largest amount, it is the first."""
    gone = cancelled(done)
    largest = _largest(done)
    seen = _largest([one for one in done if one.number in gone])
    authors = sorted({author for _, author, _, _ in done})
    total = 0
    for (key, verb), amount in largest.items():
        sent = (_largest([one for one in done if one.author == author]) for author in authors)
        first = next(author for author, found in zip(authors, sent, strict=True) if found.get((key, verb)) == amount)
        total += SIGNS[verb] * (amount - seen.get((key, verb), 0)) * (first == by)
    return total


def _largest(done: Sequence[Done]) -> Mapping[tuple[str, str], int]:
    """Return (once-key, verb) → the largest amount that an author sent first."""
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for _, author, operation, _ in done:
        if operation.verb in SIGNS and operation.once is not None:
            first.setdefault((operation.once, author), (operation.verb, operation.amount))
    largest: dict[tuple[str, str], int] = {}
    for (key, _), (verb, amount) in first.items():
        largest[key, verb] = max(largest.get((key, verb), 0), amount)
    return largest


def elements(done: Sequence[Done], by: str | None = None) -> set[str]:
    """Return what was added, and not cancelled.

    An element that its author had added, and that counted there, was not added again.
    """
    gone = cancelled(done)
    adds: dict[tuple[str, str], list[int]] = {}  # (author, element) → the operations that did add it
    for number, author, operation, saw in done:
        if operation.verb == "add":
            gone_there = cancelled([one for one in done if one.number in saw])
            for element in operation.elements:
                earlier = adds.setdefault((author, element), [])
                if gone_there.issuperset(earlier):
                    earlier.append(number)
    return {
        element for (author, element), numbers in adds.items() if by in (None, author) and not gone.issuperset(numbers)
    }


def declared(done: Sequence[Done]) -> dict[str, tuple[int, int]]:
    """Return author → the bound and the initial value that it declared, the first time; 0 is the default."""
    found: dict[str, tuple[int, int]] = {}
    for _, author, operation, _ in done:
        if operation.verb == "create":
            bound = operation.bound or 0
            found.setdefault(author, (bound, bound if operation.initial is None else operation.initial))
    return found


def begun(done: Sequence[Done]) -> dict[str, int]:
    """Return author → what its declaration adds to the value: the largest bound counts once, what is above it always.

    Of those who declared that bound, it is with the first.
    """
    found = declared(done)
    bound = max((bound for bound, _ in found.values()), default=0)
    first = min((author for author, (one, _) in found.items() if one == bound), default=None)
    return {
        author: initial - own + (bound if author == first else 0) for author, (own, initial) in sorted(found.items())
    }


def value(done: Sequence[Done]) -> int:
    """Return what the counter reads."""
    return plain(done) + sum(once(done).values()) + len(elements(done)) + sum(begun(done).values())
