"""Compressed files: recognized by their first bytes, and read as their contents."""

from __future__ import annotations

import sys

from crdtctl.codec.invalid import Invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO, Protocol

    class _File(Protocol):
        def read(self, size: int, /) -> bytes: ...

    Errors = tuple[type[Exception], ...]

_ZSTD = b"\x28\xb5\x2f\xfd"
#: First bytes of a compressed file → the name of the compression.
_KINDS = {b"\x1f\x8b": "gzip", _ZSTD: "zstd"}
#: Number of bytes that `kind_of` compares.
LOOKED_AT = max(map(len, _KINDS))


def kind_of(head: bytes) -> str:
    """Return the name of the compression of a file that begins with `head`; empty if it is not compressed."""
    return next((kind for start, kind in _KINDS.items() if head.startswith(start)), "")


class Unpacked:
    """The contents of an open compressed file, for messages with a `label`."""

    def __init__(self, kind: str, packed: BinaryIO, label: str) -> None:
        self._kind, self._label = kind, label
        self._file, self._errors = _gzip(packed) if kind == "gzip" else _zstd(packed, label)

    def read(self, size: int) -> bytes:
        """Return up to `size` bytes, none at the end. Raise `Invalid` if the file was cut or damaged."""
        try:
            return self._file.read(size)
        except self._errors:
            raise Invalid(f"it is compressed with {self._kind}, and was cut or damaged", self._label) from None


def _gzip(packed: BinaryIO) -> tuple[_File, Errors]:
    import gzip
    import zlib

    return gzip.GzipFile(fileobj=packed), (EOFError, OSError, zlib.error)


def _zstd(packed: BinaryIO, label: str) -> tuple[_File, Errors]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            import backports.zstd as zstd
    except ImportError:
        from crdtctl.store.other_files import recognize

        found = recognize(_ZSTD, label)
        hint = (found.hint if found else "unpack it first") + "; or run: pip install 'crdtctl[zstd]'"
        raise Invalid("it is compressed with zstd", label, hint=hint) from None
    return zstd.ZstdFile(packed), (EOFError, OSError, zstd.ZstdError)
