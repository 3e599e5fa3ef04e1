"""Commits to a replica: a part of `crdtctl.Replica`, and all of it that a command which counts needs."""

from __future__ import annotations

from crdtctl.contexts import contextmanager
from crdtctl.store.reader import Reader
from crdtctl.store.transaction import Transaction, ignore_new_id

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from crdtctl.store.apply import Commit
    from crdtctl.store.commit import OnRefused, Request
    from crdtctl.store.followed import Step
    from crdtctl.store.identity import OnRenamed
    from crdtctl.store.last import Effect


class Committer(Reader):
    """The directory of a replica, and the methods of `crdtctl.Replica` that read and count."""

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

    @contextmanager
    def _transaction(self, *, on_renamed: OnRenamed | None = None, dry_run: bool = False) -> Iterator[Transaction]:
        with self._open() as directory:
            report = on_renamed or self._on_renamed or ignore_new_id
            yield Transaction(directory, self.lock_timeout, report, dry_run)
