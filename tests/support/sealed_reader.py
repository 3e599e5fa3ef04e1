"""A second reader of objects at private remotes, written from ``crdtctl help private`` alone.

It has its own ChaCha20-Poly1305 (RFC 8439), in Python and slow, and shares no code with the program.
"""

import hashlib
import hmac
import struct
from collections.abc import Iterator

_MASK = 0xFFFFFFFF


def _quarter(x: list[int], a: int, b: int, c: int, d: int) -> None:
    for left, right, other, turn in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
        x[left] = (x[left] + x[right]) & _MASK
        mixed = x[other] ^ x[left]
        x[other] = ((mixed << turn) & _MASK) | (mixed >> (32 - turn))


def _block(key: bytes, counter: int, nonce: bytes) -> bytes:
    start = [*struct.unpack("<4I", b"expand 32-byte k"), *struct.unpack("<8I", key), counter]
    start += struct.unpack("<3I", nonce)
    x = list(start)
    for _ in range(10):
        for four in ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)):
            _quarter(x, *four)
        for four in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            _quarter(x, *four)
    return struct.pack("<16I", *((one + other) & _MASK for one, other in zip(x, start, strict=True)))


def _poly1305(key: bytes, message: bytes) -> bytes:
    r = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for start in range(0, len(message), 16):
        total = (total + int.from_bytes(message[start : start + 16] + b"\1", "little")) * r % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) & (2**128 - 1)).to_bytes(16, "little")


def _filled(data: bytes) -> bytes:
    return data + bytes(-len(data) % 16)


def decrypted(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes:
    """Return the text of a sealed one; raise `ValueError` if it is not authentic."""
    text, tag = sealed[:-16], sealed[-16:]
    lengths = struct.pack("<QQ", len(associated), len(text))
    expected = _poly1305(_block(key, 0, nonce)[:32], _filled(associated) + _filled(text) + lengths)
    if not hmac.compare_digest(expected, tag):
        raise ValueError("not authentic")
    stream = b"".join(_block(key, 1 + number, nonce) for number in range(-(-len(text) // 64)))
    return bytes(one ^ other for one, other in zip(text, stream, strict=False))


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, hashlib.sha256).digest()


def derived(key: bytes, purpose: str) -> bytes:
    return hmac_sha256(key, b"crdtctl " + purpose.encode() + b"\x01")


def key_of(text: str) -> bytes:
    """Return the key in a line of a key file."""
    prefix, digits = text[:14], text[14:]
    key, check = bytes.fromhex(digits[:64]), digits[64:]
    if prefix != "crdtctl-key-1-" or hashlib.sha256(key).hexdigest()[:8] != check:
        raise ValueError("not a key")
    return key


def name_at_remote(key: bytes, name: str) -> str:
    """Return a name with CHECK, from the name without."""
    check = hmac_sha256(derived(key, "names"), b"name\0" + name.encode()).hex()[:16]
    return name.removesuffix(".crdt.sealed") + f".{check}.crdt.sealed"


def name_of(key: bytes, owner: str, digest: str, time: str) -> str:
    """Return the name at the remote of an object."""
    names = derived(key, "names")
    parts = [
        derived(key, "id")[:8].hex() + "-" + hmac_sha256(names, b"owner\0" + owner.encode()).hex()[:32],
        hmac_sha256(names, b"content\0" + owner.encode() + b"\0" + digest.encode()).hex()[:16],
    ]
    return name_at_remote(key, f"{'.'.join(parts)}.{time}.crdt.sealed")


def opened(key: bytes, name: str, data: bytes) -> bytes:
    """Return the state in an object with a name at the remote; raise `ValueError` if it is not authentic."""
    *parts, check, crdt, sealed = name.split(".")
    plain = ".".join([*parts, crdt, sealed])
    if name_at_remote(key, plain) != name or len(check) != 16:
        raise ValueError("not the name of an object with this key")
    return opened_without_check(key, plain, data)


def opened_without_check(key: bytes, name: str, data: bytes) -> bytes:
    """Return the state in an object, whose name is without CHECK."""
    header = data[:64]
    if header[:32] != b"crdtctl sealed object 1\n" + derived(key, "id")[:8]:
        raise ValueError("not a sealed object with this key")
    object_key = hmac_sha256(hmac_sha256(header[32:], derived(key, "objects")), b"crdtctl object\x01")
    content = b"".join(_chunks(object_key, header + name.encode(), data[64:]))
    size = int.from_bytes(content[:8], "big")
    if len(content) < 8 + size or any(content[8 + size :]):
        raise ValueError("wrong size")
    return content[8 : 8 + size]


def _chunks(key: bytes, associated: bytes, data: bytes) -> Iterator[bytes]:
    step = 65536 + 16
    starts = range(0, len(data), step)
    for number, start in enumerate(starts):
        nonce = number.to_bytes(11, "big") + (b"\1" if start == starts[-1] else b"\0")
        yield decrypted(key, nonce, data[start : start + step], associated)
