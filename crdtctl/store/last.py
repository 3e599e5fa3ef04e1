"""The last commit of a replica, as ``own.json`` records it, so that ``undo`` can take it back.

There is a text for each counter: ``+AMOUNT NAME`` or ``-AMOUNT NAME``, with the number of the quarter of an hour since
1970 behind the amount if the counter keeps periods, ``+5@1960347 builds``. For each effect that cannot be taken back,
there is a word and the name: ``add visitors``. A commit with too much text has none, and other writes that make a
commit have none either.
"""

from __future__ import annotations

from crdtctl.codec.plain import MAX_EFFECTS, MOST_EFFECTS
from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crdtctl.crdt.base import Operation
    from crdtctl.store.commit import Request

_SIGNS = {"increment": "+", "decrement": "-"}
#: Maximum number of characters of an amount with its time.
_LONGEST = 120


class Effect(NamedTuple):
    """The effect of a commit on one counter: a signed `amount` at a time, or a `word` for every other effect."""

    name: str
    amount: int = 0
    at: int | None = None
    word: str = ""


def texts_of(requests: Sequence[Request], dated: Mapping[str, bool], now: int, *, undoes: bool) -> tuple[str, ...]:
    """Return the texts for a commit of `requests` at a time; none if they are too many or too long.

    `dated` has the names of the counters that it changed, and whether they keep periods. A commit that takes another
    one back cannot be taken back.
    """
    if len(requests) > MOST_EFFECTS:
        return ()
    found: list[tuple[str, str]] = []
    for request in requests:
        name, operation = request.name, request.operation
        if name in dated:
            found.append((name, "undo" if undoes else _deed(operation, now, has_periods=dated[name])))
    texts = [f"{deed} {name}" for name, deed in sorted(found)]
    return tuple(texts) if sum(map(len, texts)) <= MAX_EFFECTS else ()


def _deed(operation: Operation, now: int, *, has_periods: bool) -> str:
    sign = _SIGNS.get(operation.verb)
    if sign is None:
        return operation.verb
    if operation.once is not None:
        return "once"
    if not has_periods:
        return f"{sign}{operation.amount}"
    from crdtctl.crdt.periods import QUARTER  # only here, and below: few counters keep periods

    return f"{sign}{operation.amount}@{(now if operation.at is None else operation.at) // QUARTER}"


def parse(text: str) -> Effect | None:
    """Return the effect that a text describes; None if this program did not write it."""
    deed, _, name = text.partition(" ")
    amount, at, quarter = deed[1:].partition("@")
    if not name or not deed.isascii():
        return None
    if deed[0] not in _SIGNS.values():
        return Effect(name, word=deed)
    if not amount.isdigit() or (at and not quarter.isdigit()) or len(deed) > _LONGEST:
        return None
    if not at:
        return Effect(name, int(deed[0] + amount))
    from crdtctl.crdt.periods import QUARTER

    return Effect(name, int(deed[0] + amount), int(quarter) * QUARTER)
