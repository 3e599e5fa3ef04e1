"""Text as other systems write it → UTF-8: byte order marks, and UTF-16 that begins with one."""

import codecs
from collections.abc import Iterable, Iterator

#: How UTF-16 begins.
UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_LONGEST_MARK = 3


def utf8(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the blocks of a text as UTF-8 without a byte order mark. A text without a mark is left as it is.

    Invalid UTF-16 becomes invalid UTF-8.

    >>> b"".join(utf8([b"\\xff\\xfec\\x00a", b"\\x00f\\x00\\xe9\\x00"])).decode()
    'café'
    """
    following = iter(blocks)
    head = b""
    while len(head) < _LONGEST_MARK and (block := next(following, b"")):
        head += block
    if not head.startswith(UTF_16):
        yield head.removeprefix(codecs.BOM_UTF8)
        yield from following
        return
    decoder = codecs.getincrementaldecoder("utf-16")("surrogatepass")
    yield _encoded(decoder.decode(head))
    for block in following:
        yield _encoded(decoder.decode(block))
    yield b"\xff" if decoder.getstate()[0] else b""  # half a character


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
