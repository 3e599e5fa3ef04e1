"""Readings of meters: absolute numbers that are read again and again, and count once for each meter. Pure.

A meter is a *source*. Its readings only grow, until it restarts, for example with a machine: then the next
*generation* of it counts beside the earlier ones. Each replica keeps the largest reading that it made, by source and
generation. On read, the largest of all replicas counts, for each generation of each source. So neither a second scan,
nor a second replica that reads the same meter, adds anything.

A part of an entry maps source → generation → ``(reading, cancelled, opened)``. `cancelled` is the largest reading that
resets by this replica saw, which is subtracted as the maximum over all replicas. `opened` is 1 for a generation that
began with a reading of 0. All three are numbers that only grow, so versions and branches of an entry join by maximum.

**Which generation.** A replica compares a reading with the newest generation known here, from any replica:

* A reading at or above the largest one belongs to that generation.
* One below it that is not below this replica's own reading there is late: another replica read the meter after it.
  It counts nothing.
* Any other reading *falls*. The caller decides that it is refused or ignored, or that the source restarted. A restart
  opens the next generation, with one exception. If this replica read the meter in an earlier generation only, the fall
  that it sees is the one that others saw before. So the reading belongs to their generation, where it counts nothing.

Generations have numbers, so two replicas that see one restart without having heard of each other open the same one. A
replica that lets sources restart also keeps its first reading of each generation, even one that counts nothing,
because its next ones are compared with that.

Some cases look alike. Then the smaller total is taken, except in the first one:

* A replica that reads a source for the first time, below what is known: a late reading, or a restart. It is a restart
  if the caller lets sources restart.
* A restart after which the source has passed its last reading before it is read again: growth.
* A reading from before a restart that arrives after it, and is larger than what was read since: growth.
"""

from __future__ import annotations

from crdtctl.crdt.base import Refused
from crdtctl.crdt.reading_parts import FIRST, MAX_DIGITS, READING, READINGS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Literal, TypeAlias

    OnDrop = Literal["refuse", "restart", "ignore"]
    #: Generation → ``(reading, cancelled, opened)``, without zeros at the end.
    Generations: TypeAlias = Mapping[str, tuple[int, ...]]
    #: Source → its generations, as one replica has them.
    Readings: TypeAlias = Mapping[str, Generations]
    OnFall: TypeAlias = Callable[[int, "Fall"], object]
else:  # for modules whose annotations are evaluated
    OnDrop, Readings = str, dict

ON_DROP: tuple[OnDrop, ...] = ("refuse", "restart", "ignore")


class Fall(Refused):
    """A reading of a `source` is below the largest known one, and so it was not counted."""

    def __init__(self, source: str, reading: int, known: int) -> None:
        super().__init__(f"{shown(source)} reads {reading}, below the {known} that was read before")
        self.source = source
        self.reading = reading
        self.known = known


def shown(source: str) -> str:
    """Return a source for a message, with its period if it has one."""
    if source[:1] == " ":
        from crdtctl.crdt.dated_readings import shown as shown_dated

        return shown_dated(source)
    return f"'{source}'"


def observed(
    mine: Readings,
    others: Sequence[Readings],
    readings: Iterable[tuple[str, int]],
    on_drop: OnDrop,
    on_fall: OnFall | None = None,
) -> Readings:
    """Return the readings of one replica after it read some sources, in their order.

    Raise `Fall` for one that is refused. With `on_fall`, those are left out, and it is called with their places, from
    0, and the errors.
    """
    after = dict(mine)
    for place, (source, reading) in enumerate(readings):
        found = _observed(after.get(source, {}), [one[source] for one in others if source in one], reading, on_drop)
        if isinstance(found, int):
            fall = Fall(source, reading, found)
            if on_fall is None:
                raise fall
            on_fall(place, fall)
        elif found is not None:
            after[source] = found
    return after


def _observed(
    own: Generations, others: Sequence[Generations], reading: int, on_drop: OnDrop
) -> Generations | int | None:
    """Return the generations of one source after a reading, None if they stay, or the reading that it falls below."""
    known = _largest([own, *others])
    if not known:
        return _with(own, FIRST, reading) if reading else None
    newest = max(known, key=int)
    read_here = _largest([own], marks=False)
    is_first = on_drop == "restart" and newest not in read_here
    if reading > known[newest] or (reading == known[newest] and is_first):
        return _with(own, newest, reading)
    if reading >= read_here.get(newest, known[newest]) or on_drop == "ignore":
        return None
    following = str(int(newest) + 1)
    if on_drop == "refuse" or len(following) > MAX_DIGITS:
        return known[newest]
    return _with(own, newest if is_first and read_here else following, reading)


def standing_reading(own: Generations, others: Sequence[Generations], on_drop: OnDrop) -> int | None:
    """Return the reading of a source that changes nothing although it is the largest one, or None."""
    known = _largest([own, *others])
    if not known:
        return None
    newest = max(known, key=int)
    return known[newest] if on_drop != "restart" or newest in _largest([own], marks=False) else None


def _with(own: Generations, generation: str, reading: int) -> Generations:
    """Return generations with a reading in one of them."""
    _, cancelled, opened = _whole(own.get(generation, ()))
    return {**own, generation: READING.make(reading, cancelled, opened if reading else 1)}


def cancelled(mine: Readings, all_readings: Iterable[Readings]) -> Readings:
    """Return the readings of one replica after it cancelled all that it knows, its own among them."""
    together = joined(all_readings)
    after = dict(mine)
    for source, generations in together.items():
        open_ = {number: row for number, row in generations.items() if row[0] > _whole(row)[1]}
        if open_:
            own = mine.get(source, {})
            marked = {number: _marked(own.get(number, ()), row[0]) for number, row in open_.items()}
            after[source] = {**own, **marked}
    return after


def all_cancelled(mine: Readings, all_readings: Iterable[Readings]) -> dict[str, Generations]:
    """Return the readings of one replica after it cancelled those of all replicas, which are forgotten.

    Its own readings stay its own, since a later one is compared with them.
    """
    found: dict[str, Generations] = {}
    for source, generations in joined(all_readings).items():
        own = mine.get(source, {})
        after = {}
        for number, row in generations.items():
            reading, _, opened = _whole(own.get(number, ()))
            seen, gone, zero = _whole(row)
            after[number] = READING.make(reading, max(seen, gone), opened if seen else max(opened, zero))
        found[source] = after
    return found


def begun_again(mine: Readings, all_readings: Iterable[Readings]) -> Readings:
    """Return the cancelled readings of several replicas, see `all_cancelled`, with a new generation of each source.

    A later reading of a source belongs to that generation, where it counts from 0.
    """
    found = all_cancelled(mine, all_readings)
    for source, generations in found.items():
        following = str(max(map(int, generations)) + 1)
        if len(following) <= MAX_DIGITS:
            found[source] = {**generations, following: READING.make(0, 0, 1)}
    return found


def _marked(own: tuple[int, ...], seen: int) -> tuple[int, ...]:
    reading, _, opened = _whole(own)
    return READING.make(reading, seen, opened)


def joined(several: Iterable[Readings]) -> Readings:
    """Return the readings of several replicas together."""
    together: Readings = {}
    for one in several:
        together = READINGS.join(together, one) if together else one
    return together


def left(readings: Readings) -> dict[tuple[str, str], int]:
    """Return (source, generation) → what resets leave of its reading, if anything; of the joined readings."""
    found: dict[tuple[str, str], int] = {}
    for source, generations in readings.items():
        for number, row in generations.items():
            reading, gone, _ = _whole(row)
            if reading > gone:
                found[source, number] = reading - gone
    return found


def first_reader(source: str, generation: str, by: Mapping[str, Readings]) -> str:
    """Return the replica, of those in `by`, that made the largest reading of a generation; the first of several."""
    made = {who: one[source][generation][0] for who, one in by.items() if generation in one.get(source, {})}
    largest = max(made.values())
    return min(who for who, reading in made.items() if reading == largest)


def _largest(several: Sequence[Generations], *, marks: bool = True) -> dict[str, int]:
    """Return generation → its largest reading, also of those that only `marks` of resets know."""
    largest: dict[str, int] = {}
    for generations in several:
        for number, row in generations.items():
            reading, gone, opened = _whole(row)
            if reading or opened or marks:
                largest[number] = max(reading, gone if marks else 0, largest.get(number, 0))
    return largest


def _whole(row: tuple[int, ...]) -> tuple[int, int, int]:
    """Return a row with the zeros at its end."""
    reading, gone, opened, *_ = (*row, 0, 0, 0)
    return reading, gone, opened
