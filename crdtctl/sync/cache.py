"""What is remembered of the objects at a remote, so that they are not read again.

A file for each remote in the replica's directory, below ``sync``. It may be deleted, lost or damaged at any time: then
everything there is read once more. What it says is believed only as far as the replica still knows what it says.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated

import msgspec

from crdtctl.errors import from_os, printable
from crdtctl.store import owner
from crdtctl.store.durable import NEW
from crdtctl.store.temporary import of_replica
from crdtctl.sync.plan import CachedObject, ObjectSummary
from crdtctl.sync.transport import Entry

_VERSION = 1
_MAX_BYTES = 2**30

#: An author, how far it is held, and its departures as text. Many objects may hold the same of one.
_Fact = tuple[str, int, str]
_Number = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class _Object:
    """A memo; what the object holds as numbers of facts, None if it is no state."""

    entry: Entry
    digest: str
    mark: str
    fault: str
    owner: str
    is_whole: bool
    held: list[_Number] | None
    unsettled: float = 0.0
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class _Remembered:
    crdtctl_sync: int
    url: str
    facts: list[_Fact]
    objects: list[_Object]


def directory(replica: str) -> str:
    """Return the directory for what a replica remembers of remotes, in the replica's own."""
    return of_replica(replica)


def load(place: str, url: str) -> dict[str, CachedObject]:
    """Return what is remembered of the remote `url`, by name of the object."""
    try:
        with open(file_of(place, url), "rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=_Remembered)
        if found.crdtctl_sync != _VERSION or found.url != url:
            return {}
        return {one.entry.name: _memo(one, found.facts) for one in found.objects}
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError, IndexError):
        return {}


def _memo(one: _Object, facts: list[_Fact]) -> CachedObject:
    if one.held is None:
        return CachedObject(one.entry, one.digest, None, one.mark, one.fault)
    said = [facts[number] for number in one.held]
    clock = {author: seq for author, seq, _ in said}
    histories = {author: history for author, _, history in said if history}
    held = ObjectSummary(one.owner, clock, histories, one.is_whole, one.is_idle)
    return CachedObject(one.entry, one.digest, held, one.mark, one.fault, one.unsettled)


def save(place: str, url: str, cache: Mapping[str, CachedObject]) -> None:
    """Remember the objects of the remote `url`. It need not be durable, but is never half there."""
    numbers: dict[_Fact, int] = {}
    kept = [cache[name] for name in sorted(cache) if name.isprintable()]  # others cannot be read, and may be no UTF-8
    objects = [_object(cached, numbers) for cached in kept]
    data = msgspec.json.encode(_Remembered(_VERSION, url, list(numbers), objects))
    write(place, file_of(place, url), data)


def write(place: str, path: str, data: bytes) -> None:
    """Write a file in the directory `place`, which is made if it is not there. The file is never half there."""
    draft = f"{path}.{os.getpid()}{NEW}"
    try:
        owner.make_directories(place, shared=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(fd, "wb") as file, owner.opened(place) as directory:
            owner.adopt(fd, directory)
            file.write(data)
        os.rename(draft, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise from_os(error, f"write {printable(path)}") from None


def _object(cached: CachedObject, numbers: dict[_Fact, int]) -> _Object:
    """Return what is written of a memo; facts that have no number yet get the next."""
    held = cached.summary
    if held is None:
        return _Object(cached.entry, cached.digest, cached.fingerprint, cached.fault, "", False, None)
    said = [numbers.setdefault(fact, len(numbers)) for fact in _facts(held)]
    facts = (cached.entry, cached.digest, cached.fingerprint, cached.fault, held.owner, held.is_whole, said)
    return _Object(*facts, cached.unsettled, held.is_idle)


def _facts(held: ObjectSummary) -> Iterator[_Fact]:
    return ((author, seq, held.histories.get(author, "")) for author, seq in held.clock.items())


def file_of(place: str, url: str, suffix: str = ".json") -> str:
    """Return the path of a file about the remote `url`."""
    return f"{place}/{blake2b(url.encode(), digest_size=8).hexdigest()}{suffix}"
