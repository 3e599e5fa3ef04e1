"""The body of an answer as it is meant: some servers compress what nobody asked them to."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from crdtctl.errors import TransientError, UnavailableError, printable

_BLOCK = 2**18
#: How zlib reads each way to compress.
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield a body that has a header ``Content-Encoding``, in pieces that are not large, however small it came."""
    names = [name for one in encoding.split(",") if (name := one.strip().lower()) not in ("", "identity")]
    if not names:
        yield from pieces
        return
    if len(names) > 1 or names[0] not in _WINDOWS:
        raise UnavailableError(
            f"the server compresses with {printable(encoding)[:40]}, which was not asked for",
            "let it send files as they are",
        )
    reading = zlib.decompressobj(_WINDOWS[names[0]])
    try:
        for piece in pieces:
            while piece:
                yield reading.decompress(piece, _BLOCK)
                piece = reading.unconsumed_tail  # what is left of it
        yield reading.flush()
    except zlib.error:
        raise TransientError(f"the server says {names[0]}, and what it sends is something else", "try again") from None
    if not reading.eof:
        raise TransientError("the server's compressed answer ends early", "try again")
