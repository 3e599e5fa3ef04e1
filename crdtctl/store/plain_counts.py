"""Increments and decrements of many plain counters, carried out on their lines, as bytes.

A counter is plain if its line in ``own.json`` holds three numbers of a pncounter and nothing else. The result is the
one of `crdtctl.store.commit.plan`, in a tenth of the time. Everything else is left to that.
"""

from __future__ import annotations

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.codec.lines import encode_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.store.commit import Request

_COLUMNS = {"increment": 0, "decrement": 1}


def plain_counts(
    own: Mapping[bytes, bytes], replica: str, seq: int, requests: Sequence[Request], *, labels: bool = True
) -> tuple[dict[str, bytes], list[Request]]:
    """Return the new lines of plain counters after the commit `seq`, by name, and the requests for other counters.

    `own` has the lines of ``own.json`` by name. Without `labels`, counters with labels are left.
    All requests for one counter are either carried out or left.
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
    for name, (up, down) in sums.items():
        key = name.encode()
        opening = (encode_name(name) if b'"' in key or b"\\" in key else b'"%b"' % key) + middle
        line = own.get(key, b"")
        numbers = line[len(opening) : -3].split(b",")
        if name in others or len(numbers) != 3 or not line.startswith(opening) or not line.endswith(b"]}}"):
            continue
        if not (numbers[1].isdigit() and numbers[2].isdigit()):
            continue
        added, taken = int(numbers[1]) + up, int(numbers[2]) + down
        if added <= MAX_SAFE and taken <= MAX_SAFE:
            lines[name] = b"%b%d,%d,%d]}}" % (opening, seq, added, taken)
    return lines, [request for request in requests if request.name not in lines]
