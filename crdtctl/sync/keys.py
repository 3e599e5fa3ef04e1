"""Keys of private remotes: text, public id, derived keys, and names of objects. Pure.

A key is 32 random bytes. Its text is one line: `PREFIX`, the key in hexadecimal, and the start of its SHA-256 hash, so
that a key with a missing or wrong digit is refused. Each program with the key can read and write at the remote.

``derived(purpose)`` is HKDF-Expand with SHA-256 (RFC 5869), one block long. Each purpose has a key of its own:

    id         the first 8 bytes are the public id of the key
    names      the key of the keyed hash (HMAC-SHA256, RFC 2104) in the names of objects
    salts      see `sealed_object`
    objects    see `sealed_object`

The name of an object at a private remote is ``KEY-OWNER.HASH.TIME.CHECK.crdt.sealed``. KEY is the id of the key. OWNER
is a keyed hash of the owner's replica id, and HASH one of the owner and the content. Without the key, they reveal
neither. TIME is the time of the owner's last sync. CHECK is a keyed hash of the name without CHECK, so that only
programs with the key can make a name or renew a time.
"""

from __future__ import annotations

from hashlib import sha256
from hmac import compare_digest
from hmac import digest as hmac_digest

from crdtctl.errors import ConfigError
from crdtctl.sync.object_name import SEALED_SUFFIX, is_sealed_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

PREFIX: Final = "crdtctl-key-1-"
#: Number of bytes of a key.
KEY_SIZE: Final = 32
#: Number of hexadecimal digits of the id of a key, and of the hashes in names.
ID_DIGITS: Final = 16
_OWNER_DIGITS = 32
_CHECK_DIGITS = 8
_HINT = "'crdtctl remote key new' makes a key"


class Key:
    """A key of `KEY_SIZE` bytes. Its `id` is public; no message and no other file has its `secret`."""

    def __init__(self, secret: bytes) -> None:
        self.secret = secret
        self.id = expanded(secret, "id")[: ID_DIGITS // 2].hex()

    def __repr__(self) -> str:
        return f"Key({self.id})"

    def derived(self, purpose: str) -> bytes:
        """Return the derived key for a purpose."""
        return expanded(self.secret, purpose)

    def text(self) -> str:
        """Return the key as text, without a line break."""
        return f"{PREFIX}{self.secret.hex()}{_checksum(self.secret)}"


def expanded(secret: bytes, purpose: str) -> bytes:
    """Return one block of HKDF-Expand with SHA-256."""
    return hmac_digest(secret, f"crdtctl {purpose}\x01".encode(), "sha256")


def parsed(text: str, source: str) -> list[Key]:
    """Return the keys in a text, one a line; empty lines and lines that begin with ``#`` are skipped.

    Raise `ConfigError` for anything else, and for a text without a key. The message names the `source` only.
    """
    lines = [line.strip() for line in text.splitlines()]
    lines = [line for line in lines if line and not line.startswith("#")]
    if not lines:
        raise ConfigError(f"{source} holds no key", _HINT)
    return [_parsed_line(line, source) for line in lines]


def _parsed_line(line: str, source: str) -> Key:
    digits = line.removeprefix(PREFIX)
    if digits == line:
        raise ConfigError(f"{source} holds something else than a key", _HINT)
    try:
        secret = bytes.fromhex(digits[: 2 * KEY_SIZE])
    except ValueError:
        secret = b""
    if len(secret) != KEY_SIZE or digits[2 * KEY_SIZE :] != _checksum(secret):
        raise ConfigError(f"{source} holds a key with a missing or wrong digit", "copy the key again, as a whole")
    return Key(secret)


def _checksum(secret: bytes) -> str:
    return sha256(secret).hexdigest()[:_CHECK_DIGITS]


class SealedNames:
    """The names of the objects that are sealed with one key."""

    def __init__(self, key: Key) -> None:
        self._id = key.id
        self._secret = key.derived("names")

    def name_of(self, owner: str, digest: str) -> str:
        """Return the name of an object without a time and without CHECK. It is used like `object_name.name_of`."""
        content = self._hash("content", owner, digest)[:ID_DIGITS]
        return f"{self._id}-{self._hash('owner', owner)[:_OWNER_DIGITS]}.{content}{SEALED_SUFFIX}"

    def with_check(self, name: str) -> str:
        """Return the name at the remote: the name of an object with a time, and CHECK."""
        return f"{name.removesuffix(SEALED_SUFFIX)}.{self._hash('name', name)[:ID_DIGITS]}{SEALED_SUFFIX}"

    def without_check(self, name: str) -> str:
        """Return a name at the remote without CHECK; empty if CHECK is wrong."""
        plain = f"{name.removesuffix(SEALED_SUFFIX)[: -ID_DIGITS - 1]}{SEALED_SUFFIX}"
        return plain if compare_digest(self.with_check(plain).encode(), name.encode()) else ""

    def _hash(self, *parts: str) -> str:
        return hmac_digest(self._secret, "\0".join(parts).encode(), "sha256").hex()


def key_id_of(name: str) -> str:
    """Return the id of the key in the name of a sealed object; empty for other names."""
    return name[:ID_DIGITS] if is_sealed_name(name) else ""
