"""Clocks ↔ JSON."""

from __future__ import annotations

from itertools import pairwise
from sys import intern

from crdtctl import json_text
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import MAX_SAFE, is_crowded
from crdtctl.codec.values import checked_name
from crdtctl.crdt.names import replica_fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from crdtctl.crdt.clock import Clock

#: The reason to refuse a clock that `crdtctl.codec.layout.is_crowded`.
CROWDED = "its clock holds thousands of replicas, and their ids are too short to be made by this program"


def clock_from_tree(tree: Any) -> dict[str, int]:
    """Return the clock in a decoded JSON object; raise `Invalid`."""
    if not isinstance(tree, dict):
        raise Invalid("a clock must be an object of replicas and numbers")
    for author, seq in tree.items():
        checked_name(author, replica_fault)
        if type(seq) is not int or not 1 <= seq <= MAX_SAFE:
            raise Invalid("the numbers of a clock must be whole and at least 1")
    return in_order({intern(author): seq for author, seq in tree.items()}) if tree else tree


def in_order(clock: Clock) -> dict[str, int]:
    """Return a clock with its replicas sorted. A sorted one is returned itself, so that it is not in memory twice."""
    if isinstance(clock, dict) and all(a < b for a, b in pairwise(clock)):
        return clock
    return dict(sorted(clock.items()))


def encode_clock(clock: Clock) -> str:
    """Return a clock as one line of JSON, for `decode_clock`."""
    return json_text.encode(in_order(clock)).decode()


def decode_clock(text: str) -> dict[str, int]:
    """Return the clock that `text`, JSON, holds, as `encode_clock` writes it; raise `Invalid`."""
    from crdtctl.codec import strict_json  # only here: most commands read no clock

    data = text.encode("utf-8", "surrogatepass")
    if is_crowded(data):
        raise Invalid(CROWDED)
    clock = clock_from_tree(strict_json.decode(data))
    if strict_json.quotes(data) != 2 * len(clock):
        raise Invalid(strict_json.TWICE)
    return clock
