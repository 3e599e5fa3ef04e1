"""The last commit of a replica, as ``own.json`` records it, so that ``undo`` can take it back.

There is a text for each counter: ``+AMOUNT NAME`` or ``-AMOUNT NAME``, with the number of the quarter of an hour since
1970 behind the amount if the counter keeps periods, ``+5@1960347 builds``. For everything that cannot be taken back,
there is a word and the name: ``add visitors``. A commit with too much text has none, and any other write that makes a
commit has none either.
"""

from __future__ import annotations

from crdtctl.records import NamedTuple

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.base import Operation
    from crdtctl.store.commit import Request

#: Maximum number of characters of all texts together, and of requests in a commit that has texts.
MAX = 1000
MOST = 100
_SIGNS = {"increment": "+", "decrement": "-"}
_QUARTER = 15 * 60


class Done(NamedTuple):
    """What a commit did to one counter: the signed `amount`, at a time, or a `word` for all else."""

    name: str
    amount: int = 0
    at: int | None = None
    word: str = ""


def texts(requests: Iterable[Request], dated: Mapping[str, bool], now: int, *, undoes: bool) -> tuple[str, ...]:
    """Return the texts for a commit of `requests` at a time; none if they are too long.

    `dated` has the names of the counters that it changed, and whether they keep periods. A commit that takes another
    one back cannot be taken back.
    """
    found = []
    for request in requests:
        name, operation = request.name, request.operation
        if name in dated:
            found.append(f"{'undo' if undoes else _deed(operation, now, has_periods=dated[name])} {name}")
    return tuple(sorted(found)) if sum(map(len, found)) <= MAX else ()


def _deed(operation: Operation, now: int, *, has_periods: bool) -> str:
    sign = _SIGNS.get(operation.verb)
    if sign is None:
        return operation.verb
    if operation.once is not None:
        return "once"
    at = f"@{(now if operation.at is None else operation.at) // _QUARTER}" if has_periods else ""
    return f"{sign}{operation.amount}{at}"


def parse(text: str) -> Done:
    """Return what one of the texts means."""
    deed, _, name = text.partition(" ")
    if deed[0] not in "+-":
        return Done(name, word=deed)
    amount, _, quarter = deed.partition("@")
    return Done(name, int(amount), int(quarter) * _QUARTER if quarter else None)
