"""Histories: the export markers of one replica, see `crdtctl.crdt.forks`."""

from __future__ import annotations

from itertools import pairwise

from crdtctl.records import NamedTuple, Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeVar

    _Key = TypeVar("_Key")
    _Result = TypeVar("_Result")

#: See `retained`.
DENSE = 16
SPARSE = 8


_LONGEST_NUMBER = 16
_NONCE_SIZE = 4
#: The number of results that a function keeps.
_KEPT = 4096


def _remembered(function: Callable[[_Key], _Result]) -> Callable[[_Key], _Result]:
    """Return a function that computes each result once, as `functools.lru_cache` does, without its import."""
    known: dict[_Key, _Result] = {}

    def remembered(key: _Key) -> _Result:
        if key in known:
            return known[key]
        if len(known) == _KEPT:
            known.clear()
        result = known[key] = function(key)
        return result

    remembered.__name__, remembered.__doc__ = function.__name__, function.__doc__
    return remembered


class ExportMarker(NamedTuple):
    """One export of a state: `seq` is the replica's last commit at that time, `nonce` is random."""

    seq: int
    nonce: str


@_remembered
def retained(count: int) -> tuple[int, ...]:
    """Return the numbers of the markers that are kept of 1 to `count`, in order.

    These are the latest `DENSE` ones, and of the older ones the multiples of each power of two among the latest
    `SPARSE` times that power. The markers kept of `count` + 1 are also kept of `count`, so a dropped one is never
    needed again.
    """
    kept = set(range(max(1, count - DENSE + 1), count + 1))
    power = 1
    while power <= count:
        first = max(1, count - SPARSE * power + 1)
        kept.update(range((first + power - 1) // power * power, count + 1, power))
        power *= 2
    return tuple(sorted(kept))


class History(Record):
    """The kept export markers of one replica, oldest first, of `count` in all."""

    count: int = 0
    markers: tuple[ExportMarker, ...] = ()

    @property
    def nonces(self) -> dict[int, str]:
        """Number of a marker → its nonce."""
        return {number: one.nonce for number, one in zip(retained(self.count), self.markers, strict=True)}

    @property
    def exported(self) -> int:
        """The number of the last exported commit; 0 if none was exported."""
        return self.markers[-1].seq if self.markers else 0

    def then(self, marker: ExportMarker) -> History:
        """Return the history with one more marker."""
        kept = dict(zip(retained(self.count), self.markers, strict=True))
        kept[self.count + 1] = marker
        return History(self.count + 1, tuple(kept[number] for number in retained(self.count + 1)))


def divergence(a: Mapping[int, str], b: Mapping[int, str]) -> int:
    """Return the number of the first marker that differs between two histories (number → nonce); 0 if none does."""
    return min((number for number in a.keys() & b.keys() if a[number] != b[number]), default=0)


@_remembered
def parse(text: str) -> History:
    """Return the history in `text`, ``COUNT SEQ.NONCE SEQ.NONCE …``; raise ValueError."""
    count, *rest = text.split(" ")
    markers = []
    for one in rest:
        seq, _, tag = one.partition(".")
        markers.append(ExportMarker(_number(seq), tag))
    history = History(_number(count), tuple(markers))
    seqs = [one.seq for one in markers]
    if len(markers) != len(retained(history.count)) or any(a >= b for a, b in pairwise(seqs)):
        raise ValueError("the export markers do not belong to one history")
    if not all(is_nonce(one.nonce) for one in markers):
        raise ValueError("malformed nonce of an export marker")
    return history


def text(history: History) -> str:
    """Return a history in the form that `parse` reads."""
    return " ".join([str(history.count), *(f"{one.seq}.{one.nonce}" for one in history.markers)])


def _number(digits: str) -> int:
    if not is_number(digits):
        raise ValueError("malformed number of an export marker")
    return int(digits)


def is_number(text: str) -> bool:
    """Return whether a text is the number of a marker or a commit."""
    return text.isascii() and text.isdigit() and text[0] != "0" and len(text) <= _LONGEST_NUMBER


def is_nonce(text: str) -> bool:
    """Return whether a text is the nonce of a marker."""
    return len(text) == _NONCE_SIZE and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()
