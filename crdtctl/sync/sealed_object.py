"""The format of an object at a private remote: a state that is encrypted and authenticated.

::

    bytes  0–23   "crdtctl sealed object 1" and a line feed
    bytes 24–31   the id of the key
    bytes 32–63   a salt
    from 64 on    chunks: 65,536 encrypted bytes and a tag of 16 bytes each; the last chunk has 1 to 65,536 such bytes

The chunks together encrypt the number of bytes of the state (8 bytes, big-endian), the state, and zeros up to the
length of `padded`: the larger of 1,024 and the Padmé length (Nikitin et al., "Reducing Metadata Leakage from Encrypted
Files", PETS 2019), which is at most 12 % longer.

Each object has a key of its own: HKDF with SHA-256 (RFC 5869) of the derived key ``objects`` and the salt. Its chunks
are sealed with ChaCha20-Poly1305 (RFC 8439). The nonce is the number of the chunk (11 bytes, big-endian), then 1 for
the last chunk and 0 for others (STREAM; Hoang et al., CRYPTO 2015), so chunks cannot be reordered, left out or cut off.
The associated data of each chunk are the first 64 bytes and the name of the object, so an object under another name
does not open.

The salt is HMAC-SHA256, with the derived key ``salts``, of 32 random bytes, the SHA-256 hash of the state, and the
name. Two objects have the same key only if a keyed hash of 256 bits collides. That holds across machines, and also
where two machines draw the same random bytes, as copies of a virtual machine may: then a salt is the same only if the
state and the name are the same too, and so is the object.
"""

from __future__ import annotations

import os
from hashlib import sha256
from hmac import digest as hmac_digest

from crdtctl.errors import DataError, UnavailableError, printable
from crdtctl.sync.keys import expanded
from crdtctl.sync.transport import SEALED_START

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import BinaryIO, Final

    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

    from crdtctl.sync.keys import Key

CHUNK: Final = 2**16
TAG: Final = 16
HEADER: Final = len(SEALED_START) + 8 + 32
_MIN_PADDED = 1024
_LENGTH = 8
_ID = slice(len(SEALED_START), len(SEALED_START) + 8)
_SALT = slice(len(SEALED_START) + 8, HEADER)


def padded(size: int) -> int:
    """Return the number of bytes that `size` bytes are padded to.

    >>> [padded(size) for size in (0, 1024, 1025, 100_000, 1_000_001)]
    [1024, 1024, 1088, 100352, 1015808]
    """
    if size <= _MIN_PADDED:
        return _MIN_PADDED
    exponent = size.bit_length() - 1
    unit = 1 << (exponent - exponent.bit_length())
    return -(-size // unit) * unit


def sealed_size(size: int) -> int:
    """Return the number of bytes of the sealed object of a state with `size` bytes."""
    content = padded(_LENGTH + size)
    return HEADER + content + -(-content // CHUNK) * TAG


def seal(
    source: BinaryIO, name: str, key: Key, write: Callable[[bytes], object], random: Callable[[int], bytes] = os.urandom
) -> None:
    """Encrypt the state in the file `source` for the object `name`, and pass the object to `write` in pieces."""
    whole, size = sha256(), 0
    while block := source.read(CHUNK):
        whole.update(block)
        size += len(block)
    source.seek(0)
    salt = hmac_digest(key.derived("salts"), random(32) + whole.digest() + name.encode(), "sha256")
    header = SEALED_START + bytes.fromhex(key.id) + salt
    cipher, associated = _cipher(key, salt), header + name.encode()
    write(header)
    pieces = _chunks(source, size)
    chunk, number = next(pieces), 0
    for following in pieces:
        write(cipher.encrypt(_nonce(number, is_last=False), chunk, associated))
        chunk, number = following, number + 1
    write(cipher.encrypt(_nonce(number, is_last=True), chunk, associated))


def _chunks(source: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the padded content of an object in chunks."""
    content = size.to_bytes(_LENGTH, "big")
    left = padded(_LENGTH + size)
    while left:
        content += source.read(CHUNK - len(content))
        chunk = content.ljust(min(CHUNK, left), b"\0")
        left -= len(chunk)
        content = b""
        yield chunk


class Opener:
    """Decrypts an object that arrives in pieces, and passes the state on. Only authenticated bytes are passed on.

    `keys` are the keys by id. Each method raises `DataError` for an object that was not sealed with one of them under
    this name.
    """

    def __init__(self, name: str, keys: Mapping[str, Key], write: Callable[[bytes], object]) -> None:
        self._name = name
        self._keys = keys
        self._write = write
        self._waiting = b""
        self._cipher: ChaCha20Poly1305 | None = None
        self._associated = b""
        self._number = 0
        self._left = 0

    def __call__(self, piece: bytes) -> None:
        """Take the next piece of the object."""
        self._waiting += piece
        if self._cipher is None and len(self._waiting) >= HEADER:
            self._begin(self._waiting[:HEADER])
            self._waiting = self._waiting[HEADER:]
        start = 0
        while self._cipher is not None and len(self._waiting) - start > CHUNK + TAG:  # it is not the last chunk
            self._open(self._cipher, self._waiting[start : start + CHUNK + TAG], is_last=False)
            start += CHUNK + TAG
        self._waiting = self._waiting[start:]

    def finish(self) -> None:
        """Take the end of the object."""
        if self._cipher is None:
            raise self._error("it is not a sealed object, or is cut off")
        self._open(self._cipher, self._waiting, is_last=True)
        if self._left:
            raise self._error("it is cut off")

    def _begin(self, header: bytes) -> None:
        if not header.startswith(SEALED_START):
            raise self._error("it is not a sealed object")
        key = self._keys.get(header[_ID].hex())
        if key is None:
            raise self._error(f"it is sealed with another key, {header[_ID].hex()}")
        self._cipher, self._associated = _cipher(key, header[_SALT]), header + self._name.encode()

    def _open(self, cipher: ChaCha20Poly1305, chunk: bytes, *, is_last: bool) -> None:
        from cryptography.exceptions import InvalidTag

        try:
            content = cipher.decrypt(_nonce(self._number, is_last=is_last), chunk, self._associated)
        except InvalidTag:
            raise self._error("it was changed, or has another name than its owner gave it") from None
        if self._number == 0:
            self._left, content = int.from_bytes(content[:_LENGTH], "big"), content[_LENGTH:]
        self._number += 1
        content = content[: self._left]
        self._left -= len(content)
        if content:
            self._write(content)

    def _error(self, why: str) -> DataError:
        return DataError(f"{printable(self._name)} cannot be opened: {why}")


def _cipher(key: Key, salt: bytes) -> ChaCha20Poly1305:
    """Return the cipher with the key of one object."""
    try:
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    except ImportError:
        raise UnavailableError(
            "a private remote needs the package cryptography", "run: pip install 'crdtctl[crypto]'"
        ) from None
    return ChaCha20Poly1305(expanded(hmac_digest(salt, key.derived("objects"), "sha256"), "object"))


def _nonce(number: int, *, is_last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([is_last])
