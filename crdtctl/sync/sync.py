"""Carrying it out: remotes are listed and read, what is new is merged in one commit, each remote gets its share.

What fails at one remote is told of that remote, and holds up no other.
"""

import os
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from typing import TypeVar

from crdtctl.codec.wire import Head, newer
from crdtctl.crdt import forks
from crdtctl.errors import (
    CrdtctlError,
    DataError,
    ExistsError,
    MissingError,
    StorageError,
    TransientError,
    from_os,
    printable,
)
from crdtctl.store import temporary
from crdtctl.store.durable import NEW
from crdtctl.store.inputs import Input, open_input
from crdtctl.store.merge import MergeReport
from crdtctl.store.processes import cores
from crdtctl.store.replica import Replica
from crdtctl.store.share import Standing
from crdtctl.store.unheard import Heard
from crdtctl.sync import memory
from crdtctl.sync.plan import Held, Memo, Outgoing, mark_of, name_of, to_put, to_read
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.transport import MAX_OBJECT, OWN, PROBE, Deadline, Entry, Transport

#: What passes by itself is tried so often in all, after pauses that double.
TRIES = 4
_FIRST_PAUSE = 0.2
#: A file that vanishes while it is read was replaced, so a new listing is asked for, so often.
_LISTINGS = 3
_BLOCK = 2**20
#: Of so many new objects a dry run finds out what they would add to what is put.
_FORESEEN = 200
_SCRATCH = "crdtctl-sync-"
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Remote:
    """A place to meet others: what to call it, and its URL."""

    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Options:
    """How to sync: seconds for what is done at one remote, and seconds to wait for another sync.

    The report tells of so many changed counters the `details`. `progress` is told how many bytes of how many are read.
    """

    timeout: float = 300.0
    retry_lock: float | None = None
    clean: bool = False
    dry_run: bool = False
    details: int = 0
    progress: Callable[[int, int], object] | None = None


@dataclass(frozen=True, slots=True)
class Moved:
    """An object that came or went: whose, its bytes, how many new contributions it holds, and of which authors."""

    owner: str
    object: str
    size: int
    entries: int | None = None
    authors: tuple[str, ...] = ()


@dataclass(slots=True)
class RemoteReport:
    """What happened at one remote: what was read and put, what was deleted, and why it failed, if it did.

    `replicas` are the owners of the objects there. With a dry run, all this is what would be done.
    """

    name: str
    url: str
    replicas: set[str] = field(default_factory=set)
    read: list[Moved] = field(default_factory=list)
    put: Moved | None = None
    deleted: list[str] = field(default_factory=list)
    error: CrdtctlError | None = None


@dataclass(slots=True)
class SyncReport:
    """What a sync did. `merge` says what came of what was read; its labels are ``REMOTE/OBJECT``.

    `replicas` are the owners of all objects that were seen, and this one.
    """

    remotes: list[RemoteReport] = field(default_factory=list)
    merge: MergeReport = field(default_factory=MergeReport)
    replicas: set[str] = field(default_factory=set)

    @property
    def changed(self) -> bool:
        """Whether anything was learned here, or put or deleted anywhere."""
        return self.merge.changed or any(one.put or one.deleted for one in self.remotes)


@dataclass(slots=True)
class _Visit:
    """One remote in the course of a sync: its listing, what is remembered of it, and what was read and not merged.

    `saved` is what was remembered before.
    """

    remote: Remote
    transport: Transport
    report: RemoteReport
    memos: dict[str, Memo]
    saved: Mapping[str, Memo]
    listing: list[Entry] = field(default_factory=list)
    fresh: list[tuple[Entry, str, str]] = field(default_factory=list)

    def label(self, name: str) -> str:
        """Return what an object here is called in messages."""
        return f"{self.remote.name.rstrip('/')}/{name}"

    @property
    def objects(self) -> list[Memo]:
        """What is remembered of what is there now."""
        found = ((entry, self.memos.get(entry.name)) for entry in self.listing)
        return [memo for entry, memo in found if memo is not None and memo.entry == entry]


def sync(replica: Replica, remotes: Iterable[Remote], options: Options | None = None) -> SyncReport:
    """Let a replica and remotes know of each other all they know; return what was done, also where some of it failed.

    Raise `BusyError` if another sync of this replica does not end in time, and what prevents a merge.
    """
    options = options or Options()
    remotes = [Remote(one.name, check(one.url)) for one in remotes]
    deadline = Deadline(options.timeout)
    place = memory.directory(replica.path)
    report = SyncReport()
    with ExitStack() as stack:
        if not options.dry_run:
            stack.enter_context(replica.locked_to_sync(options.retry_lock))
        scratch = stack.enter_context(_scratch(place, is_dry=options.dry_run))
        visits = []
        for remote in reversed({one.url: one for one in reversed(remotes)}.values()):
            report.remotes.append(RemoteReport(remote.name, remote.url))
            with _told_of(report.remotes[-1]):
                state = f"{scratch}/state" if options.dry_run else place
                transport = stack.enter_context(connect(remote.url, deadline, state))
                memos = memory.load(place, remote.url)
                visits.append(_Visit(remote, transport, report.remotes[-1], memos, dict(memos)))
        standing = replica.standing()
        is_sealed = standing.replica in standing.ended.sealed
        for visit in visits:
            deadline.renew()  # one that does not answer leaves the others their time
            with _told_of(visit.report):
                _read(visit, standing, scratch, deadline, options, report, is_sealed=is_sealed)
        news = _merge(replica, visits, report, standing, options)
        if not options.dry_run:
            _hear(replica, visits, report)
        standing = _foreseen(standing, report.merge) if options.dry_run else replica.standing()
        for visit in visits:
            if visit.report.error is None:
                deadline.renew()
                with _told_of(visit.report):
                    planned = to_put(visit.objects, standing, clean=options.clean)
                    if options.dry_run:
                        _tell_plan(replica, visit, planned, standing, news)
                    else:
                        _put(replica, visit, planned, standing, scratch, deadline)
            if not options.dry_run and visit.memos and visit.memos != visit.saved:
                with _told_of(visit.report):
                    memory.save(place, visit.remote.url, visit.memos)
        report.replicas = {standing.replica, *(who for one in report.remotes for who in one.replicas)}
    return report


@contextmanager
def _scratch(place: str, *, is_dry: bool) -> Iterator[str]:
    """Make a directory for temporary files: in the replica's own `place`, which is swept; elsewhere if a run `is_dry`.

    Where the system has no directory for temporary files, a dry run uses `place`, too.
    """
    try:
        if not is_dry:
            os.makedirs(place, exist_ok=True)
            for name in os.listdir(place):
                if name.startswith(_SCRATCH):  # of a sync that was killed
                    shutil.rmtree(f"{place}/{name}", ignore_errors=True)
                elif name.endswith(NEW):
                    os.unlink(f"{place}/{name}")
        parent = temporary.directory(place) if is_dry else place
        directory = tempfile.TemporaryDirectory(prefix=_SCRATCH, dir=parent, ignore_cleanup_errors=True)
    except OSError as error:
        raise from_os(error, "make a temporary directory") from None
    with directory as path:
        yield path


@contextmanager
def _told_of(report: RemoteReport) -> Iterator[None]:
    """Note what fails at a remote."""
    try:
        yield
    except CrdtctlError as error:
        report.error = error
    except OSError as error:
        report.error = from_os(error, "sync")


def patiently(call: Callable[[], _T], deadline: Deadline, pause: Callable[[float], object] = time.sleep) -> _T:
    """Return what a call returns; if it fails in a way that passes by itself, it is made again, a few times."""
    for number in range(1, TRIES):
        try:
            return call()
        except TransientError as error:
            wait = _FIRST_PAUSE * 2**number * random.uniform(0.5, 1)  # noqa: S311  # so that two do not keep in step
            wait = max(wait, error.after)
            if wait >= deadline.remaining():
                raise
            pause(wait)
    return call()


# Reading ------------------------------------------------------------------------------------------------


def _read(
    visit: _Visit,
    standing: Standing,
    scratch: str,
    deadline: Deadline,
    options: Options,
    report: SyncReport,
    *,
    is_sealed: bool,
) -> None:
    """List a remote, and fetch what may be new; what is no state is refused in `report`."""
    for _ in range(_LISTINGS):
        found = patiently(visit.transport.list, deadline)
        _refuse_replica(visit, {one.name for one in found})
        visit.listing = sorted((one for one in found if not is_hidden(one.name)), key=lambda one: one.name)
        _remember_sizes(visit)
        read = {entry.name for entry, _, _ in visit.fresh}
        wanted = [entry for entry in to_read(visit.listing, visit.memos, standing) if entry.name not in read]
        if is_sealed or not _fetch(visit, wanted, standing, scratch, deadline, options, report):
            break
    for memo in visit.objects:
        if memo.fault:
            report.merge.refused.setdefault(visit.label(memo.entry.name), DataError(memo.fault))


def _refuse_replica(visit: _Visit, names: Container[str]) -> None:
    """Raise `ExistsError` in the directory of a replica: there, other files are no states to be met."""
    if all(name in names for name in OWN):
        raise ExistsError(f"{printable(visit.remote.url)} is a replica's directory", "name a folder elsewhere")


def is_hidden(name: str) -> bool:
    """Return whether a file is somebody's own business: a draft of ours, or what another program keeps there."""
    return name.startswith((".", "~", PROBE)) or name in ("desktop.ini", "Thumbs.db", "Icon\r")


def _remember_sizes(visit: _Visit) -> None:
    """Forget what is gone; take over the version of an object that this replica put, which only a listing tells."""
    entries = {entry.name: entry for entry in visit.listing}
    kept = {}
    for name, memo in visit.memos.items():
        entry = entries.get(name)
        if entry is not None:
            is_ours = memo.mark and not memo.entry.version and memo.entry.size == entry.size
            kept[name] = replace(memo, entry=entry) if is_ours else memo
    visit.memos = kept


def _fetch(
    visit: _Visit,
    wanted: Sequence[Entry],
    standing: Standing,
    scratch: str,
    deadline: Deadline,
    options: Options,
    report: SyncReport,
) -> bool:
    """Fetch entries, those that fail in passing several times; return whether some were gone."""
    refused = report.merge.refused
    for entry in wanted:
        if entry.size > MAX_OBJECT:
            label = visit.label(entry.name)
            refused[label] = DataError(f"{label} is larger than {MAX_OBJECT // 2**20} MiB")
    left = {entry.name: entry for entry in wanted if entry.size <= MAX_OBJECT}
    total, done = sum(entry.size for entry in left.values()), 0
    gone = False

    def fetch() -> None:
        nonlocal done, gone
        failed: TransientError | None = None
        directory = tempfile.mkdtemp(dir=scratch)
        for entry, path in visit.transport.fetch(list(left.values()), directory):
            if isinstance(path, TransientError):
                failed = failed or path
                continue
            left.pop(entry.name, None)
            if isinstance(path, MissingError):
                gone = True
            elif isinstance(path, StorageError):
                raise path
            elif isinstance(path, CrdtctlError):
                refused[visit.label(entry.name)] = path
                if isinstance(path, DataError):
                    visit.memos[entry.name] = Memo(entry, "", fault=path.message)
            else:
                _look(visit, entry, path, standing)
            done += entry.size
            if options.progress:
                options.progress(done, total)
        if failed:
            raise failed

    if left:
        patiently(fetch, deadline)
    return gone


def _look(visit: _Visit, entry: Entry, path: str, standing: Standing) -> None:
    """Note a file that was read: as known, if it is what it was; else it is to be merged."""
    digest = digest_of(path)
    memo = visit.memos.pop(entry.name, None)
    if memo and memo.digest == digest and (memo.held is None or standing.knows(memo.held.clock, memo.held.histories)):
        visit.memos[entry.name] = replace(memo, entry=entry)
        os.unlink(path)
    else:
        visit.fresh.append((entry, path, digest))


def digest_of(path: str) -> str:
    """Return the hash of a file."""
    digest = blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _merge(
    replica: Replica, visits: Sequence[_Visit], report: SyncReport, standing: Standing, options: Options
) -> list[Input]:
    """Merge what was fetched, as one commit, and remember what it held; return what was taken.

    With a dry run it is taken by nobody, and still there.
    """
    inputs = [Input(visit.label(entry.name), path=path) for visit in visits for entry, path, _ in visit.fresh]
    refused = report.merge.refused
    if inputs:
        # What has threads, as some transports do, is better not forked.
        processes = cores() if threading.active_count() == 1 else 1
        report.merge = replica.merge_inputs(
            inputs, dry_run=options.dry_run, hears=False, details=options.details, processes=processes
        )
        refused.update(report.merge.refused)
        report.merge.refused = refused
    for visit in visits:
        for entry, path, digest in visit.fresh:
            head = report.merge.heads.get(visit.label(entry.name))
            if head is not None:
                visit.memos[entry.name] = Memo(entry, digest, _held(head))
                visit.report.read.append(_moved(entry, path, head, standing, count=options.dry_run))
            elif isinstance(reason := refused.get(visit.label(entry.name)), DataError):
                visit.memos[entry.name] = Memo(entry, digest, fault=reason.message)
            if not options.dry_run:
                with suppress(FileNotFoundError):
                    os.unlink(path)
        visit.report.replicas = {memo.held.owner for memo in visit.objects if memo.held is not None}
    return [item for item in inputs if item.label in report.merge.heads]


def _hear(replica: Replica, visits: Sequence[_Visit], report: SyncReport) -> None:
    """Let a replica that was put back learn whether the remotes know all that it did: if all of them were read."""
    if not replica.unheard() or any(one.error for one in report.remotes):
        return
    try:
        configured = {check(url) for url in replica.remotes().values()}
    except CrdtctlError:
        return
    if configured <= {visit.remote.url for visit in visits}:
        held = [memo.held for visit in visits for memo in visit.objects if memo.held]
        replica.hear([Heard(one.owner, one.histories) for one in held])


def _foreseen(standing: Standing, merged: MergeReport) -> Standing:
    """Return where a replica would stand, had it merged what a dry run did not."""
    heads = [(standing.clock, standing.histories), *((head.clock, head.tags) for head in merged.heads.values())]
    joined = forks.join(heads)
    return replace(standing, clock=joined.clock, histories=joined.histories)


def _held(head: Head) -> Held:
    return Held(head.replica, dict(head.clock), dict(head.tags), head.kind == "state")


def _moved(entry: Entry, path: str, head: Head, standing: Standing, *, count: bool) -> Moved:
    news = tuple(sorted(a for a, seq in head.clock.items() if seq > standing.clock.get(a, 0)))
    entries = _news(path, standing) if count else None
    return Moved(head.replica, entry.name, entry.size, entries, news)


def _news(path: str, standing: Standing) -> int:
    """Return how many contributions in a state are newer than what is known."""
    with ExitStack() as stack:
        source = open_input(Input(path, path=path), stack)
        decoded = (source.decode(line)[1] for _, line in source.lines())
        return sum(len(rows) for counter in decoded for rows in newer(counter, standing.clock).values())


# Putting ------------------------------------------------------------------------------------------------


def _tell_plan(replica: Replica, visit: _Visit, planned: Outgoing, standing: Standing, news: Sequence[Input]) -> None:
    """Report what would be put at a remote and deleted there, once the `news` were merged."""
    if planned.wanted:
        entries, size = replica.size_of_share(planned.carried, news[:_FORESEEN] if planned.carried else ())
        visit.report.put = Moved(standing.replica, "", size, entries, planned.carried)
    visit.report.deleted = list(planned.obsolete)


def _put(
    replica: Replica, visit: _Visit, planned: Outgoing, standing: Standing, scratch: str, deadline: Deadline
) -> None:
    """Put this replica's share at a remote, unless it is there, and delete what that makes obsolete."""
    obsolete = set(planned.obsolete)
    if planned.wanted:
        memo = _write(replica, planned, f"{scratch}/outgoing")
        name = memo.entry.name
        obsolete.discard(name)
        there = next((one for one in visit.objects if one.entry.name == name), None)
        if there is None or there.digest != memo.digest:
            patiently(partial(visit.transport.put, name, f"{scratch}/outgoing"), deadline)
            visit.report.put = Moved(standing.replica, name, memo.entry.size, None, planned.carried)
            visit.memos[name] = memo
        else:
            visit.memos[name] = replace(memo, entry=there.entry)
    if visit.report.put or obsolete:
        for name in sorted(obsolete):
            patiently(partial(visit.transport.delete, name), deadline)
        patiently(visit.transport.flush, deadline)
        visit.report.deleted = sorted(obsolete)
        for name in obsolete:
            visit.memos.pop(name, None)


def _write(replica: Replica, planned: Outgoing, path: str) -> Memo:
    """Write this replica's share to a file; return what will be remembered of it, without its version there."""
    try:
        with open(path, "wb") as file:
            standing = replica.share(file.write, planned.carried)
        digest, size = digest_of(path), os.path.getsize(path)
    except OSError as error:
        raise from_os(error, "write a temporary file") from None
    authors = [author for author in planned.carried if author in standing.clock]
    clock = {who: standing.clock[who] for who in (standing.replica, *authors) if who in standing.clock}
    histories = {who: text for who, text in standing.histories.items() if who in clock}
    entry = Entry(name_of(standing.replica, digest), size)
    return Memo(entry, digest, Held(standing.replica, clock, histories), mark_of(standing, authors))
