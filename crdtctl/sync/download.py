"""Listing a remote, and downloading the objects that may be new."""

from __future__ import annotations

import time

from crdtctl.errors import (
    AccessError,
    CrdtctlError,
    DataError,
    ExistsError,
    MissingError,
    StorageError,
    UnavailableError,
    printable,
)
from crdtctl.records import replace
from crdtctl.sync.foreign_files import is_hidden, is_unfinished, placeholder_target
from crdtctl.sync.health import Unfinished, stamp
from crdtctl.sync.missing_objects import is_emptied
from crdtctl.sync.object_name import ANY_DIGEST, is_sealed_name, stem_of, without_time
from crdtctl.sync.plan import CachedObject, entries_to_fetch, is_named
from crdtctl.sync.remote_session import FetchedFile
from crdtctl.sync.transport import MAX_OBJECT, REPLICA_FILES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Sequence
    from typing import Final

    from crdtctl.store.inputs import Input
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.sync.local_files import LocalFile
    from crdtctl.sync.remote_session import RemoteSession
    from crdtctl.sync.transport import ListedObject

#: Maximum number of listings. A file that disappears during a download was replaced, so the remote is listed again.
_LISTINGS = 3
#: Seconds that a file with the name of an unfinished transfer must stay unchanged before it is read.
TRANSFER_SECONDS: Final = 3600


def download(session: RemoteSession, knowledge: Knowledge, scratch: Callable[[], str], *, accept_missing: bool) -> None:
    """List a remote and download the objects that may be new into the directory that `scratch` makes.

    Files that are not states are recorded in the session as refused. Raise `UnavailableError` if all former objects
    have disappeared, unless the user accepts that.
    """
    times_gone: dict[ListedObject, int] = {}
    for _ in range(_LISTINGS):
        _list(session, knowledge.replica, accept_missing=accept_missing)
        if knowledge.replica in knowledge.retired.sealed:
            break
        fetched = {file.entry.name for file in session.fetched}
        wanted = entries_to_fetch(session.listing, session.cache, knowledge, time.time())
        gone = _fetch(session, [entry for entry in wanted if entry.name not in fetched], knowledge, scratch)
        if not gone:
            break
        for entry in gone:
            times_gone[entry] = times_gone.get(entry, 0) + 1
    for entry, times in times_gone.items():
        if times == _LISTINGS:
            label = session.label(entry.name)
            message = f"{printable(label)} is in the listing of the remote, but reading it fails: no such file"
            session.refused[label] = MissingError(message)
    for cached in session.objects:
        if cached.fault:
            session.refused.setdefault(session.label(cached.entry.name), DataError(cached.fault))
    if knowledge.replica in knowledge.retired.sealed:
        _mark_changed(session)
    session.is_read = True


def _mark_changed(session: RemoteSession) -> None:
    """Mark own objects that were changed since their upload. A sealed replica reads nothing, but replaces these."""
    for entry in session.listing:
        cached = session.cache.get(entry.name)
        if cached is not None and cached.fingerprint and cached.entry != entry:
            session.cache[entry.name] = CachedObject(entry, "", fault="it was changed")


def as_input(session: RemoteSession, file: FetchedFile) -> Input:
    """Return a downloaded file as an input of a merge."""
    from crdtctl.store.inputs import Input

    content = file.content
    if content.data is not None:
        return Input(session.label(file.entry.name), data=content.data)
    return Input(session.label(file.entry.name), path=content.path, start=content.start, size=content.size)


def _list(session: RemoteSession, replica: str, *, accept_missing: bool) -> None:
    """List a remote, and bring the session's listing and cache up to date.

    For a remote that is only written to, the listing has the objects of this replica only.
    """
    entries = _entries(session)
    names = {entry.name for entry in entries}
    if session.key:
        from crdtctl.sync.private import check_outsiders  # few remotes are private

        check_outsiders(session, names, replica)
    elif session.health.key or any(map(is_sealed_name, names)):
        from crdtctl.sync.private import refuse_sealed

        refuse_sealed(session, names)
    _refuse_replica(session, names)
    session.placeholders = {target for target in map(placeholder_target, names) if target and target not in names}
    shown = [entry for entry in entries if not is_hidden(entry.name) and not placeholder_target(entry.name)]
    session.listing = sorted(_without_unfinished(session, shown), key=lambda entry: entry.name)
    is_collected = session.remote.only == "push"  # its objects may be taken away
    if is_collected:
        stems = {stem_of(naming(replica, ANY_DIGEST)) for naming in (session.naming, *session.former)}
        session.listing = [entry for entry in session.listing if stem_of(entry.name) in stems]
        session.placeholders = set()
    if not (accept_missing or is_collected) and is_emptied(
        session.saved.values(), (), {entry.name for entry in shown} | session.placeholders
    ):
        raise emptied_error(session)
    _update_cache(session)
    for name in session.placeholders:
        cached = session.saved.get(name)
        if cached is not None and is_named(cached, session.naming):  # the name has the hash of the content
            session.cache[name] = cached
        else:
            label = session.label(name)
            message = f"{printable(label)} is only a placeholder: the cloud drive has not downloaded it"
            session.refused[label] = MissingError(message)


def _entries(session: RemoteSession) -> Sequence[ListedObject]:
    """Return the files at a remote. Raise `UnavailableError` if nothing is there to pull, and nothing will be made.

    A remote that is only written to may refuse listings. Then its cached objects count as listed.
    """
    try:
        entries = session.transport.list()
    except (AccessError, UnavailableError) as error:
        is_refused = isinstance(error, AccessError) or session.remote.url.startswith(("http:", "https:"))
        if session.remote.only != "push" or not is_refused:
            raise
        session.is_blind = True
        return [cached.entry for cached in session.saved.values()]
    if session.transport.is_absent and session.remote.only == "pull":
        raise UnavailableError(
            f"{printable(session.remote.url)} does not exist, and nothing is written to this remote",
            "check that it is mounted, and the right place",
        )
    return entries


def emptied_error(session: RemoteSession) -> UnavailableError:
    """Return the error for a remote whose objects have all disappeared."""
    number = sum(cached.summary is not None for cached in session.saved.values())
    objects = "the only object" if number == 1 else f"all {number} objects"
    since = f" since the last sync at {session.health.last_ok}" if session.health.last_ok else ""
    name = printable(session.remote.name)
    return UnavailableError(
        f"{objects} of this remote disappeared{since}, so nothing was uploaded",
        f"is it mounted, and the right place? if it was emptied on purpose: crdtctl sync --accept-missing {name}",
    )


def _refuse_replica(session: RemoteSession, names: Container[str]) -> None:
    """Raise `ExistsError` for the directory of a replica, whose files are not exchanged by a sync."""
    if all(name in names for name in REPLICA_FILES):
        raise ExistsError(
            f"{printable(session.remote.url)} is a replica's directory", "name a folder outside of any replica"
        )


def _without_unfinished(session: RemoteSession, entries: Sequence[ListedObject]) -> list[ListedObject]:
    """Return the entries without those of transfers in progress: they have such a name, and are new or changed lately.

    Record all entries with such names, and since when each is unchanged.
    """
    now = stamp()
    earliest = stamp(time.time() - TRANSFER_SECONDS)
    kept, unfinished = [], {}
    for entry in entries:
        if not is_unfinished(entry.name):
            kept.append(entry)
            continue
        before = session.health.unfinished.get(entry.name)
        is_same = before is not None and (before.size, before.version) == (entry.size, entry.version)
        since = before.since if before is not None and is_same else now
        unfinished[entry.name] = Unfinished(entry.size, entry.version, since)
        if since <= earliest:
            kept.append(entry)
    if unfinished != session.health.unfinished:
        session.health = replace(session.health, unfinished=unfinished)
    return kept


def _update_cache(session: RemoteSession) -> None:
    """Drop objects from the cache that are not listed, and add the versions of objects that this replica put.

    An object whose owner only renewed the time in its name is cached under the new name.
    """
    entries = {entry.name: entry for entry in session.listing}
    new = [name for name in entries if name not in session.cache]
    cached_now = session.cache.items() if new else ()
    named = [(name, cached) for name, cached in cached_now if is_named(cached, session.naming)]
    by_content = {without_time(name): cached for name, cached in named}
    kept = {}
    for name in new:
        entry, renamed = entries[name], by_content.get(without_time(name))
        if renamed is not None and renamed.entry.size == entry.size:
            kept[name] = renamed._replace(entry=entry)
    for name, cached in session.cache.items():
        listed = entries.get(name)
        if listed is not None:
            is_own_new = cached.fingerprint and not cached.entry.version and cached.entry.size == listed.size
            kept[name] = cached._replace(entry=listed) if is_own_new else cached
    session.cache = kept


def _fetch(
    session: RemoteSession, wanted: Sequence[ListedObject], knowledge: Knowledge, scratch: Callable[[], str]
) -> list[ListedObject]:
    """Download files; return the entries of files that did not exist any more."""
    for entry in wanted:
        if entry.size > MAX_OBJECT:
            label = session.label(entry.name)
            session.refused[label] = DataError(f"{label} is larger than {MAX_OBJECT // 2**20} MiB")
    wanted = [entry for entry in wanted if entry.size <= MAX_OBJECT]
    if not wanted:
        return []
    total, done = sum(entry.size for entry in wanted), 0
    gone = []
    for entry, result in session.transport.fetch(wanted, scratch()):
        match result:
            case MissingError():
                gone.append(entry)
            case StorageError():
                raise result
            case CrdtctlError():
                session.refused[session.label(entry.name)] = result
                if isinstance(result, DataError):
                    session.cache[entry.name] = CachedObject(entry, "", fault=result.message)
            case content:
                _accept(session, entry, content, knowledge)
        done += entry.size
        session.progress = (done, total)
        if session.tick is not None:
            session.tick()
    return gone


def _accept(session: RemoteSession, entry: ListedObject, content: LocalFile, knowledge: Knowledge) -> None:
    """Record a downloaded file as one to be merged, unless its content is cached and known."""
    cached = session.cache.pop(entry.name, None)
    summary = cached.summary if cached else None
    is_same = cached is not None and cached.digest == content.digest
    if cached and is_same and (summary is None or knowledge.knows(summary.clock, summary.histories)):
        session.cache[entry.name] = cached._replace(entry=entry, unsettled=0)
        return
    if cached and cached.entry == entry:
        session.reread.add(entry.name)
    session.fetched.append(FetchedFile(entry, content))
