"""What was done, and by whom: an oracle that knows the operations only, never a state."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

#: Author → how many of that author's commits are known.
Knowledge = Mapping[str, int]
#: The name and the type of a counter.
Key = tuple[str, str]


@dataclass(frozen=True)
class CounterOperation:
    """One operation on one counter: how much up or down, under which idempotency key, which elements."""

    key: Key
    up: int = 0
    down: int = 0
    once: str | None = None
    elements: frozenset[str] = frozenset()


@dataclass
class History:
    """Author → the commits, in order, each with its operations."""

    commits: dict[str, list[list[CounterOperation]]] = field(default_factory=dict)

    def commit(self, author: str, known: Knowledge, wanted: Iterable[CounterOperation]) -> bool:
        """Note what a commit of `author`, who knows `known`, does; return whether it does anything."""
        done: list[CounterOperation] = []
        for one in wanted:
            before = [*self.of(known), *done]
            mine = [*self.of({author: known.get(author, 0)}), *done]
            if one.once is not None:
                is_new = all((one.key, one.once) != (other.key, other.once) for other in before)
            elif one.elements:
                is_new = not one.elements <= elements(mine, one.key)
            else:
                is_new = True
            if is_new:
                done.append(one)
        if done:
            self.commits.setdefault(author, []).append(done)
        return bool(done)

    def refuses(self, author: str, known: Knowledge, wanted: Iterable[CounterOperation]) -> bool:
        """Return whether a commit uses an idempotency key again for another amount."""
        done: list[CounterOperation] = []
        for one in wanted:
            mine = [*self.of({author: known.get(author, 0)}), *done]
            for before in (mine, list(self.of(known))) if one.once is not None else ():
                sent = [other for other in before if (one.key, one.once) == (other.key, other.once)]
                if sent:
                    if one.up - one.down != value(sent):
                        return True
                    break
            done.append(one)
        return False

    def of(self, known: Knowledge) -> Iterator[CounterOperation]:
        """Yield the operations that one who knows `known` has learned of."""
        for author, number in known.items():
            for commit in self.commits.get(author, [])[:number]:
                yield from commit

    def values(self, known: Knowledge) -> dict[Key, int]:
        """Return what every counter must read for one who knows `known`."""
        operations = list(self.of(known))
        return {key: value([one for one in operations if one.key == key]) for key in {one.key for one in operations}}


def elements(operations: Iterable[CounterOperation], key: Key) -> frozenset[str]:
    """Return the elements that were added to a set."""
    return frozenset().union(*(one.elements for one in operations if one.key == key))


def value(operations: list[CounterOperation]) -> int:
    """Return the sum of the operations on one counter; an idempotency key counts once, an element too."""
    total = sum(one.up - one.down for one in operations if one.once is None)
    for key in {one.once for one in operations} - {None}:
        sent = [one for one in operations if one.once == key]
        total += max(one.up for one in sent) - max(one.down for one in sent)
    return total + len(frozenset().union(*(one.elements for one in operations)))


def join(*clocks: Knowledge) -> dict[str, int]:
    """Return what is known to those who know these, together."""
    return {author: max(clock.get(author, 0) for clock in clocks) for clock in clocks for author in clock}


def covers(known: Knowledge, wanted: Knowledge) -> bool:
    """Return whether one who knows `known` knows all of `wanted`."""
    return all(known.get(author, 0) >= number for author, number in wanted.items())
