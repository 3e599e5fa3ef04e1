"""Several states in one file, as ``cat`` and ``>>`` make it: the start and the end of each.

In JSON, and in TOML as this program writes it, only white space separates the end of one state from the start of the
next. Such a place cannot occur inside a state, since its strings escape their quotes.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterator

    from crdtctl.codec.layout import Pages
else:
    from crdtctl import patterns as re

_WORD = b"crdtctl"
#: Number of bytes that are read in one call.
READ_SIZE = 2**18
#: Number of bytes that are searched before the word that begins a state, and behind it.
_BEFORE, _BEHIND = 1024, 64
_BEGINS = (re.compile(rb'"\s*:\s*[0-9]'), re.compile(rb"\s*=\s*[0-9]"))
_MARK = b"\xef\xbb\xbf"
_CHECKSUM = re.compile(rb'crc32 = "[0-9a-f]{8}"$')


def parts(pages: Pages, size: int) -> list[tuple[int, int]]:
    """Return the offset and the size of each state in `size` bytes; a single one if there are not several."""
    ends, starts = [], [0]
    for end, start in _seams(pages, size):
        ends.append(end)
        starts.append(start)
    return [(start, end - start) for start, end in zip(starts, [*ends, size], strict=True)]


def _seams(pages: Pages, size: int) -> Iterator[tuple[int, int]]:
    """Yield the end of each state but the last, with the start of the next one."""
    for offset in range(0, size, READ_SIZE):
        block = pages.read(offset, READ_SIZE + len(_WORD) - 1)
        at = block.find(_WORD)
        while at >= 0:
            if seam := _seam(pages, offset + at, size):
                yield seam
            at = block.find(_WORD, at + len(_WORD))


def _seam(pages: Pages, at: int, size: int) -> tuple[int, int] | None:
    """Return the seam before a state, if its first word is the one `at` this offset; otherwise None."""
    first = max(0, at - _BEFORE)
    before = pages.read(first, at - first)
    is_json = before.endswith(b'"')
    opening = before
    if is_json:
        opening = before[:-1].rstrip()
        if not opening.endswith(b"{"):
            return None
        opening = opening[:-1]
    ended = opening.rstrip()
    while ended.endswith(_MARK):
        ended = ended.removesuffix(_MARK).rstrip()
    if not ended or not (ended.endswith(b"}") or _CHECKSUM.search(ended)):
        return None
    behind = pages.read(at + len(_WORD), min(_BEHIND, size - at))
    if not _BEGINS[0 if is_json else 1].match(behind):
        return None
    end = first + len(ended)
    return end + (before[len(ended) : len(ended) + 1] == b"\n"), first + len(opening)
