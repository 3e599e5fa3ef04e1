"""The oracle of readings: what meters add to a counter, from the operations that were seen and nothing else.

Each reading is put into a generation of its source, by what its author had seen then. Of each generation the largest
reading counts, less what a reset had seen of it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from tests.support.histories import HistoryEvent


class Kept(NamedTuple):
    """A reading that its author kept: the number of the operation, and where it belongs."""

    number: int
    author: str
    source: str
    generation: int
    reading: int


def left(done: Sequence[HistoryEvent]) -> Mapping[tuple[str, int], int]:
    """Return (source, generation) → what resets leave of the largest reading, if anything."""
    kept = _kept(done)
    found = _largest(kept)
    for reset in (one for one in done if one.operation.verb in ("reset", "forget")):
        for key, seen in _largest([one for one in kept if one.number in reset.saw]).items():
            found[key] = max(min(found[key], _largest(kept)[key] - seen), 0)
    return {key: amount for key, amount in found.items() if amount}


def total(done: Sequence[HistoryEvent], by: str | None = None) -> int:
    """Return what meters add to the value; with `by`, what is in the share of one author."""
    kept = _kept(done)
    return sum(amount for key, amount in left(done).items() if by in (None, _first_reader(kept, key)))


def _first_reader(kept: Sequence[Kept], key: tuple[str, int]) -> str:
    largest = _largest(kept)[key]
    return min(one.author for one in kept if (one.source, one.generation) == key and one.reading == largest)


def _largest(kept: Sequence[Kept]) -> dict[tuple[str, int], int]:
    largest: dict[tuple[str, int], int] = {}
    for one in kept:
        key = one.source, one.generation
        largest[key] = max(one.reading, largest.get(key, 0))
    return largest


def _kept(done: Sequence[HistoryEvent]) -> list[Kept]:
    """Return the readings that were kept, in the order in which they were made."""
    kept: list[Kept] = []
    for one in done:
        for source, reading in one.operation.readings:
            known = [had for had in kept if had.source == source and had.number in {*one.saw, one.number}]
            generation = _generation(known, one, reading)
            if generation is not None:
                kept.append(Kept(one.number, one.author, source, generation, reading))
    return kept


def _generation(known: Sequence[Kept], one: HistoryEvent, reading: int) -> int | None:
    """Return the generation of a reading, None if it is not kept."""
    if not known:
        return 0 if reading else None
    newest = max(had.generation for had in known)
    top = max(had.reading for had in known if had.generation == newest)
    own = [had for had in known if had.author == one.author]
    own_there = [had.reading for had in own if had.generation == newest]
    restarts = one.operation.on_drop == "restart"
    if reading >= top:
        return newest if reading > top or (restarts and not own_there) else None
    if not restarts or (own_there and reading >= max(own_there)):
        return None
    return newest if own and not own_there else newest + 1
