"""Writers of one id, cloned in secret: what each did, what left it, and what must be known of that.

The oracle knows the trail of every state that left, which is every departure before it, and nothing of histories.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hypothesis import strategies as st

from crdtctl.crdt import forks, histories
from crdtctl.crdt.forks import Fork, ForkResolution
from crdtctl.crdt.histories import DENSE, ExportMarker, History
from crdtctl.records import replace

ID = "laptop-0f1e2d3c4b5a69788796a5b4c3d2e1f0"
OTHER = "hub-00112233445566778899aabbccddeeff"


class Known(NamedTuple):
    """What a state says, or a receiver knows: clock, histories, and author → its commits (the entries)."""

    clock: dict[str, int]
    histories: dict[str, str]
    rows: dict[str, frozenset[int]]


@dataclass(frozen=True)
class Writer:
    """One writer: its commits, of which only the number counts for the clock, and where it departed."""

    commits: tuple[int, ...] = ()
    trail: tuple[ExportMarker, ...] = ()
    history: History = field(default_factory=History)

    def committed(self, commit: int) -> "Writer":
        """Return it after a commit."""
        return replace(self, commits=(*self.commits, commit))

    def departed(self, tag: str) -> "Writer":
        """Return it after its state has left."""
        departure = ExportMarker(len(self.commits), tag)
        return replace(self, trail=(*self.trail, departure), history=self.history.then(departure))

    def state(self) -> Known:
        """Return what leaves."""
        return Known({ID: len(self.commits)}, {ID: histories.text(self.history)}, {ID: frozenset(self.commits)})


def receive(states: Sequence[Known]) -> tuple[Known, ForkResolution]:
    """Return what one knows who merges these states, and what the join said."""
    joined = forks.join([(state.clock, state.histories) for state in states])
    rows: dict[str, frozenset[int]] = {}
    for state, names in zip(states, joined.names, strict=True):
        for author, row in state.rows.items():
            for name in names.get(author, (author,)):
                rows[name] = rows.get(name, frozenset()) | row
    return Known(joined.clock, joined.histories, rows), joined


@st.composite
def departures(draw: st.DrawFn, *, clones: bool, most: int = DENSE) -> list[Writer]:
    """Return the writers of one id, as each was when its state left: up to `most` times after the first clone."""
    trunk = Writer()
    left: list[Writer] = []
    number = 0
    for turn in range(draw(st.integers(1, 60))):
        trunk = _after(trunk, number, 1 + turn % 2)
        number += 1 + turn % 2
        left.append(trunk)
    writers = [trunk]
    limit = len(trunk.trail) + most
    steps = st.tuples(st.sampled_from(["clone", "commit", "depart", "depart"]), st.integers(0, 4), st.integers(1, 3))
    for step, who, size in draw(st.lists(steps, max_size=25)):
        who %= len(writers)
        if step == "clone" and clones and len(writers) < 6:
            writers.append(writers[who])
        elif step == "commit":
            writers[who] = writers[who].committed(number := number + 1)
        elif step == "depart" and len(writers[who].trail) < limit:
            writers[who] = _after(writers[who], number, size)
            number += size
            left.append(writers[who])
    return left


def _after(writer: Writer, number: int, size: int) -> Writer:
    for commit in range(number + 1, number + size + 1):
        writer = writer.committed(commit)
    return writer.departed(f"{number + size:04d}")


def expected(left: Sequence[Writer]) -> tuple[Known, list[Fork]]:
    """Return what whoever met all of these must know, and the forks that must be found."""
    trails = {writer.trail: writer for writer in left}
    longest = {
        trail: writer
        for trail, writer in trails.items()
        if not any(other[: len(trail)] == trail != other for other in trails)
    }
    known = Known({}, {}, {})
    for trail, writer in longest.items():
        marks = {
            number: trail[number - 1].nonce for other in longest if other != trail for number in [_apart(trail, other)]
        }
        name = ID + "".join(f"~{number}.{tag}" for number, tag in sorted(marks.items()))
        known.clock[name] = len(writer.commits)
        known.histories[name] = histories.text(writer.history)
        known.rows[name] = frozenset(writer.commits)
    found = [Fork(ID, tuple(sorted(known.clock)), _shared(list(longest)))] if len(longest) > 1 else []
    return known, found


def _apart(a: tuple[ExportMarker, ...], b: tuple[ExportMarker, ...]) -> int:
    return next(number for number, (x, y) in enumerate(zip(a, b, strict=False), 1) if x != y)


def _shared(trails: Sequence[tuple[ExportMarker, ...]]) -> int:
    kept = [
        set(zip(histories.retained(len(trail)), (trail[n - 1] for n in histories.retained(len(trail))), strict=True))
        for trail in trails
    ]
    return max((departure.seq for _, departure in set.intersection(*kept)), default=0)
