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


def value(done: Iterable[Done]) -> int:
    """Return what the counter reads."""
    done = list(done)
    return plain(done) + sum(once(done).values()) + len(elements(done))
