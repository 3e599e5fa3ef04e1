"""Whether a replica was written to, without reading its files."""

from __future__ import annotations

import os
import time

from crdtctl.contexts import suppress
from crdtctl.store.durable import KNOWN, OWN, RECENT
from crdtctl.store.temporary import of_replica

#: The state, the settings with the remotes, and the ends of the names of the histories of syncs.
_FILES = (f"{OWN}.json", f"{OWN}{RECENT}", f"{KNOWN}.json", "config.toml")
_HISTORIES = ".remote.json"
#: Two writes within this number of nanoseconds may leave the same time in a file.
_CLOSE = 50_000_000


def stamp(path: str) -> tuple[object, ...]:
    """Return a value that differs from an earlier one if a file of the replica at `path` was written in between.

    It has the identity, the size and the time of each file. A next write soon after the last one may leave the same
    time, so until a moment has passed, the value differs from every other.
    """
    paths = [os.path.join(path, name) for name in _FILES]
    place = of_replica(path)
    with suppress(OSError):
        paths += sorted(os.path.join(place, name) for name in os.listdir(place) if name.endswith(_HISTORIES))
    found: list[object] = []
    latest = 0
    for one in paths:
        with suppress(OSError):
            facts = os.stat(one)
            latest = max(latest, facts.st_mtime_ns)
            found.append((one, facts.st_dev, facts.st_ino, facts.st_size, facts.st_mtime_ns))
    if abs(time.time_ns() - latest) < _CLOSE:
        found.append(object())
    return tuple(found)
