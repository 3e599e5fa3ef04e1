"""What a listing lacks of what was at a remote before. Pure.

Nobody but its owner deletes an object, and the owner does so once a listing has shown a newer one. An object is
remembered once a listing has shown it. So where an object is gone and none of the same owner is there, the listing is
cut, the place is not the one it was, or a person deleted it. The exceptions: objects of replicas that were absorbed,
and of clients that hold nothing any more, are deleted by others.
"""

from collections.abc import Collection, Iterable, Mapping

from crdtctl.crdt.membership import minted
from crdtctl.store.share import Knowledge
from crdtctl.sync.object_name import seen
from crdtctl.sync.plan import SOME, CachedObject, is_named, name_of, stem_of


def missing_objects(
    before: Iterable[CachedObject], there: Collection[CachedObject], names: Collection[str], knowledge: Knowledge
) -> list[CachedObject]:
    """Return the objects of `before` that are gone, and of whose owners no other object is `there`.

    `names` are those of all files that are listed, also of such that were not read: an owner has an object there if one
    has the name of such. An object that is there under another name is not gone.
    """
    stems = {stem_of(name) for name in names}
    owners = {cached.summary.owner for cached in there if cached.summary is not None}
    digests = {cached.digest for cached in there}
    return [
        cached
        for cached in before
        if cached.summary is not None
        and cached.entry.name not in names
        and cached.summary.owner not in owners
        and stem_of(name_of(cached.summary.owner, SOME)) not in stems
        and cached.digest not in digests
        and not _deletable_by_others(cached, knowledge)
    ]


def _deletable_by_others(cached: CachedObject, knowledge: Knowledge) -> bool:
    """Return whether somebody else than the owner may delete an object: its owner has ended, or is a client."""
    assert cached.summary is not None
    owner, ended = cached.summary.owner, knowledge.ended
    return (
        owner not in cached.summary.clock
        or owner in ended.sealed
        or ended.has_absorbed(owner)
        or 0 < minted(owner) < ended.fence
    )


def is_emptied(before: Collection[CachedObject], gone: Collection[CachedObject], names: Collection[str]) -> bool:
    """Return whether all objects of a remote have disappeared, which means that it is not the place that it was.

    `gone` are the objects that `missing_objects` returns. Where other files are listed, one of the gone objects must be
    this replica's own. Other replicas may have replaced all the others.
    """
    states = [cached for cached in before if cached.summary is not None]
    if not states:
        return False
    if not names:
        return True
    return len(gone) == len(states) and any(cached.fingerprint for cached in gone)


def unlisted_uploads(unlisted: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Return the objects that were put, and since when, that no listing has shown: none if `names` have one of them.

    A listing may be late. A place that shows some of what is put shows the rest in time.
    """
    return {} if any(name in names for name in unlisted) else unlisted


def last_seen(there: Iterable[CachedObject], knowledge: Knowledge) -> dict[str, float | None]:
    """Return when each other permanent replica that has an object there last synced; None if no name says it.

    Those that have ended, or were absorbed, need not sync any more.
    """
    found: dict[str, float | None] = {}
    for cached in there:
        if (
            cached.summary is None
            or cached.summary.owner == knowledge.replica
            or _deletable_by_others(cached, knowledge)
        ):
            continue
        before, now = found.get(cached.summary.owner), seen(cached.entry.name)
        found[cached.summary.owner] = now if before is None else max(before, now or before)
    return found


def reportable(gone: Iterable[CachedObject]) -> list[CachedObject]:
    """Return the absent objects that are to be reported: those under the names that their owners gave them.

    People move and delete copies and exports as they like.
    """
    return [cached for cached in gone if is_named(cached)]
