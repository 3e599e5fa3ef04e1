"""What to read and what to put, from a listing and what is remembered. Pure."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

from crdtctl.crdt import forks
from crdtctl.crdt.clock import Clock
from crdtctl.crdt.membership import minted, record_of
from crdtctl.store.share import Standing
from crdtctl.sync.object_name import SUFFIX, is_due, plain, seen
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
class Held:
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
class Memo:
    """What is remembered of an object: which version of it was read, the hash of that, and what it held or lacked.

    `mark` is there of one that this replica put: what stands for all that it says. `fault` is why it is not a state.
    `unsettled` is when a version was first read that tells no changes within a second; 0 if it need not be read again.
    """

    entry: Entry
    digest: str
    held: Held | None = None
    mark: str = ""
    fault: str = ""
    unsettled: float = 0.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What to do at a remote: whether to put an object, with which authors beside its owner, and what to delete then.

    `mark` stands for what that object says, whether it is there already or not. An object `is_renewed` that is put
    only to tell when this replica last synced.
    """

    wanted: bool
    carried: tuple[str, ...]
    mark: str
    obsolete: tuple[str, ...] = ()
    is_renewed: bool = False


def is_coarse(version: str) -> bool:
    """Return whether a version tells a time in whole seconds, so that a file may change and keep it.

    >>> is_coarse("1764259200"), is_coarse('"69286a80-1c"'), is_coarse("1764259200123456789.77.1764259200123456789")
    (True, True, False)
    """
    return _COARSE.fullmatch(version) is not None


def to_read(listing: Iterable[Entry], memos: Mapping[str, Memo], here: Standing, now: float = 0.0) -> list[Entry]:
    """Return the entries that may hold something that is not known here.

    A file whose version is a time in whole seconds may have been overwritten in the second in which it was read. So it
    is read once more, some seconds later.
    """

    def is_known(entry: Entry) -> bool:
        memo = memos.get(entry.name)
        if memo is None or memo.entry != entry or (memo.unsettled and now > memo.unsettled + _SECONDS):
            return False
        if memo.held is None:
            return not entry.name.endswith(SUFFIX)  # or it may have been half there
        return here.knows(memo.held.clock, memo.held.histories)

    return [entry for entry in listing if not is_known(entry)]


def to_put(
    memos: Iterable[Memo],
    here: Standing,
    *,
    clean: bool = False,
    earlier: Collection[str] = (),
    now: float = 0.0,
    interval: float = 0.0,
) -> Outgoing:
    """Return what to put at a remote whose objects are those of `memos`, all of which is known here.

    Older objects of this replica are deleted, and damaged ones under the names that it gave them; with `clean`, also
    copies of them that were made under other names, and the objects of sealed replicas that this one absorbed, and of
    clients that have handed over all that they counted. A client deletes its own then. Objects of clients go in a
    later sync only, when they were there `earlier`: so others had the time to read them. The time in the name of the
    own object is renewed after an `interval`, if it is not 0.
    """
    own: list[Memo] = []
    others: list[Held] = []
    obsolete: list[str] = []
    damaged: list[str] = []
    for memo in memos:
        held = memo.held
        if held is None:
            if memo.fault:
                damaged.append(memo.entry.name)
            continue
        if held.owner == here.replica:
            own.append(memo)
        elif clean and (_is_absorbed(held, here) or (held.is_idle and memo.entry.name in earlier)):
            obsolete.append(memo.entry.name)
        else:
            others.append(held)
    authors = carried(others, [memo.held for memo in own if memo.held is not None], here)
    mark = mark_of(here, authors)
    same = (memo for memo in own if memo.mark == mark and is_named(memo))
    current = max(same, key=lambda memo: seen(memo.entry.name) or 0.0, default=None)
    is_over = here.is_idle and here.has_left and not authors
    is_over = is_over and (not own or (current is not None and current.entry.name in earlier))
    wanted = bool(here.mark or authors) and not is_over and (current is None or not here.has_left)
    is_alive = here.replica not in here.ended.sealed and not is_over
    renewed = not wanted and current is not None and is_alive and is_due(current.entry.name, now, interval)
    wanted = wanted or renewed
    kept = None if wanted or is_over else current
    obsolete += [memo.entry.name for memo in own if memo is not kept and (clean or is_named(memo))]
    if wanted or kept is not None:
        stem = stem_of(name_of(here.replica, SOME))
        obsolete += [name for name in damaged if stem_of(name) == stem]
    return Outgoing(wanted, authors, mark, tuple(sorted(obsolete)), renewed)


def _is_absorbed(held: Held, here: Standing) -> bool:
    """Return whether this replica absorbed the owner of an object."""
    return here.replica in here.ended.absorbers.get(record_of(held.owner), ())


def carried(others: Sequence[Held], own: Sequence[Held], here: Standing) -> tuple[str, ...]:
    """Return the authors that the own object is to hold, although they are others, sorted.

    Those of whom no other object holds as much. Of whom the own object holds as much already, it goes on holding it
    until there is a better holder, or two might leave it to each other. And where a fence is set, all from before it.
    """
    elsewhere = _best_elsewhere(others, here)

    def is_needed(author: str) -> bool:
        best = elsewhere.get(author)
        if best is None:
            return True
        return best > _rank(here.replica, author) and any(_holds(held, author, here) for held in own)

    def is_old(author: str) -> bool:
        return 0 < minted(author) < here.ended.fence

    has_fence = here.ended.fence > 0
    others_known = (author for author in here.clock if author != here.replica)
    return tuple(sorted(who for who in others_known if is_needed(who) or (has_fence and is_old(who))))


def _best_elsewhere(others: Iterable[Held], here: Standing) -> dict[str, tuple[bool, str]]:
    """Return the rank of the best object that holds as much as is known here, of each author of whom there is one.

    Most often that is the author's own. Who is held by nobody is not looked for in every object: there may be
    thousands of both.
    """
    whole = sorted((held for held in others if held.is_whole), key=lambda held: held.owner)
    found = {}
    for held in whole:
        if held.owner in held.clock and held.owner in here.clock and _holds(held, held.owner, here):
            found[held.owner] = _rank(held.owner, held.owner)
    missing = here.clock.keys() - found.keys()
    for held in whole:
        shared = held.clock.keys() & missing
        is_forked = bool(shared) and any("~" in author for author in held.clock)
        for author in shared:
            if held.clock[author] >= here.clock[author] or (is_forked and _holds(held, author, here)):
                found[author] = _rank(held.owner, author)
                missing.remove(author)
    return found


def _holds(held: Held, author: str, here: Standing) -> bool:
    """Return whether a state holds as much of an author as is known here."""
    history = here.histories.get(author, "")
    return held.is_whole and forks.covers(held.clock, held.histories, author, here.clock[author], history)


def _rank(owner: str, author: str) -> tuple[bool, str]:
    """Return how good an object of `owner` is to hold an author: the smaller the better."""
    return owner != author, owner


def mark_of(here: Standing, authors: Iterable[str]) -> str:
    """Return what stands for all that an object says that is made here and carries these authors."""
    facts = [here.replica, here.mark, *here.settled]
    for author in authors:
        facts += [author, str(here.clock[author]), here.histories.get(author, "")]
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
    stem, _, digest = plain(name).removesuffix(SUFFIX).rpartition(".")
    return stem if _DIGEST.fullmatch(digest) else ""


def is_named(memo: Memo) -> bool:
    """Return whether an object has the name that its owner gave it: whether it is no copy."""
    return memo.held is not None and plain(memo.entry.name) == name_of(memo.held.owner, memo.digest)
