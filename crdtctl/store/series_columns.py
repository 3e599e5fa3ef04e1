"""Lines of many counters with one entry of numbers each, read as columns: their sums, and their periods as text.

A line is taken only if it is canonical to the byte, as in `crdtctl.codec.one_author`. Everything else is left.
"""

from __future__ import annotations

from crdtctl.codec import dated_rows
from crdtctl.codec.layout import MAX_SAFE
from crdtctl.codec.plain import DATED, WEIGHTS, are_names
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: The text between two entries of one counter.
NEXT_ENTRY = b'],"'


class Columns(NamedTuple):
    """The type of counters, the sums of their totals, settings of their periods, and text of periods → how often."""

    tag: str
    sums: tuple[int, ...]
    settings: set[tuple[int, int]]
    periods: dict[bytes, int]


def read(bodies: Sequence[bytes]) -> Columns:
    """Return the columns of lines without their names; raise ValueError or LookupError if one is of another form."""
    _, tag, _ = bodies[0].split(b'"', 2)
    width = 1 + len(WEIGHTS[tag])
    opening = b'"%b":{"' % tag
    pieces = b"\n".join([b"", *bodies, b""]).split(b"]}}\n" + opening)
    pieces[0] = pieces[0].removeprefix(b"\n" + opening)
    pieces[-1] = pieces[-1].removesuffix(b"]}}\n")
    rows = [piece.split(b'":[', 1) for piece in pieces]
    if len(pieces) != len(bodies) or not are_names([*{replica for replica, _ in rows}]):
        raise ValueError
    halves = [row.partition(DATED) for _, row in rows]
    digits = b",".join([numbers for numbers, _, _ in halves])
    if {numbers.count(b",") for numbers, _, _ in halves} != {width - 1}:
        raise ValueError
    numbers = [*map(int, digits.split(b","))]
    if b",".join([b"%d" % one for one in numbers]) != digits or b"-" in digits:
        raise ValueError
    if not min(numbers[::width]) or max(numbers) > MAX_SAFE:
        raise ValueError
    sums = tuple([sum(numbers[column::width]) for column in range(1, width)])
    tails = _times([tail for _, dated, tail in halves if dated])
    periods: dict[bytes, int] = {}
    settings = set()
    for tail, times in tails.items():
        every, keep, text = dated_rows.read(tail)
        settings.add((every, keep))
        periods[text] = periods.get(text, 0) + times
    return Columns(tag.decode(), sums, settings, periods)


def _times(texts: Iterable[bytes]) -> dict[bytes, int]:
    """Return how often each text is there."""
    found: dict[bytes, int] = {}
    for text in texts:
        found[text] = found.get(text, 0) + 1
    return found
