"""One id, one writer: noticing that a replica was copied or put back, and going on under a new id.

The old id's contributions become learned ones, so nothing that is here is lost and nothing counts twice: whoever else
holds them holds the same entries. What the id did after a backup was made is elsewhere at best, see `unheard`.
A false alarm costs an entry; a miss would cost counts.
"""

import base64
import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from crdtctl.codec.stream import Source, Writer, overlay
from crdtctl.codec.text import assemble
from crdtctl.codec.text import name_of as text_name_of
from crdtctl.codec.wire import Head, Past, encode_head
from crdtctl.crdt import forks
from crdtctl.crdt.forks import Departure
from crdtctl.store import binding, journal, meeting
from crdtctl.store.durable import KNOWN, OWN, Draft
from crdtctl.store.files import Directory, OwnFile
from crdtctl.store.jobs import again
from crdtctl.store.unheard import departures_of

#: Why an id ended → what is said of it.
REASONS = {
    "copied": "its own.json is not the file that it wrote: it was copied or restored",
    "moved": "it is on another machine",
    "restored": "an older version of it was put back",
    "unwitnessed": "what remembered it outside its directory is gone, or it was copied",
    "linked": "its own.json has several names",
    "unbound": "its own.json does not say which file it is",
    "sealed": "it was sealed",
    "retired": "it was declared gone for good elsewhere, with 'crdtctl transfer --from'",
    "forked": "somebody else wrote under its id, or an older version of it was put back",
}
#: From so many times on, it is said that a replica went on under a new id too often.
OFTEN = 4
#: So many of the ids that a replica had before are listed.
_MAX_PAST = 64


class Renamed(NamedTuple):
    """A replica that went on under a new id, and why; `times` it did so in all. `is_whole`: no later write is known."""

    before: str
    after: str
    why: str
    is_whole: bool = True
    times: int = 1

    def __str__(self) -> str:
        said = f"this replica goes on as {self.after}, no longer as {self.before}: {REASONS[self.why]}"
        said += f"; {'nothing is lost' if self.is_whole else 'sync or merge to learn what it has done since'}"
        return f"{said}; {often(self.times)}" if self.times >= OFTEN else said


def often(times: int) -> str:
    """Return what to say of a replica that went on under a new id so often: each leaves entries in every state."""
    return (
        f"it went on under a new id {times} times, and each stands in every state for ever: count with 'crdtctl run "
        "--seal-to' in a job, and absorb that, rather than keep a replica in a cache"
    )


#: What is told of a new id, once it is on disk.
Tell = Callable[[Renamed], object]


def mint(name: str) -> str:
    """Return a new id: a name, the time in milliseconds as 48 bits, and 80 random bits."""
    now = min(max(time.time_ns() // 1_000_000, 0), 2**48 - 1)
    return f"{name}-{now:012x}{os.urandom(10).hex()}"


def name_of(replica: str) -> str:
    """Return the name in an id."""
    name, _, bits = replica.rpartition("-")
    return name if name and len(bits) == 32 else replica[:100]


def called(text: str, ids: Iterable[str]) -> list[str]:
    """Return the ids that a text is, is the name in, begins, or is short for, as in 'laptop-…7b1f'; sorted."""
    start, dots, end = text.partition("…")
    ways: tuple[Callable[[str], bool], ...] = (
        text.__eq__,
        lambda one: name_of(one) == text,
        lambda one: one.startswith(text),
        lambda one: bool(dots) and one.startswith(start) and one.endswith(end),
    )
    known = sorted(ids)
    return next((found for fits in ways if (found := [one for one in known if fits(one)])), [])


@contextmanager
def bound(directory: Directory, timeout: float | None, tell: Tell) -> Iterator[tuple[OwnFile, int]]:
    """Hold the lock of ``own.json``, and give it and the lock; its id is this replica's alone.

    If it was not, it is now, and `tell` is told. Where nothing is strange, nothing but ``own.json`` is looked at.
    """
    with directory.locked(OWN, timeout) as lock:
        own = directory.read_own()
        if not own.strange:
            yield own, lock
            return
    with directory.locked(KNOWN, timeout) as known_lock, directory.locked(OWN, timeout) as lock:
        own = directory.read_own()
        if own.strange:
            own = _mint_again(directory, known_lock, lock, own, own.strange, tell)
        yield own, lock


def has_left(own: Head) -> bool:
    """Return whether everything that an ``own.json`` holds has left before."""
    text = own.tags.get(own.replica)
    return own.clock.get(own.replica, 0) <= (forks.parse(text).departed if text else 0)


@contextmanager
def leaving(directory: Directory, timeout: float | None, tell: Tell) -> Iterator[None]:
    """Hold the lock of ``own.json``, whose state leaves; it is noted that it does, unless it was."""
    with bound(directory, timeout, tell) as (own, lock):
        if not _why_ended(directory, own):
            _note_departure(directory, lock, own)
            yield
            return
    with directory.locked(KNOWN, timeout) as known_lock:
        bound_under(directory, known_lock, timeout, tell)
    with bound(directory, timeout, tell) as (own, lock):
        _note_departure(directory, lock, own)
        yield


def bound_under(directory: Directory, known_lock: int, timeout: float | None, tell: Tell, why: str = "") -> OwnFile:
    """Return ``own.json`` while the lock of ``known.json`` is held; its id is this replica's alone.

    With `why`, the id ends in any case.
    """
    own = directory.read_own()
    if why or _why_ended(directory, own):
        with directory.locked(OWN, timeout) as lock:
            own = directory.read_own()
            why = _why_ended(directory, own) or why
            if why:
                own = _mint_again(directory, known_lock, lock, own, why, tell)
    return own


def _why_ended(directory: Directory, own: OwnFile) -> str:
    """Return why the id of `own` must not be used any more, or nothing."""
    if own.strange:
        return own.strange
    with directory.known_source() as known:  # ended there already: the last writer was killed before it began anew
        return next((one.why for one in known.head.past if one.replica == own.id), "") if known else ""


def _note_departure(directory: Directory, lock: int, own: OwnFile) -> None:
    """Note that the state of `own` leaves, unless it did already."""
    if own.seq > own.history.departed:
        directory.write_own(lock, own, {}, own.seq, _departing(own))


def _departing(own: OwnFile) -> str:
    """Return the history of `own` after what was not seen outside yet has left."""
    history = own.history
    if own.seq > history.departed:
        tag = base64.urlsafe_b64encode(os.urandom(3)).decode()
        history = history.then(Departure(own.seq, tag))
    return forks.text(history) if history.count else ""


def _mint_again(directory: Directory, known_lock: int, lock: int, own: OwnFile, why: str, tell: Tell) -> OwnFile:
    """End the id of `own` and begin another: first ``known.json`` takes everything, then ``own.json`` begins anew.

    If the first happens and not the second, the next writer does both again, to the same end.
    """
    with directory.known_source() as known:
        before = known.head if known else Head("known", own.id, {})
        if known:
            known.verify()
        clock, tags = outward(own.source)
        if why == "forked" and all(past.replica != own.id for past in before.past):
            text = _departing(own) if clock else ""
            tags = {own.id: text} if text else {}  # what nobody saw is a branch of its own
        joined = forks.join([(before.clock, before.tags), (clock, tags)])
        past = [one for one in before.past if one.replica != own.id] + [Past(own.id, own.seq, why, journal.now())]
        new = mint(name_of(own.id))
        head = Head(
            "known",
            new,
            joined.clock,
            heard=before.heard,
            tags=joined.histories,
            settled=before.settled,
            past=tuple(past[-_MAX_PAST:]),
            unheard={**before.unheard, **_unheard(own, why)},
        )

        def fill(draft: Draft) -> bool:
            writer = Writer(draft.write, head)
            if known:
                known.names = joined.names[0]
            own.source.names = joined.names[1]
            for counter in overlay(known, [own.source]):
                if counter.after is not None:
                    writer.line(counter.after)
            writer.close()
            return True

        directory.write(KNOWN, known_lock, fill)
    lines = [*meeting.successors(own, new), *(again(own.source, new) if why != "sealed" else ())]
    begin(directory, lock, new, own.tier, sorted(lines, key=text_name_of))
    is_whole = why != "forked" and binding.remembered(own.source.head.witness) == own.writes
    told = Renamed(own.id, new, why, is_whole, len(past))
    tell(told)
    journal.note(directory, "renamed", before=own.id, commits=own.seq, after=new, why=REASONS[why])
    return directory.read_own()


def _unheard(own: OwnFile, why: str) -> dict[str, int]:
    """Return what is to be heard of an id that ends: nothing where no other copy of it was at work."""
    return {} if why in ("sealed", "retired") else {own.id: departures_of(own.history, own.source.head.witness)}


def begin(directory: Directory, lock: int, replica: str, tier: int = 0, lines: Sequence[bytes] = ()) -> None:
    """Put an ``own.json`` in place, bound to where it is: without a commit, or with one that put `lines`."""
    witness = binding.call_witness(replica)

    def fill(draft: Draft) -> bool:
        draft.write(first(draft.fd, replica, witness, tier, lines))
        return True

    directory.write(OWN, lock, fill)


def first(fd: int, replica: str, witness: str, tier: int = 0, lines: Sequence[bytes] = ()) -> bytes:
    """Return the first ``own.json`` of an id, to be written to the open file `fd`."""
    is_file = binding.of(fd, lasting=binding.inodes_last(fd))
    clock = {replica: 1} if lines else {}
    return assemble(encode_head(Head("own", replica, clock, tier=tier, binding=is_file, witness=witness)), lines)


def outward(own: Source) -> tuple[dict[str, int], dict[str, str]]:
    """Return the clock and the histories that leave with an ``own.json``."""
    return ({}, {}) if meeting.is_silent(own) else (dict(own.head.clock), dict(own.head.tags))
