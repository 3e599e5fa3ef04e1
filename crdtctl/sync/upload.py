"""Putting this replica's share at a remote, and deleting what that makes obsolete."""

import os
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

from crdtctl.errors import CrdtctlError, TransientError, from_os
from crdtctl.store.replica import Replica
from crdtctl.sync.download import digest_of
from crdtctl.sync.health import stamp
from crdtctl.sync.object_name import with_time, without_time
from crdtctl.sync.plan import CachedObject, ObjectSummary, UploadPlan, fingerprint_of, name_of
from crdtctl.sync.remote_session import RemoteSession
from crdtctl.sync.report import Transferred
from crdtctl.sync.retry import retry
from crdtctl.sync.transport import Entry

#: So many seconds after a deletion was refused, the next is tried.
_AGAIN = 86_400


@dataclass(frozen=True, slots=True)
class PreparedUpload:
    """What is to be put: the file that holds it here, and what will be remembered of it. `obsolete` goes then."""

    planned: UploadPlan
    cached: CachedObject | None
    path: str
    obsolete: frozenset[str]

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do at the remote."""
        return self.cached is None and not self.obsolete


def prepare(replica: Replica, session: RemoteSession, planned: UploadPlan, path: str, planner: str) -> PreparedUpload:
    """Write what is to be put at a remote to a file, unless the same is there already.

    Writing it may find that the replica was put back, and goes on under another id than the `planner` had. Then the
    objects of the former id stay: the new one does not hold all that they hold.
    """
    obsolete = set(planned.obsolete)
    cached = None
    if planned.wanted:
        cached = _write(replica, planned, path)
        name, digest = cached.entry.name, cached.digest
        if cached.summary is None or cached.summary.owner != planner:
            obsolete -= {one.entry.name for one in session.objects if one.summary and one.summary.owner == planner}
        obsolete.discard(name)
        same = (
            one
            for one in session.objects
            if one.digest == digest and without_time(one.entry.name) == without_time(name)
        )
        there = None if planned.is_renewed else next(same, None)
        if there is not None:
            session.cache[there.entry.name] = replace(cached, entry=there.entry)
            obsolete.discard(there.entry.name)
            cached = None
    return PreparedUpload(planned, cached, path, frozenset(obsolete))


def put(session: RemoteSession, share: PreparedUpload) -> None:
    """Put a share at a remote, and delete what that makes obsolete. That some cannot be deleted is reported once.

    Where nothing but the time in its name is new, that is no news, and a remote that does not take it is no failure.
    """
    if not share.planned.is_renewed:
        _put(session, share)
        return
    before = session.report.put, session.report.deleted
    with suppress(CrdtctlError):
        _put(session, share)
    session.report.put, session.report.deleted = before


def _put(session: RemoteSession, share: PreparedUpload) -> None:
    transport = session.there
    cached = share.cached
    if cached is not None:
        name = cached.entry.name
        retry(partial(transport.put, name, share.path), session.deadline)
        authors = share.planned.relayed
        owner = cached.summary.owner if cached.summary else ""
        session.report.put = Transferred(owner, name, cached.entry.size, None, authors)
        session.report.made = session.report.made or transport.made
        there = cached.entry if transport.is_consistent else _shown(session, cached.entry)
        if there is None:
            unlisted = {**session.health.unlisted, name: stamp()}
            session.health = replace(session.health, unlisted=unlisted)
            return
        session.health = replace(session.health, unlisted={})
        session.cache[name] = replace(cached, entry=there)
        session.listing = [*(entry for entry in session.listing if entry.name != name), there]
    deleted = _delete(session, share)
    try:
        retry(transport.flush, session.deadline)
    except CrdtctlError:
        if cached is not None:  # nobody has seen it
            session.cache.pop(cached.entry.name, None)
            session.report.put = None
        raise
    session.report.deleted = sorted({*session.report.deleted, *deleted})
    session.listing = [entry for entry in session.listing if entry.name not in deleted]
    for name in deleted:
        session.cache.pop(name, None)


def _shown(session: RemoteSession, put: Entry) -> Entry | None:
    """Return what a new listing shows of an object that was put; None if it does not show it yet.

    An object is remembered, and the older ones are deleted, once a listing has shown it. So every listing shows an
    object of each owner, however late it is, and what is missing in one was there.
    """
    listed = retry(session.there.list, session.deadline)
    return next((one for one in listed if (one.name, one.size) == (put.name, put.size)), None)


def _delete(session: RemoteSession, share: PreparedUpload) -> list[str]:
    """Delete what is obsolete; return what could be. After a refusal, the next is tried in a day, without a word."""
    since = session.health.undeletable
    if since and since > stamp(time.time() - _AGAIN):
        return []
    deleted: list[str] = []
    for name in sorted(share.obsolete):
        try:
            retry(partial(session.there.delete, name), session.deadline)
        except TransientError:
            raise
        except CrdtctlError as error:
            if not since:
                session.report.undeletable = error.message
            session.health = replace(session.health, undeletable=stamp())
            return deleted
        deleted.append(name)
    if deleted:
        session.health = replace(session.health, undeletable="")
    return deleted


def _write(replica: Replica, planned: UploadPlan, path: str) -> CachedObject:
    """Write this replica's share to a file; return what will be remembered of it, without its version there."""
    try:
        with open(path, "wb") as file:
            knowledge = replica.share(file.write, planned.relayed)
        digest, size = digest_of(path), os.path.getsize(path)
    except OSError as error:
        raise from_os(error, "write a temporary file") from None
    authors = [author for author in planned.relayed if author in knowledge.clock]
    clock = {who: knowledge.clock[who] for who in (knowledge.replica, *authors) if who in knowledge.clock}
    histories = {who: text for who, text in knowledge.histories.items() if who in clock}
    entry = Entry(with_time(name_of(knowledge.replica, digest), time.time()), size)
    return CachedObject(
        entry, digest, ObjectSummary(knowledge.replica, clock, histories), fingerprint_of(knowledge, authors)
    )
