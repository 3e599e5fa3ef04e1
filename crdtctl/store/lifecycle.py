"""The beginning and the end of a replica, and its settings: a part of `crdtctl.Replica`."""

from __future__ import annotations

from crdtctl.contexts import ExitStack
from crdtctl.errors import RefusedError
from crdtctl.store.committer import Committer
from crdtctl.store.transaction import ignore_new_id
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from crdtctl.store.absorb import AbsorbReport
    from crdtctl.store.inputs import State


class Lifecycle(Committer):
    """The methods of `crdtctl.Replica` about its own beginning and end, about ended replicas, and about remotes."""

    # Beginning and end -------------------------------------------------------------------------------------

    def begin_attempt(self, job: str, attempt: int) -> None:
        """Mark this replica, which has not counted yet, as an `attempt` of a `job`, a key.

        Of all known attempts of a job, only those with the largest number enter into values.
        """
        from crdtctl.store.jobs import beginning_line

        with self._transaction() as tx, tx.lock_own() as own:
            tx.write_own(own, beginning_line(own, job, attempt))

    def seal(self) -> bool:
        """Retire this replica: its last commit records that, and no other follows. Return whether that is new.

        Raise `RefusedError` if it contains counts that must be handed over first.
        """
        from crdtctl.store.retirement import seal

        with self._transaction() as tx, tx.lock_own() as own:
            return seal(tx, own)

    def begin_again(self) -> str:
        """Continue in the directory of this sealed replica under a new id, and return that.

        The counts of the old id and everything learned stay. Raise `RefusedError` if it is not sealed.
        """
        from crdtctl.store.retirement import is_sealed

        with self._transaction(on_renamed=ignore_new_id) as tx, tx.lock_known():
            if not is_sealed(tx.directory.read_own().source):
                raise RefusedError("this replica is not sealed", "it can still count")
            return tx.own("sealed").id

    def absorb(
        self,
        *states: State | Iterable[State],
        fence: str | None = None,
        not_absorbed: bool = False,
        check: bool = True,
    ) -> AbsorbReport:
        """Take over the counts of the sealed replicas in some states, and merge the states.

        Raise `ForkError`, with nothing changed, if this replica was copied or restored and may have absorbed them
        before. It has to sync or merge first. `not_absorbed` asserts that it has absorbed nothing since the backup.

        With `fence`, a cutoff day as YYYY-MM-DD, the records of replicas with older ids are dropped. From then on,
        files with unknown replicas of older ids are refused.

        Refused states and forks are raised at the end as by `merge`, unless `check` is false.
        """
        from crdtctl.store.absorb import absorb
        from crdtctl.store.findings import failures, raise_last
        from crdtctl.store.inputs import as_inputs
        from crdtctl.store.packed import gathered

        with ExitStack() as stack:
            inputs = gathered(as_inputs(states), stack)  # before the lock, for a pipe may be slow
            tx = stack.enter_context(self._transaction())
            stack.enter_context(tx.lock_known())
            report = absorb(tx, inputs, fence=fence, not_absorbed=not_absorbed)
        if check:
            raise_last(failures(report.merge), report)
        return report

    def forget(self) -> None:
        """Delete the records of this replica outside its directory, which is about to be deleted too."""
        from crdtctl.store import binding, places

        with self._own() as own:
            binding.delete_witness(own.head.witness)
        places.forget(self.path)

    # Settings ----------------------------------------------------------------------------------------------

    def add_remote(
        self,
        name: str,
        url: str | os.PathLike[str],
        *,
        only: str | None = None,
        keep_old: bool = False,
        keys: Sequence[str] = (),
    ) -> None:
        """Add a remote to ``config.toml``; a path is made absolute.

        With `only` "pull", a sync writes nothing there; with "push", it merges nothing from there. With `keep_old`, it
        deletes nothing there. A private remote has the sources of its `keys`: absolute paths of key files, or commands
        after ``exec:``. Raise `UsageError` for a wrong name, `ExistsError` for a taken one.
        """
        from crdtctl.store import remote_settings as settings

        with self._open() as directory:
            settings.add_remote(directory, self.lock_timeout, name, url, only or "", keep_old, keys)

    def set_remote_keys(self, name: str, keys: Sequence[str]) -> None:
        """Set the sources of the keys of a remote. The first key seals objects, the others only open them.

        Raise `MissingError` for an unknown remote.
        """
        from crdtctl.store import remote_settings as settings

        with self._open() as directory:
            settings.set_keys(directory, self.lock_timeout, name, keys)

    def remove_remote(self, name: str) -> None:
        """Remove a remote from ``config.toml``; files at the remote stay. Raise `MissingError` for an unknown one."""
        from crdtctl.store import remote_settings as settings

        with self._open() as directory:
            settings.remove_remote(directory, self.lock_timeout, name)
