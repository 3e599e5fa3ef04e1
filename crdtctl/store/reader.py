"""Reading a replica: each method opens a snapshot of its own, and `Reader.snapshot` one for several questions."""

from __future__ import annotations

from crdtctl.contexts import contextmanager
from crdtctl.errors import UsageError
from crdtctl.records import overload
from crdtctl.store import which
from crdtctl.store.files import Directory
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any, Final, Self, TypeVar

    from crdtctl.codec.header import FormerId
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Fork
    from crdtctl.crdt.membership import Roster
    from crdtctl.crdt.order import Order
    from crdtctl.crdt.renames import Conflict
    from crdtctl.store.check import Finding
    from crdtctl.store.config import RemoteSettings
    from crdtctl.store.counts import JournalEntry
    from crdtctl.store.gone import Returned
    from crdtctl.store.handoffs import OpenHandoff
    from crdtctl.store.identity import OnRenamed
    from crdtctl.store.inputs import Input, State
    from crdtctl.store.jobs import AttemptReading
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.reading import Reading
    from crdtctl.store.receipts import Unreceived
    from crdtctl.store.rights import Holding, MadeTwice
    from crdtctl.store.selection import Where
    from crdtctl.store.snapshot import Snapshot
    from crdtctl.store.totals import Total

    _T = TypeVar("_T")

_MISSING: Final = object()


class Reader:
    """The directory of a replica, and the methods of `crdtctl.Replica` that only read."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lock_timeout: float | None = None,
        on_renamed: OnRenamed | None = None,
    ) -> None:
        """Use the replica whose directory is `path`, or the one in the directory ``.crdtctl`` there.

        A write waits `lock_timeout` seconds for a lock that another process holds (None: as configured). A copied or
        restored replica gets a new id before it writes, and `on_renamed` is called with a description.
        """
        if not (isinstance(path, str) or isinstance(path, os.PathLike)):  # noqa: SIM101  # the second imports os
            raise UsageError(f"the directory of a replica is a path, not {type(path).__name__}")
        self.path = which.named(os.fspath(path))
        self.lock_timeout = lock_timeout
        self._on_renamed = on_renamed
        with self._open():
            pass

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    @classmethod
    def find(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        lock_timeout: float | None = None,
        on_renamed: OnRenamed | None = None,
    ) -> Self:
        """Use the replica at `path`, or the one that the command line would find.

        Notes that the command line prints, for example about a replica of another user, are warnings here.
        """
        import warnings

        notes: list[str] = []
        found = which.find(None if path is None else os.fspath(path), notes)
        for note in notes:
            warnings.warn(note, stacklevel=2)
        return cls(found, lock_timeout=lock_timeout, on_renamed=on_renamed)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open this replica as it is at one moment, to ask several questions about it."""
        from crdtctl.store.snapshot import snapshot

        with self._open() as directory, snapshot(directory) as now:
            yield now

    # Questions to own.json alone ---------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The id of this replica: its name, its time of generation, and random bits."""
        with self._own() as own:
            return own.head.replica

    @property
    def tier(self) -> int:
        """The tier of this replica; 0 if it is permanent."""
        with self._own() as own:
            return own.head.tier

    @property
    def is_sealed(self) -> bool:
        """Whether this replica is retired."""
        from crdtctl.store.retirement import is_sealed

        with self._own() as own:
            return is_sealed(own)

    @property
    def commits(self) -> int:
        """The number of this replica's last commit."""
        with self._own() as own:
            return own.head.clock.get(own.head.replica, 0)

    # Questions to both files -------------------------------------------------------------------------------

    def clock(self) -> dict[str, int]:
        """Return the clock, a version vector: replica → number of its last known commit.

        No clock mentions a replica that is not permanent and has only handed over.
        """
        with self.snapshot() as now:
            return now.clock()

    def missing(self, clock: Clock) -> dict[str, int]:
        """Return the entries of `clock` that this replica does not know. It knows all absorbed replicas."""
        with self.snapshot() as now:
            return now.missing(clock)

    def compare(self, state: State) -> Order:
        """Return the relation of this replica to a state, a path or bytes: behind, ahead, equal or concurrent."""
        from crdtctl.store.summary import summarize

        other = summarize([state])
        with self.snapshot() as now:
            return now.compare(other)

    @classmethod
    def clock_of(cls, *states: State) -> dict[str, int]:
        """Return the joined clock of states, paths of files or bytes."""
        from crdtctl.store.summary import summarize

        return dict(summarize(states).clock)

    def heard(self) -> dict[str, str]:
        """Return replica → arrival time of its last news, in UTC."""
        with self.snapshot() as now:
            return now.heard()

    def past(self) -> list[FormerId]:
        """Return the earlier ids of this replica, oldest first, and the reason why each ended."""
        with self.snapshot() as now:
            return now.past()

    def unheard(self) -> list[str]:
        """Return the earlier ids whose last exported state has not come back. Until it has, nothing is absorbed."""
        with self.snapshot() as now:
            return now.unheard()

    def forks(self) -> list[Fork]:
        """Return the ids that had several writers and are not resolved."""
        with self.snapshot() as now:
            return now.forks()

    def retired(self) -> Roster:
        """Return the retired replicas: sealed ones and absorbed ones."""
        with self.snapshot() as now:
            return now.retired()

    def returned(self) -> list[Returned]:
        """Return the replicas that were declared lost, see `Replica.take_back`, and have made later commits."""
        with self.snapshot() as now:
            return now.returned()

    def doubled(self) -> dict[str, tuple[str, ...]]:
        """Return the sealed replicas that several others absorbed, so that they count twice, unless resolved.

        A key is the last 20 digits of the id, the only part that is kept. The values are the absorbers.
        """
        with self.snapshot() as now:
            return now.doubled()

    def rename_conflicts(self) -> list[Conflict]:
        """Return the renames that do not hold, because another replica renamed differently without knowing of them.

        No count is lost by that. A further rename of the name resolves a conflict.
        """
        with self.snapshot() as now:
            return now.rename_conflicts()

    def aliases(self) -> dict[str, str]:
        """Return the names of counters that were renamed, and the name that each leads to."""
        with self.snapshot() as now:
            return now.aliases()

    def declared_gone(self) -> dict[str, int]:
        """Return the replicas that were declared gone for good, and the last known commit of each at that time."""
        with self.snapshot() as now:
            return now.declared_gone()

    def unreceived(self) -> list[Unreceived]:
        """Return the replicas that may not have received a `forget` or `rename`, by the replica that made it."""
        with self.snapshot() as now:
            return now.unreceived()

    def piled_up(self) -> list[str]:
        """Return advice about replicas that were not heard of for long, and about names with many replicas."""
        with self.snapshot() as now:
            return now.piled_up()

    def absorbed_again(self, replica: str) -> list[str]:
        """Return the ids that absorbed a replica after the first one that did: their counts of it are too much."""
        with self.snapshot() as now:
            return now.absorbed_again(replica)

    def open_handoffs(self) -> list[OpenHandoff]:
        """Return the unfinished part of each handoff counter, of this id and of earlier ids."""
        with self.snapshot() as now:
            return now.open_handoffs()

    def reasons_to_keep(self) -> list[str]:
        """Return the reasons why this replica must not be discarded yet; empty if it may be."""
        with self.snapshot() as now:
            return now.reasons_to_keep()

    def replica_called(self, text: str, name: str) -> str:
        """Return the one known id that `text` is, begins, or contains as its name.

        Known are the ids in the clock, earlier ids of this replica, and the holders of rights to the counter `name`.
        Raise `MissingError` without such an id, and `UsageError` if there are several.
        """
        with self.snapshot() as now:
            return now.replica_called(text, name)

    # Counters ----------------------------------------------------------------------------------------------

    def reading(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> Reading:
        """Read one counter in the type that this replica uses, or in type `tag`.

        Raise `MissingError` for an unknown counter, and `UsageError` if it has several types and this replica uses
        none of them.
        """
        with self.snapshot() as now:
            return now.reading(name, tag, labels=labels)

    def readings(self, name: str, tag: str | None = None) -> list[Reading]:
        """Read a counter in each of its types, or in type `tag`. Raise `MissingError` for an unknown counter."""
        with self.snapshot() as now:
            return now.readings(name, tag)

    @overload
    def value(self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None) -> int: ...
    @overload
    def value(
        self, name: str, tag: str | None = None, *, labels: Mapping[str, str] | None = None, default: _T
    ) -> int | _T: ...
    def value(
        self,
        name: str,
        tag: str | None = None,
        *,
        labels: Mapping[str, str] | None = None,
        default: object = _MISSING,
    ) -> object:
        """Return the value of a counter, or the `default` for an unknown counter.

        `labels` and those in the name are all labels of the counter: others of that name are not added. Without a
        default, raise `MissingError`. Raise `UsageError` for a wrong name or label.
        """
        with self.snapshot() as now:
            if default is _MISSING:
                return now.value(name, tag, labels=labels)
            return now.value(name, tag, labels=labels, default=default)

    def tags(self, name: str) -> list[str]:
        """Return the types of a counter; empty for an unknown counter."""
        with self.snapshot() as now:
            return now.tags(name)

    def meant(self, name: str) -> str:
        """Return the type that the name of a counter means: the one that this replica uses, or the only one.

        It is empty for an unknown counter. Raise `UsageError` if there are several and the settings choose none.
        """
        with self.snapshot() as now:
            return now.meant(name)

    def select(
        self,
        *names: str,
        where: Where = (),
        by: Iterable[str] | None = None,
        each: bool = False,
        exact: bool = False,
        tag: str | None = None,
    ) -> list[Total]:
        """Return totals of counters: for each name one of all its series; empty for an unknown name.

        A name may select series by labels, as in ``tests{os="linux"}``, and may be a pattern, as in ``tests.*``, unless
        a counter has exactly that name. Without names, every counter is selected. `where` are further conditions:
        labels with their values, or texts such as ``os!=linux`` and ``os=win*``. `by` are keys of labels: there is a
        total for each combination of their values, and a missing label is the empty text. With `each`, or without
        names and `by`, every series is a total by itself. With `exact`, a name is one counter, with exactly its labels.

        A name with several types is read in the one that this replica uses, or in all of them if it uses none. Raise
        `UsageError` for a wrong name, condition, key or type.
        """
        with self.snapshot() as now:
            return now.select(*names, where=where, by=by, each=each, exact=exact, tag=tag)

    def counters(self) -> Iterator[Reading]:
        """Yield all counters by name and type, in constant memory."""
        with self.snapshot() as now:
            yield from now.counters()

    def attempts(self, name: str | None = None) -> Iterator[AttemptReading]:
        """Yield the counts of all attempts of jobs, also of those that do not count, by the name of the counter."""
        with self.snapshot() as now:
            yield from now.attempts(name)

    def rights(self, name: str) -> Holding:
        """Return the holders of the rights to a bcounter, and the requests. Raise `MissingError` if it is unknown."""
        with self.snapshot() as now:
            return now.rights(name)

    def holdings(self) -> list[Holding]:
        """Return the holders of the rights, and the requests, of all bcounters."""
        with self.snapshot() as now:
            return now.holdings()

    def made_twice(self) -> list[MadeTwice]:
        """Return the bcounters that several replicas created with an initial value, unless resolved."""
        with self.snapshot() as now:
            return now.made_twice()

    # For sync ----------------------------------------------------------------------------------------------

    def knowledge(self) -> Knowledge:
        """Return the knowledge of this replica, which a sync compares with remotes."""
        with self.snapshot() as now:
            return now.knowledge()

    def size_of_share(self, authors: Iterable[str], news: Iterable[Input] = ()) -> tuple[int, int]:
        """Return the number of entries, and about the number of bytes, of a `share` after a merge of `news`.

        No export is recorded.
        """
        from crdtctl.store.export import size_of_partial

        with self.snapshot() as now:
            return size_of_partial(now, set(authors), news)

    def remotes(self) -> dict[str, str]:
        """Return name → URL of the remotes in ``config.toml``, in its order. Raise `ConfigError`."""
        return {name: remote.url for name, remote in self.remote_settings().items()}

    def remote_settings(self) -> dict[str, RemoteSettings]:
        """Return name → settings of the remotes in ``config.toml``, in its order. Raise `ConfigError`."""
        from crdtctl.store import config

        with self._open() as directory:
            return dict(config.read(directory.fd, directory.file("config.toml")).remotes)

    def owns_settings(self) -> bool:
        """Return whether only this user and root can have written ``config.toml``."""
        from crdtctl.store import config

        with self._open() as directory:
            return config.is_ours(directory.fd)

    # The rest ----------------------------------------------------------------------------------------------

    def log(self) -> list[dict[str, Any]]:
        """Return the events of this replica, oldest first: time (``at``), event (``did``) and facts of each."""
        from crdtctl.store import journal

        with self._open() as directory:
            return list(journal.read(directory))

    def journal(self) -> list[JournalEntry]:
        """Return the commits in the journal of counts, oldest first; none if this replica keeps no such journal."""
        from crdtctl.store import counts

        with self.snapshot() as now, self._open() as directory:
            return counts.read(directory, now.id, now.commits)

    def check(self) -> list[Finding]:
        """Verify this replica's files. Return a finding for each check."""
        from crdtctl.store.check import check_replica

        return check_replica(self.path)

    @contextmanager
    def _open(self) -> Iterator[Directory]:
        directory = Directory(self.path)
        try:
            yield directory
        finally:
            directory.close()

    @contextmanager
    def _own(self) -> Iterator[Source]:
        with self._open() as directory, directory.own_source() as own:
            yield own
