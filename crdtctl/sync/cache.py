"""The cache of the objects at a remote, so that a sync reads only new ones.

It is one JSON file for each remote, in the folder ``sync`` of the replica's directory. It may be deleted, lost or
damaged at any time; then all objects of the remote are read again. An entry is only used while the replica still knows
all that the object holds.
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
from crdtctl.sync.transport import ListedObject

_VERSION = 1
_MAX_BYTES = 2**30

#: A replica id, its commit number, and its export markers as text. Objects share equal facts.
_Fact = tuple[str, int, str]
_Number = Annotated[int, msgspec.Meta(ge=0)]


@dataclass(frozen=True, slots=True)
class _Object:
    """A cached object. `held` are the indices of its facts, None if the file is not a state."""

    entry: ListedObject
    digest: str
    mark: str
    fault: str
    owner: str
    is_whole: bool
    held: list[_Number] | None
    unsettled: float = 0.0
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class _Stored:
    crdtctl_sync: int
    url: str
    facts: list[_Fact]
    objects: list[_Object]


def directory(replica: str) -> str:
    """Return the directory for the caches and histories of a replica's remotes."""
    return of_replica(replica)


def load(directory: str, url: str) -> dict[str, CachedObject]:
    """Return the cache of the remote `url`, by name of the object; an empty one without a valid file."""
    try:
        with open(file_of(directory, url), "rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=_Stored)
        if found.crdtctl_sync != _VERSION or found.url != url:
            return {}
        return {stored.entry.name: _cached(stored, found.facts) for stored in found.objects}
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError, IndexError):
        return {}


def _cached(stored: _Object, facts: list[_Fact]) -> CachedObject:
    if stored.held is None:
        return CachedObject(stored.entry, stored.digest, None, stored.mark, stored.fault)
    held = [facts[number] for number in stored.held]
    clock = {replica: seq for replica, seq, _ in held}
    histories = {replica: history for replica, _, history in held if history}
    summary = ObjectSummary(stored.owner, clock, histories, stored.is_whole, stored.is_idle)
    return CachedObject(stored.entry, stored.digest, summary, stored.mark, stored.fault, stored.unsettled)


def save(directory: str, url: str, cache: Mapping[str, CachedObject]) -> None:
    """Save the cache of the remote `url`. The file is replaced as a whole, but need not be durable."""
    numbers: dict[_Fact, int] = {}
    # Files with other names are never read, and their names may not be UTF-8.
    kept = [cache[name] for name in sorted(cache) if name.isprintable()]
    objects = [_object(cached, numbers) for cached in kept]
    data = msgspec.json.encode(_Stored(_VERSION, url, list(numbers), objects))
    write(directory, file_of(directory, url), data)


def write(directory: str, path: str, data: bytes) -> None:
    """Replace a file in `directory` as a whole, and make the directory if it does not exist."""
    draft = f"{path}.{os.getpid()}{NEW}"
    try:
        owner.make_directories(directory, shared=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        with os.fdopen(fd, "wb") as file, owner.opened(directory) as opened:
            owner.adopt(fd, opened)
            file.write(data)
        os.rename(draft, path)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise from_os(error, f"write {printable(path)}") from None


def _object(cached: CachedObject, numbers: dict[_Fact, int]) -> _Object:
    """Return the stored form of a cached object, and add its new facts to `numbers`."""
    summary = cached.summary
    if summary is None:
        return _Object(cached.entry, cached.digest, cached.fingerprint, cached.fault, "", False, None)
    held = [numbers.setdefault(fact, len(numbers)) for fact in _facts(summary)]
    facts = (cached.entry, cached.digest, cached.fingerprint, cached.fault, summary.owner, summary.is_whole, held)
    return _Object(*facts, cached.unsettled, summary.is_idle)


def _facts(summary: ObjectSummary) -> Iterator[_Fact]:
    return ((replica, seq, summary.histories.get(replica, "")) for replica, seq in summary.clock.items())


def file_of(directory: str, url: str, suffix: str = ".json") -> str:
    """Return the path of a file about the remote `url`."""
    return f"{directory}/{blake2b(url.encode(), digest_size=8).hexdigest()}{suffix}"
