"""Our file read beside another one, to find out in one pass that it is sound and that the other holds nothing new.

An export that its own replica merges again has the lines of ``known.json``, with entries of that replica among them.
"""

from __future__ import annotations

import zlib
from operator import lt

from crdtctl.codec.layout import NAME_END, name_of
from crdtctl.codec.one_author import COLUMNS, are_names, seqs_of, type_of, with_escapes, without_escapes
from crdtctl.codec.runs import SEPARATOR
from crdtctl.crdt.clock import missing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from crdtctl.codec.reader import Source

#: Number of bytes that are compared at a time. Two larger blocks at once make the system take their memory back.
_SIZE = 2**16


def verify_beside(base: Source, other: Source, own: str, *, size: int = _SIZE) -> bool:
    """Verify the checksum of `base`; return whether all lines of the `other` source are certainly in it.

    Valid entries of the replica `own` may be in the other besides. A file of many lines with entries of other types
    than totals counts as different. Raise `Invalid` if `base` is not sound. The other one must have been verified.
    """
    if missing(other.head.clock, base.head.clock):  # lines that are the same would not be valid there
        base.verify()
        return False
    checksum = zlib.crc32(base.pages.read(0, base.start))
    at = base.start
    limit = other.head.clock.get(own, 0)
    last = b""
    is_inside = True
    for text in _texts(other, size):
        mine = base.pages.read(at, min(len(text) + len(SEPARATOR), base.end - at))
        lines: bytes | None = text
        if not mine.startswith(text):
            lines = without_own(text, own.encode(), limit)
            mine = b"" if not lines else base.pages.read(at, min(len(lines) + len(SEPARATOR), base.end - at))
        is_inside = lines is not None and mine.startswith(lines) and _is_after(text, last)
        if lines is None or not is_inside or (lines and mine[len(lines) :] not in (SEPARATOR, b"\n")):
            is_inside = False
            break
        checksum = zlib.crc32(mine, checksum)
        at += len(mine)
        last = name_of(text[text.rfind(b"\n") + 1 :])
    base.verify(at, checksum)
    return is_inside


def _texts(source: Source, size: int) -> Iterator[bytes]:
    """Yield all lines, about `size` bytes of whole ones at a time, without the separator behind them."""
    offset = source.start
    while offset < source.end:
        wanted = min(size, source.end - offset)
        text = source.pages.read(offset, wanted)
        cut = len(text) - 1 if offset + len(text) >= source.end else text.rfind(SEPARATOR)
        if cut < 0 and len(text) == wanted:
            size *= 2
            continue
        yield text[: max(cut, 0)]  # an empty text is not a line: the file was cut while it was read
        offset += cut + len(SEPARATOR)


def _is_after(text: bytes, last: bytes) -> bool:
    """Return whether the first name in a text comes after the name `last`."""
    try:
        return name_of(text) > last
    except ValueError:
        return False


def without_own(text: bytes, own: bytes, limit: int) -> bytes | None:
    """Return lines without the entries of the replica `own`, and without the lines that hold nothing else.

    Return None if the lines hold more than totals of one type, or if an entry is not valid, not in its place, or has
    a commit number beyond the `limit`. What is returned is not checked.
    """
    plain = without_escapes(text)
    if plain is None:
        return None
    tag, count = type_of(plain), plain.count(b"\n") + 1
    if tag not in COLUMNS or plain.count(b'":{"%b":{"' % tag) != count or plain.count(b'{"') != 2 * count:
        return None
    first, *pieces = plain.split(b'"%b":[' % own)
    kept, rows = [first], []
    for piece in pieces:
        row, _, behind = piece.partition(b"]")
        joined = _closed(kept[-1], behind, own)
        if joined is None:
            return None
        kept[-1:] = joined
        rows.append(row)
    if not _are_valid(tag, rows, limit):
        return None
    lines = b"".join(kept)
    nothing = b'":{"%b":{}}' % tag
    left = _without_empty(plain, lines, nothing) if nothing in lines else lines
    return left and with_escapes(left)


def _closed(before: bytes, behind: bytes, own: bytes) -> tuple[bytes, bytes] | None:
    """Return the texts before and behind an entry as they are without it; None if the entry is not in its place."""
    if follows := before.endswith(b"],"):
        end = before.rfind(b'":[')
        if with_escapes(before[before.rfind(b'"', 0, end) + 1 : end], b'"') >= own:
            return None
    elif not before.endswith(b"{"):
        return None
    if behind.startswith(b',"'):
        return (before, behind[1:]) if own < with_escapes(behind[2 : behind.find(b'"', 2)], b'"') else None
    if behind.startswith(b"}}"):
        return (before[:-1] if follows else before), behind
    return None


def _are_valid(tag: bytes, rows: Sequence[bytes], limit: int) -> bool:
    """Return whether there are entries, which are canonical and not newer than `limit`."""
    seqs = seqs_of(tag, rows)
    return seqs is not None and max(seqs) <= limit


def _without_empty(text: bytes, lines: bytes, nothing: bytes) -> bytes | None:
    """Return `lines`, those of a text, without those that hold `nothing` any more; None if a name is not valid.

    All are as `without_escapes` returns them.
    """
    written = [line[1 : line.find(NAME_END, 1)] for line in text.split(SEPARATOR)]
    left = lines.split(SEPARATOR)
    found = [(name, line) for name, line in zip(written, left, strict=True) if line.endswith(nothing)]
    if not found or any(b'"' in name or line != b'"%b%b' % (name, nothing) for name, line in found):
        return None
    names = [with_escapes(name, b'"') for name in written]
    if not all(map(lt, names, names[1:])) or not are_names([with_escapes(name, b'"') for name, _ in found]):
        return None
    return SEPARATOR.join([line for line in left if not line.endswith(nothing)])
