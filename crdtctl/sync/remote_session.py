"""One remote in the course of a sync."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from crdtctl.errors import CrdtctlError, from_os
from crdtctl.sync.health import Health
from crdtctl.sync.plan import CachedObject
from crdtctl.sync.report import Remote, RemoteReport
from crdtctl.sync.transport import Deadline, Entry, Transport


class FetchedFile(NamedTuple):
    """A file that was fetched and is to be merged: its entry, where it is here, and its hash."""

    entry: Entry
    path: str
    digest: str


@dataclass(slots=True, eq=False)
class RemoteSession:
    """The listing of a remote, what is remembered of it, and what was read and not merged.

    `saved` is what was remembered before. `read` is how many bytes of how many have been fetched. `planned` is after
    how many merges it was decided what to put. Files that are `settled` were read again under the same version. A
    visit that is `left` is still under way in another thread, and nothing of it is looked at any more.
    """

    remote: Remote
    report: RemoteReport
    deadline: Deadline
    health: Health
    saved: Mapping[str, CachedObject]
    cache: dict[str, CachedObject]
    transport: Transport | None = None
    listing: list[Entry] = field(default_factory=list)
    placeholders: set[str] = field(default_factory=set)
    fresh: list[FetchedFile] = field(default_factory=list)
    refused: dict[str, CrdtctlError] = field(default_factory=dict)
    settled: set[str] = field(default_factory=set)
    assumed_present: list[CachedObject] = field(default_factory=list)
    read: tuple[int, int] = (0, 0)
    is_read: bool = False
    planned: int = -1
    left: bool = False

    def label(self, name: str) -> str:
        """Return what an object here is called in messages."""
        return f"{self.remote.name.rstrip('/')}/{name}"

    @property
    def there(self) -> Transport:
        """The transport, once it is connected."""
        assert self.transport is not None
        return self.transport

    @property
    def objects(self) -> list[CachedObject]:
        """What is remembered of what is there now."""
        found = ((entry, self.cache.get(entry.name)) for entry in self.listing)
        return [cached for entry, cached in found if cached is not None and cached.entry == entry]

    @contextmanager
    def recording_failures(self) -> Iterator[None]:
        """Note what fails at this remote, and raise nothing."""
        try:
            yield
        except CrdtctlError as error:
            self.report.error = error
        except OSError as error:
            self.report.error = from_os(error, "sync")
