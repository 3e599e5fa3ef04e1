"""What to read and what to put, from a listing and what is remembered. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from crdtctl.crdt import forks
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import minted, record_of
from crdtctl.store.share import Knowledge
from crdtctl.sync.object_name import SUFFIX, needs_renewal, seen, without_time
from crdtctl.sync.transport import Entry

_BITS = re.compile(r"[0-9a-f]{32}")
_DIGEST = re.compile(r"[0-9a-f]{16}")
#: A hash, where it does not matter of what.
SOME = "0" * 16
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_LEGIBLE = 60
#: Versions of ssh, of web servers by their time and nginx's etag, and of rclone where it knows whole seconds only.
_COARSE = re.compile(
    r"\d{8,11}|\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT \d+|\d{4}-\d\d-\d\d[T ][\d:]{8}(?:\.0+)?(?:Z|[+-][\d:]+)? \d*"
    r'|(?:W/)?"[0-9a-f]{8}-[0-9a-f]+"',
    re.ASCII,
)
#: After so many seconds, whatever was written in the second of a version is there.
_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class ObjectSummary:
    """What a state holds, as its header says: every author of its `clock` completely.

    `histories` are their departures, as text. A delta holds nothing completely: it `is_whole` not. That of a client
    that holds nothing any more `is_idle`.
    """

    owner: str
    clock: Clock
    histories: Mapping[str, str] = field(default_factory=dict)
    is_whole: bool = True
    is_idle: bool = False


@dataclass(frozen=True, slots=True)
class CachedObject:
    """What is remembered of an object: which version of it was read, the hash of that, and what it held or lacked.

    `mark` is there of one that this replica put: what stands for all that it says. `fault` is why it is not a state.
    `unsettled` is when a version was first read that tells no changes within a second; 0 if it need not be read again.
    """

    entry: Entry
    digest: str
    summary: ObjectSummary | None = None
    fingerprint: str = ""
    fault: str = ""
    unsettled: float = 0.0


@dataclass(frozen=True, slots=True)
class UploadPlan:
    """What to do at a remote: whether to put an object, with which authors beside its owner, and what to delete then.

    `mark` stands for what that object says, whether it is there already or not. An object `is_renewed` that is put
    only to tell when this replica last synced.
    """

    wanted: bool
    relayed: tuple[str, ...]
    obsolete: tuple[str, ...] = ()
    is_renewed: bool = False


def is_coarse(version: str) -> bool:
    """Return whether a version tells a time in whole seconds, so that a file may change and keep it.

    >>> is_coarse("1764259200"), is_coarse('"69286a80-1c"'), is_coarse("1764259200123456789.77.1764259200123456789")
    (True, True, False)
    """
    return _COARSE.fullmatch(version) is not None


def entries_to_fetch(
    listing: Iterable[Entry], cache: Mapping[str, CachedObject], knowledge: Knowledge, now: float = 0.0
) -> list[Entry]:
    """Return the entries that may hold something that is not known knowledge.

    A file whose version is a time in whole seconds may have been overwritten in the second in which it was read. So it
    is read once more, some seconds later.
    """

    def is_known(entry: Entry) -> bool:
        cached = cache.get(entry.name)
        if cached is None or cached.entry != entry or (cached.unsettled and now > cached.unsettled + _SECONDS):
            return False
        if cached.summary is None:
            return not entry.name.endswith(SUFFIX)  # or it may have been half there
        return knowledge.knows(cached.summary.clock, cached.summary.histories)

    return [entry for entry in listing if not is_known(entry)]


def plan_upload(
    cache: Iterable[CachedObject],
    knowledge: Knowledge,
    *,
    clean: bool = False,
    earlier: Collection[str] = (),
    now: float = 0.0,
    interval: float = 0.0,
) -> UploadPlan:
    """Return what to put at a remote whose objects are those of `cache`, all of which is known knowledge.

    Older objects of this replica are deleted, and damaged ones under the names that it gave them; with `clean`, also
    copies of them that were made under other names, and the objects of sealed replicas that this one absorbed, and of
    clients that have handed over all that they counted. A client deletes its own then. Objects of clients go in a
    later sync only, when they were there `earlier`: so others had the time to read them. The time in the name of the
    own object is renewed after an `interval`, if it is not 0.
    """
    own: list[CachedObject] = []
    others: list[ObjectSummary] = []
    obsolete: list[str] = []
    damaged: list[str] = []
    for cached in cache:
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
    authors = replicas_to_relay(others, [cached.summary for cached in own if cached.summary is not None], knowledge)
    fingerprint = fingerprint_of(knowledge, authors)
    same = (cached for cached in own if cached.fingerprint == fingerprint and is_named(cached))
    current = max(same, key=lambda cached: seen(cached.entry.name) or 0.0, default=None)
    is_over = knowledge.is_idle and knowledge.has_left and not authors
    is_over = is_over and (not own or (current is not None and current.entry.name in earlier))
    wanted = bool(knowledge.own_checksum or authors) and not is_over and (current is None or not knowledge.has_left)
    is_alive = knowledge.replica not in knowledge.ended.sealed and not is_over
    renewed = not wanted and current is not None and is_alive and needs_renewal(current.entry.name, now, interval)
    wanted = wanted or renewed
    kept = None if wanted or is_over else current
    obsolete += [cached.entry.name for cached in own if cached is not kept and (clean or is_named(cached))]
    if wanted or kept is not None:
        stem = stem_of(name_of(knowledge.replica, SOME))
        obsolete += [name for name in damaged if stem_of(name) == stem]
    return UploadPlan(wanted, authors, tuple(sorted(obsolete)), renewed)


def _is_absorbed(summary: ObjectSummary, knowledge: Knowledge) -> bool:
    """Return whether this replica absorbed the owner of an object."""
    return knowledge.replica in knowledge.ended.absorbers.get(record_of(summary.owner), ())


def replicas_to_relay(
    others: Sequence[ObjectSummary], own: Sequence[ObjectSummary], knowledge: Knowledge
) -> tuple[str, ...]:
    """Return the authors that the own object is to hold, although they are others, sorted.

    Those of whom no other object holds as much. Of whom the own object holds as much already, it goes on holding it
    until there is a better holder, or two might leave it to each other. And where a fence is set, all from before it.
    """
    elsewhere = _best_elsewhere(others, knowledge)

    def is_needed(author: str) -> bool:
        best = elsewhere.get(author)
        if best is None:
            return True
        return best > _rank(knowledge.replica, author) and any(_holds(summary, author, knowledge) for summary in own)

    def is_old(author: str) -> bool:
        return 0 < minted(author) < knowledge.ended.fence

    has_fence = knowledge.ended.fence > 0
    others_known = (author for author in knowledge.clock if author != knowledge.replica)
    return tuple(sorted(who for who in others_known if is_needed(who) or (has_fence and is_old(who))))


def _best_elsewhere(others: Iterable[ObjectSummary], knowledge: Knowledge) -> dict[str, tuple[bool, str]]:
    """Return the rank of the best object that holds as much as is known knowledge, of each author of whom there is one.

    Most often that is the author's own. Who is held by nobody is not looked for in every object: there may be
    thousands of both.
    """
    whole = sorted((summary for summary in others if summary.is_whole), key=lambda summary: summary.owner)
    found = {}
    for summary in whole:
        if (
            summary.owner in summary.clock
            and summary.owner in knowledge.clock
            and _holds(summary, summary.owner, knowledge)
        ):
            found[summary.owner] = _rank(summary.owner, summary.owner)
    missing = knowledge.clock.keys() - found.keys()
    for summary in whole:
        shared = summary.clock.keys() & missing
        is_forked = bool(shared) and any("~" in author for author in summary.clock)
        for author in shared:
            if summary.clock[author] >= knowledge.clock[author] or (is_forked and _holds(summary, author, knowledge)):
                found[author] = _rank(summary.owner, author)
                missing.remove(author)
    return found


def _holds(summary: ObjectSummary, author: str, knowledge: Knowledge) -> bool:
    """Return whether a state holds as much of an author as is known knowledge."""
    history = knowledge.histories.get(author, "")
    return summary.is_whole and forks.covers(summary.clock, summary.histories, author, knowledge.clock[author], history)


def _rank(owner: str, author: str) -> tuple[bool, str]:
    """Return how good an object of `owner` is to hold an author: the smaller the better."""
    return owner != author, owner


def fingerprint_of(knowledge: Knowledge, authors: Iterable[str]) -> str:
    """Return what stands for all that an object says that is made here and carries these authors."""
    facts = [knowledge.replica, knowledge.own_checksum, *knowledge.settled]
    for author in authors:
        facts += [author, str(knowledge.clock[author]), knowledge.histories.get(author, "")]
    return blake2b("\n".join(facts).encode(), digest_size=16).hexdigest()


def name_of(owner: str, digest: str) -> str:
    """Return the name of an object: legible to people, safe everywhere, and never that of another content.

    >>> name_of("büro/1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7", "0f" * 16)
    'b-ro-1-0193a7f2c4d61b6ae1f0c2d3a4b5c6d7.0f0f0f0f0f0f0f0f.crdt.json'
    """
    name, _, bits = owner.rpartition("-")
    if not _BITS.fullmatch(bits):
        name, bits = owner, blake2b(owner.encode(), digest_size=16).hexdigest()
    return f"{_UNSAFE.sub('-', name)[:_LEGIBLE].lstrip('.-') or 'replica'}-{bits}.{digest[:16]}{SUFFIX}"


def stem_of(name: str) -> str:
    """Return what the names of all objects of an owner begin with, from one of them; empty if it is no such name.

    >>> stem_of("a-1.0123456789abcdef.19700101T000000Z.crdt.json"), stem_of("a-1.crdt.json")
    ('a-1', '')
    """
    stem, _, digest = without_time(name).removesuffix(SUFFIX).rpartition(".")
    return stem if _DIGEST.fullmatch(digest) else ""


def is_named(cached: CachedObject) -> bool:
    """Return whether an object has the name that its owner gave it: whether it is no copy."""
    return cached.summary is not None and without_time(cached.entry.name) == name_of(
        cached.summary.owner, cached.digest
    )
