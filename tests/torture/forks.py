"""Clones that leave no trace: the rate of forks with a lost branch and without a report.

A replica counts, and exports its state from time to time, one way, to one of some hubs. At some moment it is cloned,
and clones may be cloned again. The writers continue under one id, some with one commit and some with a thousand. Hubs
rarely merge each other; at the end all do. A history is a *silent loss* if the final state lacks an exported state, and
no hub reported a fork. Three ways to detect forks are tried on the same histories.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count, pairwise
from random import Random

from crdtctl.crdt import forks, histories
from crdtctl.crdt.histories import ExportMarker, History
from tests.torture.report import Row

HISTORIES = 20_000
HUBS = 3
TURNS = 30
#: The alternative: a tag for every commit. This number of the latest is kept, and few older ones.
LATEST = 32
OLDER = 2


@dataclass(frozen=True)
class Left:
    """A state that left: how many commits, the writer's tag of each (the truth), and its departures."""

    commits: tuple[int, ...]
    history: str


@dataclass
class Writer:
    """One of the writers of an id."""

    pace: float
    leaves: float
    commits: list[int] = field(default_factory=list)
    history: History = field(default_factory=History)

    def turn(self, random: Random) -> Left | None:
        """Count for a while; return the state if it leaves after that."""
        whole = int(self.pace) + (random.random() < self.pace % 1)
        self.commits += [random.getrandbits(32) for _ in range(whole)]
        return self.leave(random) if random.random() < self.leaves else None

    def leave(self, random: Random) -> Left | None:
        """Return the state as it leaves."""
        seq = len(self.commits)
        if seq > self.history.exported:
            self.history = self.history.then(ExportMarker(seq, f"{random.getrandbits(24):06x}"[-4:]))
        return Left(tuple(self.commits), histories.text(self.history)) if seq else None

    def clone(self, random: Random) -> "Writer":
        """Return another writer with this one's past, that may be much busier or much lazier."""
        return Writer(_pace(random), _leaves(random), list(self.commits), self.history)


def _pace(random: Random) -> float:
    """Return how many commits a turn has: from one in all turns to a thousand."""
    return 10 ** random.uniform(0, 3) / TURNS


def _leaves(random: Random) -> float:
    """Return how often the state leaves after a turn: once in all turns, or nine times."""
    return 10 ** random.uniform(-1.5, -0.5)


@dataclass(frozen=True)
class Seen:
    """An arrival: a state at a hub, or (None) the state of one hub at another."""

    hub: int
    left: Left | None
    source: int = 0


def history(random: Random, *, cloned: bool = True) -> list[Seen]:
    """Return one history; at its end all hubs meet at the first."""
    writers = [Writer(_pace(random), _leaves(random))]
    seen: list[Seen] = []
    clones = sorted(random.randrange(TURNS) for _ in range(random.choice([1, 1, 2, 3])))
    if not cloned:
        clones = []
    for turn in range(2 * TURNS):
        for _ in range(clones.count(turn)):
            writers.append(random.choice(writers).clone(random))
        for writer in writers:
            left = writer.turn(random)
            if left:
                seen.append(Seen(random.randrange(HUBS), left))
        if random.random() < 0.05:
            here, there = random.sample(range(HUBS), 2)
            seen.append(Seen(here, None, there))
    if random.random() < 0.5:  # else the machines are gone
        last = [left for writer in writers if (left := writer.leave(random))]
        seen += [Seen(random.randrange(HUBS), left) for left in last]
    return seen + [Seen(0, None, other) for other in range(1, HUBS)]


def is_forked(seen: Sequence[Seen]) -> bool:
    """Return whether two of the states that left are not older and newer."""
    all_left = sorted({one.left.commits for one in seen if one.left}, key=len)
    return any(b[: len(a)] != a for a, b in pairwise(all_left))


def departures_tell(seen: Sequence[Seen]) -> bool:
    """Return whether some hub found a fork, as the program does it."""
    hubs: list[tuple[dict[str, int], dict[str, str]]] = [({}, {}) for _ in range(HUBS)]
    for one in seen:
        new = ({"id": len(one.left.commits)}, {"id": one.left.history}) if one.left else hubs[one.source]
        joined = forks.join([hubs[one.hub], new])
        if joined.forks:
            return True
        hubs[one.hub] = joined.clock, joined.histories
    return False


def commits_kept(number: int) -> list[int]:
    """Return the commits with a tag that the alternative keeps."""
    kept = set(range(max(1, number - LATEST + 1), number + 1))
    for power in range(number.bit_length()):
        last = number >> power << power
        kept.update(one for one in range(last, 0, -(1 << power)) if last - one < OLDER << power)
    return sorted(kept)


def commits_tell(seen: Sequence[Seen]) -> bool:
    """Return whether some hub would find a fork by tags of commits."""
    hubs: list[dict[int, int]] = [{} for _ in range(HUBS)]
    for one in seen:
        new = (
            {n: one.left.commits[n - 1] for n in commits_kept(len(one.left.commits))} if one.left else hubs[one.source]
        )
        known = hubs[one.hub]
        if any(known[number] != new[number] for number in known.keys() & new.keys()):
            return True
        hubs[one.hub] = max(known, new, key=lambda tags: max(tags, default=0))
    return False


@dataclass
class Tally:
    """The counts of all histories."""

    histories: int = 0
    forked: int = 0
    false_alarms: int = 0
    silent: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("departures", "maximum", "commits"), 0))
    sizes: dict[str, list[int]] = field(default_factory=lambda: {"departures": [], "commits": []})


def tally(number: int, seed: int = 1) -> Tally:
    """Try a number of histories."""
    random = Random(seed)
    found = Tally()
    for _ in range(number):
        seen = history(random)
        found.histories += 1
        found.false_alarms += departures_tell(history(random, cloned=False))
        if is_forked(seen):
            found.forked += 1
            found.silent["maximum"] += 1  # one branch is taken for the newer version of the other, always
            found.silent["departures"] += not departures_tell(seen)
            found.silent["commits"] += not commits_tell(seen)
        newest = max((one.left for one in seen if one.left), key=lambda left: len(left.commits), default=None)
        if newest:
            found.sizes["departures"].append(len(newest.history))
            found.sizes["commits"].append(7 * len(commits_kept(len(newest.commits))) + 4)  # 32 bits in 6 characters
    return found


def far_apart(departures: int, number: int, seed: int = 2) -> float:
    """Return the rate of silence after one export of one branch and this number of the other, before any merge."""
    random = Random(seed)
    silent = 0
    for _ in range(number):
        trunk = History()
        seqs = count(1)
        for _ in range(random.randrange(200)):
            trunk = trunk.then(ExportMarker(next(seqs), "same"))
        one = trunk.then(ExportMarker(next(seqs), "one1"))
        other = trunk
        for _ in range(departures):
            other = other.then(ExportMarker(next(seqs), "two2"))
        silent += not histories.divergence(one.nonces, other.nonces)
    return silent / number


def measure(part: float) -> list[Row]:
    """Count silent losses, and false alarms."""
    found = tally(max(1, int(HISTORIES * part)))
    share = {way: lost / found.histories for way, lost in found.silent.items()}
    size = {way: sum(sizes) / max(1, len(sizes)) for way, sizes in found.sizes.items()}
    apart = [f"{times}: {far_apart(times, max(20, int(300 * part))):.0%}" for times in (16, 24, 32, 64, 200)]
    return [
        Row(
            "a branch of a hidden clone is lost without a report",
            "at most 0.1 % of histories",
            f"{found.silent['departures']} of {found.histories} histories, {found.forked} of them forked",
            share["departures"] <= 0.001,
            (
                f"a nonce for each export marker: {share['departures']:.3%} silent, {size['departures']:.0f} bytes",
                f"the larger number, no nonces: {share['maximum']:.1%} silent, 0 bytes",
                f"nonces of commits ({LATEST} latest): {share['commits']:.3%} silent, {size['commits']:.0f} bytes",
                f"silent after one export of one branch and many of the other, by their number: {', '.join(apart)}",
            ),
        ),
        Row(
            "a fork is reported where there was one writer",
            "never",
            f"{found.false_alarms} of {found.histories} histories without a clone",
            found.false_alarms == 0,
        ),
    ]
