"""Carry out requests as one commit of ``own.json``."""

from __future__ import annotations

import time

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import encode_line
from crdtctl.codec.plain import OPENING, has_periods
from crdtctl.contexts import ExitStack
from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.counter import join_counters
from crdtctl.crdt.names import ATTEMPTS_LINE, MEMBERSHIP_LINE, RENAMES_LINE
from crdtctl.errors import RefusedError
from crdtctl.records import Record, field, replace
from crdtctl.store import last
from crdtctl.store.commit import OF_EACH_NAME, Basis, changes, plan, unknown
from crdtctl.store.durable import may_set, opening
from crdtctl.store.hidden import hide_absorbed, hide_left_out
from crdtctl.store.own_file import MANY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.base import Entry
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.counter import Counter
    from crdtctl.errors import CrdtctlError
    from crdtctl.store.changes import Change
    from crdtctl.store.commit import Lookup, OnRefused, Plan, Request
    from crdtctl.store.config import Config
    from crdtctl.store.files import Directory
    from crdtctl.store.followed import Step
    from crdtctl.store.own_file import OwnFile
    from crdtctl.store.renamed import RenamedCounters
    from crdtctl.store.transaction import Transaction
    from crdtctl.store.undo import Undone


#: Maximum number of forgotten counters in the log.
_MAX_NOTED = 20
#: Maximum size of ``known.json``, in bytes for each request, if all names in it are read.
_EACH = 256


class Commit(Record):
    """The result of a commit: its number, or None if nothing changed, the changes if asked for, and notes.

    `clock` covers this replica's own commits. A replica whose clock covers it has this commit.
    """

    seq: int | None
    clock: Clock
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def apply(
    tx: Transaction,
    requests: Sequence[Request],
    *,
    details: bool = False,
    on_refused: OnRefused | None = None,
    step: Step | None = None,
    undoes: Undone | None = None,
    note: str = "",
) -> Commit:
    """Carry out checked requests as one commit, all or none. If nothing changes, nothing is written.

    With `on_refused`, the refused requests are left out, and it is called with each of them. With `details`, the
    result contains the value of every counter before and after. A `step` in a followed file is recorded in the same
    commit, also if no counter changes. With `undoes`, it takes back an earlier commit; raise `BusyError` if another
    process was faster. A `note` is for the journal of counts; raise `RefusedError` if the replica keeps none.
    """
    with tx.lock_own() as own, ExitStack() as stack:
        if undoes is not None:
            undoes.check(tx.directory, own.id, own.seq)
        settings = _settings_of(tx.directory)
        has_journal = (note or may_set(tx.directory.fd, b"journal")) and settings().journal
        if note and not has_journal:
            raise RefusedError(
                "a note needs a journal of counts", f'set journal = "counts" in {tx.directory.file("config.toml")}'
            )
        record = _recorder() if has_journal or (undoes is not None and undoes.is_recorded) else None
        asked = requests
        refused: set[int] = set()
        as_given: dict[int, Request] = {}

        def leave_out(request: Request, failure: CrdtctlError) -> None:
            refused.add(id(request))
            if on_refused is not None:
                on_refused(as_given.get(id(request), request), failure)

        if own.source.has(MEMBERSHIP_LINE):
            from crdtctl.store.retirement import refuse_sealed  # only here, as below: most replicas are not sealed

            refuse_sealed(own.source)
        follows = step.taken(own.source.head.follows) if step else None
        plain: dict[str, bytes] = {}
        may_have_periods = has_periods(opening(tx.directory.fd, "known.json", OPENING))
        others = _KnownCounters(tx, own.source, stack, verified=any(map(_depends_on_others, requests)))
        if len(requests) > MANY and not details and not may_have_periods:
            from crdtctl.store.plain_counts import plain_counts  # only here: few commits are that large

            labels = not own.source.head.periods  # a series may have to follow the periods of its name
            count = len(requests)
            plain, requests = plain_counts(
                own.lines(), own.id, own.seq + 1, requests, labels=labels, taken=lambda: others.taken(own, count)
            )
        mine = own.counters(many=len(requests) > MANY)
        if any(request.operation.verb in OF_EACH_NAME for request in requests):
            pairs = [*others.of_each_name(requests)]
            asked = requests = [one for _, one in pairs]
            as_given.update({id(one): request for request, one in pairs})
        may_have_periods |= own.source.head.periods and own.source.has(RENAMES_LINE)
        basis = Basis(
            own.id,
            own.seq + 1,
            mine,
            others.counter,
            others.verified,
            own.tier,
            settings,
            others.counter if may_have_periods else unknown,
            int(time.time()),
            others.types_of_series,
            others.counters_of_name,
            mine if own.source.head.periods else unknown,
            others.verified_alone,
        )
        planned = plan(basis, requests, on_refused and leave_out)
        asked = [request for request in asked if id(request) not in refused] if refused else asked
        found = others.named(changes(planned, mine, others.counter, others.after(planned))) if details else []
        seq = own.seq
        if plain or planned.counters or follows is not None:
            if own.source.has(ATTEMPTS_LINE):
                from crdtctl.store.jobs import refuse_in_attempt

                refuse_in_attempt(own.source, planned.touched)
            lines = {name: encode_line(name, counter) for name, counter in planned.counters.items()}
            dated = {name: TYPES[tag].has_periods(row) for name, tag, row in _rows(planned)}
            deeds = last.texts_of(asked, {**dict.fromkeys(plain, False), **dated}, basis.now, undoes=undoes is not None)
            if record is not None and undoes is not None:
                record(tx.directory, own.id, own.seq + 1, deeds, asked, note, undoes)
            forgets = any(request.operation.verb == "forget" for request in asked)
            if forgets:
                from crdtctl.store import journal  # noqa: F401  # before the commit: no failure may follow it
            seq = tx.write_own(
                own,
                {**plain, **lines},
                follows=follows,
                last=deeds,
                periods=any(dated.values()),
                is_notice=forgets,
            )
            if record is not None and undoes is None and seq > own.seq:
                record(tx.directory, own.id, seq, deeds, asked, note)
            if forgets:
                counters = [f"{tag} {name}" for name, tag in planned.touched]
                tx.note("forgot", commit=seq, count=len(counters), counters=counters[:_MAX_NOTED])
            if own.tier:
                planned.notes.extend(_warnings(tx, own, planned))
    return Commit(seq if plain or planned.counters else None, {own.id: seq} if seq else {}, found, planned.notes)


def _recorder() -> Callable[..., None]:
    """Return the function that records a commit. It is imported before the commit: no failure may follow that."""
    from crdtctl.store.counts import record

    return record


def _settings_of(directory: Directory) -> Callable[[], Config]:
    """Return a function that reads the settings of a replica at its first call."""
    found: list[Config] = []

    def settings() -> Config:
        if not found:
            from crdtctl.store import config  # only here: few commits depend on settings

            found.append(config.read(directory.fd, directory.file("config.toml")))
        return found[0]

    return settings


def _rows(planned: Plan) -> Iterator[tuple[str, str, Entry]]:
    """Yield the name, the type and the entry of each counter that a plan changes."""
    for name, tag in planned.touched:
        for row in planned.counters[name][tag].values():
            yield name, tag, row


class _KnownCounters:
    """The counters in ``known.json``, which is opened at the first lookup: a plain increment does not read it."""

    def __init__(self, tx: Transaction, own: Source, stack: ExitStack, *, verified: bool) -> None:
        self._tx = tx
        self._own = own
        self._stack = stack
        self._verify = verified
        self._is_verified = False
        self._is_open = False
        self._source: Source | None = None
        self._renamed: RenamedCounters | None = None

    def taken(self, own: OwnFile, count: int) -> set[bytes] | None:
        """Return the names, without labels, of all counters here; None if there are too many for `count` requests.

        It is also None if a file or a setting may make a new counter special, and for a damaged file.
        """
        from crdtctl.store.plain_counts import without_labels

        if own.tier or may_set(self._tx.directory.fd, b"every"):
            return None
        try:
            source = self._opened()
            if source is not None and source.size > _EACH * count:
                return None
            return without_labels([*own.lines(), *(name for name, _ in (source.lines() if source else ()))])
        except Invalid:
            return None

    def alone(self, name: str) -> Counter:
        """Return the learned entries of one counter; none if nothing was learned of it."""
        source = self._opened()
        return source.counter(name) if source else {}

    def counter(self, name: str) -> Counter:
        """Return these entries, and those of the counters that are read together with this one after renames."""
        found = self.alone(name)
        return join_counters(found, self._renamed.beside(name, {})) if self._renamed else found

    def of_each_name(self, requests: Iterable[Request]) -> Iterator[tuple[Request, Request]]:
        """Yield requests with those to carry out instead: one for each name, if a request is about given entries."""
        self._opened()
        for request in requests:
            names = [request.name]
            if self._renamed and request.operation.verb in OF_EACH_NAME:
                names = self._renamed.group(request.name)
            for name in names:
                yield request, request if name == request.name else replace(request, name=name)

    def after(self, planned: Plan) -> Lookup:
        """Return `counter` after a commit, which may change counters that are read together."""

        def counter(name: str) -> Counter:
            found = self.alone(name)
            return join_counters(found, self._renamed.beside(name, planned.counters)) if self._renamed else found

        return counter

    def named(self, found: list[Change]) -> list[Change]:
        """Return changes of counters under the names that they have after renames, each counter once."""
        if self._renamed is None:
            return found
        spelling = self._renamed.aliases.spelling
        return [*{(spelling(one.name), one.tag): replace(one, name=spelling(one.name)) for one in found}.values()]

    def types_of_series(self, name: str) -> set[str]:
        """Return the types of the counters of a name, with and without labels, in both files."""
        from crdtctl.store.siblings import types_of_series  # only here: few commits make a series

        source = self._opened()
        found = types_of_series(self._own, name)
        found |= types_of_series(source, name) if source else set()
        for one in self._renamed.aliases.group(name) if self._renamed else ():
            tags = types_of_series(self._own, one) | (types_of_series(source, one) if source else set())
            found |= {tag for tag in tags if TYPES[tag].can_be_renamed}
        return found

    def counters_of_name(self, name: str) -> Iterator[tuple[str, Counter]]:
        """Yield the counters of a name, with and without labels, of both files."""
        from crdtctl.store.siblings import counters_of_name  # only here, as above

        source = self._opened()
        for called in self._renamed.aliases.group(name) if self._renamed else [name]:
            for one in filter(None, (self._own, source)):
                for spelling, counter in counters_of_name(one, called):
                    yield f"{name}{spelling[len(called) :]}", counter

    def _opened(self) -> Source | None:
        if not self._is_open:
            self._source = self._stack.enter_context(self._tx.known())
            self._is_open = True
            if self._source:
                hide_absorbed(self._own, self._source)
                hide_left_out(self._own, self._source, own=False)
            sources = [one for one in (self._own, self._source) if one is not None]
            if any(one.has(RENAMES_LINE) for one in sources):
                from crdtctl.store.renamed import RenamedCounters

                self._renamed = RenamedCounters(sources)
        if self._source and self._verify and not self._is_verified:
            self._source.verify()
            self._is_verified = True
        return self._source

    def verified(self, name: str) -> Counter:
        """Return the entries of `counter` from a verified file, for a commit that depends on them."""
        self._verify = True
        return self.counter(name)

    def verified_alone(self, name: str) -> Counter:
        """Return the entries of `alone` from a verified file."""
        self._verify = True
        return self.alone(name)


def _depends_on_others(request: Request) -> bool:
    """Return whether the result of a request depends on the entries of others."""
    operation = request.operation
    return operation.once is not None or bool(operation.readings) or operation.verb in ("add", "reset", "expire")


def _warnings(tx: Transaction, own: OwnFile, planned: Plan) -> list[str]:
    """Return the warning for a commit whose counts cannot be handed over, because no other replica is known."""
    from crdtctl.store.handoffs import no_peer_warning

    names = [
        name
        for name, tag in planned.touched
        if tag in LOCALLY_MERGED
        and LOCALLY_MERGED[tag].pending(own.id, planned.counters[name][tag][own.id]).has_no_peer
    ]
    if not names:
        return []
    with tx.known() as known:
        return [] if known and known.head.clock else [no_peer_warning(names)]
