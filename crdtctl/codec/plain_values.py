"""The plain part of values: the lines of a counter in a replica's two files → its value, without the full codec.

A line is plain if it has totals, idempotency keys, periods, or a set, and nothing that others cancelled. Readers raise
ValueError or LookupError for every other line.
"""

from crdtctl.codec import plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from crdtctl.codec.plain_keys import Keys

_SET = b'":{"gset":{"'


def read(lines: "Iterable[bytes]", name: bytes) -> tuple[bytes, int, dict[bytes, int] | None]:
    """Return the type and the value of a counter, and replica id → its share of the value.

    For a counter with idempotency keys, None replaces the shares: each key counts for one of the replicas that sent it.
    """
    shares: dict[bytes, int] = {}
    tags: set[bytes] = set()
    several: list[Keys] = []
    together: set[bytes] = set()
    for line in lines:
        if line.startswith(_SET, len(name) + 1):
            from crdtctl.codec.plain_sets import elements_of  # only here: few counters are sets

            found = elements_of(line, name)
            tag, parts = b"gset", {replica: len(elements) for replica, elements in found.items()}
            together.update(*found.values())
        else:
            tag, entries, keys = _entries(line, name)
            parts = {replica: plain.value_of(tag, {replica: row}) for replica, row in entries.items()}
            several += keys
        tags.add(tag)
        if len(tags) > 1 or not shares.keys().isdisjoint(parts):
            raise ValueError  # several types, or a newer entry of the same replica
        shares.update(parts)
    (tag,) = tags
    if tag == b"gset":
        return tag, len(together), shares
    value = sum(shares.values())
    if not several:
        return tag, value, shares
    from crdtctl.codec.plain_keys import value_of  # only here: few counters have keys

    return tag, value + value_of(tag, several), None


def _entries(line: bytes, name: bytes) -> "tuple[bytes, dict[bytes, list[int]], list[Keys]]":
    """Return the type of a counter of numbers, replica id → totals without keys, and the keys of each replica."""
    if plain.DATED in line:
        from crdtctl.codec.plain_periods import read_dated  # only here: few counters have periods

        tag, entries, _ = read_dated(line, name)
        return tag, entries, []
    if b",{" in line:
        from crdtctl.codec.plain_keys import read_line  # only here, as above

        return read_line(line, name)
    return *plain.read_line(line, name), []
