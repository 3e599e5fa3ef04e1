"""Objects that were at a remote before and are missing in a listing. Pure.

Only its owner deletes an object, after a listing has shown a newer one. An object is cached only after a listing has
shown it. So if an object is missing and no other object of its owner is there, one of these is true: the listing is
incomplete, the place is not the former one, or a person deleted the object. Two kinds of objects are exceptions, since
other replicas delete them: objects of absorbed replicas, and objects of clients that have handed off all that they
counted.
"""

from __future__ import annotations

from crdtctl.crdt.membership import minted
from crdtctl.sync.object_name import ANY_DIGEST, last_sync_time, name_of, stem_of
from crdtctl.sync.plan import is_named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from crdtctl.store.knowledge import Knowledge
    from crdtctl.sync.plan import CachedObject, Naming


def missing_objects(
    before: Iterable[CachedObject],
    there: Collection[CachedObject],
    names: Collection[str],
    knowledge: Knowledge,
    naming: Naming = name_of,
) -> list[CachedObject]:
    """Return the objects of `before` that are missing, if no other object of their owner is `there`.

    `names` are the names of all listed files, including files that were not read. An owner has an object there if one
    of the names is a name of its objects, by `naming`. An object that is there under another name is not missing.
    """
    absent = [cached for cached in before if cached.entry.name not in names]
    if not absent:
        return []
    stems = {stem_of(name) for name in names}
    owners = {cached.summary.owner for cached in there if cached.summary is not None}
    digests = {cached.digest for cached in there}
    return [
        cached
        for cached in absent
        if cached.summary is not None
        and cached.summary.owner not in owners
        and stem_of(naming(cached.summary.owner, ANY_DIGEST)) not in stems
        and cached.digest not in digests
        and not _deletable_by_others(cached, knowledge)
    ]


def _deletable_by_others(cached: CachedObject, knowledge: Knowledge) -> bool:
    """Return whether replicas other than the owner may delete an object: its owner is retired, or is a client."""
    assert cached.summary is not None
    owner, roster = cached.summary.owner, knowledge.retired
    return (
        owner not in cached.summary.clock
        or owner in roster.sealed
        or roster.has_absorbed(owner)
        or (roster.cutoff > 0 and 0 < minted(owner) < roster.cutoff)
    )


def is_emptied(before: Collection[CachedObject], gone: Collection[CachedObject], names: Collection[str]) -> bool:
    """Return whether all objects of a remote have disappeared, which means that it is not the former place.

    `gone` are the objects that `missing_objects` returns. If other files are listed, one of the gone objects must be
    this replica's own, because other replicas may have replaced all the others.
    """
    states = [cached for cached in before if cached.summary is not None]
    if not states:
        return False
    if not names:
        return True
    return len(gone) == len(states) and any(cached.fingerprint for cached in gone)


def unlisted_uploads(unlisted: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Return the uploaded objects that no listing has shown, with their times; empty if `names` has one of them.

    A listing may be late. If a place shows some of the uploads, it shows the rest in time.
    """
    return {} if any(name in names for name in unlisted) else unlisted


def last_seen(there: Iterable[CachedObject], knowledge: Knowledge) -> dict[str, float | None]:
    """Return the time of the last sync of each other permanent replica with an object there; None if it is unknown.

    Retired replicas are left out, as they need not sync any more.
    """
    times: dict[str, float | None] = {}
    for cached in there:
        summary = cached.summary
        if summary is None or summary.owner == knowledge.replica or _deletable_by_others(cached, knowledge):
            continue
        before, now = times.get(summary.owner), last_sync_time(cached.entry.name)
        times[summary.owner] = now if before is None else max(before, now or before)
    return times


def reportable(gone: Iterable[CachedObject], naming: Naming = name_of) -> list[CachedObject]:
    """Return the missing objects that are reported: those under the names that their owners gave them.

    Copies and exports are not reported, because people move and delete them as they like.
    """
    return [cached for cached in gone if is_named(cached, naming)]
