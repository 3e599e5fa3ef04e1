"""Many replicas, many remotes, and a network that fails in any way: in the end each count is there once."""

import os
import random
import shutil
import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.check import check_replica
from crdtctl.sync import connecting
from crdtctl.sync import retry as patience
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Options, Remote, SyncReport
from tests.sync.faulty import Cut, Faulty, Store

REPLICAS = 4
REMOTES = ("north", "south", "stick")

replicas = st.integers(0, REPLICAS - 1)
remotes = st.sets(st.sampled_from(REMOTES), min_size=1)


class AnyNetwork(RuleBasedStateMachine):
    """The oracle knows what was counted, and nothing of states."""

    strangers = False

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="crdtctl-network-"))
        self.patches = pytest.MonkeyPatch()
        self.patches.setenv("XDG_STATE_HOME", str(self.home / "state"))
        self.patches.setattr(os, "fsync", lambda fd: None)
        self.chance = random.Random(0)
        self.stores = {f"/{name}": Store(self.chance) for name in REMOTES}
        self.patches.setattr(connecting, "connect", lambda url, *_: Faulty(self.stores[url]))
        self.patches.setattr(patience, "FIRST_PAUSE", 0.0)
        self.made = 0
        self.living: list[Replica] = [self.born() for _ in range(REPLICAS)]
        self.counted: Counter[str] = Counter()
        self.seen: set[str] = set()
        self.is_known: dict[str, bool] = {}

    def born(self) -> Replica:
        self.made += 1
        return Replica.init(self.home / f"r{self.made}", name=f"r{self.made}")

    def teardown(self) -> None:
        try:
            self.in_the_end_all_are_equal()
        finally:
            self.patches.undo()
            shutil.rmtree(self.home)

    def meet(self, replica: Replica, names: set[str]) -> SyncReport:
        remotes = [Remote(name, f"/{name}") for name in sorted(names)]
        report = sync(replica, remotes, Options(clean=True))
        if self.strangers and any("disappeared" in str(one.error) for one in report.remotes):
            report = sync(replica, remotes, Options(clean=True, accept_missing=True))  # as the message advises
        return report

    @rule(who=replicas, name=st.sampled_from(["a", "b"]), amount=st.integers(1, 9))
    def count(self, who: int, name: str, amount: int) -> None:
        self.living[who].increment(name, amount)
        self.counted[name] += amount
        self.is_known[self.living[who].path] = False

    @rule(who=replicas, element=st.sampled_from("uvwxyz"))
    def add(self, who: int, element: str) -> None:
        self.living[who].add("set", element)
        self.seen.add(element)
        self.is_known[self.living[who].path] = False

    @rule(who=replicas, names=remotes, seed=st.integers(0, 2**32), faulty=st.booleans())
    def syncs(self, who: int, names: set[str], seed: int, faulty: bool) -> None:
        self.chance.seed(seed)
        for store in self.stores.values():
            store.faulty = faulty
        is_late = any(store.is_late for store in self.stores.values())
        replica = self.living[who]
        before = {name: replica.value(name) for name in ("a", "b") if replica.tags(name)}
        try:
            report = self.meet(replica, names)
        except Cut:
            pass
        except CrdtctlError as error:
            raise AssertionError(f"a sync failed as a whole: {error}") from error
        else:
            if faulty:
                if not all(one.error for one in report.remotes):
                    self.is_known[replica.path] = True
            else:
                assert [one.error for one in report.remotes] == [None] * len(names)
                self.is_known[replica.path] = True
                if not is_late:
                    assert not self.meet(replica, names).merge.changed
        finally:
            for store in self.stores.values():
                store.faulty = False
        assert all(replica.value(name) >= value for name, value in before.items())  # only ever forward

    @rule(who=replicas)
    def forgets(self, who: int) -> None:
        shutil.rmtree(f"{self.living[who].path}/sync", ignore_errors=True)

    @precondition(lambda self: not self.strangers)
    @rule(who=replicas)
    def is_lost_after_a_sync_that_succeeded(self, who: int) -> None:
        if self.is_known.get(self.living[who].path):
            shutil.rmtree(self.living[who].path)
            self.living[who] = self.born()

    @precondition(lambda self: self.strangers)
    @rule(name=st.sampled_from(REMOTES), seed=st.integers(0, 2**32))
    def a_stranger_deletes_damages_or_copies_an_object(self, name: str, seed: int) -> None:
        chance, files = random.Random(seed), self.stores[f"/{name}"].files
        if files:
            victim = chance.choice(sorted(files))
            match chance.randrange(4):
                case 0:
                    del files[victim]
                case 1:
                    files[victim] = files[victim][: chance.randrange(len(files[victim]) + 1)]
                case 2:
                    files[f"{victim} (1).json"] = files[victim]
                case _:
                    at = chance.randrange(len(files[victim]) or 1)
                    files[victim] = files[victim][:at] + b"?" + files[victim][at + 1 :]

    @invariant()
    def nothing_counts_twice(self) -> None:
        for replica in self.living:
            for name in ("a", "b"):
                if replica.tags(name):
                    assert replica.value(name) <= self.counted[name]

    def in_the_end_all_are_equal(self) -> None:
        for store in self.stores.values():
            store.settle(all_of_it=True)
        for _ in range(2):
            for replica in self.living:
                self.meet(replica, set(REMOTES))
        for replica in self.living:
            found = {name: replica.value(name) for name in ("a", "b") if replica.tags(name)}
            assert found == {name: amount for name, amount in self.counted.items() if amount}
            assert set(replica.reading("set").members if replica.tags("set") else ()) == self.seen
            assert [finding for finding in check_replica(replica.path) if not finding.ok] == []
        for replica in self.living:
            assert not self.meet(replica, set(REMOTES)).changed


class WithStrangers(AnyNetwork):
    """The same, where others delete, damage and copy what is at the remotes, and no replica is lost."""

    strangers = True


AnyNetwork.TestCase.settings = settings(max_examples=max(10, settings().max_examples // 20), stateful_step_count=30)
WithStrangers.TestCase.settings = AnyNetwork.TestCase.settings
TestAnyNetwork = AnyNetwork.TestCase
TestWithStrangers = WithStrangers.TestCase
