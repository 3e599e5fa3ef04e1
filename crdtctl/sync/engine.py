"""The course of a sync: read all remotes side by side, merge their new objects as they arrive, then upload.

A failure at one remote is reported for that remote, and does not delay the others.
"""

from __future__ import annotations

import sys
import time

from crdtctl.contexts import ExitStack
from crdtctl.errors import CrdtctlError, DataError, UnavailableError, printable
from crdtctl.records import Record, field, replace
from crdtctl.sync import cache, health, kept_files
from crdtctl.sync.connecting import connect_session
from crdtctl.sync.download import as_input, download, emptied_error
from crdtctl.sync.missing_objects import is_emptied, last_seen, missing_objects, reportable, unlisted_uploads
from crdtctl.sync.plan import CachedObject, is_coarse, is_named, plan_upload, summary_of
from crdtctl.sync.remote_session import RemoteSession
from crdtctl.sync.report import MissingObject, Options, Remote, RemoteReport, SyncReport, Transferred, add_merge
from crdtctl.sync.schemes import check, is_local_folder
from crdtctl.sync.sightings import report_older
from crdtctl.sync.temporary_directory import TemporaryDirectory
from crdtctl.sync.transport import Deadline
from crdtctl.sync.work import InTurn
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from crdtctl.codec.header import Head
    from crdtctl.store.inputs import Input
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.merge import MergeReport
    from crdtctl.store.replica import Replica
    from crdtctl.sync.plan import UploadPlan
    from crdtctl.sync.remote_session import FetchedFile
    from crdtctl.sync.worker_threads import WorkerThreads

#: Seconds after the first remote was read. Other remotes that are read before the end join the same merge.
_GROUPING_SECONDS = 0.5
#: Maximum number of new objects that a dry run reads to predict the size of an upload.
_MAX_PREDICTED = 200
#: Seconds after which the content of a missing object is uploaded again.
_MISSING_GRACE_SECONDS = 86_400
#: Maximum number of seconds that a listing may be late.
_LISTING_DELAY_SECONDS = 600


def sync(replica: Replica, remotes: Iterable[Remote], options: Options | None = None) -> SyncReport:
    """Exchange all entries between a replica and remotes. Return the report, including failures at remotes.

    Raise `BusyError` if another sync of this replica does not end in time, and the errors of a merge.
    """
    options = options or Options()
    checked = [replace(remote, url=check(remote.url)) for remote in remotes]
    by_url = {remote.url: remote for remote in reversed(checked)}
    directory = kept_files.directory(replica.path)
    with ExitStack() as stack:
        if not options.dry_run:
            stack.enter_context(replica.locked_to_sync(options.retry_lock))
        scratch = stack.enter_context(TemporaryDirectory(directory, is_dry=options.dry_run))
        sessions = [_new_session(remote, directory, options) for remote in reversed(by_url.values())]
        running = _Sync(replica, options, directory, scratch, sessions)
        for session in sessions:
            stack.callback(running.close, session)
        running.carry_out()
        return running.report


def _new_session(remote: Remote, directory: str, options: Options) -> RemoteSession:
    known = health.load(directory, remote.url)
    saved = cache.load(directory, remote.url)
    if remote.only == "push":  # objects of other replicas, from the time when they were read
        saved = {name: cached for name, cached in saved.items() if cached.fingerprint}
    if options.accept_missing:
        known = replace(known, kind="", missing={}, unlisted={})
    report = RemoteReport(remote.name, remote.url)
    return RemoteSession(remote, report, Deadline(options.timeout), known, saved, dict(saved))


class _Sync(Record, frozen=False):
    """A sync in progress. One thread runs it; the worker threads only read and write at the remotes.

    `directory` holds the caches, `scratch` temporary files. `updates` are the objects that a dry run would merge.
    """

    replica: Replica
    options: Options
    directory: str
    scratch: TemporaryDirectory
    sessions: list[RemoteSession]
    report: SyncReport = field(default_factory=SyncReport)
    updates: list[Input] = field(default_factory=list)
    merges: int = 0
    unheard: list[str] = field(default_factory=list)
    seen: list[object] = field(default_factory=list)

    def carry_out(self) -> None:
        """Work at all remotes side by side, but at folders of this machine in turn, which takes no longer."""
        if all(is_local_folder(session.remote.url) for session in self.sessions):
            self._run(InTurn(self._report_progress))
            return
        from crdtctl.sync.worker_threads import WorkerThreads

        with WorkerThreads(self._report_progress) as threads:
            self._run(threads)

    def _run(self, threads: InTurn | WorkerThreads) -> None:
        """Read, merge and upload until nothing is left to do."""
        knowledge = self._known(None)
        for number, session in enumerate(self.sessions):
            threads.start(session, self._reading(session, knowledge, str(number)))
        ready: list[RemoteSession] = []
        while threads.is_busy:
            grouping = float("inf") if self.options.dry_run else _GROUPING_SECONDS
            finished = threads.finished(grouping)
            for session in finished:
                self.report.merge.refused.update(session.refused)
            self._merge([session for session in finished if session.fetched and not session.abandoned], knowledge)
            knowledge = self._current(knowledge)
            for session in finished:
                if session.planned_after < 0 and not session.abandoned:
                    summaries = (cached.summary for cached in session.present)
                    session.report.replicas = {summary.owner for summary in summaries if summary is not None}
                    session.report.seen = last_seen(session.present, knowledge)
            ready += finished
            ready = [
                session
                for session in ready
                if session.report.error is None and not self._plan_and_start(threads, session, knowledge)
            ]
            for session in finished:
                if session not in threads:
                    self._save(session)
        self.report.remotes = [_final_report(session) for session in self.sessions]
        if not self.options.dry_run:
            self._confirm_restored_backup()
        owners = (replica for report in self.report.remotes for replica in report.replicas)
        self.report.replicas = {knowledge.replica, *owners}

    def _reading(self, session: RemoteSession, knowledge: Knowledge, scratch: str) -> Callable[[], None]:
        """Return the work to connect to a remote and download its new objects, perhaps in a thread."""
        return lambda: self._read(session, knowledge, lambda: self.scratch.folder(scratch))

    def _read(self, session: RemoteSession, knowledge: Knowledge, scratch: Callable[[], str]) -> None:
        state = self.scratch.folder("state") if self.options.dry_run else self.directory
        kind = connect_session(session, state, self.options.jobs)
        download(session, knowledge, scratch, accept_missing=self.options.accept_missing)
        if not session.health.kind:
            session.health = replace(session.health, kind=kind)

    def _report_progress(self) -> None:
        if self.options.progress is None:
            return
        waiting = (session for session in self.sessions if session.report.error is None and not session.is_read)
        silent = [session.remote.name for session in waiting if not session.listing]
        done, total = (sum(session.progress[part] for session in self.sessions) for part in (0, 1))
        if total > done or not silent:
            self.options.progress("reading", done, total)
        elif silent:
            self.options.progress(f"connecting to {', '.join(silent)}", 0, 0)

    def _current(self, before: Knowledge) -> Knowledge:
        """Return the replica's present knowledge. In a dry run, predict it from the reports of the merges."""
        if not self.options.dry_run:
            return self._known(before)
        from crdtctl.sync.dry_run import knowledge_after  # only here, as below: a sync does without

        return knowledge_after(before, self.report.merge)

    def _known(self, before: Knowledge | None) -> Knowledge:
        """Return the replica's present knowledge. It is read again only if its files have changed."""
        seen = _versions(self.replica.path)
        if before is None or seen != self.seen:
            with self.replica.snapshot() as now:
                before, self.unheard = now.knowledge(), now.unheard()
            self.seen = seen
        return before

    # Merging ------------------------------------------------------------------------------------------------

    def _merge(self, sessions: Sequence[RemoteSession], knowledge: Knowledge) -> None:
        """Merge the downloaded files of these remotes as one commit, and cache their summaries.

        A dry run only computes the report of the merge.
        """
        files = [(session, file) for session in sessions for file in session.fetched]
        if not files:
            return
        from crdtctl.store.parallel import cores

        inputs = [as_input(session, file) for session, file in files]
        options = self.options
        progress = options.progress
        total = sum(file.content.size for _, file in files)
        merged = self.replica.merge_inputs(
            inputs,
            dry_run=options.dry_run,
            hears=False,
            details=options.details,
            heads=True,
            processes=1 if _has_threads() else cores(),
            progress=None if progress is None else lambda done: progress("merging", min(done, total), total),
        )
        self.merges += 1
        heads = dict(zip(merged.taken, merged.heads, strict=True))
        for session, file in files:
            self._cache_merged(session, file, heads.get(session.label(file.entry.name)), merged, knowledge)
        for session in sessions:
            session.fetched = []
            if not options.dry_run:
                self.scratch.remove(str(self.sessions.index(session)))
        add_merge(self.report.merge, merged)
        if options.dry_run:
            self.updates += [item for item in inputs if item.label in heads]

    def _cache_merged(
        self, session: RemoteSession, file: FetchedFile, head: Head | None, merged: MergeReport, knowledge: Knowledge
    ) -> None:
        """Cache the summary of a merged file, which has this header, or the fault of a refused one."""
        entry = file.entry
        if head is not None:
            cached = CachedObject(entry, file.content.digest, summary_of(head, merged.idle))
            if is_coarse(entry.version) and not is_named(cached, session.naming) and entry.name not in session.reread:
                cached = cached._replace(unsettled=int(time.time()) + 1)
            session.cache[entry.name] = cached
            entries = None
            if self.options.dry_run:
                from crdtctl.sync.dry_run import newer_entries

                entries = newer_entries(as_input(session, file), knowledge)
            newer_ids = (replica for replica, seq in head.clock.items() if seq > knowledge.clock.get(replica, 0))
            moved = Transferred(head.replica, entry.name, file.content.size, entries, tuple(sorted(newer_ids)))
            session.report.read.append(moved)
        elif isinstance(reason := merged.refused.get(session.label(entry.name)), DataError):
            session.cache[entry.name] = CachedObject(entry, file.content.digest, fault=reason.message)

    def _confirm_restored_backup(self) -> None:
        """After a sync with all remotes, record for a restored backup which of its own changes the remotes hold."""
        if not self.unheard or any(report.error for report in self.report.remotes):
            return
        try:
            configured = {check(url) for url in self.replica.remotes().values()}
        except CrdtctlError:
            return
        if configured <= {session.remote.url for session in self.sessions}:
            from crdtctl.store.unheard import Heard

            summaries = [cached.summary for session in self.sessions for cached in session.objects if cached.summary]
            self.replica.hear([Heard(summary.owner, summary.histories) for summary in summaries])

    # Uploading ----------------------------------------------------------------------------------------------

    def _plan_and_start(self, threads: InTurn | WorkerThreads, session: RemoteSession, knowledge: Knowledge) -> bool:
        """Plan the upload for a remote and start it; return whether it is in progress.

        After another merge, a remote may need a second upload, with the entries that came from other remotes.
        """
        if session.planned_after == self.merges:
            return False
        with session.recording_failures():
            if session.planned_after < 0:
                self._check_missing(session, knowledge)
            session.planned_after = self.merges
            if session.remote.only == "pull":
                return False
            keeps_old = session.remote.keep_old
            plan = plan_upload(
                [*session.present, *session.assumed_present],
                knowledge,
                clean=self.options.clean,
                earlier=session.saved,
                now=time.time(),
                interval=0.0 if keeps_old or session.health.undeletable else self.options.heartbeat,
                naming=session.naming,
                former=session.former,
                plain=session.plain,
            )
            if keeps_old:
                plan = plan._replace(obsolete=())
            if self.options.dry_run:
                self._report_plan(session, plan, knowledge)
                return False
            if not plan.wanted and not plan.obsolete:
                return False
            from crdtctl.sync.upload import prepare, upload

            path = f"outgoing-{self.sessions.index(session)}"
            prepared = prepare(self.replica, session, plan, lambda: self.scratch.file(path), knowledge.replica)
            if prepared.is_empty:
                return False
            threads.start(session, lambda: upload(session, prepared))
            return True
        return False

    def _check_missing(self, session: RemoteSession, knowledge: Knowledge) -> None:
        """Report objects that are missing for the first time. Raise `UnavailableError` if all objects are missing.

        A missing object counts as present for a day. Otherwise one incomplete listing would make all replicas upload
        its content again.
        """
        if self.options.accept_missing or session.remote.only == "push":  # there, objects may be taken away
            return
        if session.remote.only != "pull":
            self._check_unlisted(session)
        names = {entry.name for entry in session.listing} | session.placeholders
        saved = list(session.saved.values())
        gone = missing_objects(saved, session.objects, names, knowledge, session.naming)
        if is_emptied(saved, gone, names):
            session.cache = dict(session.saved)
            raise emptied_error(session)
        report_older(session)
        before, now = session.health.missing, health.stamp()
        latest = health.stamp(time.time() - _MISSING_GRACE_SECONDS)
        still_missing = {}
        for cached in reportable(gone, session.naming):
            name = cached.entry.name
            is_own = bool(cached.fingerprint)
            if is_own and session.remote.only == "pull":
                continue  # nothing is uploaded there again
            if name not in before and (is_own or not session.has_other_keys):
                owner = cached.summary.owner if cached.summary else ""
                session.report.missing.append(MissingObject(owner, name, is_own))
            if not is_own and before.get(name, now) > latest:
                still_missing[name] = before.get(name, now)
                session.assumed_present.append(cached)
                session.cache[name] = cached
        session.health = replace(session.health, missing=still_missing)

    def _check_unlisted(self, session: RemoteSession) -> None:
        """Raise `UnavailableError` if an object of this replica is still not listed some time after its upload."""
        unlisted = unlisted_uploads(session.health.unlisted, {entry.name for entry in session.listing})
        session.health = replace(session.health, unlisted=dict(unlisted))
        since = min(unlisted.values(), default="")
        if since and since < health.stamp(time.time() - _LISTING_DELAY_SECONDS):
            name = printable(session.remote.name)
            raise UnavailableError(
                f"the object uploaded at {since} is still not in the listing, so nothing was uploaded",
                f"run: crdtctl remote check; when the place works again: crdtctl sync --accept-missing {name}",
            )

    def _report_plan(self, session: RemoteSession, plan: UploadPlan, knowledge: Knowledge) -> None:
        """Report the uploads and deletions that a sync would make after merging the updates."""
        if plan.wanted and not plan.is_renewal:
            updates = self.updates[:_MAX_PREDICTED] if plan.relayed else ()
            entries, size = self.replica.size_of_share(plan.relayed, updates)
            session.report.put = Transferred(knowledge.replica, "", size, entries, plan.relayed)
        session.report.deleted = [] if plan.is_renewal else list(plan.obsolete)

    # Saving -------------------------------------------------------------------------------------------------

    def _save(self, session: RemoteSession) -> None:
        """Save the health and the cache of a remote, except in a dry run. An abandoned session keeps its old cache."""
        if self.options.dry_run:
            return
        now, url = health.stamp(), session.remote.url
        with session.recording_failures():
            if session.abandoned:
                before = health.load(self.directory, url)
                health.save(self.directory, before.failed(now, session.deadline.error()))
            elif (error := session.report.error) is not None:
                health.save(self.directory, session.health.failed(now, error))
                session.cache = {**session.saved, **session.cache}  # the listing may be incomplete
            else:
                health.save(self.directory, replace(session.health, key=session.key).succeeded(now))
            if not session.abandoned and session.cache and session.cache != session.saved:
                cache.save(self.directory, url, session.cache)

    def close(self, session: RemoteSession) -> None:
        """Close the transport of a remote, unless an abandoned thread still uses it."""
        if not session.abandoned:
            session.close()


def _final_report(session: RemoteSession) -> RemoteReport:
    """Return the report of a session. For an abandoned one, that is a new report with the timeout only."""
    if not session.abandoned:
        return session.report
    return RemoteReport(session.remote.name, session.remote.url, error=session.deadline.error())


def _versions(path: str) -> list[object]:
    """Return values that change whenever one of a replica's files is replaced."""
    found: list[object] = []
    for name in ("own.json", "own.recent.json", "known.json"):
        try:
            status = os.stat(f"{path}/{name}")
        except OSError:
            found.append(None)
        else:
            found.append((status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns))
    return found


def _has_threads() -> bool:
    """Return whether this process has several threads, which some transports start. It should not fork then."""
    threading = sys.modules.get("threading")
    return threading is not None and threading.active_count() > 1
