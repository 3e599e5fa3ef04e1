"""Every joined type while the network fails: a replica reads the result of the operations that it has seen."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from crdtctl import Replica
from crdtctl.crdt.base import Operation, OperationContext
from crdtctl.errors import ExistsError, MissingError, RefusedError
from crdtctl.records import replace
from crdtctl.store.commit import Request
from tests.support import oracle
from tests.support.every_type import named
from tests.support.histories import JOINED, HistoryEvent, counting, operation
from tests.sync.networks import SEEN, Network, case, names, read, seeds, seen, whos

#: A byte for what is done, one for how much, one for the once-key, the bound and whether rights are granted.
drawn = st.binary(min_size=3, max_size=3)


class OfEveryType(Network):
    """The oracle knows the operations, and which of them was seen where another one was done."""

    def __init__(self) -> None:
        super().__init__()
        self.done: dict[str, list[HistoryEvent]] = {tag: [] for tag in JOINED}
        self.number = 0

    @rule(who=whos, other=whos, tag=st.sampled_from(sorted(JOINED)), drawn=drawn)
    def operates(self, who: int, other: int, tag: str, drawn: bytes) -> None:
        replica, saw = self.one(who), self.seen(self.one(who), tag)
        chosen = replace(operation(JOINED[tag], *drawn), replica=self.one(other).id)
        if chosen.verb not in oracle.SIGNS:
            chosen = replace(chosen, once=None)
        if chosen.verb == "expire":  # the oracle lets all expire that was seen
            chosen = replace(chosen, clock=tuple(sorted(replica.clock().items())))
        is_sent = chosen.once is not None and chosen.once in {one.operation.once for one in saw}
        self.number += 1
        marker = Request(SEEN, Operation("add", elements=(str(self.number),)), "gset")
        try:
            replica.commit([Request(named(tag), chosen, tag), marker])
        except (RefusedError, ExistsError, MissingError):
            assert self.number not in seen(replica)
        else:
            if not is_sent:  # under a key that is known to be used nothing counts, whatever its amount
                self.done[tag].append(
                    HistoryEvent(self.number, replica.id, chosen, frozenset(one.number for one in saw))
                )
        self.check(replica)

    @rule(who=whos, some=names, seed=st.none() | seeds)
    def syncs(self, who: int, some: set[str], seed: int | None) -> None:
        replica = self.one(who)
        before = seen(replica)
        self.meet(replica, some, seed=seed)
        assert seen(replica) >= before
        self.check(replica)

    @rule(who=whos)
    def is_lost_after_a_sync_that_succeeded(self, who: int) -> None:
        replica = self.one(who)
        reach = self.links[replica.path]
        self.meet(replica)
        self.living[self.living.index(replica)] = self.born(reach)

    def seen(self, replica: Replica, tag: str) -> list[HistoryEvent]:
        """Return the operations on the counter of a type that a replica has seen."""
        numbers = seen(replica)
        return [one for one in self.done[tag] if one.number in numbers]

    def check(self, replica: Replica) -> None:
        for tag in JOINED:
            assert read(replica, named(tag)) == self.expected(tag, self.seen(replica, tag))

    def expected(self, tag: str, done: list[HistoryEvent]) -> int:
        """Return what a counter reads after these operations; a bounded one is never below its bound."""
        done = counting(JOINED[tag], done)
        if tag == "hll":  # whose estimate of so few elements is that of one who has seen them all
            elements = tuple(sorted(oracle.elements(done)))
            row = (
                JOINED[tag].apply(None, Operation("add", elements=elements), OperationContext("anybody", 1))
                if elements
                else None
            )
            return JOINED[tag].value({"anybody": row} if row else {})
        value = oracle.value(done)
        if tag == "bcounter":
            assert value >= max((bound for _, bound, _, _ in oracle.declared(done)), default=0)
        return value

    def in_the_end(self) -> None:
        self.settle()
        for replica in self.living:
            assert seen(replica) >= {one.number for done in self.done.values() for one in done}
            self.check(replica)


TestOfEveryType = case(OfEveryType, 40, 4)
