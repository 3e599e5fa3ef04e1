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
from crdtctl.contexts import contextmanager
from crdtctl.crdt.names import entered, entered_counter
from crdtctl.errors import MissingError, RefusedError, UsageError, printable
from crdtctl.store.counters import CounterSnapshot

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crdtctl.codec.header import FormerId
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.forks import Fork
    from crdtctl.crdt.membership import Roster
    from crdtctl.crdt.order import Order
    from crdtctl.crdt.renames import Conflict
    from crdtctl.store.files import Directory
    from crdtctl.store.gone import Returned
    from crdtctl.store.handoffs import OpenHandoff
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.receipts import Unreceived
    from crdtctl.store.summary import Summary


class Snapshot(CounterSnapshot):
    """One replica at one moment. Its methods have the names and the results of those of `Replica`."""

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

        name = entered_counter(name)
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
        return Head(
            "state" if since is None else "delta",
            self.id,
            clock,
            since or {},
            histories=tags,
            settled=known.settled,
            received=self._received(clock),
            periods=known.periods or self.own.head.periods,
        )

    def _received(self, clock: Clock) -> dict[str, int]:
        """Return the notices in a clock that this replica has, see `crdtctl.store.receipts`."""
        parts = [one.head.received for one in (self.own, self.known) if one is not None and one.head.received]
        if not parts:
            return {}
        from crdtctl.store import receipts

        return receipts.covered(receipts.received((part, {}) for part in parts), clock)

    def unreceived(self) -> list[Unreceived]:
        """Return the replicas that may not have received a `forget` or `rename`, by the replica that made it.

        Retired replicas, and earlier ids of this one, are left out.
        """
        clock = self.clock()
        notices = self._received(clock)
        if not notices:
            return []
        from crdtctl.store import receipts

        known = self.known.head if self.known else Head("known", self.id, {})
        ended = {self.id, *(past.replica for past in self.past()), *self.retired().sealed, *self.declared_gone()}
        return receipts.unreceived(notices, known.receipts, clock.keys() - ended, known.settled)

    def heard(self) -> dict[str, str]:
        """Return replica → arrival time of its last news, in UTC."""
        return dict(self.known.head.heard) if self.known else {}

    def forks(self) -> list[Fork]:
        """Return the ids that had several writers and are not resolved."""
        if not self.known:
            return []
        from crdtctl.store.known_header import unsettled

        return unsettled(self.known.head)

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
        if not self.known:
            return []
        from crdtctl.store.gone import returned

        return returned(self.known.head.settled, self.known.head.clock)

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

    def rename_conflicts(self) -> list[Conflict]:
        """Return the renames that do not hold, because another replica renamed differently without knowing of them."""
        return list(self.renamed.aliases.conflicts) if self.renamed else []

    def aliases(self) -> dict[str, str]:
        """Return the names of counters that were renamed, and the name that each leads to."""
        return dict(self.renamed.aliases.targets) if self.renamed else {}

    def replica_to_retire(self, text: str) -> str:
        """Return the one other id that `text` means, see `replica_called`.

        Raise `RefusedError` for this replica's own id, an id with branches of a fork, and a sealed replica.
        """
        from crdtctl.store.commit import typed

        replica = self.replica_called(text, "")
        shown = printable(replica)
        if replica == self.id:
            raise RefusedError(f"{shown} is this replica itself", f"to end it: {typed('seal', replica)}")
        if any(fork.replica == replica for fork in self.forks()):
            raise RefusedError(f"{shown} had several writers", f"first: {typed('settle', replica)}")
        if replica in self.retired().sealed:
            raise RefusedError(f"{shown} is sealed, and makes no more commits", "'crdtctl absorb' takes it over")
        if replica not in self.clock():
            raise RefusedError(f"{shown} has no commits here", "there is nothing to retire")
        return replica

    def declared_gone(self) -> dict[str, int]:
        """Return the replicas that were declared gone for good, and the last known commit of each at that time."""
        from crdtctl.store.gone import declared

        return declared(self.known.head.settled) if self.known else {}

    def piled_up(self) -> list[str]:
        """Return advice about replicas that were not heard of for long, and about names with many replicas."""
        import time

        from crdtctl.store import silent

        clock = self.clock()
        ended = {self.id, *(past.replica for past in self.past()), *self.retired().sealed, *self.declared_gone()}
        found = silent.silent(self.heard(), clock, ended, time.time())
        return silent.advice([*found, *silent.piles(clock, ended)])

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
            self._is_idle(),
            head.received,
        )

    def _is_idle(self) -> bool:
        """Return whether this is a client that has only handed over, and has handed over everything."""
        if not self.tier:
            return False
        from crdtctl.store import handoffs

        return handoffs.is_idle(self.own)

    def replica_called(self, text: str, name: str) -> str:
        """Return the one known id that `text` is, begins, or contains as its name.

        Known are the ids in the clock, earlier ids of this replica, and the holders of rights to the counter `name`.
        Raise `MissingError` without such an id, and `UsageError` if there are several.
        """
        from crdtctl.crdt import branches
        from crdtctl.store import identity
        from crdtctl.store.rights import TAG, bcounter
        from crdtctl.store.validation import check_strings
        from crdtctl.suggestions import did_you_mean

        check_strings(name=text)
        check_strings(name=name)
        text, name = entered(text), entered_counter(name)
        given = bcounter().rights(self.counter(name).get(TAG, {}))
        past = [one.replica for one in self.past()]
        ids = {branches.origin(replica) for replica in (self.id, *self.clock(), *past, *given)}
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


@contextmanager
def snapshot(directory: Directory) -> Iterator[Snapshot]:
    """Open a replica as it is at one moment."""
    with directory.both_sources() as (own, known):
        yield Snapshot(directory, own, known)


def without(clock: Clock, replicas: Iterable[str]) -> dict[str, int]:
    """Return a clock without some replicas."""
    left_out = set(replicas)
    return {replica: seq for replica, seq in clock.items() if replica not in left_out}
