"""Commits to a replica: a part of `crdtctl.Replica`, and all of it that a command which counts needs."""

from __future__ import annotations

from crdtctl.contexts import contextmanager
from crdtctl.store.reader import Reader
from crdtctl.store.transaction import Transaction, ignore_new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from crdtctl.store.apply import Commit
    from crdtctl.store.batching import Batches, BatchingCounter
    from crdtctl.store.commit import OnRefused, Request
    from crdtctl.store.followed import Step
    from crdtctl.store.identity import OnRenamed
    from crdtctl.store.last import Effect
    from crdtctl.store.stream import Stream


class Committer(Reader):
    """The directory of a replica, and the methods of `crdtctl.Replica` that read and count."""

    _batches: Mapping[float, Batches] = {}

    def commit(
        self,
        requests: Iterable[Request],
        *,
        details: bool = False,
        on_refused: OnRefused | None = None,
        step: Step | None = None,
        note: str = "",
    ) -> Commit:
        """Carry out checked requests as one commit, all or none. If nothing changes, nothing is written.

        When this returns, the commit is on disk. With `on_refused`, the refused requests are left out, and it is
        called with each of them. With `details`, the result contains the value of every counter before and after. A
        `step` in a followed file becomes a part of the commit. A `note` is for the journal of counts; raise
        `RefusedError` if this replica keeps none.
        """
        from crdtctl.store.apply import apply

        with self._transaction() as tx:
            return apply(tx, list(requests), details=details, on_refused=on_refused, step=step, note=note)

    def undo(
        self, commit: int | None = None, *, dry_run: bool = False, details: bool = False
    ) -> tuple[list[Effect], Commit]:
        """Take the last commit of this replica back, or another one in its journal of counts, by a further commit.

        Return the effects of that commit, and the new commit. Raise `RefusedError` for an effect that cannot be taken
        back, and `MissingError` for an unknown commit. A `dry_run` changes nothing.
        """
        from crdtctl.store.apply import Commit, apply
        from crdtctl.store.undo import plan

        with self._transaction() as tx:
            with self.snapshot() as now:
                undone, done, requests = plan(now, tx.directory, commit)
            if dry_run:
                return done, Commit(None, {})
            return done, apply(tx, requests, details=details, undoes=undone)

    def stream(self, *, every: float = 0.1, group: int = 10_000) -> Stream:
        """Return a context whose operations are committed in groups: every `every` seconds, or `group` operations.

        Any number of threads may use it, and its `flush` waits until everything is on disk. See
        `crdtctl.store.stream.Stream`.
        """
        from crdtctl.store.stream import Stream  # only here: with its threads, it would slow down every command

        def commit(found: list[Request], _size: int, on_refused: OnRefused | None) -> object:
            return self.commit(found, on_refused=on_refused)

        return Stream(commit, every=every, group=group)

    def counter(
        self, name: str, *, labels: Mapping[str, str] | None = None, tag: str | None = None, every: float = 0.1
    ) -> BatchingCounter:
        """Return a counter for servers, whose operations wait in memory and are committed every `every` seconds.

        All counters of this object with the same `every` have one commit together. The end of the program commits
        the waiting sums. See `crdtctl.store.batching.BatchingCounter`.
        """
        from crdtctl.store.batching import Batches, BatchingCounter  # only here, as above
        from crdtctl.store.validation import check_type, checked_name

        name = checked_name(name, labels)
        check_type(tag)
        batches = self._batches.get(every) or Batches(self.commit, every)
        self._batches = {**self._batches, every: batches}
        return BatchingCounter(batches, name, tag)

    @contextmanager
    def _transaction(self, *, on_renamed: OnRenamed | None = None, dry_run: bool = False) -> Iterator[Transaction]:
        with self._open() as directory:
            report = on_renamed or self._on_renamed or ignore_new_id
            yield Transaction(directory, self.lock_timeout, report, dry_run)
