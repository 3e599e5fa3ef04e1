"""The history of syncs with a remote: the last success, the last attempt, the last error, and the kind of the place.

It is a small JSON file for each remote beside the cache of its objects. It may be lost at any time; then earlier syncs
are unknown.
"""

from __future__ import annotations

import time

from crdtctl import json_text
from crdtctl.errors import CrdtctlError, printable
from crdtctl.records import NamedTuple, Record, as_dict, field, replace
from crdtctl.sync.kept_files import CACHE, HISTORY, file_of, write
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

_VERSION: Final = 1
_MAX_BYTES = 2**26
_MAX_ERROR = 500


class Unfinished(NamedTuple):
    """A file of a transfer in progress: its size and version, and the time since which both are unchanged."""

    size: int
    version: str
    since: str


class Health(Record):
    """The history of syncs with the remote `url`. Times are in UTC; an empty time means never.

    `kind` is the kind of a path: ``folder`` or ``repository``. `failures` is the number of failed attempts since the
    last success, the first one at `failing_since`; `error` and `status` are of the last one. `undeletable` is the time
    since which the remote refuses deletions. `missing` maps missing objects to the time of their disappearance.
    `unlisted` maps uploaded objects that no listing has shown to the time of their upload. `unfinished` holds files of
    transfers in progress. `key` is the id of the key of the last successful sync; empty if it was without a key.
    `older` maps replicas to the commit of their objects at an earlier sync, if only older ones are there now.
    `suspected` are such replicas in one listing that may have been late.
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
    key: str = ""
    older: dict[str, int] = field(default_factory=dict)
    suspected: dict[str, int] = field(default_factory=dict)
    crdtctl_remote: int = _VERSION

    def succeeded(self, now: str) -> Health:
        """Return the history extended by a successful sync."""
        return replace(self, last_ok=now, last_try=now, failures=0, failing_since="", error="", status=0)

    def failed(self, now: str, error: CrdtctlError) -> Health:
        """Return the history extended by a failed sync."""
        return replace(
            self,
            last_try=now,
            failures=self.failures + 1,
            failing_since=self.failing_since or now,
            error=printable(str(error))[:_MAX_ERROR],
            status=error.status,
        )


def stamp(seconds: float | None = None) -> str:
    """Return a time in the format of the file: the present one, or `seconds` after the epoch.

    >>> stamp(0)
    '1970-01-01T00:00:00Z'
    """
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def load(directory: str, url: str) -> Health:
    """Return the history of the remote `url`; an empty one without a valid file."""
    found = _read(file_of(directory, url, HISTORY))
    return found if found is not None and found.url == url else Health(url)


def save(directory: str, health: Health) -> None:
    """Save the history of a remote. The file is replaced as a whole, but need not be durable."""
    fields = as_dict(health)
    fields["unfinished"] = {name: one._asdict() for name, one in health.unfinished.items()}
    write(directory, file_of(directory, health.url, HISTORY), json_text.encode(fields))


def forget(directory: str, url: str) -> None:
    """Delete the history and the cache of a remote."""
    for path in (file_of(directory, url, HISTORY), file_of(directory, url, CACHE)):
        try:
            os.unlink(path)
        except OSError:
            pass


def load_all(directory: str) -> list[Health]:
    """Return the histories of all remotes, sorted by URL."""
    try:
        names = [name for name in os.listdir(directory) if name.endswith(HISTORY)]
    except OSError:
        return []
    found = (_read(f"{directory}/{name}") for name in names)
    return sorted((one for one in found if one is not None), key=lambda one: one.url)


def _read(path: str) -> Health | None:
    try:
        with open(path, "rb") as file:
            found = json_text.decode(file.read(_MAX_BYTES))
    except (OSError, ValueError):
        return None
    if type(found) is not dict or found.get("crdtctl_remote") != _VERSION:
        return None
    known = {name: found[name] for name in Health.__match_args__ if name in found}
    wanted = as_dict(Health(""))
    if type(known.get("url")) is not str or any(type(one) is not type(wanted[name]) for name, one in known.items()):
        return None
    if not all(type(one) is str for name in ("missing", "unlisted") for one in known.get(name, {}).values()):
        return None
    if not all(type(one) is int for one in {**known.get("older", {}), **known.get("suspected", {})}.values()):
        return None
    unfinished = {name: _unfinished(one) for name, one in known.get("unfinished", {}).items()}
    files = {name: one for name, one in unfinished.items() if one is not None}
    return Health(**{**known, "unfinished": files}) if len(files) == len(unfinished) else None


def _unfinished(found: Any) -> Unfinished | None:
    if type(found) is not dict:
        return None
    parts: list[Any] = [found.get(name) for name in Unfinished._fields]
    return Unfinished(*parts) if [type(part) for part in parts] == [int, str, str] else None
