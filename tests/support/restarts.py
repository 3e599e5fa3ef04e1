"""What is left of the operations on an `hll` or a `hist` after forgetting, from the operations alone.

An author's operations are in *runs*. A run is forgotten as a whole, by who has seen its last change. The next operation
of its author begins another run, if the author has heard of that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from crdtctl.crdt.base import Operation


class Done(NamedTuple):
    """An operation by an author who had seen others."""

    number: int
    author: str
    operation: Operation
    saw: frozenset[int]


@dataclass
class Run:
    """Operations of one author; `last` is the number of the last one that changed anything, -1 if none did."""

    members: list[int] = field(default_factory=list)
    content: set[str] = field(default_factory=set)
    last: int = -1
    is_over: bool = False


def left(done: Sequence[Done], *, has_keys: bool) -> frozenset[int]:
    """Return the numbers of the operations that count. With `has_keys`, forgotten idempotency keys stay used."""
    forgets = [one for one in done if one.operation.verb == "forget"]
    runs: list[Run] = []
    present: dict[str, Run] = {}
    for one in done:
        operation, run = one.operation, present.get(one.author, Run())
        heard = [forget for forget in forgets if forget.number in one.saw]
        if operation.verb == "forget" or any(run.last in forget.saw for forget in heard):
            run.is_over = True
        if run.is_over or one.author not in present:
            run = present[one.author] = Run()
            runs.append(run)
        if operation.verb == "forget":
            continue
        run.members.append(one.number)
        news = set[str]()
        if operation.verb == "add" and not has_keys:
            news = set(operation.elements) - run.content
        elif operation.verb == "add" and operation.elements:
            key = operation.once
            is_used = key is not None and (key in run.content or key in used(forgets, done, one.saw))
            news = set() if is_used else {key or f"of {one.number}"}
        if news or run.last < 0:
            run.last = one.number
            run.content |= news
    dead = used(forgets, done) if has_keys else set()
    alive = {
        number
        for run in runs
        if not run.is_over and not any(run.last in forget.saw for forget in forgets)
        for number in run.members
    }
    return frozenset(one.number for one in done if one.number in alive and one.operation.once not in dead)


def used(forgets: Iterable[Done], done: Iterable[Done], saw: frozenset[int] | None = None) -> set[str]:
    """Return the idempotency keys that were forgotten; by the operations in `saw` if it is given."""
    seen = frozenset[int]().union(*(one.saw for one in forgets if saw is None or one.number in saw))
    adds = [one.operation for one in done if one.number in seen and one.operation.verb == "add"]
    return {one.once for one in adds if one.once and one.elements}
