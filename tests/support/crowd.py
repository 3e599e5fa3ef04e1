"""A remote with the objects of any number of replicas, made without the replicas."""

from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble
from crdtctl.codec.lines import encode_line
from crdtctl.crdt.histories import ExportMarker, History, text
from crdtctl.sync.object_name import name_of

#: When the ids were minted, as in all of them.
_MINTED = f"{1_767_225_600_000:012x}"


def identity(number: int) -> str:
    """Return the id of a replica."""
    bits = blake2b(b"%d" % number, digest_size=10).hexdigest()
    return f"host-{number:05}-{_MINTED}{bits}"


def counter(number: int) -> str:
    """Return the name of a counter."""
    return f"counter.{number:06}"


def amount(replica: int, number: int, commits: int = 1) -> int:
    """Return what a replica has counted of one counter."""
    return (replica * 31 + number * 17) % 1000 + commits


def state(replica: int, counters: Sequence[int], commits: int = 1) -> bytes:
    """Return the state of a replica that counted so much, and left as often as it counted."""
    author = identity(replica)
    history = History()
    for commit in range(1, commits + 1):
        history = history.then(ExportMarker(commit, f"{replica % 10_000:04}"))
    head = Head("state", author, {author: commits}, histories={author: text(history)})
    rows = ((number, (commits, amount(replica, number, commits), 0)) for number in sorted(counters))
    return assemble(
        encode_head(head), [encode_line(counter(number), {"pncounter": {author: row}}) for number, row in rows]
    )


def put(place: Path, replica: int, counters: Sequence[int], commits: int = 1) -> Path:
    """Put the object of a replica to a folder, instead of its older one; return it."""
    data = state(replica, counters, commits)
    object_ = place / name_of(identity(replica), blake2b(data, digest_size=16).hexdigest())
    for older in place.glob(f"{identity(replica)}.*") if commits > 1 else ():
        older.unlink()
    object_.write_bytes(data)
    return object_


def meeting(place: Path, replicas: int, counters: int) -> None:
    """Put the objects of so many replicas, each of which counted all counters, to a folder."""
    place.mkdir(parents=True)
    for replica in range(replicas):
        put(place, replica, range(counters))
