"""The layout of the canonical text: lines are found, replaced and summed as bytes, without being parsed.

This module is on the path of every increment, so it imports nothing that Python has not loaded already,
but zlib.
"""

import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Pages(Protocol):
        """Bytes that are read in small pieces."""

        def read(self, start: int, size: int) -> bytes:
            """Return up to `size` bytes from offset `start`."""


#: The largest whole number that every JSON reader keeps exactly.
MAX_SAFE = 2**53 - 1
#: The start of the header line, up to the kind; its end; and the text after the name on a counter's line.
HEAD_START = b'{"crdtctl":1,"kind":"'
HEAD_END = b',"counters":{\n'
NAME_END = b'":{"'
#: The last line: these bytes, eight digits, and three bytes more.
TRAILER_START = b'},"crc32":"'
TRAILER_END = b'"}\n'
TRAILER_SIZE = len(TRAILER_START) + 8 + len(TRAILER_END)

_STEP = 4096
#: Size in bytes of a large clock; and the least size of one of its entries: 32 digits, a number, punctuation.
_LARGE_CLOCK = 2**16
_ENTRY_OF_CLOCK = 37
#: Maximum size of a name on a line, with the bytes behind it: 2,048 bytes, each of them escaped. Most need the first.
LONGEST_NAME = 4112
_LONG_NAME = 512


class InMemory:
    """Bytes in memory, as pages."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def read(self, start: int, size: int) -> bytes:
        """Return up to `size` bytes from offset `start`."""
        return self.data[start : start + size]


def trailer(checksum: int) -> bytes:
    """Return the last line of a text, if the bytes before it have this CRC-32."""
    return b"%s%08x%s" % (TRAILER_START, checksum, TRAILER_END)


def is_trailer(line: bytes) -> bool:
    """Return whether `line` has the form of a last line."""
    digits = line[len(TRAILER_START) : -len(TRAILER_END)]
    return (
        len(line) == TRAILER_SIZE
        and line.startswith(TRAILER_START)
        and line.endswith(TRAILER_END)
        and not digits.strip(b"0123456789abcdef")
    )


def digits(data: bytes) -> bytes:
    """Return the eight digits of the checksum at the end of a whole text."""
    return data[-len(TRAILER_END) - 8 : -len(TRAILER_END)]


def is_whole(data: bytes) -> bool:
    """Return whether `data` ends with the checksum of all bytes before it."""
    body = len(data) - TRAILER_SIZE
    return body > 0 and data[body:] == trailer(zlib.crc32(memoryview(data)[:body]))


def assemble(head: bytes, lines: "Iterable[bytes]") -> bytes:
    """Return the whole text of a header (up to its counters) and the counters' lines, sorted."""
    body = head + HEAD_END + b",\n".join(lines)
    if not body.endswith(b"\n"):
        body += b"\n"
    return body + trailer(zlib.crc32(body))


def trailer_of(pieces: "Iterable[bytes | memoryview]") -> bytes:
    """Return the last line of a text that consists of `pieces`."""
    checksum = 0
    for piece in pieces:
        checksum = zlib.crc32(piece, checksum)
    return trailer(checksum)


def name_of(line: bytes) -> bytes:
    """Return the UTF-8 name of the counter on `line`; raise ValueError if it is not the line of a counter."""
    line = line[:LONGEST_NAME]  # a hostile line may be long, and each search would read all of it
    end = line.find(NAME_END, 1)
    while (
        end > 0 and line[end - 1 : end] == b"\\" and _is_escaped(line, end)
    ):  # the name itself contains the text behind a name
        end = line.find(NAME_END, end + 1)
    if end < 1 or line[:1] != b'"':
        raise ValueError("not a line of a counter")
    name = line[1:end]
    return unescape(name) if b"\\" in name else name


def _is_escaped(line: bytes, quote: int) -> bool:
    before = line[:quote]
    return (len(before) - len(before.rstrip(b"\\"))) % 2 == 1


def is_crowded(clock: bytes) -> bool:
    """Return whether `clock`, the text of a large clock in JSON, has more replicas than ids of 32 digits allow.

    Many short ids take many times the memory of their text, once as text and again on every line.
    """
    return len(clock) > _LARGE_CLOCK and clock.count(b'":') * _ENTRY_OF_CLOCK > len(clock)


def unescape(name: bytes) -> bytes:
    """Return a name without the two escapes of canonical names."""
    return b"\\".join(part.replace(b'\\"', b'"') for part in name.split(b"\\\\"))


def search(pages: "Pages", start: int, end: int, name: bytes) -> tuple[int, int]:
    """Find the line of counter `name` between the line starts `start` and `end`, by halving.

    Return the offsets of the line, without the separator from the next one. If the line is missing, return the
    offset where it would have to be inserted, twice. The number of pages read grows with the logarithm of the
    number of lines. Raise ValueError for bytes that are not lines of counters.
    """
    low, high = start, end
    while low < high:
        middle = (low + high) // 2
        first = _line_start(pages, low, middle)
        try:
            here = name_of(pages.read(first, _LONG_NAME))
        except ValueError:
            here = name_of(pages.read(first, LONGEST_NAME))
        if here >= name:
            high = first
        if here <= name:
            newline = _newline(pages, max(first, middle), end)
            if here == name:
                return first, newline - 1 if pages.read(newline - 1, 1) == b"," else newline
            low = newline + 1
    return low, low


def _line_start(pages: "Pages", low: int, offset: int) -> int:
    """Return the start of the line at `offset`; it is not before `low`."""
    step = _STEP
    while True:
        start = max(low, offset - step)
        found = pages.read(start, offset - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        if start == low:
            return low
        step *= 2


def _newline(pages: "Pages", offset: int, end: int) -> int:
    """Return the offset of the line feed at the end of the line at `offset`."""
    step = _STEP
    while offset < end:
        chunk = pages.read(offset, min(step, end - offset))
        found = chunk.find(b"\n")
        if found >= 0:
            return offset + found
        if not chunk:
            break
        offset += len(chunk)
        step *= 2
    raise ValueError("a line without an end")
