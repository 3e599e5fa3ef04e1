"""How syncs with a remote went: the last success, the last try, what failed; and what kind of place it was.

A small file for each remote beside what is remembered of its objects. It may be lost at any time: then nothing is
known of earlier syncs, and nothing is claimed.
"""

import os
import time
from dataclasses import dataclass, field, replace
from typing import Final

import msgspec

from crdtctl.errors import CrdtctlError, printable
from crdtctl.sync import cache as memory

_VERSION: Final = 1
_MAX_BYTES = 2**26
_SUFFIX = ".remote.json"
_MAX_ERROR = 500


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A file of a transfer that was under way: its size and version, and since when both are the same."""

    size: int
    version: str
    since: str


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of earlier syncs with the remote `url`. Times are in UTC, empty if there was none.

    `kind` is what a path was: ``folder`` or ``repository``. `failures` is how many tries failed since the last success,
    the first at `failing_since`; `error` and `status` are of the last. `undeletable` is since when old objects cannot
    be deleted there. `missing` are the objects that are missed, and since when; `unlisted` are those that were put, and
    no listing has shown yet.
    """

    url: str
    kind: str = ""
    last_ok: str = ""
    last_try: str = ""
    failures: int = 0
    failing_since: str = ""
    error: str = ""
    status: int = 0
    undeletable: str = ""
    missing: dict[str, str] = field(default_factory=dict)
    unlisted: dict[str, str] = field(default_factory=dict)
    unfinished: dict[str, Unfinished] = field(default_factory=dict)
    crdtctl_remote: int = _VERSION

    def succeeded(self, now: str) -> "Health":
        """Return the same after a sync that went well."""
        return replace(self, last_ok=now, last_try=now, failures=0, failing_since="", error="", status=0)

    def failed(self, now: str, error: CrdtctlError) -> "Health":
        """Return the same after a sync that failed."""
        return replace(
            self,
            last_try=now,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            error=printable(str(error))[:_MAX_ERROR],
            status=error.status,
        )


def stamp(seconds: float | None = None) -> str:
    """Return a time as it is kept: now, or so many seconds after the epoch.

    >>> stamp(0)
    '1970-01-01T00:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def load(place: str, url: str) -> Health:
    """Return what is known of earlier syncs with the remote `url`."""
    found = _read(_file(place, url))
    return found if found is not None and found.url == url else Health(url)


def save(place: str, health: Health) -> None:
    """Keep what is known of a remote. It need not be durable, but is never half there."""
    memory.write(place, _file(place, health.url), msgspec.json.encode(health))


def forget(place: str, url: str) -> None:
    """Forget what is known of a remote, and its objects."""
    for path in (_file(place, url), memory.file_of(place, url)):
        try:
            os.unlink(path)
        except OSError:
            pass


def known(place: str) -> list[Health]:
    """Return what is known of all remotes that were synced with, sorted by URL."""
    try:
        names = [name for name in os.listdir(place) if name.endswith(_SUFFIX)]
    except OSError:
        return []
    found = (_read(f"{place}/{name}") for name in names)
    return sorted((one for one in found if one is not None), key=lambda one: one.url)


def _read(path: str) -> Health | None:
    try:
        with open(path, "rb") as file:
            found = msgspec.json.decode(file.read(_MAX_BYTES), type=Health)
    except (OSError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return found if found.crdtctl_remote == _VERSION else None


def _file(place: str, url: str) -> str:
    return memory.file_of(place, url, _SUFFIX)
