"""A replica at one moment: everything that a reader asks of ``own.json`` and ``known.json`` comes from the same pair.

>>> import tempfile
>>> from crdtctl import Replica
>>> home = tempfile.TemporaryDirectory()
>>> replica = Replica.init(f"{home.name}/laptop", name="laptop")
>>> replica.increment("builds", 3)
>>> with replica.snapshot() as now:
...     replica.increment("builds")
...     now.value("builds"), now.commits, replica.value("builds")
(3, 1, 4)
>>> home.cleanup()

Readers take no lock. State files are only ever replaced, so two open files stay as they were.
"""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.codec.lines import decode_own_line
from crdtctl.codec.reader import NO_NAMES
from crdtctl.contexts import contextmanager
from crdtctl.crdt.counter import join_counters
from crdtctl.crdt.names import counter_fault, entered, stored_counter_fault
from crdtctl.errors import MissingError, RefusedError, UsageError, printable
from crdtctl.records import overload
from crdtctl.store import type_choice as types
from crdtctl.store.reading import Reading

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Final, TypeVar

    from crdtctl.codec.header import FormerId
    from crdtctl.codec.reader import Source
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.forks import Fork
    from crdtctl.crdt.membership import Roster
    from crdtctl.crdt.order import Order
    from crdtctl.store.files import Directory
    from crdtctl.store.gone import Returned
    from crdtctl.store.handoffs import OpenHandoff
    from crdtctl.store.jobs import AttemptReading
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.rights import Holding, MadeTwice
    from crdtctl.store.summary import Summary

    _T = TypeVar("_T")

#: Minimum size in bytes of files whose counters are read many at a time.
MANY_BYTES = 2**17
_MISSING: Final = object()


class Snapshot:
    """One replica at one moment. Its methods have the names and the results of those of `Replica`."""

    def __init__(self, directory: Directory, own: Source, known: Source | None) -> None:
        """Read `own` and `known`, which were opened at one moment.

        Counters that this replica absorbed are hidden in `known`: ``own.json`` is written first, and may contain them.
        """
        from crdtctl.store.retirement import hide_absorbed

        self.own = own
        self.known = known
        self._directory = directory
        self._is_verified = False
        self._found: tuple[Source, Source | None] | None = None
        if known is not None:
            hide_absorbed(own, known)

    # The replica -------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The id of this replica."""
        return self.own.head.replica

    @property
    def tier(self) -> int:
        """The tier of this replica; 0 if it is permanent."""
        return self.own.head.tier

    @property
    def is_sealed(self) -> bool:
        """Whether this replica is retired."""
        from crdtctl.store.retirement import is_sealed

        return is_sealed(self.own)

    @property
    def commits(self) -> int:
        """The number of this replica's last commit."""
        return self.own.head.clock.get(self.id, 0)

    @property
    def has_left(self) -> bool:
        """Whether all commits of this replica were exported before."""
        from crdtctl.store import identity

        return identity.has_left(self.own.head)

    def past(self) -> list[FormerId]:
        """Return the earlier ids of this replica, oldest first, and the reason why each ended.

        ``known.json`` lists an id as an earlier one a moment before ``own.json`` begins a new one.
        """
        return [past for past in self.known.head.past if past.replica != self.id] if self.known else []

    def unheard(self) -> list[str]:
        """Return the earlier ids whose last exported state has not come back. Until it has, nothing is absorbed."""
        return [replica for replica in self.known.head.unheard if replica != self.id] if self.known else []

    def open_handoffs(self) -> list[OpenHandoff]:
        """Return the unfinished part of each handoff counter, of this id and of earlier ids."""
        from crdtctl.store import handoffs

        return handoffs.open_handoffs(self.own, self.known if self.known and self.known.head.past else None)

    def token_holder(self, name: str, called: str) -> str:
        """Return the id of the replica `called` so that is to receive a part of the handoff counter `name`.

        Raise `RefusedError` without such a replica, and `UsageError` if there are several.
        """
        from crdtctl.store import identity

        own = [one for one in self.open_handoffs() if (one.name, one.replica) == (name, self.id)]
        ids = {to for one in own for _, to in one.pending.tokens}
        found = [one for one in sorted(ids) if called in (one, identity.name_of(one)) or one.startswith(called)]
        if not found:
            said = f"cannot take back '{printable(name)}': nothing of it is on its way to '{printable(called)}'"
            raise RefusedError(said, "see 'crdtctl status'")
        if len(found) > 1:
            raise UsageError(f"'{printable(called)}' may be {' or '.join(found)}", "name one of them whole")
        return found[0]

    def reasons_to_keep(self) -> list[str]:
        """Return the reasons why this replica must not be discarded yet; empty if it may be."""
        from crdtctl.store import handoffs

        return handoffs.reasons_to_keep(self.own, self.has_left)

    # All replicas ------------------------------------------------------------------------------------------

    def clock(self) -> dict[str, int]:
        """Return the clock, a version vector: replica → number of its last known commit.

        No clock mentions a replica that is not permanent and has only handed over.
        """
        return dict(self.head().clock)

    def head(self, since: Clock | None = None) -> Head:
        """Return the header of an exported state, or of a delta `since` a clock."""
        from crdtctl.crdt import clock as clocks
        from crdtctl.store import identity

        mine, histories = identity.outward(self.own)
        known = self.known.head if self.known else Head("known", self.id, {})
        clock, tags = clocks.join(mine, known.clock), {**known.histories, **histories}
        if since is None:
            return Head("state", self.id, clock, histories=tags, settled=known.settled)
        return Head("delta", self.id, clock, since, histories=tags, settled=known.settled)

    def heard(self) -> dict[str, str]:
        """Return replica → arrival time of its last news, in UTC."""
        return dict(self.known.head.heard) if self.known else {}

    def forks(self) -> list[Fork]:
        """Return the ids that had several writers and are not resolved."""
        from crdtctl.store.known_header import unsettled

        return unsettled(self.known.head) if self.known else []

    def membership(self) -> Mapping[str, tuple[int, ...]]:
        """Return the joined entries of both files about retired replicas."""
        from crdtctl.store.retirement import membership_of

        return membership_of(self.own, self.known)

    def retired(self) -> Roster:
        """Return the retired replicas: sealed ones and absorbed ones."""
        from crdtctl.crdt.membership import roster

        return roster(self.membership())

    def returned(self) -> list[Returned]:
        """Return the replicas that were declared lost, see `Replica.take_back`, and have made later commits."""
        from crdtctl.store.gone import returned

        return returned(self.known.head.settled, self.known.head.clock) if self.known else []

    def doubled(self) -> dict[str, tuple[str, ...]]:
        """Return the sealed replicas that several others absorbed, so that they count twice, unless resolved.

        A key is the last 20 digits of the id, the only part that is kept. The values are the absorbers.
        """
        from crdtctl.store.retirement import absorbed_twice

        return absorbed_twice(self.retired(), self.known.head.settled if self.known else ())

    def absorbed_again(self, replica: str) -> list[str]:
        """Return the ids that absorbed a replica after the first one that did: their counts of it are too much."""
        from crdtctl.store.retirement import settling_marks

        return list(settling_marks(self.retired(), replica).values())

    def missing(self, clock: Clock) -> dict[str, int]:
        """Return the entries of `clock` that this replica does not know. It knows all absorbed replicas."""
        from crdtctl.crdt import clock as clocks

        lacking = clocks.missing(self.clock(), clock)
        return without(lacking, self.retired().absorbed(lacking))

    @property
    def follows(self) -> Mapping[str, str]:
        """The positions in followed files, see `crdtctl.store.followed`."""
        return self.own.head.follows

    def compare(self, other: Summary) -> Order:
        """Return the relation of this replica to other states: behind, ahead, equal or concurrent."""
        from crdtctl.crdt import clock as clocks
        from crdtctl.crdt.membership import MEMBERSHIP, roster

        absorbed = roster(MEMBERSHIP.join_all(self.membership(), other.membership)).absorbed
        mine = self.clock()
        gone = {*absorbed(mine), *absorbed(other.clock)}
        return clocks.compare(without(mine, gone), without(other.clock, gone))

    def knowledge(self) -> Knowledge:
        """Return the knowledge of this replica, which a sync compares with remotes."""
        from crdtctl.store import handoffs
        from crdtctl.store.knowledge import Knowledge

        head = self.head()
        return Knowledge(
            self.id,
            head.clock,
            head.histories,
            self.retired(),
            head.settled,
            self.own.checksum if next(self.own.lines(), None) else "",
            self.has_left,
            handoffs.is_idle(self.own),
        )

    def replica_called(self, text: str, name: str) -> str:
        """Return the one known id that `text` is, begins, or contains as its name.

        Known are the ids in the clock, earlier ids of this replica, and the holders of rights to the counter `name`.
        Raise `MissingError` without such an id, and `UsageError` if there are several.
        """
        from crdtctl.crdt import forks
        from crdtctl.store import identity
        from crdtctl.store.rights import BCOUNTER
        from crdtctl.store.validation import check_strings
        from crdtctl.suggestions import did_you_mean

        check_strings(name=text)
        check_strings(name=name)
        text, name = entered(text), entered(name)
        given = BCOUNTER.rights(self._counter(name).get(BCOUNTER.tag, {}))
        past = [one.replica for one in self.past()]
        ids = {forks.origin(replica) for replica in (self.id, *self.clock(), *past, *given)}
        found = identity.called(text, ids)
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError(f"'{printable(text)}' may be {' or '.join(found[:3])}", "name one of them whole")
        guess = did_you_mean(text, {*map(identity.name_of, ids), *ids})
        raise MissingError(
            f"no replica '{printable(text)}' is known here",
            guess or "'crdtctl status' lists them; merge a state of it first",
        )

    # Counters ----------------------------------------------------------------------------------------------

    def reading(self, name: str, tag: str | None = None) -> Reading:
        """Read one counter in the type that this replica uses, or in type `tag`.

        Raise `MissingError` for an unknown counter, and `UsageError` if it has several types and this replica uses
        none of them.
        """
        found = self.readings(name, tag)
        if len(found) > 1:
            meant = self.meant(name)
            found = [one for one in found if one.tag == meant] or found
        return found[0]

    def readings(self, name: str, tag: str | None = None) -> list[Reading]:
        """Read a counter in each of its types, or in type `tag`. Raise `MissingError` for an unknown counter."""
        from crdtctl.store.validation import check_strings, check_type, wrong_name

        check_strings(name=name, tag=tag)
        name = entered(name)
        if stored_counter_fault(name) is not None:
            raise wrong_name(name)
        check_type(tag)
        counter = self._counter(name)
        found = [Reading(name, one, counter[one]) for one in sorted(counter) if tag in (None, one)]
        if not found:
            what = "counter" if tag is None else tag
            raise MissingError.of_counter(name, f"no {what} '{name}' here", "'crdtctl show' lists what there is")
        return found

    @overload
    def value(self, name: str, tag: str | None = None) -> int: ...
    @overload
    def value(self, name: str, tag: str | None = None, *, default: _T) -> int | _T: ...
    def value(self, name: str, tag: str | None = None, *, default: object = _MISSING) -> object:
        """Return the value of a counter, or the `default` for an unknown counter.

        Without a default, raise `MissingError`. Raise `UsageError` for a wrong name.
        """
        from crdtctl.store.validation import check_strings

        if default is not _MISSING:
            check_strings(name=name, tag=tag)
            if counter_fault(name) is None and not any(tag in (None, one) for one in self.tags(name)):
                return default
        return self.reading(name, tag).value

    def tags(self, name: str) -> list[str]:
        """Return the types of a counter; empty for an unknown counter."""
        return sorted(self._counter(entered(name)))

    def meant(self, name: str) -> str:
        """Return the type that the name of a counter means: the one that this replica uses, or the only one.

        It is empty for an unknown counter. Raise `UsageError` if there are several and the settings choose none.
        """
        own, known = self._values
        found = types.candidates(own.counter(name), known.counter(name) if known else {})
        if len(found) > 1:
            return types.choose(name, found, self._preferred())
        return found[0] if found else ""

    def counters(self) -> Iterator[Reading]:
        """Yield all counters by name and type, in constant memory."""
        from crdtctl.codec.merge_join import merge_join, merged_blocks

        self.verified()
        own, known = self._values
        if own.size + (known.size if known else 0) >= MANY_BYTES:
            from crdtctl.codec.own_lines import decode_own_lines  # only here: few counters do without
            from crdtctl.crdt import NO_COUNTERS

            for block in merged_blocks(known, [own], many=True):
                for name, counter in decode_own_lines(block.text):
                    if name not in NO_COUNTERS:
                        for tag in sorted(counter):
                            yield Reading(name, tag, counter[tag])
            return
        for joined in merge_join(known, [own]):
            if joined.after is not None and joined.name not in NO_NAMES:
                name, counter = decode_own_line(joined.after)
                for tag in sorted(counter):
                    yield Reading(name, tag, counter[tag])

    def attempts(self, name: str | None = None) -> Iterator[AttemptReading]:
        """Yield the counts of all attempts of jobs, also of those that do not count, by the name of the counter."""
        from crdtctl.store.jobs import attempt_readings

        self.verified()
        yield from attempt_readings(self.own, self.known, name)

    def rights(self, name: str) -> Holding:
        """Return the holders of the rights to a bcounter, and the requests. Raise `MissingError` if it is unknown."""
        from crdtctl.store.rights import BCOUNTER, Holding

        return Holding(name, self.id, self.reading(name, BCOUNTER.tag).state)

    def holdings(self) -> list[Holding]:
        """Return the holders of the rights, and the requests, of all bcounters."""
        from crdtctl.store.rights import holdings

        return list(holdings(self.own, self.known))

    def made_twice(self) -> list[MadeTwice]:
        """Return the bcounters that several replicas created with an initial value, unless resolved."""
        from crdtctl.store.rights import made_twice

        settled = self.known.head.settled if self.known else ()
        found = (made_twice(one.name, one.state, settled) for one in self.holdings())
        return [one for one in found if one]

    def verified(self) -> Snapshot:
        """Verify the checksums of both files, once."""
        if not self._is_verified:
            for source in filter(None, (self.own, self.known)):
                source.verify()
            self._is_verified = True
        return self

    @property
    def _values(self) -> tuple[Source, Source | None]:
        """Both files for values, without the attempts of jobs that do not count."""
        if self._found is None:
            from crdtctl.store.jobs import hide_left_out

            self._found = own, known = self.own.twin(), self.known.twin() if self.known else None
            hide_left_out(own, known)
        return self._found

    def _counter(self, name: str) -> Counter:
        own, known = self._values
        return join_counters(own.counter(name), known.counter(name) if known else {})

    def _preferred(self) -> Mapping[str, str]:
        from crdtctl.store import config

        return config.read(self._directory.fd, self._directory.file("config.toml")).types


@contextmanager
def snapshot(directory: Directory) -> Iterator[Snapshot]:
    """Open a replica as it is at one moment."""
    with directory.both_sources() as (own, known):
        yield Snapshot(directory, own, known)


def without(clock: Clock, replicas: Iterable[str]) -> dict[str, int]:
    """Return a clock without some replicas."""
    left_out = set(replicas)
    return {replica: seq for replica, seq in clock.items() if replica not in left_out}
