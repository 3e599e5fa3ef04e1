"""Pairs of lines that differ in nothing but the numbers of their entries: joined many at a time, as bytes.

Two states of the same replicas are such pairs, mostly. Around its numbers, a line is the same text in both, so only the
numbers are decoded, all of a block in one call. For narrow lines, see `crdtctl.codec.one_author`.
"""

from collections.abc import Mapping, Sequence
from operator import itemgetter, le
from typing import Any, Final

import msgspec

from crdtctl.codec.layout import NAME_END
from crdtctl.codec.one_author import with_escapes, without_escapes
from crdtctl.codec.rows import ROWS, encode_rows
from crdtctl.codec.runs import lines_of

_seq = itemgetter(0)
_NO_BRACKETS: Final = bytes(set(range(256)).difference(b"[]"))
#: Number of lines below which a block with another shape is not halved to find the pairs of one shape.
_FEW: Final = 16


class _Limits(dict[bytes, int]):
    """The text before an entry → the largest commit number that its replica may have; 0 for an unknown replica."""

    def __init__(self, clock: Mapping[str, int]) -> None:
        self._clock = clock

    def __missing__(self, text: bytes) -> int:
        author = text[text.rfind(b'"', 0, -2) + 1 : -2]
        self[text] = limit = self._clock.get(author.decode(), 0)
        return limit


def join_pairs(mine: Sequence[bytes], theirs: Sequence[bytes], clock: Mapping[str, int]) -> list[bytes | None]:
    """Return the join of each pair of lines of one name, or None for a pair that has to be decoded.

    `mine` are lines of our own file. `theirs` are lines of a file of any origin, with this `clock`.
    """
    joined = join_together(mine, theirs, clock)
    if joined is not None:
        return list(joined)
    if len(mine) < _FEW or all(join_together([mine[at]], [theirs[at]], clock) is None for at in (0, -1)):
        return [None] * len(mine)
    half = len(mine) // 2
    return [*join_pairs(mine[:half], theirs[:half], clock), *join_pairs(mine[half:], theirs[half:], clock)]


def join_together(mine: Sequence[bytes], theirs: Sequence[bytes], clock: Mapping[str, int]) -> list[bytes] | None:
    """Return the join of all pairs of lines, or None if one of them differs in more than numbers, or is not valid."""
    if not mine:
        return []
    text, other = without_escapes(b",\n".join(mine)), without_escapes(b",\n".join(theirs))
    if text is None or other is None:
        return None
    start = text.find(NAME_END) + len(NAME_END)
    tag = text[start : text.find(b'"', start)]
    if tag not in ROWS or not text.isascii():
        return None
    if text.count(b'":{"%b":{"' % tag) != len(mine) or text.count(b'{"') != 2 * len(mine):  # of one type
        return None
    ours, new = _parts(text), _parts(other)
    shape, count = ours[::2], len(ours) // 2
    if shape != new[::2] or other.translate(None, _NO_BRACKETS) != b"[]" * count:  # each is where it is in our text
        return None
    array = b"[[%b]]" % b"],[".join(new[1::2])
    try:
        rows = ROWS[tag].decode(b"[[%b]]" % b"],[".join(ours[1::2]))
        theirs_rows = ROWS[tag].decode(array)
    except (msgspec.DecodeError, ValueError):
        return None
    if len(rows) != count or len(theirs_rows) != count or encode_rows(theirs_rows) != array:
        return None
    if not all(map(le, map(_seq, theirs_rows), map(_Limits(clock).__getitem__, shape))):
        return None
    joined = encode_rows(_larger(tag, rows, theirs_rows))[2:-2].split(b"],[")
    pieces = [b"["] * (4 * count + 1)
    pieces[::4] = shape
    pieces[2::4] = joined
    pieces[3::4] = [b"]"] * count
    return lines_of(with_escapes(b"".join(pieces)))


def _parts(text: bytes) -> list[bytes]:
    """Return the text before, in and after the numbers of the entries, by turns."""
    return text.replace(b"]", b"[").split(b"[")


def _larger(tag: bytes, a: Sequence[Any], b: Sequence[Any]) -> list[Any]:
    """Return the joins of pairs of rows."""
    if tag == b"pncounter":
        return [
            (i if i > x else x, j if j > y else y, k if k > z else z) for (i, j, k), (x, y, z) in zip(a, b, strict=True)
        ]
    return [tuple(map(max, x, y)) for x, y in zip(a, b, strict=True)]
