"""What a listing lacks of what was at a remote before. Pure.

Nobody but its owner deletes an object, and the owner does so once a listing has shown a newer one. An object is
remembered once a listing has shown it. So where an object is gone and none of the same owner is there, the listing is
cut, the place is not the one it was, or a person deleted it. The exceptions: objects of replicas that were absorbed,
and of clients that hold nothing any more, are deleted by others.
"""

from collections.abc import Collection, Iterable, Mapping

from crdtctl.crdt.membership import minted
from crdtctl.store.share import Standing
from crdtctl.sync.object_name import seen
from crdtctl.sync.plan import SOME, Memo, is_named, name_of, stem_of


def absent(before: Iterable[Memo], there: Collection[Memo], names: Collection[str], here: Standing) -> list[Memo]:
    """Return the objects of `before` that are gone, and of whose owners no other object is `there`.

    `names` are those of all files that are listed, also of such that were not read: an owner has an object there if one
    has the name of such. An object that is there under another name is not gone.
    """
    stems = {stem_of(name) for name in names}
    owners = {memo.held.owner for memo in there if memo.held is not None}
    digests = {memo.digest for memo in there}
    return [
        memo
        for memo in before
        if memo.held is not None
        and memo.entry.name not in names
        and memo.held.owner not in owners
        and stem_of(name_of(memo.held.owner, SOME)) not in stems
        and memo.digest not in digests
        and not _may_go(memo, here)
    ]


def _may_go(memo: Memo, here: Standing) -> bool:
    """Return whether somebody else than the owner may delete an object: its owner has ended, or is a client."""
    assert memo.held is not None
    owner, ended = memo.held.owner, here.ended
    return (
        owner not in memo.held.clock
        or owner in ended.sealed
        or ended.has_absorbed(owner)
        or 0 < minted(owner) < ended.fence
    )


def is_emptied(before: Collection[Memo], gone: Collection[Memo], names: Collection[str]) -> bool:
    """Return whether a remote is not what it was: nothing of what was there is left.

    `gone` are the objects that are `absent`. Where other files are listed, an own object must be among them: the
    objects of all others may have been replaced by other replicas.
    """
    states = [memo for memo in before if memo.held is not None]
    if not states:
        return False
    if not names:
        return True
    return len(gone) == len(states) and any(memo.mark for memo in gone)


def never_listed(unlisted: Mapping[str, str], names: Collection[str]) -> Mapping[str, str]:
    """Return the objects that were put, and since when, that no listing has shown: none if `names` have one of them.

    A listing may be late. A place that shows some of what is put shows the rest in time.
    """
    return {} if any(name in names for name in unlisted) else unlisted


def last_seen(there: Iterable[Memo], here: Standing) -> dict[str, float | None]:
    """Return when each other permanent replica that has an object there last synced; None if no name says it.

    Those that have ended, or were absorbed, need not sync any more.
    """
    found: dict[str, float | None] = {}
    for memo in there:
        if memo.held is None or memo.held.owner == here.replica or _may_go(memo, here):
            continue
        before, now = found.get(memo.held.owner), seen(memo.entry.name)
        found[memo.held.owner] = now if before is None else max(before, now or before)
    return found


def missed(gone: Iterable[Memo]) -> list[Memo]:
    """Return the absent objects that are to be reported: those under the names that their owners gave them.

    People move and delete copies and exports as they like.
    """
    return [memo for memo in gone if is_named(memo)]
