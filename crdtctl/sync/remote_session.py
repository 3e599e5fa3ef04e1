"""The state of one remote during a sync."""

from __future__ import annotations

from crdtctl.contexts import contextmanager
from crdtctl.errors import CrdtctlError, from_os
from crdtctl.records import NamedTuple, Record, field
from crdtctl.sync.object_name import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from crdtctl.sync.health import Health
    from crdtctl.sync.local_files import LocalFile
    from crdtctl.sync.plan import CachedObject, Naming
    from crdtctl.sync.report import Remote, RemoteReport
    from crdtctl.sync.transport import Deadline, ListedObject, Transport


class FetchedFile(NamedTuple):
    """A file that was downloaded and is not merged yet: its entry, and its content on this machine."""

    entry: ListedObject
    content: LocalFile


class RemoteSession(Record, frozen=False, eq=False):
    """The listing of a remote, the cache of its objects, and the files that were downloaded and not merged yet.

    `saved` is the cache as it was before the sync. `listing` holds the files that are read, `placeholders` the names of
    files that a cloud drive has not downloaded. `reread` are files that were read again although their version is the
    cached one. `assumed_present` are missing objects that still count as present. `progress` is the number of bytes
    fetched and to fetch. `planned_after` is the number of merges before the last upload plan, -1 before the first one.
    `tick` is called after each object that is read. `is_blind` is true for a remote that refuses listings.

    A private remote has the id of the `key` that seals objects, the names that it gives to them, and the `former` names
    of other keys. `plain` are the names of plain objects there. If it `has_other_keys`, an object that is missing may
    have one of them now.

    A session that is `abandoned` is still used by a thread that does not return; the engine no longer looks at it.
    """

    remote: Remote
    report: RemoteReport
    deadline: Deadline
    health: Health
    saved: Mapping[str, CachedObject]
    cache: dict[str, CachedObject]
    connection: Transport | None = None
    listing: list[ListedObject] = field(default_factory=list)
    placeholders: set[str] = field(default_factory=set)
    fetched: list[FetchedFile] = field(default_factory=list)
    refused: dict[str, CrdtctlError] = field(default_factory=dict)
    reread: set[str] = field(default_factory=set)
    assumed_present: list[CachedObject] = field(default_factory=list)
    progress: tuple[int, int] = (0, 0)
    is_read: bool = False
    is_blind: bool = False
    planned_after: int = -1
    abandoned: bool = False
    tick: Callable[[], object] | None = None
    key: str = ""
    naming: Naming = name_of
    former: list[Naming] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)
    has_other_keys: bool = False

    def label(self, name: str) -> str:
        """Return the name of an object of this remote in messages."""
        stored = name if self.connection is None else self.connection.stored_name(name)
        return f"{self.remote.name.rstrip('/')}/{stored}"

    @property
    def transport(self) -> Transport:
        """The transport. The remote must be connected."""
        assert self.connection is not None
        return self.connection

    @property
    def objects(self) -> list[CachedObject]:
        """The cached objects of the present listing, as far as their versions are the cached ones."""
        pairs = ((entry, self.cache.get(entry.name)) for entry in self.listing)
        return [cached for entry, cached in pairs if cached is not None and cached.entry == entry]

    @property
    def present(self) -> list[CachedObject]:
        """The cached objects of the present listing, and those that a cloud drive has not downloaded."""
        return [*self.objects, *(self.cache[name] for name in sorted(self.placeholders) if name in self.cache)]

    def close(self) -> None:
        """Close the transport, if the remote is connected."""
        if self.connection is not None:
            self.connection.close()

    @contextmanager
    def recording_failures(self) -> Iterator[None]:
        """Record a failure in the report of this remote instead of raising it."""
        try:
            yield
        except CrdtctlError as error:
            self.report.error = error
        except OSError as error:
            self.report.error = from_os(error, "sync")
