"""JSON in any layout, without repeated keys.

Decoders keep the last of two equal keys and report nothing. So the number of strings in a text is compared with the
number of strings in the decoded data.
"""

from __future__ import annotations

from crdtctl import json_text
from crdtctl.codec.invalid import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The reason for a repeated key.
TWICE = "a key occurs twice in one object"


def decode(data: bytes, decoder: Callable[[bytes], Any] = json_text.decode) -> Any:
    """Return the decoded data; raise `Invalid` for text that is not JSON of the decoder's type."""
    try:
        return decoder(data)
    except ValueError as error:
        raise Invalid(f"it is not JSON, or damaged: {error}") from None


def quotes(data: bytes) -> int:
    """Return the number of quotes that begin or end a string: twice the number of strings."""
    if b"\\" in data:
        data = data.replace(b"\\\\", b"").replace(b'\\"', b"")
    return data.count(b'"')
