"""Clients that count, hand off and vanish while the network fails: permanent replicas count each of them once."""

import shutil

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from crdtctl import Replica
from tests.sync.networks import Network, case, names, read, seeds, whos

#: So many clients live at once. Of the replicas, the permanent ones come first.
CLIENTS = 4


class HandedOver(Network):
    """The oracle knows the sums. Clients are thrown away as soon as they may be, the permanent ones never."""

    size = 3

    def __init__(self) -> None:
        super().__init__()
        self.up = 0
        self.total = 0
        self.gone = 0

    @precondition(lambda self: len(self.living) < self.size + CLIENTS)
    @rule(near=whos)
    def a_client_comes(self, near: int) -> None:
        """Add a client; it meets one of the permanent ones at all remotes that it reaches."""
        permanent = self.living[near % self.size]
        self.living.append(self.born(self.links[permanent.path], tier=1))

    @rule(who=whos, up=st.integers(1, 9), down=st.integers(0, 5))
    def counts(self, who: int, up: int, down: int) -> None:
        with self.one(who).batch() as batch:
            batch.increment("up", up, tag="handoff")
            batch.increment("both", up, tag="handoff")
            if down:
                batch.decrement("both", down, tag="handoff")
        self.up += up
        self.total += up - down

    @rule(who=whos, some=names, seed=st.none() | seeds)
    def syncs(self, who: int, some: set[str], seed: int | None) -> None:
        replica = self.one(who)
        before = read(replica, "up")
        self.meet(replica, some, seed=seed)
        assert before <= read(replica, "up") <= self.up

    @rule(who=whos, seed=st.none() | seeds)
    def all_sync_in_turn(self, who: int, seed: int | None) -> None:
        for number in range(len(self.living)):
            self.syncs(who + number, set(), None if seed is None else seed + number)

    @rule()
    def clients_are_thrown_away(self) -> None:
        for client in [one for one in self.living[self.size :] if not one.reasons_to_keep()]:
            self.living.remove(client)
            shutil.rmtree(client.path)
            self.gone += 1

    def permanent(self) -> list[Replica]:
        return self.living[: self.size]

    def in_the_end(self) -> None:
        self.settle()
        for client in self.living[self.size :]:
            assert client.reasons_to_keep() == []
        self.clients_are_thrown_away()
        self.settle()
        for replica in self.permanent():
            assert (read(replica, "up"), read(replica, "both")) == (self.up, self.total)
            assert replica.clock().keys() <= {one.id for one in self.permanent()}  # nobody remembers the clients


TestHandedOver = case(HandedOver, 40, 3)
