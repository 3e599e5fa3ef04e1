"""The rights that bounded counters are made of, as they stand here: who holds them, who asks for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from crdtctl.codec.stream import Source
from crdtctl.codec.wire import join_counters
from crdtctl.crdt.base import Contributions
from crdtctl.crdt.bcounter import BCounter

KIND: Final = BCounter()


@dataclass(frozen=True, slots=True)
class Holding:
    """The rights to one counter, as `replica` sees them."""

    name: str
    replica: str
    state: Contributions

    @property
    def holders(self) -> Mapping[str, int]:
        """Replica → the rights that it holds, if not 0."""
        return {who: amount for who, amount in KIND.rights(self.state).items() if amount}

    @property
    def here(self) -> int:
        """The rights that are here."""
        return self.holders.get(self.replica, 0)

    @property
    def requests(self) -> Mapping[str, int]:
        """Replica → the rights that it asks this one for."""
        return KIND.requests(self.state).get(self.replica, {})

    @property
    def asked(self) -> Mapping[str, int]:
        """Replica → the rights that this one asked it for, and was not given yet."""
        requests = KIND.requests(self.state)
        return {holder: asked[self.replica] for holder, asked in requests.items() if self.replica in asked}

    @property
    def oversold(self) -> Mapping[str, int]:
        """Replica → the rights that it used and never had: it had several writers, or was wrongly taken for gone."""
        return {who: -amount for who, amount in self.holders.items() if amount < 0}


def holdings(own: Source, known: Source | None) -> Iterator[Holding]:
    """Yield the rights to all bounded counters, by name, as the replica sees them whose files these are."""
    names = set(own.names_of(KIND.tag))
    if known:
        names.update(known.names_of(KIND.tag))
    for name in sorted(names):
        counter = join_counters(own.counter(name), known.counter(name) if known else {})
        yield Holding(name, own.head.replica, counter[KIND.tag])
