"""Text as other systems write it → UTF-8: byte order marks, and UTF-16 that begins with one."""

from __future__ import annotations

import codecs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: How UTF-16 begins.
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_MARKS = (codecs.BOM_UTF8, *UTF_16)


class Utf8Decoder:
    """Turns a text that arrives in blocks into UTF-8 without a byte order mark.

    A text without a mark is left as it is. Invalid UTF-16 becomes invalid UTF-8.

    >>> decoder = Utf8Decoder()
    >>> decoder.feed(b"\\xff"), decoder.feed(b"\\xfea\\x00b"), decoder.feed(b"\\x00"), decoder.end()
    (b'', b'a', b'b', b'')
    """

    def __init__(self) -> None:
        self._head: bytes | None = b""
        self._utf_16: codecs.IncrementalDecoder | None = None

    def feed(self, block: bytes) -> bytes:
        """Return the next block. The beginning of a mark is kept until the rest of it arrives."""
        if self._head is not None:
            block = self._head + block
            if any(len(block) < len(mark) and mark.startswith(block) for mark in _MARKS):
                self._head = block
                return b""
            self._head = None
            if block.startswith(UTF_16):
                self._utf_16 = codecs.getincrementaldecoder("utf-16")("surrogatepass")
            else:
                block = block.removeprefix(codecs.BOM_UTF8)
        return block if self._utf_16 is None else _encoded(self._utf_16.decode(block))

    def end(self) -> bytes:
        """Return the rest, after the last block."""
        if self._utf_16 is not None:
            return b"\xff" if self._utf_16.getstate()[0] else b""  # half a character
        return self._head or b""


def utf8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a text as UTF-8 without a byte order mark, see `Utf8Decoder`.

    >>> b"".join(utf8([b"\\xff\\xfec\\x00a", b"\\x00f\\x00\\xe9\\x00"])).decode()
    'café'
    """
    decoder = Utf8Decoder()
    for block in blocks:
        yield decoder.feed(block)
    yield decoder.end()


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
