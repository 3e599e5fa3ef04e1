"""The id of a replica: generated, found by a part of it, and recorded in the first ``own.json`` that bears it.

A copied or restored replica gets a new id, see `crdtctl.store.transaction`.
"""

from __future__ import annotations

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from crdtctl.crdt import histories
from crdtctl.crdt.histories import ExportMarker
from crdtctl.records import NamedTuple
from crdtctl.store import binding
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.codec.reader import Source
    from crdtctl.store.own_file import OwnFile

    #: Is called after a new id is on disk.
    OnRenamed: TypeAlias = Callable[["IdChange"], object]

_URL_SAFE = bytes.maketrans(b"+/", b"-_")
#: Reason why an id ended → its description.
REASONS = {
    "copied": "its own.json is not the file that it wrote: it was copied or restored",
    "moved": "it is on another machine",
    "restored": "an older version of it was put back",
    "incomplete": "its own.recent.json, with its latest counts, is missing",
    "unwitnessed": "what remembered it outside its directory is gone, or it was copied",
    "linked": "its own.json has several names",
    "unbound": "its own.json does not record a file identity",
    "sealed": "it was sealed",
    "retired": "another replica declared it lost for good, with 'crdtctl retire' or 'transfer --from'",
    "forked": "another process wrote under its id, or an older version of it was put back",
}
#: Number of new ids that makes a warning.
OFTEN = 4


class IdChange(NamedTuple):
    """A replica that got a new id, the reason, and the number of `times`. `is_whole`: no later write is known."""

    before: str
    after: str
    why: str
    is_whole: bool = True
    times: int = 1

    def __str__(self) -> str:
        said = f"this replica continues as {self.after}, no longer as {self.before}: {REASONS[self.why]}"
        said += f"; {'nothing is lost' if self.is_whole else 'sync or merge to learn what it has done since'}"
        return f"{said}; {often(self.times)}" if self.times >= OFTEN else said


def often(times: int) -> str:
    """Return the warning about a replica that got many new ids. Every id leaves entries in every state."""
    return (
        f"it got a new id {times} times, and every id stays in every state forever: count with 'crdtctl run "
        "--seal-to' in a job, and absorb that, rather than keep a replica in a cache"
    )


def generate_id(name: str) -> str:
    """Return a new id: a name, the time in milliseconds as 48 bits, and 80 random bits."""
    import time

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


def has_left(own: Head) -> bool:
    """Return whether everything that an ``own.json`` holds has left before."""
    text = own.histories.get(own.replica)
    return own.clock.get(own.replica, 0) <= (histories.parse(text).exported if text else 0)


def history_after_export(own: OwnFile) -> str:
    """Return the history of `own` with an export marker for commits that have not left this replica before."""
    import binascii

    history = own.history
    if own.seq > history.exported:
        tag = binascii.b2a_base64(os.urandom(3), newline=False).translate(_URL_SAFE).decode()
        history = history.then(ExportMarker(own.seq, tag))
    return histories.text(history) if history.count else ""


def first(
    fd: int,
    replica: str,
    witness: str,
    tier: int = 0,
    lines: Sequence[bytes] = (),
    follows: Mapping[str, str] | None = None,
) -> bytes:
    """Return the first ``own.json`` of an id, to be written to the open file `fd`."""
    is_file = binding.of(fd, lasting=binding.inodes_last(fd))
    clock = {replica: 1} if lines else {}
    head = Head("own", replica, clock, tier=tier, binding=is_file, witness=witness, follows=follows or {})
    return assemble(encode_head(head), lines)


def outward(own: Source) -> tuple[dict[str, int], dict[str, str]]:
    """Return the clock and the histories that leave with an ``own.json``."""
    if own.head.tier:
        from crdtctl.store import handoffs  # only here: most replicas are permanent

        if handoffs.is_silent(own):
            return {}, {}
    return dict(own.head.clock), dict(own.head.histories)
