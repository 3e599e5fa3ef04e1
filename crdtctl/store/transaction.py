"""All writes to the files of one replica: their locks, taken in order, under an id that belongs to this replica alone.

A transaction begins without a lock. `Transaction.lock_known` and `Transaction.lock_own` take the locks, and
`Transaction.write_known` and `Transaction.write_own` need them. The lock of ``known.json`` comes first.

A copied or restored replica gets a new id before anything is written. The entries of the old id become learned ones,
so nothing is lost and nothing counts twice: every replica that has them has the same entries. A backup may lack later
commits of the old id, see `crdtctl.store.unheard`. A false alarm costs an entry. A missed copy would cost counts.
"""

from __future__ import annotations

from crdtctl.codec.header import Head
from crdtctl.contexts import contextmanager
from crdtctl.records import Record
from crdtctl.store import owner  # noqa: F401  # a log that is begun after a change needs it, and nothing is imported then
from crdtctl.store.durable import KNOWN, OWN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from crdtctl.codec.reader import Source
    from crdtctl.crdt import forks
    from crdtctl.store.durable import Draft
    from crdtctl.store.files import Directory
    from crdtctl.store.identity import IdChange, OnRenamed
    from crdtctl.store.own_file import OwnFile

#: Maximum number of earlier ids that a replica lists.
_MAX_PAST = 64


def ignore_new_id(_: IdChange) -> None:
    """Report a new id to no one. Unlike a lambda, this can be pickled for other processes."""


class Transaction(Record, frozen=False):
    """Locks on a replica's files, and the writes under them.

    A lock is waited for up to `timeout` seconds (None: as configured). `on_renamed` is called after the replica got a
    new id. A `dry_run` takes no lock, writes nothing and keeps the id.
    """

    directory: Directory
    timeout: float | None = None
    on_renamed: OnRenamed = ignore_new_id
    dry_run: bool = False
    known_lock: int | None = None
    own_lock: int | None = None

    # Locks -------------------------------------------------------------------------------------------------

    @contextmanager
    def lock_known(self) -> Iterator[None]:
        """Hold the lock of ``known.json``. The lock of ``own.json`` must not be held."""
        assert self.own_lock is None
        with self.directory.locked(KNOWN, self.timeout) as lock:
            self.known_lock = lock
            try:
                yield
            finally:
                self.known_lock = None

    @contextmanager
    def lock_own(self) -> Iterator[OwnFile]:
        """Hold the lock of ``own.json`` and yield that file. Its id belongs to this replica alone.

        Nothing but ``own.json`` is read, unless this replica needs a new id.
        """
        if self.known_lock is None:
            with self._locked_own() as own:
                if not own.identity_fault:
                    yield own
                    return
            with self.lock_known(), self._locked_own() as own:
                yield self._with_new_id(own, own.identity_fault) if own.identity_fault else own
        else:
            with self._locked_own() as own:
                reason = self.reason_to_end(own)
                yield self._with_new_id(own, reason) if reason else own

    @contextmanager
    def _locked_own(self) -> Iterator[OwnFile]:
        with self.directory.locked(OWN, self.timeout) as lock:
            self.own_lock = lock
            try:
                yield self.directory.read_own()
            finally:
                self.own_lock = None

    # Reading -----------------------------------------------------------------------------------------------

    def own(self, reason: str = "") -> OwnFile:
        """Return ``own.json`` while the lock of ``known.json`` is held. Its id belongs to this replica alone.

        With a `reason`, one of `identity.REASONS`, the replica gets a new id in any case.
        """
        own = self.directory.read_own()
        if self.dry_run or not (reason or self.reason_to_end(own)):
            return own
        with self._locked_own() as own:
            reason = self.reason_to_end(own) or reason
            return self._with_new_id(own, reason) if reason else own

    def known(self) -> AbstractContextManager[Source | None]:
        """Open ``known.json``; None if nothing was learned yet."""
        return self.directory.known_source()

    def reason_to_end(self, own: OwnFile) -> str:
        """Return the reason why the id in `own` must not be used any more; empty if it may be used."""
        if own.identity_fault:
            return own.identity_fault
        # known.json may have ended the id already, if the last writer was killed before it wrote own.json.
        with self.known() as known:
            return next((past.why for past in known.head.past if past.replica == own.id), "") if known else ""

    # Writing -----------------------------------------------------------------------------------------------

    def write_own(
        self,
        own: OwnFile,
        lines: Mapping[str, bytes],
        history: str = "",
        follows: Mapping[str, str] | None = None,
        *,
        last: Sequence[str] = (),
        periods: bool = False,
        is_notice: bool = False,
    ) -> int:
        """Replace ``own.json``: `own` with these `lines` of counters in their places. Return the commit number.

        Lines make a commit. Without lines, only the `history` of export markers, or the positions in followed files,
        `follows`, change. `last` has the effects of the commit. With `periods`, an entry on the lines may have settings
        of periods. `is_notice`: the commit forgets or renames counters, or takes over entries that do.
        """
        assert self.own_lock is not None
        seq = own.seq + 1 if lines else own.seq
        self.directory.write_own(self.own_lock, own, lines, seq, history, follows, last, periods, is_notice)
        return seq

    def write_known(self, fill: Callable[[Draft], bool]) -> bool:
        """Replace ``known.json`` by the draft that `fill` wrote, if `fill` returns true. Return that result."""
        assert self.known_lock is not None
        return self.directory.write(KNOWN, self.known_lock, fill)

    def note(self, event: str, **facts: Any) -> None:
        """Add an event to the replica's log."""
        from crdtctl.store import journal

        journal.note(self.directory, event, **facts)

    @contextmanager
    def mark_exported(self) -> Iterator[None]:
        """Hold the lock of ``own.json`` and record there that all its commits leave this replica."""
        with self.lock_own() as own:
            if not self.reason_to_end(own):
                self._mark_exported(own)
                yield
                return
        with self.lock_known():
            self.own()
        with self.lock_own() as own:
            self._mark_exported(own)
            yield

    def _mark_exported(self, own: OwnFile) -> None:
        from crdtctl.store import identity

        if own.seq > own.history.exported:
            self.write_own(own, {}, identity.history_after_export(own))

    def _with_new_id(self, own: OwnFile, reason: str) -> OwnFile:
        """End the id of `own` and generate another one, under both locks.

        First ``known.json`` takes all entries, then an ``own.json`` of the new id replaces the old one. If only the
        first write happens, the next writer does both again, to the same end.
        """
        from crdtctl.codec.layout import name_of as counter_name
        from crdtctl.codec.merge_join import merge_join
        from crdtctl.codec.writer import Writer
        from crdtctl.store import binding, handoffs, identity
        from crdtctl.store.identity import REASONS, IdChange
        from crdtctl.store.jobs import again

        assert self.known_lock is not None
        assert self.own_lock is not None
        with self.known() as known:
            if known:
                known.verify()
            before = known.head if known else Head("known", own.id, {})
            new = identity.generate_id(identity.name_of(own.id))
            head, names = _after_renaming(before, own, reason, new)

            def fill(draft: Draft) -> bool:
                writer = Writer(draft.write, head)
                if known:
                    known.names = names[0]
                own.source.names = names[1]
                for counter in merge_join(known, [own.source]):
                    if counter.after is not None:
                        writer.line(counter.after)
                writer.close()
                return True

            self.write_known(fill)
        lines = [*handoffs.carried_over(own, new), *(again(own.source, new) if reason != "sealed" else ())]
        self._begin_own(new, own, sorted(lines, key=counter_name))
        is_whole = reason != "forked" and binding.read_witness(own.source.head.witness) == own.writes
        self.on_renamed(IdChange(own.id, new, reason, is_whole, len(head.past)))
        self.note("renamed", before=own.id, commits=own.seq, after=new, why=REASONS[reason])
        return self.directory.read_own()

    def _begin_own(self, replica: str, before: OwnFile, lines: Sequence[bytes]) -> None:
        """Write the first ``own.json`` of an id. With `lines`, it contains one commit.

        It keeps the positions in followed files: they belong to the counts that this replica holds, under any id.
        """
        from crdtctl.store import binding, identity

        assert self.own_lock is not None
        witness = binding.create_witness(replica)

        def fill(draft: Draft) -> bool:
            follows = before.source.head.follows
            draft.write(identity.first(draft.fd, replica, witness, before.tier, lines, follows))
            return True

        self.directory.write(OWN, self.own_lock, fill)
        self.directory.drop_recent()


def _after_renaming(before: Head, own: OwnFile, reason: str, new: str) -> tuple[Head, Sequence[forks.Names]]:
    """Return the header of ``known.json`` after `own` got the id `new`, and the new names of entries there."""
    from crdtctl.codec.header import FormerId
    from crdtctl.crdt import forks
    from crdtctl.store import identity, journal, receipts
    from crdtctl.store.unheard import departures_of

    clock, tags = identity.outward(own.source)
    if reason == "forked" and all(past.replica != own.id for past in before.past):
        text = identity.history_after_export(own) if clock else ""
        tags = {own.id: text} if text else {}  # commits that no other replica has are a branch of their own
    joined = forks.join([(before.clock, before.histories), (clock, tags)])
    past = [one for one in before.past if one.replica != own.id] + [FormerId(own.id, own.seq, reason, journal.now())]
    # Without another copy at work, as after sealing, no later commits can arrive.
    unheard = {} if reason in ("sealed", "retired") else {own.id: departures_of(own.history, own.source.head.witness)}
    head = Head(
        "known",
        new,
        joined.clock,
        heard=before.heard,
        histories=joined.histories,
        settled=before.settled,
        past=tuple(past[-_MAX_PAST:]),
        unheard={**before.unheard, **unheard},
        received=receipts.received([(before.received, joined.names[0]), (own.source.head.received, joined.names[1])]),
        receipts=before.receipts,
        periods=before.periods or own.source.head.periods,
    )
    return head, joined.names
