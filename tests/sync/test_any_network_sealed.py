"""Jobs that count, are sealed, sync and vanish while the network fails: each counts once."""

import os
import shutil
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from crdtctl import Replica
from crdtctl.errors import DataError, RefusedError
from crdtctl.store import identity
from crdtctl.store.inputs import Input
from tests.sync.networks import SEEN, Network, case, left, names, read, seeds, seen, whos

JOBS = 3
#: The day on which the first replicas are made.
BEGIN = date(2020, 1, 1)
KEYS = {"key 1": 5, "key 2": 7}


class Absorbed(Network):
    """The first replica absorbs what it finds at remotes, and sets fences; the oracle knows who counted what."""

    size = 3

    def __init__(self) -> None:
        super().__init__()
        self.day = BEGIN
        self.patches.setattr(identity, "generate_id", self.mint)
        self.amounts: dict[int, int] = {}
        self.keys: dict[int, str] = {}
        self.ended: list[str] = []
        self.kept: list[tuple[str, bytes]] = []

    def mint(self, name: str) -> str:
        moment = datetime(self.day.year, self.day.month, self.day.day, 12, tzinfo=UTC)
        return f"{name}-{int(moment.timestamp()) * 1000:012x}{os.urandom(10).hex()}"

    @property
    def hub(self) -> Replica:
        return self.living[0]

    @rule()
    def a_day_passes(self) -> None:
        self.day += timedelta(days=1)

    @precondition(lambda self: len(self.living) < self.size + JOBS)
    @rule(near=whos)
    def a_job_begins(self, near: int) -> None:
        self.living.append(self.born(self.links[self.living[near % self.size].path]))

    @rule(who=whos, amount=st.integers(1, 9), key=st.none() | st.sampled_from(sorted(KEYS)))
    def counts(self, who: int, amount: int, key: str | None) -> None:
        replica = self.one(who)
        if replica.id in replica.retired().sealed:
            return
        number = len(self.amounts) + 1
        with replica.batch() as batch:
            batch.increment("hits", amount)
            batch.add(SEEN, str(number))
            if key:
                batch.increment("once", KEYS[key], once=key)
                self.keys[number] = key
        self.amounts[number] = amount
        self.check(replica)

    @rule(who=whos, some=names, seed=st.none() | seeds)
    def syncs(self, who: int, some: set[str], seed: int | None) -> None:
        self.meet(self.one(who), some, seed=seed)
        self.check(self.one(who))

    @rule(who=whos, seed=st.none() | seeds)
    def a_job_ends(self, who: int, seed: int | None) -> None:
        """Seal a job and sync once more; it is thrown away where that succeeded, else it tries again."""
        jobs = self.living[self.size :]
        if jobs:
            job = jobs[who % len(jobs)]
            if seen(job):
                job.seal()
            if left(self.meet(job, seed=seed)):
                self.living.remove(job)
                self.ended.append(job.id)
                shutil.rmtree(job.path)

    @rule(name=st.sampled_from(["north", "south", "stick"]), few=st.booleans(), chance=seeds)
    def absorbs(self, name: str, few: bool, chance: int) -> None:
        """Absorb what is at a remote, sealed or not; what is not is refused."""
        self.chance.seed(chance)
        files = self.stores[name].files
        chosen = sorted(files) if not few else self.chance.sample(sorted(files), min(2, len(files)))
        if chosen:
            report = self.hub.absorb([Input(one, data=files[one]) for one in chosen], check=False)
            refused = report.merge.refused.values()
            assert all(isinstance(reason, RefusedError | DataError) for reason in refused)
            self.check(self.hub)

    @rule(name=st.sampled_from(["north", "south", "stick"]), back=st.booleans(), chance=seeds)
    def somebody_keeps_an_object_and_puts_it_back(self, name: str, back: bool, chance: int) -> None:
        self.chance.seed(chance)
        files = self.stores[name].files
        if back and self.kept:
            old, data = self.chance.choice(self.kept)
            files[f"{self.chance.choice(['', 'copy of '])}{old}"] = data
        elif files:
            old = self.chance.choice(sorted(files))
            self.kept.append((old, files[old]))

    @precondition(lambda self: len(self.living) == self.size)
    @rule()
    def a_fence_is_set(self) -> None:
        """Between two shifts: absorb who has ended, tell all, and forget them where everybody has heard of it."""
        self.absorb_all()
        if all(
            replica.retired().absorbed(self.ended) == self.ended and self.permanent() <= replica.clock().keys()
            for replica in self.living
        ):
            self.hub.absorb([], fence=str(self.day))
            self.ended.clear()
            self.check(self.hub)

    def permanent(self) -> set[str]:
        return {one.id for one in self.living[: self.size]}

    def check(self, replica: Replica) -> None:
        numbers = seen(replica)
        assert read(replica, "hits") == sum(self.amounts[number] for number in numbers)
        assert read(replica, "once") == sum(KEYS[key] for key in {self.keys[n] for n in numbers & self.keys.keys()})

    def absorb_all(self) -> None:
        """Sync in turn, everything working, and absorb what is found; so that all know it, there and back."""
        for _ in range(3):
            for replica in self.living:
                self.meet(replica)
            for name in self.links[self.hub.path]:
                self.absorbs(name, few=False, chance=0)

    def in_the_end(self) -> None:
        self.settle()
        while len(self.living) > self.size:
            self.a_job_ends(0, None)
        self.absorb_all()
        self.settle()
        for replica in self.living:
            assert seen(replica) == self.amounts.keys()
            self.check(replica)


TestAbsorbed = case(Absorbed, 50, 5)
