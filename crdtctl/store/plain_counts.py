"""Increments and decrements of many plain counters, carried out on their lines, as bytes.

A counter is plain if its line in ``own.json`` holds three numbers of a pncounter and nothing else, or if nothing of its
name is known and it is counted up. The result is the
one of `crdtctl.store.commit.plan`, in a tenth of the time. Everything else is left to that.
"""

from __future__ import annotations

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.codec.lines import encode_name
from crdtctl.codec.plain import RESERVED
from crdtctl.crdt.series import name_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Mapping, Sequence

    from crdtctl.store.commit import Request

_COLUMNS = {"increment": 0, "decrement": 1}


def without_labels(names: Iterable[bytes]) -> set[bytes] | None:
    """Return the names on lines without their labels; None if one of the lines is reserved."""
    found = {name.partition(b"{")[0] for name in names}
    return None if any(name[:1] == RESERVED for name in found) else found


def plain_counts(
    own: Mapping[bytes, bytes],
    replica: str,
    seq: int,
    requests: Sequence[Request],
    *,
    labels: bool = True,
    taken: Callable[[], Container[bytes] | None] = lambda: None,
) -> tuple[dict[str, bytes], list[Request]]:
    """Return the new lines of plain counters after the commit `seq`, by name, and the requests for other counters.

    `own` has the lines of ``own.json`` by name. Without `labels`, counters with labels are left. If there may be new
    counters, `taken` is called. Those with a name in its result are left; None: all of them. All requests for one
    counter are either carried out or left.
    """
    sums: dict[str, list[int]] = {}
    others: set[str] = set()
    for request in requests:
        operation = request.operation
        column = _COLUMNS.get(operation.verb, -1)
        is_special = operation.once is not None or operation.at is not None or not operation.amount
        if (
            column < 0
            or is_special
            or request.tag not in (None, "pncounter")
            or not (labels or "{" not in request.name)
        ):
            others.add(request.name)
        elif request.name in sums:
            sums[request.name][column] += operation.amount
        else:
            sums[request.name] = [0, 0]
            sums[request.name][column] = operation.amount
    middle = b':{"pncounter":{"%b":[' % replica.encode()
    lines: dict[str, bytes] = {}
    new = _New(requests, taken)
    for name, (up, down) in sums.items():
        key = name.encode()
        opening = (encode_name(name) if b'"' in key or b"\\" in key else b'"%b"' % key) + middle
        line = own.get(key, b"")
        if not line and not down and up <= MAX_SAFE and name not in others and key in new:
            lines[name] = b"%b%d,%d,0]}}" % (opening, seq, up)
            continue
        numbers = line[len(opening) : -3].split(b",")
        if name in others or len(numbers) != 3 or not line.startswith(opening) or not line.endswith(b"]}}"):
            continue
        if not (numbers[1].isdigit() and numbers[2].isdigit()):
            continue
        added, removed = int(numbers[1]) + up, int(numbers[2]) + down
        if added <= MAX_SAFE and removed <= MAX_SAFE:
            lines[name] = b"%b%d,%d,%d]}}" % (opening, seq, added, removed)
    return lines, [request for request in requests if request.name not in lines]


class _New:
    """The counters that are missing here and new: no counter has their name, and no request makes them special."""

    def __init__(self, requests: Sequence[Request], taken: Callable[[], Container[bytes] | None]) -> None:
        self._requests = requests
        self._look = taken
        self._taken: Container[bytes] | None = None
        self._left: set[bytes] | None = None

    def __contains__(self, name: bytes) -> bool:
        if self._left is None:
            self._left = {name_of(one.name).encode() for one in self._requests if one.existing or "{" in one.name}
            self._taken = self._look()
        return self._taken is not None and b"{" not in name and name not in self._taken and name not in self._left
