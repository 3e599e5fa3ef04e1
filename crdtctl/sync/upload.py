"""Putting this replica's object at a remote, and deleting the objects that it replaces."""

from __future__ import annotations

import time

from crdtctl.contexts import suppress
from crdtctl.errors import CrdtctlError, TransientError, from_os
from crdtctl.records import NamedTuple, replace
from crdtctl.sync.health import stamp
from crdtctl.sync.local_files import LocalFile
from crdtctl.sync.object_name import with_time, without_time
from crdtctl.sync.plan import CachedObject, ObjectSummary, UploadPlan, fingerprint_of
from crdtctl.sync.report import Transferred
from crdtctl.sync.transport import ListedObject

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from crdtctl.store.replica import Replica
    from crdtctl.sync.remote_session import RemoteSession

#: Seconds between a refused deletion and the next attempt.
_DELETE_AGAIN_SECONDS = 86_400


class PreparedUpload(NamedTuple):
    """An object in the local file `path`, its future cache entry, and the names of `obsolete` objects to delete.

    `cached` may be None, for deletions only.
    """

    plan: UploadPlan
    cached: CachedObject | None
    path: str
    obsolete: frozenset[str]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do at the remote."""
        return self.cached is None and not self.obsolete


def prepare(
    replica: Replica, session: RemoteSession, plan: UploadPlan, new: Callable[[], str], planner: str
) -> PreparedUpload:
    """Write the object for a remote to a local file at the path `new`, unless the same object is there already.

    Writing it may reveal a restored backup, and the replica then gets a new id, other than the id `planner` of the
    plan. In that case the objects of the former id stay: the new id's object does not hold all of their content.
    """
    obsolete = set(plan.obsolete)
    if not plan.wanted:
        return PreparedUpload(plan, None, "", frozenset(obsolete))
    path = new()
    cached: CachedObject | None
    cached = made = _write(replica, session, plan, path)
    if made.summary is None or made.summary.owner != planner:
        obsolete -= {its.entry.name for its in session.objects if its.summary and its.summary.owner == planner}
    obsolete.discard(made.entry.name)
    plain = without_time(made.entry.name)
    same = (its for its in session.objects if its.digest == made.digest and without_time(its.entry.name) == plain)
    there = None if plan.is_renewal else next(same, None)
    if there is not None:
        session.cache[there.entry.name] = made._replace(entry=there.entry)
        obsolete.discard(there.entry.name)
        cached = None
    return PreparedUpload(plan, cached, path, frozenset(obsolete))


def upload(session: RemoteSession, prepared: PreparedUpload) -> None:
    """Put an object at a remote, and delete the obsolete ones. A refused deletion is reported once.

    An upload that only renews the time in the object's name is not reported, and its failure is ignored.
    """
    if not prepared.plan.is_renewal:
        _upload(session, prepared)
        return
    before = session.report.put, session.report.deleted
    with suppress(CrdtctlError):
        _upload(session, prepared)
    session.report.put, session.report.deleted = before


def _upload(session: RemoteSession, prepared: PreparedUpload) -> None:
    cached = prepared.cached
    if cached is not None:
        _put(session, prepared, cached)
        if session.health.unlisted:
            return  # the older objects stay until a listing has shown the new one
    deleted = _delete(session, prepared)
    try:
        session.transport.flush()
    except CrdtctlError:
        if cached is not None:  # the object did not become visible
            session.cache.pop(cached.entry.name, None)
            session.report.put = None
        raise
    session.report.deleted = sorted({*session.report.deleted, *deleted})
    session.listing = [entry for entry in session.listing if entry.name not in deleted]
    for name in deleted:
        session.cache.pop(name, None)


def _put(session: RemoteSession, prepared: PreparedUpload, cached: CachedObject) -> None:
    """Put an object, and cache it if a listing shows it; otherwise record it as not listed yet."""
    transport, name = session.transport, cached.entry.name
    transport.put(name, prepared.path)
    owner = cached.summary.owner if cached.summary else ""
    session.report.put = Transferred(owner, name, cached.entry.size, None, prepared.plan.relayed)
    session.report.made = session.report.made or transport.made
    listed = cached.entry if transport.is_consistent or session.is_blind else _listed(session, cached.entry)
    if listed is None:
        session.health = replace(session.health, unlisted={**session.health.unlisted, name: stamp()})
        return
    session.health = replace(session.health, unlisted={})
    session.cache[name] = cached._replace(entry=listed)
    session.listing = [*(entry for entry in session.listing if entry.name != name), listed]


def _listed(session: RemoteSession, put: ListedObject) -> ListedObject | None:
    """Return the entry of an object in a new listing; None if the listing does not show it yet.

    An object is cached, and the older ones are deleted, only after a listing has shown it. Therefore every listing,
    however late, shows an object of each owner, and an object that a listing lacks was there before.
    """
    listing = session.transport.list()
    return next((entry for entry in listing if (entry.name, entry.size) == (put.name, put.size)), None)


def _delete(session: RemoteSession, prepared: PreparedUpload) -> list[str]:
    """Delete obsolete objects; return the names of the deleted ones.

    After a refusal the next attempt is made a day later, and only the first refusal is reported.
    """
    since = session.health.undeletable
    if since and since > stamp(time.time() - _DELETE_AGAIN_SECONDS):
        return []
    deleted: list[str] = []
    for name in sorted(prepared.obsolete):
        try:
            session.transport.delete(name)
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


def _write(replica: Replica, session: RemoteSession, plan: UploadPlan, path: str) -> CachedObject:
    """Write this replica's partial state to a local file; return its cache entry, whose version is not known yet."""
    try:
        with open(path, "wb") as file:
            knowledge = replica.share(file.write, plan.relayed)
        content = LocalFile.at(path)
    except OSError as error:
        raise from_os(error, "write a temporary file") from None
    relayed = [replica_id for replica_id in plan.relayed if replica_id in knowledge.clock]
    held = [replica_id for replica_id in (knowledge.replica, *relayed) if replica_id in knowledge.clock]
    clock = {replica_id: knowledge.clock[replica_id] for replica_id in held}
    histories = {replica_id: text for replica_id, text in knowledge.histories.items() if replica_id in clock}
    name = with_time(session.naming(knowledge.replica, content.digest), time.time())
    entry = ListedObject(name, session.transport.stored_size(content.size))
    summary = ObjectSummary(knowledge.replica, clock, histories)
    return CachedObject(entry, content.digest, summary, fingerprint_of(knowledge, relayed))
