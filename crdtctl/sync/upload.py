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
from crdtctl.sync.object_name import plain, stamped
from crdtctl.sync.plan import Held, Memo, Outgoing, mark_of, name_of
from crdtctl.sync.remote_session import Visit
from crdtctl.sync.report import Moved
from crdtctl.sync.retry import patiently
from crdtctl.sync.transport import Entry

#: So many seconds after a deletion was refused, the next is tried.
_AGAIN = 86_400


@dataclass(frozen=True, slots=True)
class Share:
    """What is to be put: the file that holds it here, and what will be remembered of it. `obsolete` goes then."""

    planned: Outgoing
    memo: Memo | None
    path: str
    obsolete: frozenset[str]

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to do at the remote."""
        return self.memo is None and not self.obsolete


def prepare(replica: Replica, visit: Visit, planned: Outgoing, path: str, planner: str) -> Share:
    """Write what is to be put at a remote to a file, unless the same is there already.

    Writing it may find that the replica was put back, and goes on under another id than the `planner` had. Then the
    objects of the former id stay: the new one does not hold all that they hold.
    """
    obsolete = set(planned.obsolete)
    memo = None
    if planned.wanted:
        memo = _write(replica, planned, path)
        name, digest = memo.entry.name, memo.digest
        if memo.held is None or memo.held.owner != planner:
            obsolete -= {one.entry.name for one in visit.objects if one.held and one.held.owner == planner}
        obsolete.discard(name)
        same = (one for one in visit.objects if one.digest == digest and plain(one.entry.name) == plain(name))
        there = None if planned.is_renewed else next(same, None)
        if there is not None:
            visit.memos[there.entry.name] = replace(memo, entry=there.entry)
            obsolete.discard(there.entry.name)
            memo = None
    return Share(planned, memo, path, frozenset(obsolete))


def put(visit: Visit, share: Share) -> None:
    """Put a share at a remote, and delete what that makes obsolete. That some cannot be deleted is reported once.

    Where nothing but the time in its name is new, that is no news, and a remote that does not take it is no failure.
    """
    if not share.planned.is_renewed:
        _put(visit, share)
        return
    before = visit.report.put, visit.report.deleted
    with suppress(CrdtctlError):
        _put(visit, share)
    visit.report.put, visit.report.deleted = before


def _put(visit: Visit, share: Share) -> None:
    transport = visit.there
    memo = share.memo
    if memo is not None:
        name = memo.entry.name
        patiently(partial(transport.put, name, share.path), visit.deadline)
        authors = share.planned.carried
        owner = memo.held.owner if memo.held else ""
        visit.report.put = Moved(owner, name, memo.entry.size, None, authors)
        visit.report.made = visit.report.made or transport.made
        there = memo.entry if transport.is_prompt else _shown(visit, memo.entry)
        if there is None:
            unlisted = {**visit.health.unlisted, name: stamp()}
            visit.health = replace(visit.health, unlisted=unlisted)
            return
        visit.health = replace(visit.health, unlisted={})
        visit.memos[name] = replace(memo, entry=there)
        visit.listing = [*(entry for entry in visit.listing if entry.name != name), there]
    deleted = _delete(visit, share)
    try:
        patiently(transport.flush, visit.deadline)
    except CrdtctlError:
        if memo is not None:  # nobody has seen it
            visit.memos.pop(memo.entry.name, None)
            visit.report.put = None
        raise
    visit.report.deleted = sorted({*visit.report.deleted, *deleted})
    visit.listing = [entry for entry in visit.listing if entry.name not in deleted]
    for name in deleted:
        visit.memos.pop(name, None)


def _shown(visit: Visit, put: Entry) -> Entry | None:
    """Return what a new listing shows of an object that was put; None if it does not show it yet.

    An object is remembered, and the older ones are deleted, once a listing has shown it. So every listing shows an
    object of each owner, however late it is, and what is missing in one was there.
    """
    listed = patiently(visit.there.list, visit.deadline)
    return next((one for one in listed if (one.name, one.size) == (put.name, put.size)), None)


def _delete(visit: Visit, share: Share) -> list[str]:
    """Delete what is obsolete; return what could be. After a refusal, the next is tried in a day, without a word."""
    since = visit.health.undeletable
    if since and since > stamp(time.time() - _AGAIN):
        return []
    deleted: list[str] = []
    for name in sorted(share.obsolete):
        try:
            patiently(partial(visit.there.delete, name), visit.deadline)
        except TransientError:
            raise
        except CrdtctlError as error:
            if not since:
                visit.report.undeletable = error.message
            visit.health = replace(visit.health, undeletable=stamp())
            return deleted
        deleted.append(name)
    if deleted:
        visit.health = replace(visit.health, undeletable="")
    return deleted


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
    entry = Entry(stamped(name_of(standing.replica, digest), time.time()), size)
    return Memo(entry, digest, Held(standing.replica, clock, histories), mark_of(standing, authors))
