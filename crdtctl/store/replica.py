"""A replica: the one door to its files, for the commands and for programs.

>>> import tempfile
>>> home = tempfile.TemporaryDirectory()
>>> laptop = Replica.init(f"{home.name}/laptop", name="laptop")
>>> hub = Replica.init(f"{home.name}/hub", name="hub")

Every write works offline and is on disk when the call returns:

>>> laptop.increment("builds")
>>> laptop.increment("builds", 4, once="job-17")  # counts once, even if another replica repeats it
>>> with hub.batch() as batch:                    # one commit, however many counters
...     batch.increment("builds", 10)
...     batch.decrement("free slots", 2)
...     batch.add("visitors", "ada", "grace")

Exported states can be merged in any order, any number of times, as files or bytes:

>>> report = laptop.merge_bytes(hub.export_bytes())
>>> report.counters
3
>>> [(reading.name, reading.tag, reading.value) for reading in laptop.counters()]
[('builds', 'pncounter', 15), ('free slots', 'pncounter', -2), ('visitors', 'gset', 2)]
>>> laptop.merge_bytes(hub.export_bytes()).changed
False
>>> home.cleanup()
"""

from __future__ import annotations

from crdtctl.contexts import ExitStack, contextmanager
from crdtctl.errors import CrdtctlError, UnreportedError, printable
from crdtctl.store.batch import Batch, Verbs
from crdtctl.store.lifecycle import Lifecycle
from crdtctl.system import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from typing import Self

    from crdtctl.crdt.clock import Clock
    from crdtctl.store.commit import Request
    from crdtctl.store.exchange import ExchangeReport
    from crdtctl.store.inputs import Input, State
    from crdtctl.store.knowledge import Knowledge
    from crdtctl.store.merge import MergeReport
    from crdtctl.store.merge.options import Progress
    from crdtctl.store.selection import Where
    from crdtctl.store.unheard import Heard


class Replica(Lifecycle, Verbs):
    """One writer and its directory. Every method opens, reads and closes the files again.

    Every failure is a `crdtctl.errors.CrdtctlError`. Several processes and threads may use one replica.
    """

    @classmethod
    def init(cls, path: str | os.PathLike[str], *, name: str | None = None, tier: int = 0) -> Self:
        """Make a replica whose directory is `path`, which must not exist yet or be empty.

        Its id begins with `name` (default: the machine's name). A permanent replica has `tier` 0. A replica of a
        higher tier hands its handoff counters over to replicas of lower tiers. Raise `ExistsError` if the directory is
        in use.
        """
        from crdtctl.store.create import create

        path = create(os.fspath(path), name, tier)
        try:
            return cls(path)
        except CrdtctlError as error:
            said = f"a replica was made at {printable(path)}, but it could not be opened"
            raise UnreportedError(f"{said}: {error.message}") from None

    # Counting ----------------------------------------------------------------------------------------------

    def batch(self, *, once: str | None = None) -> Batch:
        """Return a context whose operations become one commit when it ends without an exception.

        With an idempotency key `once`, the batch counts a single time across all replicas. So it can be repeated
        after `OutcomeUnknownError`, or by a program that cannot know whether it was done.
        """
        from crdtctl.store.validation import checked_key

        return Batch(self.commit, checked_key(once))

    def transfer(self, name: str, to: str, amount: int, *, source: str = "") -> None:
        """Give `amount` rights to the bcounter `name` to another replica. Raise `RefusedError` if it has fewer.

        `to` is a known id, or the beginning of a single one. With `source`, the rights are taken from that replica,
        which is lost. If two replicas take the same rights, they oversell.
        """
        from crdtctl.store import requests

        source = source and self.replica_called(source, name)
        self._ask(requests.transfer(name, self.replica_called(to, name), amount, source=source))

    def grant(self, name: str, to: str = "") -> bool:
        """Give the rights that `to`, or any replica, asks for, as far as they reach. Return whether any were given."""
        from crdtctl.store import requests

        to = to and self.replica_called(to, name)
        return self.commit([requests.grant(name, to)]).seq is not None

    def request(self, name: str, holder: str, amount: int) -> None:
        """Ask another replica for `amount` rights to the bcounter `name`. The request travels with exported states."""
        from crdtctl.store import requests

        self._ask(requests.ask(name, self.replica_called(holder, name), amount))

    def take_back(self, name: str, source: str) -> str:
        """Take back the part of a handoff counter that is on its way to the replica `source`, which is lost for good.

        Return its id. All replicas learn that it is lost, and notice if it comes back. Raise `RefusedError` if nothing
        is on its way to it.
        """
        from crdtctl.store import gone, requests
        from crdtctl.store.known_header import mark
        from crdtctl.store.retirement import refuse_sealed
        from crdtctl.store.validation import check_strings

        check_strings(name=name)
        check_strings(name=source)
        with self.snapshot() as now:
            replica = now.token_holder(name, source)
        with self._transaction() as tx, tx.lock_known():
            own = tx.own()
            refuse_sealed(own.source)
            mark(tx, own.id, [gone.mark_of(replica, self.clock().get(replica, 0))])
        self._ask(requests.take_back(name, replica))
        return replica

    def expire(self, clock: Clock, *, take_over: bool = False) -> int:
        """Forget the idempotency keys of the commits that a clock covers. Return their number. Their counts stay.

        A key that is used again afterwards counts again. Raise `RefusedError` if another replica has let keys expire,
        unless with `take_over`: that replica is lost then, and this one knows all its commits.
        """
        from crdtctl.crdt import TYPES
        from crdtctl.crdt.branches import origin
        from crdtctl.crdt.several_names import replica_of
        from crdtctl.store import requests

        with self.snapshot() as now:
            found = [one for one in now.counters() if TYPES[one.tag].has_keys and TYPES[one.tag].used_keys(one.state)]
            former = {past.replica for past in now.past()}
        keepers = {origin(replica_of(writer)) for one in found for writer in TYPES[one.tag].keepers(one.state)}
        take_over = take_over or keepers <= former
        self.commit([requests.expire(one.name, one.tag, clock, take_over=take_over) for one in found])
        with self.snapshot() as now:
            after = sum(len(TYPES[one.tag].used_keys(now.reading(one.name, one.tag).state)) for one in found)
        return sum(len(TYPES[one.tag].used_keys(one.state)) for one in found) - after

    def forget_counters(
        self,
        *names: str,
        where: Where = (),
        exact: bool = False,
        tag: str | None = None,
        keys_too: bool = False,
    ) -> list[str]:
        """Forget counters, here and on every replica that receives this, and return their names.

        `names` are names, with all their series, or patterns. Idempotency keys stay used unless `keys_too`. Raise
        `MissingError` for a name without counters, and `RefusedError` for a type that cannot be forgotten.
        """
        from crdtctl.store.forget import forgetting, to_forget

        with self.snapshot() as now:
            found = to_forget(now, names, where=where, exact=exact, tag=tag)
        self.commit(forgetting(found, keys_too=keys_too))
        return list(dict.fromkeys(one.name for one in found))

    def rename(self, old: str, new: str) -> bool:
        """Let the name `old` lead to `new`, here and on every replica that receives this. Return whether that is new.

        With equal names, `old` is not an alias any more. Raise `MissingError` for an unknown counter, and
        `RefusedError` for types that cannot be read together.
        """
        from crdtctl.store.rename import rename

        with self._transaction() as tx:
            return rename(tx, old, new)

    def retire(self, replica: str) -> bool:
        """Declare another replica gone for good, given by its id, its name, or the beginning of its id.

        Its counts stay. A later commit of it is merged and reported. Return whether the declaration is new. Raise
        `MissingError` for an unknown replica, and `RefusedError` for this one, a forked one and a sealed one.
        """
        from crdtctl.store import gone
        from crdtctl.store.known_header import mark
        from crdtctl.store.retirement import refuse_sealed

        with self._transaction() as tx, tx.lock_known():
            own = tx.own()
            refuse_sealed(own.source)
            with self.snapshot() as now:
                found = now.replica_to_retire(replica)
                seq = now.clock()[found]
                if now.declared_gone().get(found, 0) >= seq:
                    return False
            mark(tx, own.id, [gone.mark_of(found, seq)])
            tx.note("retired", replica=found, commits=seq)
        return True

    def _ask(self, request: Request) -> None:
        self.commit([request])

    # Exporting ---------------------------------------------------------------------------------------------

    def export(self, write: Callable[[bytes], object], *, since: Clock | None = None, form: str = "json") -> None:
        """Write the state for other replicas, piece by piece. With `since`, write only commits newer than that clock.

        The `form` ``json`` is the canonical text, written in constant memory. ``toml`` is in memory as a whole.
        """
        from crdtctl.store import export

        if form == "toml":
            write(export.as_toml(self.export_bytes(since=since)))
            return
        with self._transaction() as tx, export.exported(tx) as now:
            export.write_state(now, write, since)

    def export_bytes(self, *, since: Clock | None = None) -> bytes:
        """Return the state for other replicas."""
        pieces: list[bytes] = []
        self.export(pieces.append, since=since)
        return b"".join(pieces)

    def export_to(
        self,
        path: str | os.PathLike[str],
        *,
        since: Clock | None = None,
        form: str = "json",
        overwrite: bool = False,
    ) -> None:
        """Write the state to a file, as a whole or not at all. It is on disk when this returns.

        An empty file is replaced, and a state that this replica knows completely; with `overwrite`, any state. Raise
        `ExistsError` for any other file, for a file inside a replica's directory, and for a symbolic link that another
        user made.
        """
        from crdtctl.store import target

        with self._open() as directory:
            target.write_to(
                path, directory, lambda file: self.export(file.write, since=since, form=form), overwrite=overwrite
            )

    def check_target(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Raise the error that `export_to` would raise now. A file is made beside the target for it, and removed."""
        from crdtctl.store import target

        with self._open() as directory:
            target.check(path, directory, overwrite=overwrite)

    def share(self, write: Callable[[bytes], object], authors: Collection[str]) -> Knowledge:
        """Write a partial state: the entries of this replica and of `authors`. Return the knowledge of that moment.

        It is complete for all replicas in its clock, and contains no others.
        """
        from crdtctl.store import export

        with self._transaction() as tx, export.exported(tx) as now:
            export.write_partial(now, write, authors)
            return now.knowledge()

    # Merging -----------------------------------------------------------------------------------------------

    def merge(
        self,
        *states: State | Iterable[State],
        dry_run: bool = False,
        all_or_nothing: bool = False,
        details: int = 0,
        check: bool = True,
    ) -> MergeReport:
        """Join states, paths of files or bytes, into this replica in one commit. See `merge_inputs`.

        Sound states are merged even if others are refused. Then raise the error that ends the command:
        `PartialError` if some were refused, the reason if all were refused, `ForkError` if a replica had several
        writers. Its `report` lists the merged states. Without `check`, only return the report.
        """
        from crdtctl.store.findings import failures, raise_last
        from crdtctl.store.inputs import as_inputs
        from crdtctl.store.packed import gathered

        with ExitStack() as stack:
            inputs = gathered(as_inputs(states), stack)
            report = self.merge_inputs(inputs, dry_run=dry_run, all_or_nothing=all_or_nothing, details=details)
        if check:
            raise_last(failures(report, dry_run=dry_run), report)
        return report

    def merge_bytes(
        self, *states: bytes, all_or_nothing: bool = False, details: int = 0, check: bool = True
    ) -> MergeReport:
        """Join states in memory into this replica in one commit. See `merge`."""
        return self.merge(*states, all_or_nothing=all_or_nothing, details=details, check=check)

    def merge_inputs(
        self,
        inputs: Iterable[Input],
        *,
        dry_run: bool = False,
        all_or_nothing: bool = False,
        beyond_fence: bool = False,
        hears: bool = True,
        details: int = 0,
        heads: bool = False,
        processes: int = 1,
        progress: Progress | None = None,
    ) -> MergeReport:
        """Join states into this replica, in one pass and one commit.

        The report's `refused` contains refused inputs with the reason. The others are merged, or none with
        `all_or_nothing`. With `dry_run`, nothing is written. With `beyond_fence`, replicas that are older than a cutoff
        are taken. The caller must know that they were never absorbed. The report contains the values before and after
        of the first `details` changed counters (True: of all), and the `heads` of the inputs if asked. With two
        `processes`, large states are joined on two cores. This process is forked for it, so it must not have threads.
        `progress` is called now and then with the number of bytes of the result so far.
        """
        from crdtctl.store.merge import MergeOptions, merge

        options = MergeOptions(
            all_or_nothing=all_or_nothing,
            beyond_cutoff=beyond_fence,
            hears=hears or dry_run,
            details=details,
            heads=heads,
            processes=processes,
            progress=progress,
        )
        with ExitStack() as stack:
            tx = stack.enter_context(self._transaction(dry_run=dry_run))
            if not dry_run:
                stack.enter_context(tx.lock_known())
            return merge(tx, inputs, options)

    def hear(self, states: Iterable[Heard]) -> None:
        """Record which exported states of this replica's earlier ids have arrived at other replicas.

        `states` are all states that other replicas have for this one.
        """
        from crdtctl.store.known_header import hear

        with self.snapshot() as now:
            unheard, replica, ended = now.unheard(), now.id, now.retired()
        if unheard:
            with self._transaction() as tx, tx.lock_known():
                hear(tx, replica, list(states), ended)

    def settle(self, replica: str) -> bool:
        """Record that several writers of an id, or several absorbers, are resolved. Return whether that is new.

        A person with knowledge of the missing counts of a fork has to increment them. Double counts have to be
        decremented. Raise `MissingError` if nothing of the kind is known.
        """
        from crdtctl.store.known_header import settle
        from crdtctl.store.retirement import refuse_sealed
        from crdtctl.store.validation import check_strings

        check_strings(name=replica)
        with self._transaction() as tx, tx.lock_known():
            refuse_sealed(tx.own().source)
            return settle(tx, replica)

    def exchange(self, other: Replica, *, check: bool = True) -> ExchangeReport:
        """Merge this replica and an `other` into each other until neither learns anything.

        Handoff counters take several rounds. If they do not settle, `settled` is false. This works in constant memory,
        through temporary files. Raise the failure that prevents a merge. Forks are raised at the end as by `merge`,
        unless `check` is false.
        """
        from crdtctl.store.exchange import exchange

        return exchange(self, other, check=check)

    @contextmanager
    def locked_to_sync(self, timeout: float | None = None) -> Iterator[None]:
        """Allow one sync of this replica at a time. Raise `BusyError` after `timeout` seconds."""
        from crdtctl.store.knowledge import SYNC_LOCK

        with self._open() as directory, directory.locked(SYNC_LOCK, self.lock_timeout if timeout is None else timeout):
            yield
