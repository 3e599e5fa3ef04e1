"""The rights that bounded counters are made of, as they stand here: who holds them, who asks for them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.reader import Source
from crdtctl.crdt.base import Contributions
from crdtctl.crdt.bcounter import BCounter
from crdtctl.crdt.counter import join_counters
from crdtctl.errors import printable
from crdtctl.store.commit import typed

KIND: Final = BCounter()
_MARK = f'"{KIND.tag}":{{'.encode()


@dataclass(frozen=True, slots=True)
class MadeTwice:
    """A counter that several replicas created, each with rights to begin with: `makers`, replica → rights."""

    name: str
    makers: Mapping[str, int]

    def __str__(self) -> str:
        made = ", ".join(f"{who} with {amount}" for who, amount in self.makers.items())
        return (
            f"'{printable(self.name)}' was created by {len(self.makers)} replicas, and what each began with "
            f"counts: {made}"
        )

    @property
    def advice(self) -> str:
        """What to do about it."""
        least = min(self.makers.values())
        return (
            f"if one was meant: '{typed('decrement', self.name, str(least))}' where the rights are; "
            f"then '{typed('settle', self.name)}'"
        )


def made_twice(name: str, state: Contributions, settled: Collection[str] = ()) -> MadeTwice | None:
    """Return that several replicas created a counter, unless it is settled."""
    makers = {who: amount for who, amount in KIND.makers(state).items() if _settling(name, who) not in settled}
    return MadeTwice(name, makers) if len(makers) > 1 else None


def settling(name: str, state: Contributions) -> list[str]:
    """Return the marks that settle that several replicas created a counter: for all of them but the first."""
    return [_settling(name, who) for who in list(KIND.makers(state))[1:]]


def _settling(name: str, replica: str) -> str:
    from hashlib import blake2b  # takes as long to import as half an increment, and few commands need it

    return f"{replica}+made.{blake2b(name.encode(), digest_size=8).hexdigest()}"


class Makers:
    """Looks, in the course of a merge, for bounded counters that turn out to be created by several replicas."""

    def __init__(self, own: Source, settled: Collection[str]) -> None:
        self._own = own
        self._settled = settled

    def look(self, before: bytes | None, after: bytes) -> Iterator[MadeTwice]:
        """Yield what a line that was merged brings of that, and was not known."""
        if _MARK not in after:
            return
        name, counter = decode_own_line(after)
        mine = self._own.counter(name).get(KIND.tag, {})
        past = decode_own_line(before)[1].get(KIND.tag, {}) if before is not None else {}
        found = made_twice(name, KIND.join_all(mine, counter.get(KIND.tag, {})), self._settled)
        known = KIND.makers(KIND.join_all(mine, past))
        if found and not found.makers.keys() <= known.keys():
            yield found


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
