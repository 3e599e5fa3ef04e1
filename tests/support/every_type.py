"""A counter of every type that there is, from the registry: for tests of what happens to files and processes."""

import json

from crdtctl import Replica
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import CounterType
from tests.support.histories import verbs


def counts(kind: CounterType) -> bool:
    """Return whether a type counts amounts; else it takes elements."""
    return "increment" in verbs(kind)


def words(kind: CounterType, one: str) -> tuple[str, str]:
    """Return two words to add to a counter of a type, of which the second is not added by others if it is a set."""
    return ("0.35", "-1e2") if kind.adds_numbers else ("a", f"one of {one}")


def named(tag: str) -> str:
    """Return the name of the counter of a type."""
    return f"a {tag}"


def begin(replica: Replica) -> None:
    """Create the counters that must be there before they are used."""
    for tag, kind in TYPES.items():
        if kind.created_first:
            replica.create(named(tag), tag)


def count(replica: Replica) -> None:
    """Use a counter of every type."""
    with replica.batch() as batch:
        for tag, kind in TYPES.items():
            if counts(kind):
                batch.increment(named(tag), 2, tag=tag)
            else:
                batch.add(named(tag), *words(kind, replica.id), tag=tag)


def increments() -> str:
    """Return the lines of a batch that increments a counter of every type that counts."""
    lines = [{"name": named(tag), "type": tag, "amount": 3} for tag, kind in TYPES.items() if counts(kind)]
    return "".join(json.dumps(line) + "\n" for line in lines)
