"""Replicas and remotes, where each replica reaches some remotes, and a network that fails in any way.

What is counted, and what must hold, is up to the machines that inherit `Network`. Their oracles know operations only:
where it matters which of them a replica has seen, each commit leaves its number in a set (`SEEN`) as well, so what a
replica reads must be what those commits amount to that it tells of, at any time.
"""

import os
import random
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path
from unittest import TestCase

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize

from crdtctl import Replica
from crdtctl.errors import CrdtctlError
from crdtctl.store.check import check_replica
from crdtctl.sync import connecting
from crdtctl.sync import retry as patience
from crdtctl.sync.engine import sync
from crdtctl.sync.report import Options, Remote, SyncReport
from tests.sync.faulty import Cut, Faulty, Store

REMOTES = ("north", "south", "stick")
#: The remotes that the first replica reaches, the second, and so on, and again. There is a way from each to each other.
LAYOUTS = (
    (REMOTES,),
    (("north", "south"), ("south",), ("north",), ("south", "stick"), ("stick",)),
    (("north", "stick"), ("north", "south"), ("south", "stick")),
)
#: A set of everything: the numbers of the commits.
SEEN = "seen"
#: What a check finds for as long as people have not settled it: replicas that are lost or copied leave such.
TOLD = ("several writers", "initial rights")
#: After so many rounds in which everybody syncs, nothing may be left to tell. A hand-off takes four.
ENOUGH = 12

whos = st.integers(0, 60)
names = st.sets(st.sampled_from(REMOTES))
seeds = st.integers(0, 2**32)


class Network(RuleBasedStateMachine):
    """The replicas that live, and the remotes."""

    size = 4

    def __init__(self) -> None:
        super().__init__()
        self.home = Path(tempfile.mkdtemp(prefix="crdtctl-network-"))
        self.patches = pytest.MonkeyPatch()
        self.patches.setenv("XDG_STATE_HOME", str(self.home / "state"))
        self.patches.setattr(os, "fsync", lambda fd: None)
        self.patches.setattr(patience, "FIRST_PAUSE", 0.0)
        self.chance = random.Random(0)
        self.stores = {name: Store(self.chance) for name in REMOTES}
        self.patches.setattr(connecting, "connect", lambda url, *_: Faulty(self.stores[url[1:]]))
        self.links: dict[str, tuple[str, ...]] = {}
        self.made = 0
        self.living: list[Replica] = []

    @initialize(layout=st.sampled_from(LAYOUTS))
    def begin(self, layout: tuple[tuple[str, ...], ...]) -> None:
        for number in range(self.size):
            self.living.append(self.born(layout[number % len(layout)]))

    def teardown(self) -> None:
        try:
            if self.living:
                self.in_the_end()
        finally:
            self.patches.undo()
            shutil.rmtree(self.home)

    def in_the_end(self) -> None:
        """Check what must hold when the faults have ended."""
        raise NotImplementedError

    def born(self, reach: tuple[str, ...], *, tier: int = 0) -> Replica:
        """Make a replica that reaches some remotes."""
        self.made += 1
        replica = Replica.init(self.home / f"r{self.made}", name=f"r{self.made}", tier=tier)
        self.links[replica.path] = reach
        return replica

    def one(self, who: int) -> Replica:
        """Return one of those who live."""
        return self.living[who % len(self.living)]

    def meet(self, replica: Replica, some: Iterable[str] = (), *, seed: int | None = None) -> SyncReport | None:
        """Sync with some of the remotes that a replica reaches, or all; return None if that was cut.

        With a `seed`, the network does what it draws from that. Without one, everything works.
        """
        reach = self.links[replica.path]
        chosen = sorted(set(some) & set(reach)) or reach
        self.chance.seed(seed or 0)
        for store in self.stores.values():
            store.faulty = seed is not None
        try:
            report = sync(replica, [Remote(name, f"/{name}") for name in chosen], Options(clean=True, details=10))
        except Cut:
            return None
        except CrdtctlError as error:
            raise AssertionError(f"a sync failed as a whole: {error}") from error
        finally:
            for store in self.stores.values():
                store.faulty = False
        if seed is None:
            assert [one.error for one in report.remotes] == [None] * len(chosen)
            assert [one.missing for one in report.remotes] == [[]] * len(chosen)
        return report

    def settle(self) -> None:
        """Let what is late happen, and everybody sync, until there is nothing to tell any more."""
        for store in self.stores.values():
            store.settle(all_of_it=True)
        for _ in range(ENOUGH):
            reports = [self.meet(replica) for replica in self.living]
            if not any(report is None or report.changed for report in reports):
                break
        else:
            raise AssertionError("there is no end of news")
        for replica in self.living:
            findings = [one for one in check_replica(replica.path) if not one.ok]
            assert [one for one in findings if not any(told in one.found for told in TOLD)] == []


def left(report: SyncReport | None) -> bool:
    """Return whether all that a replica knew when it synced has left it, as far as it was told."""
    return report is not None and any(one.error is None for one in report.remotes)


def seen(replica: Replica) -> set[int]:
    """Return the numbers of the commits that a replica tells of."""
    return {int(member) for member in replica.reading(SEEN).members} if replica.tags(SEEN) else set()


def read(replica: Replica, name: str) -> int:
    """Return what a counter reads, if it is there."""
    return replica.value(name) if replica.tags(name) else 0


def case(machine: type[Network], steps: int, share: int) -> type[TestCase]:
    """Return the test that tries a machine, so many steps each time, as often as its `share` of the profile says.

    The limit of time is for one that hangs: no machine is so busy that the others take that long.
    """
    found: type[TestCase] = machine.TestCase
    examples = max(5, settings().max_examples * share // 20)
    found.settings = settings(max_examples=examples, stateful_step_count=steps)  # type: ignore[attr-defined]
    return pytest.mark.timeout(900 + 30 * examples)(found)
