"""The cache of the objects at a remote, so that a sync reads only new ones.

It is one JSON file for each remote, in the folder ``sync`` of the replica's directory. It may be deleted, lost or
damaged at any time; then all objects of the remote are read again. An entry is only used while the replica still knows
all that the object holds.
"""

from __future__ import annotations

from crdtctl import json_text
from crdtctl.sync.kept_files import CACHE, file_of, write
from crdtctl.sync.plan import CachedObject, ObjectSummary
from crdtctl.sync.transport import ListedObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    #: A replica id, its commit number, and its export markers as text. Objects share equal facts.
    _Fact = tuple[str, int, str]

_VERSION = 1
_MAX_BYTES = 2**30
#: The parts of a cached object, in the order of the file. The last two may be missing.
_PARTS = ("entry", "digest", "mark", "fault", "owner", "is_whole", "held", "unsettled", "is_idle")
#: The types of the parts that each object has.
_KINDS = [str, str, str, str, str, str, int, bool]


def load(directory: str, url: str) -> dict[str, CachedObject]:
    """Return the cache of the remote `url`, by name of the object; an empty one without a valid file."""
    try:
        with open(file_of(directory, url, CACHE), "rb") as file:
            found = json_text.decode(file.read(_MAX_BYTES), alone=True)
        if (found["crdtctl_sync"], found["url"]) != (_VERSION, url):
            return {}
        facts = found["facts"]
        if not all(_is_fact(fact) for fact in facts):
            return {}
        cached = [_cached(stored, facts) for stored in found["objects"]]
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    return {one.entry.name: one for one in cached}


def _is_fact(fact: Any) -> bool:
    replica, seq, history = fact
    return type(replica) is str and type(seq) is int and type(history) is str


def _cached(stored: Any, facts: list[Any]) -> CachedObject:
    """Return an object from its stored form; raise an error of the interpreter if it has another form."""
    at, digest, mark, fault = stored["entry"], stored["digest"], stored["mark"], stored["fault"]
    name, size, version = at["name"], at["size"], at["version"]
    owner, is_whole, numbers = stored["owner"], stored["is_whole"], stored["held"]
    unsettled, is_idle = stored.get("unsettled", 0), stored.get("is_idle", False)
    kinds = [type(part) for part in (name, version, digest, mark, fault, owner, size, is_whole)]
    if kinds != _KINDS:
        raise TypeError
    entry = ListedObject(name, size, version)
    if numbers is None:
        return CachedObject(entry, digest, None, mark, fault)
    if type(unsettled) not in (float, int) or type(is_idle) is not bool or min(numbers, default=0) < 0:
        raise TypeError
    held = [facts[number] for number in numbers]
    clock = {replica: seq for replica, seq, _ in held}
    histories = {replica: history for replica, _, history in held if history}
    return CachedObject(
        entry, digest, ObjectSummary(owner, clock, histories, is_whole, is_idle), mark, fault, unsettled
    )


def save(directory: str, url: str, cache: Mapping[str, CachedObject]) -> None:
    """Save the cache of the remote `url`. The file is replaced as a whole, but need not be durable."""
    numbers: dict[_Fact, int] = {}
    # Files with other names are never read, and their names may not be UTF-8.
    kept = [cache[name] for name in sorted(cache) if name.isprintable()]
    objects = [_object(cached, numbers) for cached in kept]
    stored = {"crdtctl_sync": _VERSION, "url": url, "facts": list(numbers), "objects": objects}
    write(directory, file_of(directory, url, CACHE), json_text.encode(stored, alone=True))


def _object(cached: CachedObject, numbers: dict[_Fact, int]) -> dict[str, object]:
    """Return the stored form of a cached object, and add its new facts to `numbers`."""
    summary = cached.summary
    held = None if summary is None else [numbers.setdefault(fact, len(numbers)) for fact in _facts(summary)]
    whose = ("", False, None) if summary is None else (summary.owner, summary.is_whole, held)
    idle = summary is not None and summary.is_idle
    entry = cached.entry
    listed = {"name": entry.name, "size": entry.size, "version": entry.version}
    parts = (listed, cached.digest, cached.fingerprint, cached.fault, *whose, cached.unsettled, idle)
    return dict(zip(_PARTS, parts, strict=True))


def _facts(summary: ObjectSummary) -> Iterator[_Fact]:
    return ((replica, seq, summary.histories.get(replica, "")) for replica, seq in summary.clock.items())
