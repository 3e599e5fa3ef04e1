"""Earlier ids of a replica that was copied or put back, until the last state that left under them has come back.

What such an id did after the copy or backup was made is known elsewhere at best. It may have absorbed sealed replicas:
to absorb them once more would count them twice, for good. So a replica with such an id absorbs nothing new. For each id
``known.json`` keeps the number of states that had left under it, as the witness remembers. Where no witness is there,
on another machine say, it is the number that the copy itself remembers.

A state of another replica that knows an id up to that number ends this. The state of a sealed replica does not: it was
made before it could be absorbed.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from crdtctl.crdt import forks
from crdtctl.crdt.forks import History
from crdtctl.crdt.membership import Roster
from crdtctl.errors import ForkError
from crdtctl.store import binding


class Heard(NamedTuple):
    """What a state says: the replica that made it, and author → departures as text."""

    replica: str
    histories: Mapping[str, str]


def departures_of(history: History, witness: str) -> int:
    """Return how many states had left under an id, as far as its own file and its witness remember."""
    return max(history.count, binding.departed(witness) if witness else 0)


def still(unheard: Mapping[str, int], states: Iterable[Heard], replica: str, everybody: Roster) -> dict[str, int]:
    """Return those of the `unheard` ids of which none of the `states` knows enough. `replica` is the id of today."""
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
    """Return id → number of states that had left under it, the largest of its branches."""
    found: dict[str, int] = {}
    for author, text in histories.items():
        replica = forks.origin(author)
        found[replica] = max(found.get(replica, 0), forks.parse(text).count)
    return found


def refuse(unheard: Mapping[str, int], absorbed: Iterable[str]) -> None:
    """Raise `ForkError` where replicas would be absorbed, and an earlier id may have absorbed them before."""
    found = list(absorbed)
    if not unheard or not found:
        return
    who = found[0] if len(found) == 1 else f"{found[0]} and {len(found) - 1} more"
    raise ForkError(
        f"cannot absorb {who}: this replica was copied or put back, and may have absorbed since, as "
        f"{', '.join(sorted(unheard))}, the last state of which has not come back; nothing was absorbed",
        "sync or merge first; if it surely has absorbed none of them since: crdtctl absorb --not-absorbed",
    )
