"""The readings that stand: those that change nothing when they are made again.

A scan repeats most readings of the one before it. They are found here by comparing texts, in a fraction of the time of
a request for each.
"""

from __future__ import annotations

from crdtctl import json_text
from crdtctl.crdt import TYPES
from crdtctl.crdt.readings import standing_reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, TypeAlias

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.readings import Generations, OnDrop, Readings
    from crdtctl.store.snapshot import Snapshot

    #: Name of a counter → source → its reading, all as bytes.
    Standing: TypeAlias = dict[bytes, dict[bytes, bytes]]

#: Reserved lines: attempts of jobs count by other rules, and readings under several names of a counter count once.
_SPECIAL = (b"=jobs", b"=renames")
#: The end of a line; and also the end of readings in it.
_END = b"]}}"


def standing(now: Snapshot, on_drop: OnDrop, tag: str | None = None) -> Standing:
    """Return the readings which change nothing, of counters of one type (with a `tag`: of that type)."""
    own, known = _lines(now.own), _lines(now.known)
    if any(name in lines for name in _SPECIAL for lines in (own, known)):
        return {}
    names = {name for lines in (own, known) for name, line in lines.items() if line.find(_END) < len(line) - len(_END)}
    mine, theirs = _trees(own, names), _trees(known, names)
    found: Standing = {}
    for name in mine.keys() | theirs.keys():
        here, there = mine.get(name, {}), theirs.get(name, {})
        types = here.keys() or there.keys()
        if len(types) != 1 or not types <= TYPES.keys() or tag not in (None, *types):
            continue
        (kind,) = types
        read = TYPES[kind].readings_of
        others = [read(tuple(row)) for author, row in there.get(kind, {}).items() if _is_seen(now.known, author)]
        before = read(tuple(here.get(kind, {}).get(now.id, ())))
        found[name.encode()] = dict(_standing(before, [one for one in others if one], on_drop))
    return found


def _lines(source: Source | None) -> dict[bytes, bytes]:
    return dict(source.lines()) if source else {}


def _trees(lines: Mapping[bytes, bytes], names: Iterable[bytes]) -> dict[str, Any]:
    """Return name → type → replica → row, as in JSON, of the lines with these names."""
    found: dict[str, Any] = json_text.decode(b"{%b}" % b",".join([lines[name] for name in names if name in lines]))
    return found


def _is_seen(source: Source | None, author: str) -> bool:
    """Return whether the entry of a replica is not hidden, as the one of an absorbed replica is."""
    return source is None or bool(source.names.get(author, True))


def _standing(mine: Readings, others: list[Readings], on_drop: OnDrop) -> Iterable[tuple[bytes, bytes]]:
    for source in mine.keys() | {source for one in others for source in one} if others else mine:
        own = mine.get(source, {})
        if len(own) == 1 and not others:  # by far the most common
            (row,) = own.values()
            if len(row) == 1:
                yield source.encode(), b"%d" % int(row[0])
                continue
        there = [_numbers(one[source]) for one in others if source in one]
        reading = standing_reading(_numbers(own), there, on_drop)
        if reading is not None:
            yield source.encode(), b"%d" % reading


def _numbers(generations: Mapping[str, Iterable[int | str]]) -> Generations:
    """Return generations with whole numbers: large ones are text in JSON."""
    return {number: tuple(map(int, row)) for number, row in generations.items()}


class Unchanged:
    """Finds lines ``NAME TOTAL [SOURCE]`` whose reading changes nothing, in the order of a file.

    `source` belongs to lines without one. A line that may be written in several ways ends the search.
    """

    def __init__(self, standing: Standing, source: str | None) -> None:
        self._standing = standing
        self._source = (source or "").encode()
        self._changed: set[tuple[bytes, bytes]] = set()
        self._is_open = bool(standing)

    def __call__(self, line: bytes) -> bool:
        """Return whether the reading on the next line certainly changes nothing."""
        if not self._is_open:
            return False
        fields = line.split(b"\t") if b"\t" in line else line.split(b" ", 2)
        if not 2 <= len(fields) <= 3:
            self._is_open = not line.strip()
            return False
        name, reading, source = fields if len(fields) == 3 else (*fields, self._source)
        known = self._standing.get(name)
        if known is not None and known.get(source) == reading and (name, source) not in self._changed:
            return True
        self._changed.add((name, source))
        if not (line.isascii() and source == source.strip()) or (known is None and b"{" in name):
            self._is_open = False
        return False
