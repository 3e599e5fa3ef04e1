"""Worlds of replicas that count, meet and fail as a tape of bytes says, with all that the oracle knows of them.

The oracle knows the operations, and which of them each replica and each file has seen. It never reads a state.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from unittest.mock import patch

from crdtctl import Replica
from crdtctl.crdt.base import Operation
from crdtctl.crdt.series import spelled
from tests.library.operations import covers
from tests.support.clones import clone
from tests.support.tape import Tape

#: What is possible in a world. Some things exclude each other by design: a reset cancels the counts of each branch of a
#: fork, and those of an absorbed replica only where they were counted.
KINDS = ("resets", "clones", "absorptions", "handovers")
STEP = 12
#: The time at which a world begins: 2026-03-15, in seconds.
BEGIN = 1_773_532_800
DAY = 86_400
MOST = 6
#: What an event has instead of the type of a counter if it is a rename.
RENAME = "rename"


class Event(NamedTuple):
    """One operation on one series, by an author who had seen `saw` (bit n: event n)."""

    number: int
    author: str
    name: str
    tag: str
    labels: tuple[tuple[str, str], ...]
    operation: Operation
    saw: int
    when: float

    @property
    def spelling(self) -> str:
        """The counter: its name with its labels."""
        return spelled(self.name, dict(self.labels))


@dataclass
class Peer:
    """A replica, who it is for the oracle, and what it has seen."""

    replica: Replica
    author: str
    seen: int = 0
    absorbed: bool = False


@dataclass(frozen=True)
class File:
    """A state that was sent; a delta can be taken by those who know `since`."""

    data: bytes
    seen: int
    since: dict[str, int] | None = None


@dataclass
class World:
    """Replicas in one directory. `kind` is one of `KINDS`."""

    place: Path
    kind: str
    now: float = BEGIN
    peers: list[Peer] = field(default_factory=list)
    files: list[File] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    made: int = 0

    def new_peer(self) -> Peer:
        """Return a replica that has just begun."""
        self.made += 1
        tier = 1 if self.kind == "handovers" and self.made == 3 else 0
        peer = Peer(Replica.init(self.place / f"r{self.made}", name=f"r{self.made}", tier=tier), f"r{self.made}")
        self.peers.append(peer)
        return peer

    def copy_of(self, peer: Peer, *, secretly: bool) -> Peer:
        """Return a copy of a replica, which goes on under its id if nothing gives it away."""
        self.made += 1
        path = self.place / f"r{self.made}"
        (clone if secretly else shutil.copytree)(Path(peer.replica.path), path)
        copied = Peer(Replica(path), f"{peer.author}/{self.made}", peer.seen)
        self.peers.append(copied)
        return copied

    def record(
        self,
        peer: Peer,
        name: str,
        tag: str,
        labels: dict[str, str],
        operation: Operation,
        saw: int | None = None,
    ) -> None:
        """Record what a replica did. It `saw` all that it has seen, or only this."""
        when = self.now if operation.at is None else operation.at
        seen = peer.seen if saw is None else saw
        event = Event(len(self.events), peer.author, name, tag, tuple(labels.items()), operation, seen, when)
        self.events.append(event)
        peer.seen |= 1 << event.number

    def seen_by(self, peer: Peer, name: str | None = None) -> list[Event]:
        """Return the events that a replica has seen, in order."""
        return [one for one in self.events if peer.seen >> one.number & 1 and name in (None, one.name)]

    def send(self, peer: Peer, since: dict[str, int] | None = None) -> File:
        """Send what a replica knows, for ever."""
        file = File(peer.replica.export_bytes(since=since), peer.seen, since)
        self.files.append(file)
        return file

    def receive(self, peer: Peer, files: list[File], damaged: tuple[bytes, ...] = ()) -> None:
        """Merge files; damaged ones, and deltas of what is not known, must be refused alone."""
        whole = [one for one in files if one.since is None]
        deltas = [one for one in files if one.since is not None]
        report = peer.replica.merge_bytes(*(one.data for one in whole), *damaged, check=False)
        assert len(report.refused) == len(damaged)
        for one in whole:
            peer.seen |= one.seen
        for one in deltas:
            fits = covers(peer.replica.clock(), one.since or {})
            report = peer.replica.merge_bytes(one.data, check=False)
            assert bool(report.refused) != fits
            if fits:
                peer.seen |= one.seen


class Step(NamedTuple):
    """The name of what happens, and the bytes that choose the rest."""

    name: str
    tape: bytes

    def __repr__(self) -> str:
        return f"{self.name}:{self.tape.hex()}"

    @classmethod
    def read(cls, text: str) -> "Step":
        """Return the step that a text is."""
        name, _, tape = text.partition(":")
        return cls(name, bytes.fromhex(tape))


#: The name of what may happen → the function, in how many of 100 steps, and in which kinds of worlds.
Action = Callable[[World, Peer, Tape], None]
ACTIONS: dict[str, tuple[Action, int, tuple[str, ...]]] = {}


def happens(weight: int, kinds: tuple[str, ...] = KINDS) -> Callable[[Action], Action]:
    """Add a function to what may happen in worlds."""

    def add(action: Action) -> Action:
        ACTIONS[action.__name__] = action, weight, kinds
        return action

    return add


def steps_of(kind: str, tape: bytes) -> list[Step]:
    """Return the steps that a tape chooses."""
    names = [name for name, (_, weight, kinds) in ACTIONS.items() if kind in kinds for _ in range(weight)]
    return [
        Step(names[int.from_bytes(tape[at : at + 2], "big") % len(names)], tape[at + 2 : at + STEP])
        for at in range(0, len(tape) - STEP + 1, STEP)
    ]


@contextmanager
def world(place: str | Path, kind: str) -> Iterator[World]:
    """Make a world of three replicas, with a clock of its own."""
    made = World(Path(place), kind)
    with patch("time.time", lambda: made.now):
        for _ in range(3):
            made.new_peer()
        yield made


def step(made: World, one: Step) -> None:
    """Let one thing happen."""
    tape = Tape(one.tape)
    made.now += 60
    ACTIONS[one.name][0](made, tape.choose(made.peers), tape)
