"""Replicas that are copied and restored while the network fails: totals are exact, or the fork is reported."""

import shutil
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from crdtctl import Replica
from tests.support.clones import bind, clone
from tests.sync.networks import SEEN, Network, case, left, names, read, seeds, seen, whos

MOST = 6
FILES = ("own.json", "known.json")


class Copied(Network):
    """The oracle knows what was counted, and of which commits it was said that they left, or somebody has them.

    Only what nobody but an older version of a replica had, before it was put back, may be lost.
    """

    def __init__(self) -> None:
        super().__init__()
        self.amounts: dict[int, int] = {}
        self.safe: set[int] = set()
        self.old: dict[str, list[Path]] = {}

    @rule(who=whos, amount=st.integers(1, 9))
    def counts(self, who: int, amount: int) -> None:
        number = len(self.amounts) + 1
        with self.one(who).batch() as batch:
            batch.increment("hits", amount)
            batch.add(SEEN, str(number))
        self.amounts[number] = amount
        self.check(self.one(who))

    @rule(who=whos, some=names, seed=st.none() | seeds)
    def syncs(self, who: int, some: set[str], seed: int | None) -> None:
        replica = self.one(who)
        if left(self.meet(replica, some, seed=seed)):
            self.safe |= seen(replica)
        self.check(replica)

    @rule(who=whos)
    def is_saved(self, who: int) -> None:
        replica = self.begun(who)
        saved = self.old.setdefault(replica.path, [])
        saved.append(self.home / f"{Path(replica.path).name}.{len(saved)}")
        shutil.copytree(replica.path, saved[-1])

    def begun(self, who: int) -> Replica:
        """Return one of those who live; it has counted something under the id that it has now."""
        replica = self.one(who)
        if not replica.commits:
            self.counts(who, 1)
        return replica

    def saved(self, replica: Replica, which: int) -> Path:
        """Return an older version of a replica, or the one of now."""
        found = self.old.get(replica.path)
        if not found:
            self.is_saved(self.living.index(replica))
            found = self.old[replica.path]
        return found[which % len(found)]

    def joins(self, path: Path, like: Replica) -> None:
        """Let a directory that is there now be one of the replicas."""
        self.living.append(Replica(path))
        self.links[self.living[-1].path] = self.links[like.path]

    def new_place(self) -> Path:
        self.made += 1
        return self.home / f"r{self.made}"

    def total(self, replica: Replica) -> int:
        """Return what the commits amount to that a replica tells of."""
        return sum(self.amounts[number] for number in seen(replica))

    def check(self, replica: Replica) -> None:
        raise NotImplementedError

    def in_the_end(self) -> None:
        self.safe = self.safe.union(*map(seen, self.living))
        self.settle()
        for replica in self.living:
            assert seen(replica) >= self.safe
            self.check(replica)
        states = [(one.clock(), [reading.line for reading in one.counters()], one.forks()) for one in self.living]
        assert all(state == states[0] for state in states)


class Visibly(Copied):
    """Files are copied, moved away and put back: the replica notices, and nothing is a fork."""

    @precondition(lambda self: len(self.living) < MOST)
    @rule(who=whos, of_old=st.booleans(), which=whos)
    def is_copied(self, who: int, of_old: bool, which: int) -> None:
        replica, place = self.one(who), self.new_place()
        shutil.copytree(self.saved(replica, which) if of_old else replica.path, place)
        self.joins(place, replica)

    @rule(who=whos, which=whos, in_place=st.booleans())
    def is_put_back(self, who: int, which: int, in_place: bool) -> None:
        replica = self.one(who)
        saved = self.saved(replica, which)
        if in_place:
            for name in FILES:
                write_over(saved / name, Path(replica.path, name))
        else:
            shutil.rmtree(replica.path)
            shutil.copytree(saved, replica.path)

    def check(self, replica: Replica) -> None:
        assert read(replica, "hits") == self.total(replica)
        assert replica.forks() == []


class Secretly(Copied):
    """The same, as the image of a disk does it: nothing gives it away but what two writers said under one id."""

    @precondition(lambda self: len(self.living) < MOST)
    @rule(who=whos)
    def is_copied(self, who: int) -> None:
        replica, place = self.begun(who), self.new_place()
        clone(Path(replica.path), place)
        self.joins(place, replica)

    @rule(who=whos, which=whos)
    def is_put_back(self, who: int, which: int) -> None:
        replica, saved = self.one(who), self.saved(self.one(who), which)
        shutil.rmtree(replica.path)
        shutil.copytree(saved, replica.path)
        bind(Path(replica.path), f"{replica.path}.witness")

    def check(self, replica: Replica) -> None:
        hits, total = read(replica, "hits"), self.total(replica)
        assert hits == total or (hits < total and replica.forks())


def write_over(source: Path, target: Path) -> None:
    """Give a file the content of another one, and let it stay the file that it is; without one, delete it."""
    if source.exists():
        target.write_bytes(source.read_bytes())
    else:
        target.unlink(missing_ok=True)


TestVisibly = case(Visibly, 40, 3)
TestSecretly = case(Secretly, 40, 3)
