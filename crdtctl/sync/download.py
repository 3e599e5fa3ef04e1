"""Listing a remote, and fetching what may be new."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import replace
from hashlib import blake2b
from typing import Final

from crdtctl.errors import (
    CrdtctlError,
    DataError,
    ExistsError,
    MissingError,
    StorageError,
    TransientError,
    UnavailableError,
    printable,
)
from crdtctl.store.share import Knowledge
from crdtctl.sync.foreign_files import is_hidden, is_unfinished, placeholder_target
from crdtctl.sync.health import Unfinished, stamp
from crdtctl.sync.missing_objects import is_emptied
from crdtctl.sync.object_name import without_time
from crdtctl.sync.plan import CachedObject, entries_to_fetch, is_named
from crdtctl.sync.remote_session import FetchedFile, RemoteSession
from crdtctl.sync.retry import retry
from crdtctl.sync.transport import MAX_OBJECT, REPLICA_FILES, Entry

#: A file that vanishes while it is read was replaced, so a new listing is asked for, so often.
_LISTINGS = 3
_BLOCK = 2**20
#: So many seconds a file that is named like one of a transfer under way is left alone.
UNDER_WAY: Final = 3600


def read(session: RemoteSession, knowledge: Knowledge, scratch: str, *, accepts: bool) -> None:
    """List a remote, and fetch what may be new; a file that is no state is refused in the visit.

    Raise `UnavailableError` where nothing is left of what was there, unless the user `accepts` that.
    """
    times_gone: Counter[Entry] = Counter()
    for _ in range(_LISTINGS):
        _list(session, accepts=accepts)
        if knowledge.replica in knowledge.ended.sealed:
            break
        had = {one.entry.name for one in session.fresh}
        wanted = [
            entry
            for entry in entries_to_fetch(session.listing, session.cache, knowledge, time.time())
            if entry.name not in had
        ]
        gone = _fetch(session, wanted, knowledge, scratch)
        if not gone:
            break
        times_gone.update(gone)
    for entry, times in times_gone.items():
        if times == _LISTINGS:
            label = session.label(entry.name)
            session.refused[label] = MissingError(f"{printable(label)} is listed, and reading it finds no such file")
    for cached in session.objects:
        if cached.fault:
            session.refused.setdefault(session.label(cached.entry.name), DataError(cached.fault))
    session.is_read = True


def _list(session: RemoteSession, *, accepts: bool) -> None:
    """List a remote; take the listing over into the visit."""
    found = retry(session.there.list, session.deadline)
    names = {one.name for one in found}
    _refuse_replica(session, names)
    session.placeholders = {name for name in map(placeholder_target, names) if name and name not in names}
    shown = [one for one in found if not is_hidden(one.name) and not placeholder_target(one.name)]
    session.listing = sorted(_finished(session, shown), key=lambda one: one.name)
    if not accepts and is_emptied(session.saved.values(), (), {one.name for one in shown} | session.placeholders):
        raise emptied_error(session)
    _remember_sizes(session)
    for name in session.placeholders:
        cached = session.saved.get(name)
        if cached is not None and is_named(cached):  # the name has the hash of its content, which is known
            session.cache[name] = cached
        else:
            message = f"{printable(session.label(name))} is only a placeholder: the cloud drive has not downloaded it"
            session.refused[session.label(name)] = MissingError(message)


def emptied_error(session: RemoteSession) -> UnavailableError:
    """Return the failure that says that nothing is left of what was at a remote."""
    number = sum(cached.summary is not None for cached in session.saved.values())
    objects = "the object that was" if number == 1 else f"the {number} objects that were"
    since = f", with which the last sync was at {session.health.last_ok}" if session.health.last_ok else ""
    where = printable(session.remote.name)
    return UnavailableError(
        f"nothing is left of {objects} there{since}; nothing was put",
        f"is it mounted, and the right place? if it was emptied on purpose: crdtctl sync --accept-missing {where}",
    )


def _refuse_replica(session: RemoteSession, names: Container[str]) -> None:
    """Raise `ExistsError` in the directory of a replica: there, other files are no states to be met."""
    if all(name in names for name in REPLICA_FILES):
        raise ExistsError(f"{printable(session.remote.url)} is a replica's directory", "name a folder elsewhere")


def _finished(session: RemoteSession, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without those of transfers under way: such that are new here, or have changed of late."""
    now = stamp()
    earliest = stamp(time.time() - UNDER_WAY)
    kept, known = [], {}
    for entry in entries:
        if not is_unfinished(entry.name):
            kept.append(entry)
            continue
        before = session.health.unfinished.get(entry.name)
        is_same = before is not None and (before.size, before.version) == (entry.size, entry.version)
        since = before.since if before is not None and is_same else now
        known[entry.name] = Unfinished(entry.size, entry.version, since)
        if since <= earliest:
            kept.append(entry)
    session.health = replace(session.health, unfinished=known)
    return kept


def _remember_sizes(session: RemoteSession) -> None:
    """Forget what is gone; take over the version of an object that this replica put, which only a listing tells.

    An object whose owner only renewed the time in its name is known under the new name.
    """
    entries = {entry.name: entry for entry in session.listing}
    kept = {}
    known = {without_time(name): cached for name, cached in session.cache.items() if is_named(cached)}
    for name, there in entries.items():
        same = known.get(without_time(name)) if name not in session.cache else None
        if same is not None and same.entry.size == there.size:
            kept[name] = replace(same, entry=there)
    for name, cached in session.cache.items():
        entry = entries.get(name)
        if entry is not None:
            is_ours = cached.fingerprint and not cached.entry.version and cached.entry.size == entry.size
            kept[name] = replace(cached, entry=entry) if is_ours else cached
    session.cache = kept


def _fetch(session: RemoteSession, wanted: Sequence[Entry], knowledge: Knowledge, scratch: str) -> list[Entry]:
    """Fetch entries, those that fail in passing several times; return those that were gone."""
    for entry in wanted:
        if entry.size > MAX_OBJECT:
            label = session.label(entry.name)
            session.refused[label] = DataError(f"{label} is larger than {MAX_OBJECT // 2**20} MiB")
    left = {entry.name: entry for entry in wanted if entry.size <= MAX_OBJECT}
    total, done = sum(entry.size for entry in left.values()), 0
    gone = []

    def fetch() -> None:
        nonlocal done
        failed: TransientError | None = None
        directory = tempfile.mkdtemp(dir=scratch)
        for entry, path in session.there.fetch(list(left.values()), directory):
            if isinstance(path, TransientError):
                failed = failed or path
                continue
            left.pop(entry.name, None)
            if isinstance(path, MissingError):
                gone.append(entry)
            elif isinstance(path, StorageError):
                raise path
            elif isinstance(path, CrdtctlError):
                session.refused[session.label(entry.name)] = path
                if isinstance(path, DataError):
                    session.cache[entry.name] = CachedObject(entry, "", fault=path.message)
            else:
                _look(session, entry, path, knowledge)
            done += entry.size
            session.read = (done, total)
        if failed:
            raise failed

    if left:
        retry(fetch, session.deadline)
    return gone


def _look(session: RemoteSession, entry: Entry, path: str, knowledge: Knowledge) -> None:
    """Note a file that was read: as known, if it is what it was; else it is to be merged."""
    digest = digest_of(path)
    cached = session.cache.pop(entry.name, None)
    if (
        cached
        and cached.digest == digest
        and (cached.summary is None or knowledge.knows(cached.summary.clock, cached.summary.histories))
    ):
        session.cache[entry.name] = replace(cached, entry=entry, unsettled=0.0)
        os.unlink(path)
    else:
        if cached and cached.entry == entry:
            session.settled.add(entry.name)
        session.fresh.append(FetchedFile(entry, path, digest))


def digest_of(path: str) -> str:
    """Return the hash of a file."""
    digest = blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
