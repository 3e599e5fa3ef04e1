"""Changes of counters: their values before and after a commit or a merge."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from crdtctl.crdt.base import Entry
    from crdtctl.crdt.counter import Counter


class Change(Record):
    """The values of one counter before and after; None if it did not exist, or was forgotten."""

    name: str
    tag: str
    before: int | None
    after: int | None


def reading(tag: str, *counters: Counter) -> int | None:
    """Return the value of the joined `counters` in type `tag`; None if none has that type, or it was forgotten."""
    kind = TYPES[tag]
    joined: dict[str, Entry] = {}
    for counter in counters:
        joined = kind.join_all(joined, counter.get(tag, {}))
    return kind.value(joined) if joined and not kind.is_forgotten(joined) else None
