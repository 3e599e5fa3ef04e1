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
from crdtctl.store.share import Standing
from crdtctl.sync.foreign_files import is_hidden, is_unfinished, stands_for
from crdtctl.sync.health import Unfinished, stamp
from crdtctl.sync.missing_objects import is_emptied
from crdtctl.sync.object_name import plain
from crdtctl.sync.plan import Memo, is_named, to_read
from crdtctl.sync.remote_session import Fresh, Visit
from crdtctl.sync.retry import patiently
from crdtctl.sync.transport import MAX_OBJECT, OWN, Entry

#: A file that vanishes while it is read was replaced, so a new listing is asked for, so often.
_LISTINGS = 3
_BLOCK = 2**20
#: So many seconds a file that is named like one of a transfer under way is left alone.
UNDER_WAY: Final = 3600


def read(visit: Visit, standing: Standing, scratch: str, *, accepts: bool) -> None:
    """List a remote, and fetch what may be new; a file that is no state is refused in the visit.

    Raise `UnavailableError` where nothing is left of what was there, unless the user `accepts` that.
    """
    times_gone: Counter[Entry] = Counter()
    for _ in range(_LISTINGS):
        _list(visit, accepts=accepts)
        if standing.replica in standing.ended.sealed:
            break
        had = {one.entry.name for one in visit.fresh}
        wanted = [
            entry for entry in to_read(visit.listing, visit.memos, standing, time.time()) if entry.name not in had
        ]
        gone = _fetch(visit, wanted, standing, scratch)
        if not gone:
            break
        times_gone.update(gone)
    for entry, times in times_gone.items():
        if times == _LISTINGS:
            label = visit.label(entry.name)
            visit.refused[label] = MissingError(f"{printable(label)} is listed, and reading it finds no such file")
    for memo in visit.objects:
        if memo.fault:
            visit.refused.setdefault(visit.label(memo.entry.name), DataError(memo.fault))
    visit.is_read = True


def _list(visit: Visit, *, accepts: bool) -> None:
    """List a remote; take the listing over into the visit."""
    found = patiently(visit.there.list, visit.deadline)
    names = {one.name for one in found}
    _refuse_replica(visit, names)
    visit.stand_ins = {name for name in map(stands_for, names) if name and name not in names}
    shown = [one for one in found if not is_hidden(one.name) and not stands_for(one.name)]
    visit.listing = sorted(_finished(visit, shown), key=lambda one: one.name)
    if not accepts and is_emptied(visit.saved.values(), (), {one.name for one in shown} | visit.stand_ins):
        raise emptied(visit)
    _remember_sizes(visit)
    for name in visit.stand_ins:
        memo = visit.saved.get(name)
        if memo is not None and is_named(memo):  # the name has the hash of its content, which is known
            visit.memos[name] = memo
        else:
            said = (
                f"{printable(visit.label(name))} is not downloaded: a cloud drive holds it, and only a stand-in is here"
            )
            visit.refused[visit.label(name)] = MissingError(said)


def emptied(visit: Visit) -> UnavailableError:
    """Return the failure that says that nothing is left of what was at a remote."""
    number = sum(memo.held is not None for memo in visit.saved.values())
    objects = "the object that was" if number == 1 else f"the {number} objects that were"
    since = f", with which the last sync was at {visit.health.last_ok}" if visit.health.last_ok else ""
    where = printable(visit.remote.name)
    return UnavailableError(
        f"nothing is left of {objects} there{since}; nothing was put",
        f"is it mounted, and the right place? if it was emptied on purpose: crdtctl sync --accept-missing {where}",
    )


def _refuse_replica(visit: Visit, names: Container[str]) -> None:
    """Raise `ExistsError` in the directory of a replica: there, other files are no states to be met."""
    if all(name in names for name in OWN):
        raise ExistsError(f"{printable(visit.remote.url)} is a replica's directory", "name a folder elsewhere")


def _finished(visit: Visit, entries: Sequence[Entry]) -> list[Entry]:
    """Return the entries without those of transfers under way: such that are new here, or have changed of late."""
    now = stamp()
    earliest = stamp(time.time() - UNDER_WAY)
    kept, known = [], {}
    for entry in entries:
        if not is_unfinished(entry.name):
            kept.append(entry)
            continue
        before = visit.health.unfinished.get(entry.name)
        is_same = before is not None and (before.size, before.version) == (entry.size, entry.version)
        since = before.since if before is not None and is_same else now
        known[entry.name] = Unfinished(entry.size, entry.version, since)
        if since <= earliest:
            kept.append(entry)
    visit.health = replace(visit.health, unfinished=known)
    return kept


def _remember_sizes(visit: Visit) -> None:
    """Forget what is gone; take over the version of an object that this replica put, which only a listing tells.

    An object whose owner only renewed the time in its name is known under the new name.
    """
    entries = {entry.name: entry for entry in visit.listing}
    kept = {}
    known = {plain(name): memo for name, memo in visit.memos.items() if is_named(memo)}
    for name, there in entries.items():
        same = known.get(plain(name)) if name not in visit.memos else None
        if same is not None and same.entry.size == there.size:
            kept[name] = replace(same, entry=there)
    for name, memo in visit.memos.items():
        entry = entries.get(name)
        if entry is not None:
            is_ours = memo.mark and not memo.entry.version and memo.entry.size == entry.size
            kept[name] = replace(memo, entry=entry) if is_ours else memo
    visit.memos = kept


def _fetch(visit: Visit, wanted: Sequence[Entry], standing: Standing, scratch: str) -> list[Entry]:
    """Fetch entries, those that fail in passing several times; return those that were gone."""
    for entry in wanted:
        if entry.size > MAX_OBJECT:
            label = visit.label(entry.name)
            visit.refused[label] = DataError(f"{label} is larger than {MAX_OBJECT // 2**20} MiB")
    left = {entry.name: entry for entry in wanted if entry.size <= MAX_OBJECT}
    total, done = sum(entry.size for entry in left.values()), 0
    gone = []

    def fetch() -> None:
        nonlocal done
        failed: TransientError | None = None
        directory = tempfile.mkdtemp(dir=scratch)
        for entry, path in visit.there.fetch(list(left.values()), directory):
            if isinstance(path, TransientError):
                failed = failed or path
                continue
            left.pop(entry.name, None)
            if isinstance(path, MissingError):
                gone.append(entry)
            elif isinstance(path, StorageError):
                raise path
            elif isinstance(path, CrdtctlError):
                visit.refused[visit.label(entry.name)] = path
                if isinstance(path, DataError):
                    visit.memos[entry.name] = Memo(entry, "", fault=path.message)
            else:
                _look(visit, entry, path, standing)
            done += entry.size
            visit.read = (done, total)
        if failed:
            raise failed

    if left:
        patiently(fetch, visit.deadline)
    return gone


def _look(visit: Visit, entry: Entry, path: str, standing: Standing) -> None:
    """Note a file that was read: as known, if it is what it was; else it is to be merged."""
    digest = digest_of(path)
    memo = visit.memos.pop(entry.name, None)
    if memo and memo.digest == digest and (memo.held is None or standing.knows(memo.held.clock, memo.held.histories)):
        visit.memos[entry.name] = replace(memo, entry=entry, unsettled=0.0)
        os.unlink(path)
    else:
        if memo and memo.entry == entry:
            visit.settled.add(entry.name)
        visit.fresh.append(Fresh(entry, path, digest))


def digest_of(path: str) -> str:
    """Return the hash of a file."""
    digest = blake2b(digest_size=16)
    with open(path, "rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
