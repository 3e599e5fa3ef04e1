"""The oracle: what a counter must read, from the operations that were seen and nothing else."""

from collections.abc import Iterable, Mapping

from tests.crdt.histories import Done

SIGNS = {"increment": 1, "decrement": -1}


def plain(done: Iterable[Done]) -> int:
    """Return the sum of all amounts without a once-key."""
    return sum(
        SIGNS[operation.verb] * operation.amount
        for _, operation in done
        if operation.verb in SIGNS and operation.once is None
    )


def once(done: Iterable[Done]) -> Mapping[str, int]:
    """Return once-key → what it counts, a single time for the whole world.

    Of each author the first operation under a key counts. Where authors do not agree on the amount, the
    largest increment and the largest decrement do.
    """
    first: dict[tuple[str, str], tuple[str, int]] = {}
    for author, operation in done:
        if operation.verb in SIGNS and operation.once is not None:
            first.setdefault((operation.once, author), (operation.verb, operation.amount))
    largest: dict[tuple[str, str], int] = {}
    for (key, _), (verb, amount) in first.items():
        largest[key, verb] = max(largest.get((key, verb), 0), amount)
    sums: dict[str, int] = {}
    for (key, verb), amount in largest.items():
        sums[key] = sums.get(key, 0) + SIGNS[verb] * amount
    return sums


def elements(done: Iterable[Done]) -> set[str]:
    """Return everything that was added."""
    return {element for _, operation in done if operation.verb == "add" for element in operation.elements}


def declared(done: Iterable[Done]) -> dict[str, tuple[int, int]]:
    """Return author → the bound and the initial value that it declared, the first time; 0 is the default."""
    found: dict[str, tuple[int, int]] = {}
    for author, operation in done:
        if operation.verb == "create":
            bound = operation.bound or 0
            found.setdefault(author, (bound, bound if operation.initial is None else operation.initial))
    return found


def begun(done: Iterable[Done]) -> dict[str, int]:
    """Return author → what its declaration adds to the value: the largest bound counts once, what is above it always.

    Of those who declared that bound, it is with the first.
    """
    found = declared(done)
    bound = max((bound for bound, _ in found.values()), default=0)
    first = min((author for author, (one, _) in found.items() if one == bound), default=None)
    return {
        author: initial - own + (bound if author == first else 0) for author, (own, initial) in sorted(found.items())
    }


def value(done: Iterable[Done]) -> int:
    """Return what the counter reads."""
    done = list(done)
    return plain(done) + sum(once(done).values()) + len(elements(done)) + sum(begun(done).values())
