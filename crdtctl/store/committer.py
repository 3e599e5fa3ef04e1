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


class Committer(Reader):
    """The directory of a replica, and the methods of `crdtctl.Replica` that read and count."""

    def commit(
        self,
        requests: Iterable[Request],
        *,
        details: bool = False,
        on_refused: OnRefused | None = None,
        step: Step | None = None,
    ) -> Commit:
        """Carry out checked requests as one commit, all or none. If nothing changes, nothing is written.

        When this returns, the commit is on disk. With `on_refused`, the refused requests are left out, and it is
        called with each of them. With `details`, the result contains the value of every counter before and after. A
        `step` in a followed file becomes a part of the commit.
        """
        from crdtctl.store.apply import apply

        with self._transaction() as tx:
            return apply(tx, list(requests), details=details, on_refused=on_refused, step=step)

    @contextmanager
    def _transaction(self, *, on_renamed: OnRenamed | None = None, dry_run: bool = False) -> Iterator[Transaction]:
        with self._open() as directory:
            report = on_renamed or self._on_renamed or ignore_new_id
            yield Transaction(directory, self.lock_timeout, report, dry_run)
