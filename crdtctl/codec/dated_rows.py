"""Entries of numbers that keep periods: the end of such an entry, read and joined as bytes.

Such a row is ``3,2,0,{},{},{},{},0,{},2,0,"h490923:1"``: numbers, then `DATED`, then the settings and the periods. All
of it means the same, and is as valid, as with `crdtctl.codec.lines`. Everything else is left to that module.
"""

from __future__ import annotations

from crdtctl.codec.plain import DATED, number
from crdtctl.crdt import periods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    #: Settings `every` and `keep`, and periods as text.
    Dated: TypeAlias = tuple[int, int, bytes]

#: The characters of the text of periods.
_OF_PERIODS = b"mdhq0123456789:,- "
#: Settings, with the quote behind them, that were found valid.
_known: dict[bytes, tuple[int, int]] = {}
_MOST_KNOWN = 1000


def read(tail: bytes) -> Dated:
    """Return the settings and the periods at the end of an entry; raise ValueError unless it has their form."""
    settings, quote, text = tail.partition(b',"')
    if quote and (text.translate(None, _OF_PERIODS) != b'"' or text[-1:] != b'"'):
        raise ValueError
    if quote and len(text) < 2:
        raise ValueError
    known = _known.get(settings + quote) or _settings(settings, quote)
    return *known, text[:-1]


def _settings(text: bytes, quote: bytes) -> tuple[int, int]:
    """Return the settings of periods; raise ValueError unless they are valid, with periods behind them or without."""
    first, comma, second = text.partition(b",")
    every, keep = number(first), number(second)
    if not 0 < every <= periods.FINEST or not (keep or (quote and second == b"0") or not (comma or quote)):
        raise ValueError
    if len(_known) >= _MOST_KNOWN:
        _known.clear()
    _known[text + quote] = every, keep
    return every, keep


def are_valid(tails: Sequence[bytes], width: int) -> bool:
    """Return whether these are certainly valid ends of entries with `width` totals."""
    try:
        texts = [read(tail)[2].decode() for tail in tails]
    except ValueError:
        return False
    found = [text for text in texts if text]
    return not found or periods.are_sound(found, width)


def is_row(row: bytes) -> bool:
    """Return whether a row of a line of our own has nothing but numbers and periods."""
    digits, dated, tail = row.partition(DATED)
    try:
        return not digits.strip(b"0123456789,") and (not dated or bool(read(tail)))
    except ValueError:
        return False


def join(a: bytes, b: bytes) -> bytes:
    """Return the join of two rows of one replica, as `crdtctl.crdt.additive_row` does; raise ValueError for others."""
    (mine, (every, keep, text)), (theirs, (finer, longer, other)) = _parts(a), _parts(b)
    numbers = b",".join([b"%d" % max(pair) for pair in zip(mine, theirs, strict=True)])
    every, keep = max(every, finer), max(keep, longer)
    text = max((mine[0], text), (theirs[0], other))[1]
    if text:
        return b'%b%b%d,%d,"%b"' % (numbers, DATED, every, keep, text)
    return b"%b%b%d,%d" % (numbers, DATED, every, keep) if keep else b"%b%b%d" % (numbers, DATED, every)


def _parts(row: bytes) -> tuple[list[int], Dated]:
    digits, dated, tail = row.partition(DATED)
    return [*map(int, digits.split(b","))], read(tail) if dated else (0, 0, b"")
