"""What is remembered of the objects at a remote, so that they are not read again.

A file for each remote in the replica's directory, below ``sync``. It may be deleted, lost or damaged at any time: then
everything there is read once more. What it says is believed only as far as the replica still knows what it says.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from crdtctl.errors import from_os, printable
from crdtctl.store.durable import NEW
from crdtctl.sync.plan import Memo

_VERSION = 1
_MAX_BYTES = 2**30


@dataclass(frozen=True, slots=True)
class _Remembered:
    crdtctl_sync: int
    url: str
    objects: list[Memo]


def directory(replica: str) -> str:
    """Return the directory for what a replica remembers of remotes, in the replica's own."""
    return f"{replica}/sync"


def load(place: str, url: str) -> dict[str, Memo]:
    """Return what is remembered of the remote `url`, by name of the object."""
    try:
        with open(_file(place, url), "rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=_Remembered)
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return {}
    if found.crdtctl_sync != _VERSION or found.url != url:
        return {}
    return {memo.entry.name: memo for memo in found.objects}


def save(place: str, url: str, memos: Mapping[str, Memo]) -> None:
    """Remember the objects of the remote `url`. It need not be durable, but is never half there."""
    kept = [memos[name] for name in sorted(memos) if name.isprintable()]  # others cannot be read, and may be no UTF-8
    data = msgspec.json.encode(_Remembered(_VERSION, url, kept))
    path = _file(place, url)
    draft = f"{path}.{os.getpid()}{NEW}"
    try:
        os.makedirs(place, exist_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(fd, "wb") as file:
            file.write(data)
        os.rename(draft, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise from_os(error, f"write {printable(path)}") from None


def _file(place: str, url: str) -> str:
    return f"{place}/{blake2b(url.encode(), digest_size=8).hexdigest()}.json"
