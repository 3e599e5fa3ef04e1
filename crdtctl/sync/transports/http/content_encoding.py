"""Decoding of compressed responses. Some servers compress although the request did not ask for it."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Final

from crdtctl.errors import TransientError, UnavailableError, printable

_READ_SIZE = 2**18
#: The parameter of zlib for each encoding.
_WINDOWS: Final = {"gzip": 31, "x-gzip": 31, "deflate": 47}


def decoded(pieces: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the decoded body of a response with this header ``Content-Encoding``, in pieces of limited size."""
    names = [name for one in encoding.split(",") if (name := one.strip().lower()) not in ("", "identity")]
    if not names:
        yield from pieces
        return
    if len(names) > 1 or names[0] not in _WINDOWS:
        raise UnavailableError(
            f"the server compresses with {printable(encoding)[:40]}, although the request does not allow it",
            "configure the server to send these files without compression",
        )
    reading = zlib.decompressobj(_WINDOWS[names[0]])
    try:
        for piece in pieces:
            while piece:
                yield reading.decompress(piece, _READ_SIZE)
                piece = reading.unconsumed_tail  # the rest of this piece
        yield reading.flush()
    except zlib.error:
        raise TransientError(f"the server's response is not valid {names[0]}", "try again") from None
    if not reading.eof:
        raise TransientError("the server's compressed response ends early", "try again")
