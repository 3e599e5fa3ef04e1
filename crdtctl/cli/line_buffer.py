"""Blocks of a text that arrives bit by bit → its lines."""

from __future__ import annotations

from crdtctl.cli.batches import MAX_LINE
from crdtctl.store.encodings import Utf8Decoder


class LineBuffer:
    """Keeps the beginning of a line until its end arrives.

    Of a line that is far too long, only the beginning is kept. That is still too long, and so it is refused.

    >>> buffer = LineBuffer()
    >>> buffer.feed(b"one\\ntw"), buffer.feed(b"o\\n\\nthree"), buffer.end()
    ([b'one'], [b'two', b''], [b'three'])
    """

    def __init__(self) -> None:
        self._decoder = Utf8Decoder()
        self._rest = b""

    def feed(self, block: bytes) -> list[bytes]:
        """Return the lines that are complete with this block, without their ends."""
        lines = (self._rest + self._decoder.feed(block)).split(b"\n")
        self._rest = lines.pop()[: MAX_LINE + 1]
        return lines

    def end(self) -> list[bytes]:
        """Return the last line if the text does not end with the end of a line."""
        rest = self._rest + self._decoder.end()
        self._rest = b""
        return [rest] if rest else []
