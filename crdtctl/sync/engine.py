"""Carrying it out: remotes are listed and read side by side, and what is new is merged as it comes.

Then each remote gets its share. What fails at one remote is reported of that remote, and holds up no other.
"""

import os
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import partial

from crdtctl.codec.wire import Head, newer
from crdtctl.crdt import forks
from crdtctl.errors import CrdtctlError, DataError, UnavailableError, printable
from crdtctl.store.inputs import Input, open_input
from crdtctl.store.merge import MergeReport
from crdtctl.store.processes import cores
from crdtctl.store.replica import Replica
from crdtctl.store.share import Standing
from crdtctl.store.unheard import Heard
from crdtctl.sync import cache as memory
from crdtctl.sync import health
from crdtctl.sync.download import emptied, read
from crdtctl.sync.missing_objects import absent, is_emptied, last_seen, missed, never_listed
from crdtctl.sync.path_kind import address, kind_of
from crdtctl.sync.plan import Held, Memo, Outgoing, is_coarse, is_named, to_put
from crdtctl.sync.remote_session import Visit
from crdtctl.sync.report import Missing, Moved, Options, Remote, RemoteReport, SyncReport, add_merge
from crdtctl.sync.retry import TRIES, patiently
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.temporary_directory import scratch as made_scratch
from crdtctl.sync.transport import Deadline
from crdtctl.sync.upload import prepare, put
from crdtctl.sync.worker_threads import Crew

__all__ = [
    "TRIES",
    "Missing",
    "Moved",
    "Options",
    "Remote",
    "RemoteReport",
    "SyncReport",
    "patiently",
    "sync",
]

#: When one remote has been read, the others may take so many seconds more to be merged in the same commit.
_TOGETHER = 0.5
#: Of so many new objects a dry run finds out what they would add to what is put.
_FORESEEN = 200
#: So many seconds an object may be missing; then what it held is put there again.
_MISSED = 86_400
#: A listing may be late by so many seconds.
_LATE = 600


def sync(replica: Replica, remotes: Iterable[Remote], options: Options | None = None) -> SyncReport:
    """Let a replica and remotes know of each other all they know; return what was done, also where some of it failed.

    Raise `BusyError` if another sync of this replica does not end in time, and what prevents a merge.
    """
    options = options or Options()
    wanted = {one.url: one for one in reversed([Remote(one.name, check(one.url)) for one in remotes])}
    place = memory.directory(replica.path)
    with ExitStack() as stack:
        if not options.dry_run:
            stack.enter_context(replica.locked_to_sync(options.retry_lock))
        scratch = stack.enter_context(made_scratch(place, is_dry=options.dry_run))
        visits = [_visit(remote, place, options) for remote in reversed(wanted.values())]
        course = _Course(replica, options, place, scratch, visits)
        for visit in visits:
            stack.callback(course.close, visit)
        with Crew() as crew:
            course.run(crew)
        return course.report


def _visit(remote: Remote, place: str, options: Options) -> Visit:
    known = health.load(place, remote.url)
    memos = memory.load(place, remote.url)
    if options.accept_missing:
        known = replace(known, kind="", missing={}, unlisted={})
    report = RemoteReport(remote.name, remote.url)
    return Visit(remote, report, Deadline(options.timeout), known, memos, dict(memos))


@dataclass(slots=True)
class _Course:
    """A sync under way. All of it is done by one thread, but for what the crew does at the remotes."""

    replica: Replica
    options: Options
    place: str
    scratch: str
    visits: list[Visit]
    report: SyncReport = field(default_factory=SyncReport)
    news: list[Input] = field(default_factory=list)
    merges: int = 0

    def run(self, crew: Crew) -> None:
        """Read, merge and put until there is nothing more to do."""
        standing = self.replica.standing()
        for number, visit in enumerate(self.visits):
            crew.start(visit, partial(self._read, visit, standing, f"{self.scratch}/{number}"))
        ready: list[Visit] = []
        while crew.is_busy:
            came = crew.ended(float("inf") if self.options.dry_run else _TOGETHER, self._tick)
            for visit in came:
                self.report.merge.refused.update(visit.refused)
            self._merge([visit for visit in came if visit.fresh and not visit.left], standing)
            standing = self._standing(standing)
            for visit in came:
                if visit.planned < 0 and not visit.left:
                    visit.report.replicas = {memo.held.owner for memo in _present(visit) if memo.held is not None}
                    visit.report.seen = last_seen(_present(visit), standing)
            ready += [visit for visit in came if visit.report.error is None]
            ready = [one for one in ready if one.report.error is None and not self._go_on(crew, one, standing)]
            for visit in came:
                if visit not in crew:
                    self._remember(visit)
        self.report.remotes = [_reported(visit) for visit in self.visits]
        if not self.options.dry_run:
            self._hear()
        owners = (who for one in self.report.remotes for who in one.replicas)
        self.report.replicas = {standing.replica, *owners}

    def _read(self, visit: Visit, standing: Standing, scratch: str) -> None:
        """Connect to a remote and read it, in a thread of its own."""
        state = f"{self.scratch}/state" if self.options.dry_run else self.place
        kind = kind_of(visit.remote.url, visit.deadline, state)
        url = address(visit.remote.url, kind, visit.health.kind)
        visit.transport = connect(url, visit.deadline, state)
        os.makedirs(scratch, exist_ok=True)
        read(visit, standing, scratch, accepts=self.options.accept_missing)
        if not visit.health.kind:
            visit.health = replace(visit.health, kind=kind)

    def _tick(self) -> None:
        """Report progress."""
        if self.options.progress is None:
            return
        waiting = (visit for visit in self.visits if visit.report.error is None and not visit.is_read)
        silent = [visit.remote.name for visit in waiting if not visit.listing]
        done, total = (sum(visit.read[n] for visit in self.visits) for n in (0, 1))
        if total > done or not silent:
            self.options.progress("reading", done, total)
        elif silent:
            self.options.progress(f"connecting to {', '.join(silent)}", 0, 0)

    def _standing(self, before: Standing) -> Standing:
        """Return where the replica stands now; with a dry run, where it would stand."""
        return _foreseen(before, self.report.merge) if self.options.dry_run else self.replica.standing()

    # Merging ------------------------------------------------------------------------------------------------

    def _merge(self, visits: Sequence[Visit], standing: Standing) -> None:
        """Merge what was fetched, as one commit, and remember what it held.

        With a dry run it is taken by nobody, and still there.
        """
        inputs = [Input(visit.label(entry.name), path=path) for visit in visits for entry, path, _ in visit.fresh]
        if not inputs:
            return
        options = self.options
        tell = options.progress
        total = sum(os.path.getsize(one.path) for one in inputs if one.path)
        # What has threads, as some transports do, is better not forked.
        merged = self.replica.merge_inputs(
            inputs,
            dry_run=options.dry_run,
            hears=False,
            details=options.details,
            processes=cores() if threading.active_count() == 1 else 1,
            progress=None if tell is None else lambda done: tell("merging", min(done, total), total),
        )
        self.merges += 1
        for visit in visits:
            self._note(visit, merged, standing)
        add_merge(self.report.merge, merged)
        if options.dry_run:
            self.news += [one for one in inputs if one.label in merged.taken]

    def _note(self, visit: Visit, merged: MergeReport, standing: Standing) -> None:
        """Remember what the fetched files of a remote held."""
        for entry, path, digest in visit.fresh:
            label = visit.label(entry.name)
            head = merged.heads.get(label)
            if head is not None:
                memo = Memo(entry, digest, _held(head, merged.idle))
                if is_coarse(entry.version) and not is_named(memo) and entry.name not in visit.settled:
                    memo = replace(memo, unsettled=time.time())
                visit.memos[entry.name] = memo
                visit.report.read.append(_moved(entry.name, path, head, standing, count=self.options.dry_run))
            elif isinstance(reason := merged.refused.get(label), DataError):
                visit.memos[entry.name] = Memo(entry, digest, fault=reason.message)
            if not self.options.dry_run:
                with suppress(FileNotFoundError):
                    os.unlink(path)
        visit.fresh = []

    def _hear(self) -> None:
        """Let a replica that was put back learn whether the remotes know all that it did: if all of them were read."""
        if not self.replica.unheard() or any(one.error for one in self.report.remotes):
            return
        try:
            configured = {check(url) for url in self.replica.remotes().values()}
        except CrdtctlError:
            return
        if configured <= {visit.remote.url for visit in self.visits}:
            held = [memo.held for visit in self.visits for memo in visit.objects if memo.held]
            self.replica.hear([Heard(one.owner, one.histories) for one in held])

    # Putting ------------------------------------------------------------------------------------------------

    def _go_on(self, crew: Crew, visit: Visit, standing: Standing) -> bool:
        """Decide what a remote that was read is to get; return whether it is being put there now.

        What was put may have to be followed by what another remote brought meanwhile.
        """
        if visit.planned == self.merges:
            return False
        with visit.noting_failures():
            if visit.planned < 0:
                self._find_missing(visit, standing)
            visit.planned = self.merges
            options, objects = self.options, [*_present(visit), *visit.absent]
            interval = 0.0 if visit.health.undeletable else options.heartbeat
            planned = to_put(
                objects,
                standing,
                clean=options.clean,
                earlier=visit.saved,
                now=time.time(),
                interval=interval,
            )
            if self.options.dry_run:
                self._tell_plan(visit, planned, standing)
                return False
            share = prepare(
                self.replica, visit, planned, f"{self.scratch}/outgoing-{self.visits.index(visit)}", standing.replica
            )
            if share.is_nothing:
                return False
            crew.start(visit, partial(put, visit, share))
            return True
        return False

    def _find_missing(self, visit: Visit, standing: Standing) -> None:
        """Report what is missing at a remote, for the first time; raise `UnavailableError` if that is everything.

        What is missing counts as still there for a day, so that a listing that is cut makes nobody put all of it again.
        """
        if self.options.accept_missing:
            return
        self._find_unlisted(visit)
        names = {entry.name for entry in visit.listing} | visit.stand_ins
        saved = list(visit.saved.values())
        gone = absent(saved, visit.objects, names, standing)
        if is_emptied(saved, gone, names):
            visit.memos = dict(visit.saved)
            raise emptied(visit)
        before, now = visit.health.missing, health.stamp()
        latest = health.stamp(time.time() - _MISSED)
        known = {}
        for memo in missed(gone):
            name = memo.entry.name
            owner = memo.held.owner if memo.held else ""
            if name not in before:
                visit.report.missing.append(Missing(owner, name, bool(memo.mark)))
            if not memo.mark and before.get(name, now) > latest:
                known[name] = before.get(name, now)
                visit.absent.append(memo)
                visit.memos[name] = memo
        visit.health = replace(visit.health, missing=known)

    def _find_unlisted(self, visit: Visit) -> None:
        """Raise `UnavailableError` where what this replica put a while ago is not listed; a listing may be late."""
        left = never_listed(visit.health.unlisted, {entry.name for entry in visit.listing})
        visit.health = replace(visit.health, unlisted=dict(left))
        since = min(left.values(), default="")
        if since and since < health.stamp(time.time() - _LATE):
            where = printable(visit.remote.name)
            raise UnavailableError(
                f"what was put there at {since} is not listed; nothing was put",
                f"what does crdtctl remote check find? once the place is mended: crdtctl sync --accept-missing {where}",
            )

    def _tell_plan(self, visit: Visit, planned: Outgoing, standing: Standing) -> None:
        """Report what would be put at a remote and deleted there, once the news were merged."""
        if planned.wanted and not planned.is_renewed:
            news = self.news[:_FORESEEN] if planned.carried else ()
            entries, size = self.replica.size_of_share(planned.carried, news)
            visit.report.put = Moved(standing.replica, "", size, entries, planned.carried)
        visit.report.deleted = [] if planned.is_renewed else list(planned.obsolete)

    # Remembering --------------------------------------------------------------------------------------------

    def _remember(self, visit: Visit) -> None:
        """Keep what is known of a remote, unless a thread is still at it, or nothing is to change."""
        if self.options.dry_run:
            return
        now, url = health.stamp(), visit.remote.url
        with visit.noting_failures():
            if visit.left:
                health.save(self.place, health.load(self.place, url).failed(now, visit.deadline.over()))
            elif (error := visit.report.error) is not None:
                health.save(self.place, visit.health.failed(now, error))
                visit.memos = {**visit.saved, **visit.memos}  # what was not looked at to the end is not forgotten
            else:
                health.save(self.place, visit.health.succeeded(now))
            if not visit.left and visit.memos and visit.memos != visit.saved:
                memory.save(self.place, url, visit.memos)

    def close(self, visit: Visit) -> None:
        """Let go of what a transport holds, unless a thread that was left behind still does."""
        if visit.transport is not None and not visit.left:
            visit.transport.close()


def _reported(visit: Visit) -> RemoteReport:
    """Return the report of a visit; one that was left behind is not looked at any more."""
    if not visit.left:
        return visit.report
    return RemoteReport(visit.remote.name, visit.remote.url, error=visit.deadline.over())


def _present(visit: Visit) -> list[Memo]:
    """Return what is remembered of what is there, also of what a cloud drive has not downloaded."""
    stand_ins = [visit.memos[name] for name in sorted(visit.stand_ins) if name in visit.memos]
    return [*visit.objects, *stand_ins]


def _foreseen(standing: Standing, merged: MergeReport) -> Standing:
    """Return where a replica would stand, had it merged what a dry run did not."""
    heads = [(standing.clock, standing.histories), *((head.clock, head.tags) for head in merged.heads.values())]
    joined = forks.join(heads)
    return replace(standing, clock=joined.clock, histories=joined.histories)


def _held(head: Head, idle: Collection[str]) -> Held:
    return Held(
        head.replica,
        dict(head.clock),
        dict(head.tags),
        head.kind == "state",
        head.replica in idle and head.replica not in head.clock,
    )


def _moved(name: str, path: str, head: Head, standing: Standing, *, count: bool) -> Moved:
    news = tuple(sorted(a for a, seq in head.clock.items() if seq > standing.clock.get(a, 0)))
    entries = _news(path, standing) if count else None
    return Moved(head.replica, name, os.path.getsize(path), entries, news)


def _news(path: str, standing: Standing) -> int:
    """Return how many contributions in a state are newer than what is known."""
    with ExitStack() as stack:
        source = open_input(Input(path, path=path), stack)
        decoded = (source.decode(line)[1] for _, line in source.lines())
        return sum(len(rows) for counter in decoded for rows in newer(counter, standing.clock).values())
