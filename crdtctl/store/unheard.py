"""Earlier ids of a copied or restored replica, until the last state exported under them has come back.

Commits that such an id made after the copy or backup are known to other replicas at best. The id may have absorbed
sealed replicas. Absorbing them again would count them twice, permanently. So a replica with such an id absorbs nothing
new. For each id, ``known.json`` keeps the number of states that were exported under it, according to the witness.
Without a witness, for example on another machine, it is the number in the copy itself.

A state of another replica that contains an id up to that number ends this. The state of a sealed replica does not,
because it was made before it could be absorbed.
"""

from __future__ import annotations

from crdtctl.crdt.branches import origin
from crdtctl.crdt.histories import parse
from crdtctl.errors import ForkError
from crdtctl.records import NamedTuple
from crdtctl.store import binding

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.histories import History
    from crdtctl.crdt.membership import Roster


class Heard(NamedTuple):
    """Two parts of a state: the replica that made it, and author → export markers as text."""

    replica: str
    histories: Mapping[str, str]


def departures_of(history: History, witness: str) -> int:
    """Return the number of states that were exported under an id, according to its own file and its witness."""
    return max(history.count, binding.departed(witness) if witness else 0)


def still(unheard: Mapping[str, int], states: Iterable[Heard], replica: str, everybody: Roster) -> dict[str, int]:
    """Return the `unheard` ids that still await their last state, after these `states`. `replica` is the current id."""
    left = dict(unheard)
    if not left:
        return left
    for state in states:
        who = state.replica
        if who != replica and who not in everybody.sealed and not everybody.has_absorbed(who):
            reached = counts(state.histories)
            left = {one: count for one, count in left.items() if reached.get(one, 0) < count}
    return left


def counts(histories: Mapping[str, str]) -> dict[str, int]:
    """Return id → number of states that were exported under it, the largest of its branches."""
    found: dict[str, int] = {}
    for author, text in histories.items():
        replica = origin(author)
        found[replica] = max(found.get(replica, 0), parse(text).count)
    return found


def refuse(unheard: Mapping[str, int], absorbed: Iterable[str]) -> None:
    """Raise `ForkError` if replicas would be absorbed that an earlier id may have absorbed before."""
    found = list(absorbed)
    if not unheard or not found:
        return
    who = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
    raise ForkError(
        f"cannot absorb {who}: this replica was copied or restored, and may have absorbed it before, as "
        f"{', '.join(sorted(unheard))}, whose last state has not come back; no replica was absorbed",
        "sync or merge first; if it certainly has absorbed none of them since: crdtctl absorb --not-absorbed",
    )
