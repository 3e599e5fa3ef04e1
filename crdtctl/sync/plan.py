"""The two decisions of a sync: the objects to download, and the object to upload. Pure."""

from __future__ import annotations

from crdtctl.crdt import forks
from crdtctl.crdt.membership import minted, record_of
from crdtctl.records import NamedTuple, Record, field
from crdtctl.sync.hashing import blake2b
from crdtctl.sync.object_name import (
    ANY_DIGEST,
    is_object_name,
    last_sync_time,
    name_of,
    needs_renewal,
    stem_of,
    without_time,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from crdtctl.codec.header import Head
    from crdtctl.crdt.clock import Clock
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.sync.transport import ListedObject

    #: A function of a replica id and the hash of a content, as `object_name.name_of`.
    Naming = Callable[[str, str], str]

#: Versions that are times in whole seconds: of ssh, of web servers without etag, of nginx's etag, and of rclone.
_COARSE = (
    r"\d{8,11}|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT \d+|\d{4}-\d\d-\d\d[T ][\d:]{8}(?:\.0+)?(?:Z|[+-][\d:]+)? \d*"
    r'|(?:W/)?"[0-9a-f]{8}-[0-9a-f]+"'
)
#: Maximum length of such a version that is made of digits.
_LONGEST_DIGITS = 11
#: Seconds after which a version in whole seconds is final.
_VERSION_SECONDS = 2.0


class ObjectSummary(Record):
    """The header of a state: its owner and its clock. The state holds the complete entries of each id in the clock.

    `histories` are the export markers of these ids, as text. `is_whole` is false for a delta, whose entries are not
    complete. `is_idle` is true for the state of a client that has handed off all that it counted.
    """

    owner: str
    clock: Clock
    histories: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = True
    is_idle: bool = False


def summary_of(head: Head, idle: Collection[str]) -> ObjectSummary:
    """Return the summary of an object with this header; `idle` are the clients that have handed off everything."""
    is_idle = head.replica in idle and head.replica not in head.clock
    return ObjectSummary(head.replica, dict(head.clock), dict(head.histories), head.kind == "state", is_idle)


class CachedObject(NamedTuple):
    """The cache entry of an object: the version that was read, the hash of its content, and the header of the state.

    `fingerprint` identifies the content of an object that this replica put; it is empty for all others. `fault` is the
    reason why a file is not a state. `unsettled` is the time of the first read of a version in whole seconds, rounded
    up; it is 0 if the file need not be read again.
    """

    entry: ListedObject
    digest: str
    summary: ObjectSummary | None = None
    fingerprint: str = ""
    fault: str = ""
    unsettled: int = 0


class UploadPlan(NamedTuple):
    """The upload for a remote: whether an object is put, the replicas that it relays, and the objects deleted then.

    `is_renewal` is true for an upload that only renews the time of the last sync in the name of the object.
    """

    wanted: bool
    relayed: tuple[str, ...]
    obsolete: tuple[str, ...] = ()
    is_renewal: bool = False


def is_coarse(version: str) -> bool:
    """Return whether a version is a time in whole seconds, so that a file may change without a new version.

    >>> is_coarse("1764259200"), is_coarse('"69286a80-1c"'), is_coarse("1764259200123456789.77.1764259200123456789")
    (True, True, False)
    """
    if len(version) > _LONGEST_DIGITS and version.replace(".", "").isdigit():
        return False  # of a folder
    import re

    return re.fullmatch(_COARSE, version, re.ASCII) is not None


def entries_to_fetch(
    listing: Iterable[ListedObject], cache: Mapping[str, CachedObject], knowledge: Knowledge, now: float = 0.0
) -> list[ListedObject]:
    """Return the entries of objects that may hold anything new.

    A file whose version is a time in whole seconds may have been overwritten within the second of its first read.
    Therefore it is read again some seconds later.
    """

    def is_known(entry: ListedObject) -> bool:
        cached = cache.get(entry.name)
        if cached is None or cached.entry != entry or (cached.unsettled and now > cached.unsettled + _VERSION_SECONDS):
            return False
        if cached.summary is None:
            return not is_object_name(entry.name)  # an object that is not a state may have been read half written
        return knowledge.knows(cached.summary.clock, cached.summary.histories)

    return [entry for entry in listing if not is_known(entry)]


def plan_upload(
    objects: Iterable[CachedObject],
    knowledge: Knowledge,
    *,
    clean: bool = False,
    earlier: Collection[str] = (),
    now: float = 0.0,
    interval: float = 0.0,
    naming: Naming = name_of,
    former: Sequence[Naming] = (),
    plain: Collection[str] = (),
) -> UploadPlan:
    """Return the upload for a remote with these objects, which are all merged already.

    Older objects of this replica are deleted, and damaged ones under its names. With `clean`, the following are deleted
    as well: copies of its objects under other names, objects of replicas that it absorbed, and objects of clients that
    have handed off all that they counted. Such a client deletes its own object. Objects of clients are deleted only if
    their names are in `earlier`, the names at the last sync, so that other replicas had the time to read them. The time
    in the name of the own object is renewed after `interval` seconds, or never if that is 0.

    `naming` returns the name that an owner gives to an object there. Objects of this replica with names by a `former`
    naming are replaced: they are sealed with a former key. So are those among the names of `plain` objects.
    """
    own: list[CachedObject] = []
    others: list[ObjectSummary] = []
    obsolete: list[str] = []
    damaged: list[str] = []
    for cached in objects:
        summary = cached.summary
        if summary is None:
            if cached.fault:
                damaged.append(cached.entry.name)
            continue
        if summary.owner == knowledge.replica:
            own.append(cached)
        elif clean and (_is_absorbed(summary, knowledge) or (summary.is_idle and cached.entry.name in earlier)):
            obsolete.append(cached.entry.name)
        else:
            others.append(summary)
    relayed = replicas_to_relay(others, [cached.summary for cached in own if cached.summary is not None], knowledge)
    fingerprint = fingerprint_of(knowledge, relayed)
    same = (cached for cached in own if cached.fingerprint == fingerprint and is_named(cached, naming))
    current = max(same, key=lambda cached: last_sync_time(cached.entry.name) or 0.0, default=None)
    leaves = knowledge.is_idle and knowledge.has_left and not relayed  # a client that deletes its own object
    leaves = leaves and (not own or (current is not None and current.entry.name in earlier))
    has_content = bool(knowledge.own_checksum or relayed)
    wanted = has_content and not leaves and (current is None or not knowledge.has_left)
    is_active = knowledge.replica not in knowledge.retired.sealed and not leaves
    is_renewal = not wanted and current is not None and is_active and needs_renewal(current.entry.name, now, interval)
    wanted = wanted or is_renewal
    kept = None if wanted or leaves else current
    namings = (naming, *former)
    named = (cached for cached in own if clean or any(is_named(cached, one) for one in namings))
    obsolete += [cached.entry.name for cached in named if cached is not kept]
    if wanted or kept is not None:
        stems = {stem_of(one(knowledge.replica, ANY_DIGEST)) for one in namings}
        obsolete += [name for name in damaged if stem_of(name) in stems]
        obsolete += [name for name in plain if stem_of(name) == stem_of(name_of(knowledge.replica, ANY_DIGEST))]
    return UploadPlan(wanted, relayed, tuple(sorted(obsolete)), is_renewal)


def _is_absorbed(summary: ObjectSummary, knowledge: Knowledge) -> bool:
    """Return whether this replica absorbed the owner of an object."""
    return knowledge.replica in knowledge.retired.absorbers.get(record_of(summary.owner), ())


def replicas_to_relay(
    others: Sequence[ObjectSummary], own: Sequence[ObjectSummary], knowledge: Knowledge
) -> tuple[str, ...]:
    """Return the ids of other replicas whose entries this replica's object at a remote must hold, sorted.

    These are the ids whose entries no other object there holds as completely. If the own object already relays an id,
    it continues until a better object holds it; otherwise two replicas might both leave it to each other. If a cutoff
    is set, the object also holds all ids from before the cutoff.
    """
    best_other = _best_objects(others, knowledge)

    def is_needed(replica: str) -> bool:
        best = best_other.get(replica)
        if best is None:
            return True
        return best > _rank(knowledge.replica, replica) and any(_holds(summary, replica, knowledge) for summary in own)

    def is_old(replica: str) -> bool:
        return 0 < minted(replica) < knowledge.retired.cutoff

    has_cutoff = knowledge.retired.cutoff > 0
    known = (replica for replica in knowledge.clock if replica != knowledge.replica)
    return tuple(sorted(replica for replica in known if is_needed(replica) or (has_cutoff and is_old(replica))))


def _best_objects(objects: Iterable[ObjectSummary], knowledge: Knowledge) -> dict[str, tuple[bool, str]]:
    """Return, for each known id that an object holds completely, the rank of the best such object.

    Usually that is the replica's own object, so own objects are looked up first. There may be thousands of ids and
    objects, so not every id is searched for in every object.
    """
    whole = sorted((summary for summary in objects if summary.is_whole), key=lambda summary: summary.owner)
    ranks = {}
    for summary in whole:
        owner = summary.owner
        if owner in summary.clock and owner in knowledge.clock and _holds(summary, owner, knowledge):
            ranks[owner] = _rank(owner, owner)
    missing = knowledge.clock.keys() - ranks.keys()
    for summary in whole:
        shared = summary.clock.keys() & missing
        is_forked = bool(shared) and any("~" in replica for replica in summary.clock)
        for replica in shared:
            is_as_new = summary.clock[replica] >= knowledge.clock[replica]
            if is_as_new or (is_forked and _holds(summary, replica, knowledge)):
                ranks[replica] = _rank(summary.owner, replica)
                missing.remove(replica)
    return ranks


def _holds(summary: ObjectSummary, replica: str, knowledge: Knowledge) -> bool:
    """Return whether a state holds the entries of a replica as completely as they are known."""
    history = knowledge.histories.get(replica, "")
    return summary.is_whole and forks.covers(
        summary.clock, summary.histories, replica, knowledge.clock[replica], history
    )


def _rank(owner: str, replica: str) -> tuple[bool, str]:
    """Return the rank of an object of `owner` as the holder of a replica's entries. Smaller is better."""
    return owner != replica, owner


def fingerprint_of(knowledge: Knowledge, relayed: Iterable[str]) -> str:
    """Return a hash that identifies the content of an object that relays these replicas."""
    facts = [knowledge.replica, knowledge.own_checksum, *knowledge.settled]
    for replica, commit in sorted(knowledge.received.items()):
        facts += ["received", replica, str(commit)]
    for replica in relayed:
        facts += [replica, str(knowledge.clock[replica]), knowledge.histories.get(replica, "")]
    return blake2b("\n".join(facts).encode(), digest_size=16).hexdigest()


def is_named(cached: CachedObject, naming: Naming = name_of) -> bool:
    """Return whether an object has the name that its owner gave it, so that it is not a copy."""
    summary = cached.summary
    return summary is not None and without_time(cached.entry.name) == naming(summary.owner, cached.digest)
