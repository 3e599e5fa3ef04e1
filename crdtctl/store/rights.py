"""Rights to bounded counters, as a replica sees them: holders and requests."""

from __future__ import annotations

from crdtctl.crdt.counter import join_counters
from crdtctl.errors import printable
from crdtctl.records import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from typing import Final

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entries
    from crdtctl.crdt.bcounter import BCounter

TAG: Final = "bcounter"


def bcounter() -> BCounter:
    """Return the type of bounded counters."""
    from crdtctl.crdt.bcounter import BCounter  # only here: few replicas have bounded counters

    return BCounter()


class MadeTwice(Record):
    """A counter that several replicas created, each with initial rights: `makers`, replica → rights."""

    name: str
    makers: Mapping[str, int]

    def __str__(self) -> str:
        made = ", ".join(f"{who} with {amount}" for who, amount in self.makers.items())
        return (
            f"'{printable(self.name)}' was created by {len(self.makers)} replicas, and the initial rights "
            f"of each count: {made}"
        )

    @property
    def advice(self) -> str:
        """The advice that goes with the message."""
        from crdtctl.store.commit import typed

        least = min(self.makers.values())
        return (
            f"if one was meant: '{typed('decrement', self.name, str(least))}' where the rights are; "
            f"then '{typed('settle', self.name)}'"
        )


def made_twice(name: str, state: Entries, settled: Collection[str] = ()) -> MadeTwice | None:
    """Return the creators of a counter if there are several, and if that is not settled."""
    makers = {who: amount for who, amount in bcounter().makers(state).items() if _settling(name, who) not in settled}
    return MadeTwice(name, makers) if len(makers) > 1 else None


def settling(name: str, state: Entries) -> list[str]:
    """Return the marks that settle a counter with several creators: one for each creator but the first."""
    return [_settling(name, who) for who in list(bcounter().makers(state))[1:]]


def _settling(name: str, replica: str) -> str:
    from hashlib import blake2b  # takes as long to import as half an increment, and few commands need it

    return f"{replica}+made.{blake2b(name.encode(), digest_size=8).hexdigest()}"


class Holding(Record):
    """The rights to one counter, as `replica` sees them."""

    name: str
    replica: str
    state: Entries

    @property
    def holders(self) -> Mapping[str, int]:
        """Replica → the rights that it holds, if not 0."""
        return {who: amount for who, amount in bcounter().rights(self.state).items() if amount}

    @property
    def here(self) -> int:
        """The rights of this replica."""
        return self.holders.get(self.replica, 0)

    @property
    def requests(self) -> Mapping[str, int]:
        """Replica → the rights that it requests from this one."""
        return bcounter().requests(self.state).get(self.replica, {})

    @property
    def asked(self) -> Mapping[str, int]:
        """Replica → the rights that this one requested from it and has not received yet."""
        requests = bcounter().requests(self.state)
        return {holder: asked[self.replica] for holder, asked in requests.items() if self.replica in asked}

    @property
    def oversold(self) -> Mapping[str, int]:
        """Replica → the rights that it used without having them.

        It had several writers, or was wrongly declared gone.
        """
        return {who: -amount for who, amount in self.holders.items() if amount < 0}


def holdings(own: Source, known: Source | None) -> Iterator[Holding]:
    """Yield the rights to all bounded counters, by name, as the replica with these files sees them."""
    names = set(own.names_of(TAG))
    if known:
        names.update(known.names_of(TAG))
    for name in sorted(names):
        counter = join_counters(own.counter(name), known.counter(name) if known else {})
        yield Holding(name, own.head.replica, counter[TAG])
