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

from crdtctl.codec.header import Head
from crdtctl.crdt import forks
from crdtctl.crdt.counter import delta_of
from crdtctl.errors import CrdtctlError, DataError, UnavailableError, printable
from crdtctl.store.inputs import Input, open_input
from crdtctl.store.merge import MergeReport
from crdtctl.store.processes import cores
from crdtctl.store.replica import Replica
from crdtctl.store.share import Knowledge
from crdtctl.store.unheard import Heard
from crdtctl.sync import cache as memory
from crdtctl.sync import health
from crdtctl.sync.download import emptied_error, read
from crdtctl.sync.missing_objects import is_emptied, last_seen, missing_objects, reportable, unlisted_uploads
from crdtctl.sync.path_kind import address, kind_of
from crdtctl.sync.plan import CachedObject, ObjectSummary, UploadPlan, is_coarse, is_named, plan_upload
from crdtctl.sync.remote_session import RemoteSession
from crdtctl.sync.report import MissingObject, Options, Remote, RemoteReport, SyncReport, Transferred, add_merge
from crdtctl.sync.schemes import check, connect
from crdtctl.sync.temporary_directory import scratch as made_scratch
from crdtctl.sync.transport import Deadline
from crdtctl.sync.upload import prepare, put
from crdtctl.sync.worker_threads import WorkerThreads

#: When one remote has been read, the others may take so many seconds more to be merged in the same commit.
_GROUPING_SECONDS = 0.5
#: Of so many new objects a dry run finds out what they would add to what is put.
_MAX_PREDICTED = 200
#: So many seconds an object may be missing; then what it held is put there again.
_MISSING_GRACE_SECONDS = 86_400
#: A listing may be late by so many seconds.
_LISTING_DELAY_SECONDS = 600


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
        sessions = [_new_session(remote, place, options) for remote in reversed(wanted.values())]
        course = _Sync(replica, options, place, scratch, sessions)
        for session in sessions:
            stack.callback(course.close, session)
        with WorkerThreads() as crew:
            course.run(crew)
        return course.report


def _new_session(remote: Remote, place: str, options: Options) -> RemoteSession:
    known = health.load(place, remote.url)
    cache = memory.load(place, remote.url)
    if options.accept_missing:
        known = replace(known, kind="", missing={}, unlisted={})
    report = RemoteReport(remote.name, remote.url)
    return RemoteSession(remote, report, Deadline(options.timeout), known, cache, dict(cache))


@dataclass(slots=True)
class _Sync:
    """A sync under way. All of it is done by one thread, but for what the crew does at the remotes."""

    replica: Replica
    options: Options
    place: str
    scratch: str
    sessions: list[RemoteSession]
    report: SyncReport = field(default_factory=SyncReport)
    news: list[Input] = field(default_factory=list)
    merges: int = 0

    def run(self, crew: WorkerThreads) -> None:
        """Read, merge and put until there is nothing more to do."""
        knowledge = self.replica.knowledge()
        for number, session in enumerate(self.sessions):
            crew.start(session, partial(self._read, session, knowledge, f"{self.scratch}/{number}"))
        ready: list[RemoteSession] = []
        while crew.is_busy:
            came = crew.ended(float("inf") if self.options.dry_run else _GROUPING_SECONDS, self._tick)
            for session in came:
                self.report.merge.refused.update(session.refused)
            self._merge([session for session in came if session.fresh and not session.left], knowledge)
            knowledge = self._knowledge(knowledge)
            for session in came:
                if session.planned < 0 and not session.left:
                    session.report.replicas = {
                        cached.summary.owner for cached in _present(session) if cached.summary is not None
                    }
                    session.report.seen = last_seen(_present(session), knowledge)
            ready += [session for session in came if session.report.error is None]
            ready = [
                one for one in ready if one.report.error is None and not self._plan_and_start(crew, one, knowledge)
            ]
            for session in came:
                if session not in crew:
                    self._remember(session)
        self.report.remotes = [_reported(session) for session in self.sessions]
        if not self.options.dry_run:
            self._confirm_restored()
        owners = (who for one in self.report.remotes for who in one.replicas)
        self.report.replicas = {knowledge.replica, *owners}

    def _read(self, session: RemoteSession, knowledge: Knowledge, scratch: str) -> None:
        """Connect to a remote and read it, in a thread of its own."""
        state = f"{self.scratch}/state" if self.options.dry_run else self.place
        kind = kind_of(session.remote.url, session.deadline, state)
        url = address(session.remote.url, kind, session.health.kind)
        session.transport = connect(url, session.deadline, state)
        os.makedirs(scratch, exist_ok=True)
        read(session, knowledge, scratch, accepts=self.options.accept_missing)
        if not session.health.kind:
            session.health = replace(session.health, kind=kind)

    def _tick(self) -> None:
        """Report progress."""
        if self.options.progress is None:
            return
        waiting = (session for session in self.sessions if session.report.error is None and not session.is_read)
        silent = [session.remote.name for session in waiting if not session.listing]
        done, total = (sum(session.read[n] for session in self.sessions) for n in (0, 1))
        if total > done or not silent:
            self.options.progress("reading", done, total)
        elif silent:
            self.options.progress(f"connecting to {', '.join(silent)}", 0, 0)

    def _knowledge(self, before: Knowledge) -> Knowledge:
        """Return where the replica stands now; with a dry run, where it would stand."""
        return _predicted(before, self.report.merge) if self.options.dry_run else self.replica.knowledge()

    # Merging ------------------------------------------------------------------------------------------------

    def _merge(self, sessions: Sequence[RemoteSession], knowledge: Knowledge) -> None:
        """Merge what was fetched, as one commit, and remember what it held.

        With a dry run it is taken by nobody, and still there.
        """
        inputs = [
            Input(session.label(entry.name), path=path) for session in sessions for entry, path, _ in session.fresh
        ]
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
        for session in sessions:
            self._note(session, merged, knowledge)
        add_merge(self.report.merge, merged)
        if options.dry_run:
            self.news += [one for one in inputs if one.label in merged.taken]

    def _note(self, session: RemoteSession, merged: MergeReport, knowledge: Knowledge) -> None:
        """Remember what the fetched files of a remote held."""
        for entry, path, digest in session.fresh:
            label = session.label(entry.name)
            head = merged.heads.get(label)
            if head is not None:
                cached = CachedObject(entry, digest, _summary_of(head, merged.idle))
                if is_coarse(entry.version) and not is_named(cached) and entry.name not in session.settled:
                    cached = replace(cached, unsettled=time.time())
                session.cache[entry.name] = cached
                session.report.read.append(_transferred(entry.name, path, head, knowledge, count=self.options.dry_run))
            elif isinstance(reason := merged.refused.get(label), DataError):
                session.cache[entry.name] = CachedObject(entry, digest, fault=reason.message)
            if not self.options.dry_run:
                with suppress(FileNotFoundError):
                    os.unlink(path)
        session.fresh = []

    def _confirm_restored(self) -> None:
        """Let a replica that was put back learn whether the remotes know all that it did: if all of them were read."""
        if not self.replica.unheard() or any(one.error for one in self.report.remotes):
            return
        try:
            configured = {check(url) for url in self.replica.remotes().values()}
        except CrdtctlError:
            return
        if configured <= {session.remote.url for session in self.sessions}:
            summary = [cached.summary for session in self.sessions for cached in session.objects if cached.summary]
            self.replica.hear([Heard(one.owner, one.histories) for one in summary])

    # Putting ------------------------------------------------------------------------------------------------

    def _plan_and_start(self, crew: WorkerThreads, session: RemoteSession, knowledge: Knowledge) -> bool:
        """Decide what a remote that was read is to get; return whether it is being put there now.

        What was put may have to be followed by what another remote brought meanwhile.
        """
        if session.planned == self.merges:
            return False
        with session.recording_failures():
            if session.planned < 0:
                self._check_missing(session, knowledge)
            session.planned = self.merges
            options, objects = self.options, [*_present(session), *session.assumed_present]
            interval = 0.0 if session.health.undeletable else options.heartbeat
            planned = plan_upload(
                objects,
                knowledge,
                clean=options.clean,
                earlier=session.saved,
                now=time.time(),
                interval=interval,
            )
            if self.options.dry_run:
                self._report_plan(session, planned, knowledge)
                return False
            share = prepare(
                self.replica,
                session,
                planned,
                f"{self.scratch}/outgoing-{self.sessions.index(session)}",
                knowledge.replica,
            )
            if share.is_nothing:
                return False
            crew.start(session, partial(put, session, share))
            return True
        return False

    def _check_missing(self, session: RemoteSession, knowledge: Knowledge) -> None:
        """Report what is missing at a remote, for the first time; raise `UnavailableError` if that is everything.

        What is missing counts as still there for a day, so that a listing that is cut makes nobody put all of it again.
        """
        if self.options.accept_missing:
            return
        self._check_unlisted(session)
        names = {entry.name for entry in session.listing} | session.placeholders
        saved = list(session.saved.values())
        gone = missing_objects(saved, session.objects, names, knowledge)
        if is_emptied(saved, gone, names):
            session.cache = dict(session.saved)
            raise emptied_error(session)
        before, now = session.health.missing, health.stamp()
        latest = health.stamp(time.time() - _MISSING_GRACE_SECONDS)
        known = {}
        for cached in reportable(gone):
            name = cached.entry.name
            owner = cached.summary.owner if cached.summary else ""
            if name not in before:
                session.report.missing.append(MissingObject(owner, name, bool(cached.fingerprint)))
            if not cached.fingerprint and before.get(name, now) > latest:
                known[name] = before.get(name, now)
                session.assumed_present.append(cached)
                session.cache[name] = cached
        session.health = replace(session.health, missing=known)

    def _check_unlisted(self, session: RemoteSession) -> None:
        """Raise `UnavailableError` where what this replica put a while ago is not listed; a listing may be late."""
        left = unlisted_uploads(session.health.unlisted, {entry.name for entry in session.listing})
        session.health = replace(session.health, unlisted=dict(left))
        since = min(left.values(), default="")
        if since and since < health.stamp(time.time() - _LISTING_DELAY_SECONDS):
            where = printable(session.remote.name)
            raise UnavailableError(
                f"what was put there at {since} is not listed; nothing was put",
                f"what does crdtctl remote check find? once the place is mended: crdtctl sync --accept-missing {where}",
            )

    def _report_plan(self, session: RemoteSession, planned: UploadPlan, knowledge: Knowledge) -> None:
        """Report what would be put at a remote and deleted there, once the news were merged."""
        if planned.wanted and not planned.is_renewed:
            news = self.news[:_MAX_PREDICTED] if planned.relayed else ()
            entries, size = self.replica.size_of_share(planned.relayed, news)
            session.report.put = Transferred(knowledge.replica, "", size, entries, planned.relayed)
        session.report.deleted = [] if planned.is_renewed else list(planned.obsolete)

    # Remembering --------------------------------------------------------------------------------------------

    def _remember(self, session: RemoteSession) -> None:
        """Keep what is known of a remote, unless a thread is still at it, or nothing is to change."""
        if self.options.dry_run:
            return
        now, url = health.stamp(), session.remote.url
        with session.recording_failures():
            if session.left:
                health.save(self.place, health.load(self.place, url).failed(now, session.deadline.over()))
            elif (error := session.report.error) is not None:
                health.save(self.place, session.health.failed(now, error))
                session.cache = {**session.saved, **session.cache}  # what was not looked at to the end is not forgotten
            else:
                health.save(self.place, session.health.succeeded(now))
            if not session.left and session.cache and session.cache != session.saved:
                memory.save(self.place, url, session.cache)

    def close(self, session: RemoteSession) -> None:
        """Let go of what a transport holds, unless a thread that was left behind still does."""
        if session.transport is not None and not session.left:
            session.transport.close()


def _reported(session: RemoteSession) -> RemoteReport:
    """Return the report of a visit; one that was left behind is not looked at any more."""
    if not session.left:
        return session.report
    return RemoteReport(session.remote.name, session.remote.url, error=session.deadline.over())


def _present(session: RemoteSession) -> list[CachedObject]:
    """Return what is remembered of what is there, also of what a cloud drive has not downloaded."""
    placeholders = [session.cache[name] for name in sorted(session.placeholders) if name in session.cache]
    return [*session.objects, *placeholders]


def _predicted(knowledge: Knowledge, merged: MergeReport) -> Knowledge:
    """Return where a replica would stand, had it merged what a dry run did not."""
    heads = [(knowledge.clock, knowledge.histories), *((head.clock, head.tags) for head in merged.heads.values())]
    joined = forks.join(heads)
    return replace(knowledge, clock=joined.clock, histories=joined.histories)


def _summary_of(head: Head, idle: Collection[str]) -> ObjectSummary:
    return ObjectSummary(
        head.replica,
        dict(head.clock),
        dict(head.tags),
        head.kind == "state",
        head.replica in idle and head.replica not in head.clock,
    )


def _transferred(name: str, path: str, head: Head, knowledge: Knowledge, *, count: bool) -> Transferred:
    news = tuple(sorted(a for a, seq in head.clock.items() if seq > knowledge.clock.get(a, 0)))
    entries = _news(path, knowledge) if count else None
    return Transferred(head.replica, name, os.path.getsize(path), entries, news)


def _news(path: str, knowledge: Knowledge) -> int:
    """Return how many contributions in a state are newer than what is known."""
    with ExitStack() as stack:
        source = open_input(Input(path, path=path), stack)
        decoded = (source.decode(line)[1] for _, line in source.lines())
        return sum(len(rows) for counter in decoded for rows in delta_of(counter, knowledge.clock).values())
