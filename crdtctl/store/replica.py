"""A replica: the one door to its files, for the commands and for programs.

>>> import tempfile
>>> home = tempfile.TemporaryDirectory()
>>> laptop = Replica.init(f"{home.name}/laptop", name="laptop")
>>> hub = Replica.init(f"{home.name}/hub", name="hub")

Every write works offline and is on disk when the call returns:

>>> laptop.increment("builds")
>>> laptop.increment("builds", 4, once="job-17")  # counts once, however often and wherever it is repeated
>>> with hub.batch() as batch:                    # one commit, however many counters
...     batch.increment("builds", 10)
...     batch.decrement("free slots", 2)
...     batch.add("visitors", "ada", "grace")

States travel as files or bytes, in any order, any number of times:

>>> report = laptop.merge_bytes(hub.export_bytes())
>>> report.counters
3
>>> [(reading.name, reading.tag, reading.value) for reading in laptop.counters()]
[('builds', 'pncounter', 15), ('free slots', 'pncounter', -2), ('visitors', 'gset', 2)]
>>> laptop.merge_bytes(hub.export_bytes()).changed
False
>>> home.cleanup()
"""

import os
import re
import stat
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final, Self, TypeVar, overload

from crdtctl.codec import other_layouts
from crdtctl.codec.clock import encode_clock
from crdtctl.codec.header import Head, Past
from crdtctl.codec.layout import HEAD_START, InMemory
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.reader import NO_NAMES, Source
from crdtctl.codec.writer import Writer
from crdtctl.crdt import LOCALLY_MERGED, TYPES, forks
from crdtctl.crdt import clock as clocks
from crdtctl.crdt.base import TOO_LARGE, Contributions, Operation, Verb
from crdtctl.crdt.clock import Clock, Order
from crdtctl.crdt.counter import Counter, delta_of, join_counters
from crdtctl.crdt.forks import Fork
from crdtctl.crdt.gset import GSet
from crdtctl.crdt.handoff import Handoff
from crdtctl.crdt.membership import MEMBERSHIP, Roster, roster
from crdtctl.crdt.names import (
    counter_advice,
    counter_fault,
    element_fault,
    entered,
    key_fault,
    replica_fault,
    stored_counter_fault,
)
from crdtctl.crdt.sketch import MAX_PRECISION, MIN_PRECISION
from crdtctl.errors import (
    AccessError,
    ConfigError,
    CrdtctlError,
    DataError,
    ExistsError,
    MissingError,
    OutcomeUnknownError,
    RefusedError,
    StorageError,
    UnreportedError,
    UsageError,
    printable,
)
from crdtctl.store import binding, config, durable, gone, handoffs, identity, journal, places, types, which
from crdtctl.store.absorb import AbsorbReport, absorb
from crdtctl.store.check import Finding, check_replica
from crdtctl.store.commit import Change, OnRefused, Plan, Request, changes, plan
from crdtctl.store.create import create
from crdtctl.store.files import MANY, Directory, outcome_unknown, told
from crdtctl.store.findings import failures, raise_last
from crdtctl.store.gone import Returned, returned
from crdtctl.store.handoffs import OpenHandoff
from crdtctl.store.identity import OnRenamed, Renamed
from crdtctl.store.inputs import Input, State, as_inputs, open_input
from crdtctl.store.jobs import AttemptReading, attempt_readings, beginning_line, hide_left_out, refuse_in_attempt
from crdtctl.store.merge import MergeOptions, MergeReport, Progress, merge
from crdtctl.store.packed import each_state, gathered
from crdtctl.store.retirement import (
    absorbed_twice,
    hide_absorbed,
    is_sealed,
    membership_in,
    membership_of,
    refuse_sealed,
    seal,
    settling_marks,
)
from crdtctl.store.rights import KIND, Holding, MadeTwice, holdings, made_twice
from crdtctl.store.settling import hear, mark, settle, unsettled
from crdtctl.store.share import SYNC_LOCK, Knowledge, head_of_share, lines_of_share
from crdtctl.store.spill import SpillBuffer
from crdtctl.store.temporary import of_replica, temporary_file
from crdtctl.store.transaction import Transaction
from crdtctl.store.unheard import Heard
from crdtctl.suggestions import did_you_mean

_MISSING: Final = object()
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_T = TypeVar("_T")
#: An exchange that has not settled after so many rounds is told to be unsettled. A hand-off takes four.
_MAX_ROUNDS = 16
#: Verbs that a batch with a key of its own may hold: with the key, or by themselves, they do nothing again.
_REPEATABLE = ("increment", "decrement", "add")
#: So many changes of counters are told of one step of an exchange.
_TOLD = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """One counter, as it is read here and now: its raw contributions, and what follows from them."""

    name: str
    tag: str
    state: Contributions

    @property
    def value(self) -> int:
        """What the counter reads."""
        return TYPES[self.tag].value(self.state)

    @property
    def shares(self) -> dict[str, int]:
        """Replica → what it adds to the value; a once-key is a share of one replica only. Sets may overlap."""
        return dict(sorted(TYPES[self.tag].shares(self.state).items()))

    @property
    def once(self) -> Mapping[str, int]:
        """Once-key → what it adds to the value; that is in the `shares` as well."""
        return TYPES[self.tag].once(self.state)

    @property
    def facts(self) -> Mapping[str, float]:
        """What is to be known of the value beside it: the ``standard_error`` of an estimate, relative, and so on."""
        return TYPES[self.tag].facts(self.state)

    @property
    def line(self) -> bytes:
        """The raw state: the contributions as they stand in a file, ``"name":{type:{author:[…]}}``."""
        return encode_line(self.name, {self.tag: dict(self.state)})

    @property
    def members(self) -> tuple[str, ...]:
        """The elements of a set, sorted. Raise `RefusedError` for a type that has none."""
        kind = TYPES[self.tag]
        if not isinstance(kind, GSet):
            raise RefusedError(f"'{self.name}' has no members: it is of type {self.tag}")
        return kind.members(self.state)


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit did: its number, or None if nothing changed; the changes, if asked for; what was ignored.

    `clock` is that of this replica's own commits: who has seen it has seen this one.
    """

    seq: int | None
    clock: Clock
    changes: list[Change] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Exchanged:
    """What an exchange between two replicas did: the reports of the merges here and there, round by round."""

    rounds: int = 0
    settled: bool = False
    here: list[MergeReport] = field(default_factory=list)
    there: list[MergeReport] = field(default_factory=list)


class Batch:
    """Operations that become one commit, all or none, when the context ends without an exception.

    Outside of its context a batch refuses operations with `UsageError`: nothing would count them.
    """

    def __init__(self, commit: Callable[[list[Request]], object], once: str | None = None) -> None:
        self._commit = commit
        self._once = once
        self._requests: list[Request] = []
        self._is_open = False

    def create(
        self,
        name: str,
        tag: str,
        *,
        bound: int | None = None,
        initial: int | None = None,
        precision: int | None = None,
        also: bool = False,
    ) -> None:
        """Declare a counter, see `Replica.create`."""
        self._append(request("create", name, tag=tag, bound=bound, initial=initial, precision=precision, also=also))

    def increment(
        self, name: str, amount: int = 1, *, once: str | None = None, tag: str | None = None, also: bool = False
    ) -> None:
        """Count up, see `Replica.increment`."""
        self._append(request("increment", name, amount, once=once, tag=tag, also=also))

    def decrement(
        self, name: str, amount: int = 1, *, once: str | None = None, tag: str | None = None, also: bool = False
    ) -> None:
        """Count down, see `Replica.decrement`."""
        self._append(request("decrement", name, amount, once=once, tag=tag, also=also))

    def add(self, name: str, *elements: str | Iterable[str], tag: str | None = None, also: bool = False) -> None:
        """Add to a set, see `Replica.add`."""
        self._append(request("add", name, elements=flattened(elements), tag=tag, also=also))

    def transfer(self, name: str, to: str, amount: int, *, source: str = "") -> None:
        """Give rights away, see `Replica.transfer`; `to` and `source` are whole ids."""
        self._append(request("transfer", name, amount, tag=KIND.tag, replica=to, source=source))

    def request(self, name: str, holder: str, amount: int) -> None:
        """Ask for rights, see `Replica.request`; `holder` is a whole id."""
        self._append(request("request", name, amount, tag=KIND.tag, replica=holder))

    def reset(self, name: str, *, tag: str | None = None) -> None:
        """Cancel all that was counted, see `Replica.reset`."""
        self._append(request("reset", name, tag=tag))

    def _append(self, found: Request) -> None:
        if not self._is_open:
            raise UsageError("a batch counts nothing outside of its context", "use 'with replica.batch() as batch:'")
        if self._once is not None and found.operation.verb not in _REPEATABLE:
            raise UsageError(
                f"a batch with a key cannot {found.operation.verb}: done again, it would be done twice",
                "leave the key out, or do it outside of the batch",
            )
        self._requests.append(found)

    def __enter__(self) -> Self:
        self._is_open = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        requests, self._requests = self._requests, []
        self._is_open = False
        if kind is None:
            self._commit(requests if self._once is None else under_key(requests, self._once))


def request(
    verb: Verb,
    name: str,
    amount: int = 1,
    *,
    elements: Iterable[str] = (),
    once: str | None = None,
    tag: str | None = None,
    replica: str = "",
    source: str = "",
    granted: bool = False,
    bound: int | None = None,
    initial: int | None = None,
    precision: int | None = None,
    sketch: str = "",
    also: bool = False,
    existing: bool = False,
) -> Request:
    """Return a checked request; raise `UsageError` for a wrong name, amount, key, element, id, type or setting.

    The `sketch` of more elements goes with type hll only.
    """
    elements = tuple(elements)
    _check_strings(name=name, once=once, tag=tag, replica=replica, source=source)
    for element in elements:
        _check_strings(element=element)
    name, elements = entered(name), tuple(map(entered, elements))
    once = None if once is None else entered(once)
    faults = [counter_fault(name), *(element_fault(element) for element in elements)]
    faults.append(None if once is None else key_fault(once))
    faults += [replica_fault(one) for one in (replica, source) if one]
    for fault in faults:
        if fault is not None:
            raise wrong_name(name) if fault is faults[0] else UsageError(fault)
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise UsageError("an amount must be a whole number")
    least = 1 if verb in ("transfer", "request") else 0
    if not least <= amount < TOO_LARGE:
        raise UsageError(f"an amount must be at least {least} and have at most 100 digits")
    check_type(tag)
    for setting, number in (("bound", bound), ("initial", initial), ("precision", precision)):
        if number is not None:
            _check_setting(tag, setting, number)
    if precision is not None and not MIN_PRECISION <= precision <= MAX_PRECISION:
        raise UsageError(f"a precision is from {MIN_PRECISION} to {MAX_PRECISION}")
    if verb == "create" and initial is not None and initial < (bound or 0):
        raise UsageError(f"a counter cannot begin at {initial}, below its bound {bound or 0}")
    operation = Operation(verb, amount, elements, once, replica, source, granted, bound, initial, precision, sketch)
    return Request(name, operation, tag, also, existing)


def _check_strings(**arguments: object) -> None:
    """Raise `UsageError` for an argument that is neither a string nor None."""
    for name, value in arguments.items():
        if not isinstance(value, str) and (value is not None or name == "name"):
            raise UsageError(f"{name} must be a string, not {type(value).__name__}")


def under_key(requests: Sequence[Request], once: str) -> list[Request]:
    """Return requests that count all of the given ones a single time under the key `once`.

    A key has one amount in each counter, so the increments and decrements of a counter are added up first. Requests
    with a key of their own keep it, and requests to add elements need none.
    """
    sums: dict[tuple[str, str | None, bool], int] = {}
    others = []
    for one in requests:
        operation = one.operation
        if operation.once is None and operation.verb in ("increment", "decrement"):
            amount = operation.amount if operation.verb == "increment" else -operation.amount
            key = one.name, one.tag, one.also
            sums[key] = sums.get(key, 0) + amount
        else:
            others.append(one)
    keyed = [
        request("decrement" if total < 0 else "increment", name, abs(total), once=once, tag=tag, also=also)
        for (name, tag, also), total in sums.items()
    ]
    return [*keyed, *others]


def flattened(elements: Iterable[object]) -> list[str]:
    """Return elements that are given one by one or in iterables. Raise `UsageError` for anything else."""
    found: list[str] = []
    for one in elements:
        if isinstance(one, str):
            found.append(one)
        elif isinstance(one, bytes | Mapping) or not isinstance(one, Iterable):
            raise UsageError(f"an element is a string, not {type(one).__name__}")
        else:
            found.extend(one)
    return found


def wrong_name(name: str) -> UsageError:
    """Return the failure that stands for a wrong name of a counter."""
    return UsageError(f"{counter_fault(name)}: '{printable(name[:80])}'", counter_advice(name))


def _check_setting(tag: str | None, setting: str, number: int) -> None:
    if tag is None or setting not in TYPES[tag].settings:
        able = " or ".join(f"a {one}" for one, kind in TYPES.items() if setting in kind.settings)
        what = {"bound": "a bound", "initial": "an initial value", "precision": "a precision"}[setting]
        raise UsageError(f"a {tag} is not created with {what}, only {able}")
    if isinstance(number, bool) or not isinstance(number, int):
        raise UsageError(f"{setting} must be a whole number")
    if abs(number) >= TOO_LARGE:
        raise UsageError(f"{setting} must have at most 100 digits")


def _ignore(_: Renamed) -> None:
    """Report a new id to no one. Unlike a lambda, it can be pickled, for other processes."""


def clock_text(clock: Clock) -> str:
    """Return a clock as one line of JSON, which `parse_clock` reads."""
    return encode_clock(clock)


def check_type(tag: str | None) -> None:
    """Raise `UsageError` for a type that there is not."""
    if tag is not None and tag not in TYPES:
        types = f"types are {', '.join(sorted(TYPES))}"
        guess = did_you_mean(tag, TYPES)
        raise UsageError(f"there is no type '{printable(tag)}'", f"{guess} {types}" if guess else types)


class Replica:
    """One writer and its directory. Every method opens, reads and closes the files anew.

    Every failure is a `crdtctl.errors.CrdtctlError`. Several processes and threads may use one replica.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        lock_timeout: float | None = None,
        on_renamed: Callable[[Renamed], object] | None = None,
    ) -> None:
        """Use the replica whose directory is `path`, or which is in the ``.crdtctl`` there.

        A write waits `lock_timeout` seconds for a lock that somebody else holds (None: as configured). If it
        turns out that the replica was copied or put back, it goes on under a new id, which `on_renamed` is told.
        """
        if not isinstance(path, str | os.PathLike):
            raise UsageError(f"the directory of a replica is a path, not {type(path).__name__}")
        self.path = which.named(os.fspath(path))
        self.lock_timeout = lock_timeout
        self._on_renamed = on_renamed or _ignore
        with self._open():
            pass

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.path!r})"

    @classmethod
    def find(
        cls,
        path: str | os.PathLike[str] | None = None,
        *,
        lock_timeout: float | None = None,
        on_renamed: Callable[[Renamed], object] | None = None,
    ) -> Self:
        """Use the replica at `path`, or the one found like the command line finds it.

        What that prints of its search, as of another user's replica that was left alone, is a warning here.
        """
        notes: list[str] = []
        found = which.find(None if path is None else os.fspath(path), notes)
        for note in notes:
            warnings.warn(note, stacklevel=2)
        return cls(found, lock_timeout=lock_timeout, on_renamed=on_renamed)

    @classmethod
    def init(cls, path: str | os.PathLike[str], *, name: str | None = None, tier: int = 0) -> Self:
        """Make a replica whose directory is `path`, which must not be there yet or be empty.

        `name` (default: the machine's) begins its id. A permanent replica has `tier` 0; one of a higher tier
        hands its handoff counters over to those of smaller ones. Raise `ExistsError` if something is there.
        """
        target = create(os.fspath(path), name, tier)
        try:
            return cls(target)
        except CrdtctlError as error:
            said = f"a replica was made at {printable(target)}, but it could not be opened"
            raise UnreportedError(f"{said}: {error.message}") from None

    # Reading --------------------------------------------------------------------------------------------

    @property
    def id(self) -> str:
        """The id of this replica: its name, when it was minted, and random bits."""
        with self._open() as directory, directory.own_source() as own:
            return own.head.replica

    @property
    def tier(self) -> int:
        """The tier of this replica; 0 if it is permanent."""
        with self._open() as directory, directory.own_source() as own:
            return own.head.tier

    @property
    def is_sealed(self) -> bool:
        """Whether this replica has ended."""
        with self._open() as directory, directory.own_source() as own:
            return is_sealed(own)

    @property
    def commits(self) -> int:
        """The number of this replica's last commit."""
        with self._open() as directory, directory.own_source() as own:
            return own.head.clock.get(own.head.replica, 0)

    def open_handoffs(self) -> list[OpenHandoff]:
        """Return what is not handed over of each handoff counter, here and under ids that this replica had before."""
        with self._open() as directory, directory.own_source() as own, directory.known_source() as known:
            return handoffs.open_handoffs(own, known if known and known.head.past else None)

    def reasons_to_keep(self) -> list[str]:
        """Return why this replica must not be thrown away yet; nothing if it may."""
        with self._open() as directory, directory.own_source() as own:
            return handoffs.reasons_to_keep(own, identity.has_left(own.head))

    def clock(self) -> dict[str, int]:
        """Return the clock of what is known here: author → number of its last commit.

        A replica that is not permanent, and did nothing but hand over, stands in nobody's clock.
        """
        return dict(self._head().clock)

    def remotes(self) -> dict[str, str]:
        """Return name → URL of the remotes in ``config.toml``, in its order. Raise `ConfigError`."""
        with self._open() as directory:
            return dict(config.read(directory.fd, directory.file("config.toml")).remotes)

    def owns_settings(self) -> bool:
        """Return whether nobody but this user and root can have written ``config.toml``."""
        with self._open() as directory:
            return config.is_ours(directory.fd)

    def add_remote(self, name: str, url: str | os.PathLike[str]) -> None:
        """Note a remote in ``config.toml``; a path is made absolute.

        Raise `UsageError` for a wrong name, `ExistsError` if it is taken.
        """
        _check_strings(name=name)
        url = _absolute(url)
        if not config.NAME.fullmatch(name):
            raise UsageError(f"the name of a remote is {config.NAMES}: '{printable(name[:80])}'")

        def check(before: Mapping[str, str]) -> dict[str, str]:
            if name in before:
                raise ExistsError(
                    f"there is a remote '{name}' already", "'crdtctl remote list' shows it; remove it first"
                )
            return {**before, name: url}

        self._edit_remotes(check, lambda text: config.with_remote(text, name, url))

    def remove_remote(self, name: str) -> None:
        """Take a remote out of ``config.toml``; what is there stays. Raise `MissingError` if there is none."""

        def check(before: Mapping[str, str]) -> dict[str, str]:
            if name not in before:
                hint = did_you_mean(name, before) or "'crdtctl remote list' lists them"
                raise MissingError(f"there is no remote '{printable(name[:80])}'", hint)
            return {other: url for other, url in before.items() if other != name}

        self._edit_remotes(check, lambda text: config.without_remote(text, name))

    def _edit_remotes(
        self, expect: Callable[[Mapping[str, str]], dict[str, str]], change: Callable[[str], str]
    ) -> None:
        """Change the settings as people wrote them; raise `ConfigError` where that gives something else."""
        with self._open() as directory, directory.locked(config.WHICH, self.lock_timeout) as lock:
            path = directory.file("config.toml")
            before = config.read(directory.fd, path)
            wanted = replace(before, remotes=expect(before.remotes))
            try:
                text, found = config.edit(directory.fd, path, change)
            except ConfigError:
                found = before
            if found != wanted:
                raise ConfigError(f"cannot change the remotes in {path} as they are written", "edit it by hand")

            def fill(draft: durable.Draft) -> bool:
                draft.write(text.encode())
                return True

            directory.write(config.WHICH, lock, fill, config.ENDING)

    def heard(self) -> dict[str, str]:
        """Return author → when something was last learned of it, in UTC."""
        with self._open() as directory, directory.known_source() as known:
            return dict(known.head.heard) if known else {}

    def past(self) -> list[Past]:
        """Return the ids that this replica had before, oldest first, and why each ended."""
        with self._open() as directory, directory.known_source() as known:
            return list(known.head.past) if known else []

    def unheard(self) -> list[str]:
        """Return the earlier ids of which no state has come that left last: until one comes, nothing is absorbed."""
        with self._open() as directory, directory.known_source() as known:
            return list(known.head.unheard) if known else []

    def forks(self) -> list[Fork]:
        """Return the ids that are known to have had several writers, and are not settled."""
        with self._open() as directory, directory.known_source() as known:
            return unsettled(known.head) if known else []

    def log(self) -> list[dict[str, Any]]:
        """Return what happened here, oldest first: of each event when (``at``), what (``did``), and facts."""
        with self._open() as directory:
            return list(journal.read(directory))

    def reading(self, name: str, tag: str | None = None) -> Reading:
        """Read one counter, as the type that this replica uses, or as type `tag`.

        Raise `MissingError` if there is none, `UsageError` if it has several types and none is this replica's.
        """
        found = self.readings(name, tag)
        if len(found) > 1:
            meant = self.meant(name)
            found = [one for one in found if one.tag == meant] or found
        return found[0]

    def readings(self, name: str, tag: str | None = None) -> list[Reading]:
        """Read the counter `name` in each of its types, or in type `tag`. Raise `MissingError` if there is none."""
        _check_strings(name=name, tag=tag)
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
        """Return the value of a counter; for a counter that was never heard of, `default` where one is given.

        Raise `MissingError` without a default, `UsageError` for a wrong name.
        """
        if default is not _MISSING:
            _check_strings(name=name, tag=tag)
            if counter_fault(name) is None and not any(tag in (None, one) for one in self.tags(name)):
                return default
        return self.reading(name, tag).value

    def tags(self, name: str) -> list[str]:
        """Return the types that the counter `name` has here; none if it is not there."""
        return sorted(self._counter(entered(name)))

    def meant(self, name: str) -> str:
        """Return the type that the name of a counter means here: the one that this replica uses, or the only one.

        It is empty if there is none. Raise `UsageError` if there are several, and the settings choose none.
        """
        with self._readable() as (own, known):
            found = types.candidates(own.counter(name), known.counter(name) if known else {})
        if len(found) > 1:
            return types.choose(name, found, self._preferred())
        return found[0] if found else ""

    def _preferred(self) -> Mapping[str, str]:
        with self._open() as directory:
            return config.read(directory.fd, directory.file("config.toml")).types

    def counters(self) -> Iterator[Reading]:
        """Yield all counters, by name and type, in constant memory."""
        with self._readable(verified=True) as (own, known):
            for joined in merge_join(known, [own]):
                if joined.after is not None and joined.name not in NO_NAMES:
                    name, counter = decode_own_line(joined.after)
                    for tag in sorted(counter):
                        yield Reading(name, tag, counter[tag])

    def attempts(self, name: str | None = None) -> Iterator[AttemptReading]:
        """Yield what the attempts of jobs counted, those that do not count as well, by the name of the counter."""
        with self._sources() as (own, known):
            yield from attempt_readings(own, known, name)

    def rights(self, name: str) -> Holding:
        """Return who holds the rights to a bcounter, and who asks for them. Raise `MissingError` if there is none."""
        return Holding(name, self.id, self.reading(name, KIND.tag).state)

    def holdings(self) -> list[Holding]:
        """Return the same of all bcounters."""
        with self._both() as (own, known):
            return list(holdings(own, known))

    def replica_called(self, text: str, name: str) -> str:
        """Return the id that `text` is, is the name in, or begins: of the replicas that are known here.

        Known are those of the clock, this replica's earlier ids, and who was given rights to the counter `name`.
        Raise `MissingError` if there is none, `UsageError` if there are several.
        """
        for one in (text, name):
            _check_strings(name=one)
        text, name = entered(text), entered(name)
        given = KIND.rights(self._counter(name).get(KIND.tag, {}))
        ids = {forks.origin(who) for who in (self.id, *self.clock(), *(one.replica for one in self.past()), *given)}
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

    # Writing --------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        tag: str,
        *,
        bound: int | None = None,
        initial: int | None = None,
        precision: int | None = None,
        also: bool = False,
    ) -> None:
        """Declare a counter of type `tag`. Raise `ExistsError` if it is there, or if it is there as another type.

        With `also`, it has several types from then on.
        A bcounter never falls below `bound` (default 0), and begins at `initial` (default: there). The `precision`
        of an hll, 4 to 16, is the logarithm of its size: see `crdtctl.crdt.sketch`.
        """
        asked = request("create", name, tag=tag, bound=bound, initial=initial, precision=precision, also=also)
        self.commit([asked])

    def increment(
        self, name: str, amount: int = 1, *, once: str | None = None, tag: str | None = None, also: bool = False
    ) -> None:
        """Count `amount` (≥ 0) up; with `once`, a single time for the whole world under that key.

        Raise `RefusedError` if the key stands for another amount, `ExistsError` if the counter is there as another
        type than `tag`: with `also`, it has both from then on.
        """
        self.commit([request("increment", name, amount, once=once, tag=tag, also=also)])

    def decrement(
        self, name: str, amount: int = 1, *, once: str | None = None, tag: str | None = None, also: bool = False
    ) -> None:
        """Count `amount` (≥ 0) down. Raise `RefusedError` for a type that only grows."""
        self.commit([request("decrement", name, amount, once=once, tag=tag, also=also)])

    def add(self, name: str, *elements: str | Iterable[str], tag: str | None = None, also: bool = False) -> None:
        """Add elements to a set: strings, or iterables of strings."""
        self.commit([request("add", name, elements=flattened(elements), tag=tag, also=also)])

    def reset(self, name: str, *, tag: str | None = None) -> None:
        """Cancel all that was counted, here and elsewhere, as far as it is known here.

        What is counted elsewhere unknown to this replica, or later, counts. A once-key that was used stays used.
        Raise `MissingError` if there is no such counter, `RefusedError` for a type that cannot be reset.
        """
        self.commit([request("reset", name, tag=tag)])

    def transfer(self, name: str, to: str, amount: int, *, source: str = "") -> None:
        """Give `amount` rights to the bcounter `name` to another replica. Raise `RefusedError` if fewer are here.

        `to` is an id that is known here, or what begins a single one. With `source`, take rights that this replica
        holds and cannot use any more, because it is gone: two who take the same oversell.
        """
        source = source and self.replica_called(source, name)
        target = self.replica_called(to, name)
        self.commit([request("transfer", name, amount, tag=KIND.tag, replica=target, source=source)])

    def take_back(self, name: str, source: str) -> str:
        """Take back what of a handoff counter is on its way to the replica `source`, which is gone for good.

        Return its id. It is declared gone everywhere: if it comes back, that is noticed. Raise `RefusedError` where
        nothing is on its way to it.
        """
        for word in (name, source):
            _check_strings(name=word)
        ids = {
            to
            for one in self.open_handoffs()
            if (one.name, one.replica) == (name, self.id)
            for _, to in one.pending.tokens
        }
        found = [
            one for one in sorted(ids) if one == source or identity.name_of(one) == source or one.startswith(source)
        ]
        if not found:
            said = f"cannot take back '{printable(name)}': nothing of it is on its way to '{printable(source)}'"
            raise RefusedError(said, "see 'crdtctl status'")
        if len(found) > 1:
            raise UsageError(f"'{printable(source)}' may be {' or '.join(found)}", "name one of them whole")
        with self._transaction() as tx, tx.lock_known():
            own = tx.own()
            refuse_sealed(own.source)
            mark(tx, own.id, [gone.mark_of(found[0], self.clock().get(found[0], 0))])
        self.commit([request("transfer", name, tag=Handoff.tag, source=found[0])])
        return found[0]

    def grant(self, name: str, to: str = "") -> bool:
        """Give what was asked for, by `to` or by anybody, as far as the rights reach; return whether anything was."""
        target = to and self.replica_called(to, name)
        done = self.commit([request("transfer", name, tag=KIND.tag, replica=target, granted=True)])
        return done.seq is not None

    def request(self, name: str, holder: str, amount: int) -> None:
        """Ask another replica for `amount` rights to the bcounter `name`; that travels as everything does."""
        target = self.replica_called(holder, name)
        self.commit([request("request", name, amount, tag=KIND.tag, replica=target)])

    def batch(self, *, once: str | None = None) -> Batch:
        """Return a context whose operations become one commit when it ends without an exception.

        With `once`, the batch counts a single time for the whole world under that key. So it can be done again after
        `OutcomeUnknownError`, or when the program does not know whether it was done.
        """
        if once is not None:
            _check_strings(once=once)
            if fault := key_fault(entered(once)):
                raise UsageError(fault)
        return Batch(self.commit, once)

    def commit(
        self, requests: Iterable[Request], *, details: bool = False, on_refused: OnRefused | None = None
    ) -> Commit:
        """Carry out checked requests as one commit: all or none, or, with `on_refused`, all but those it is told of.

        When it returns, the commit is on disk. If nothing changes, nothing is written. With `details`, the
        result says what every counter read and reads.
        """
        requests = list(requests)
        with self._transaction() as tx, tx.lock_own() as own:
            refuse_sealed(own.source)
            with ExitStack() as stack:
                mine = own.counters(many=len(requests) > MANY)
                others = _Known(tx.directory, own.source, stack, verified=any(map(_heeds_others, requests)))
                planned = plan(
                    own.id,
                    own.seq + 1,
                    requests,
                    mine,
                    others.counter,
                    others.verified,
                    tier=own.tier,
                    preferred=self._preferred,
                    on_refused=on_refused,
                )
                found = changes(planned, mine, others.counter) if details else []
            if planned.counters:
                refuse_in_attempt(own.source, planned.touched)
                lines = {name: encode_line(name, counter) for name, counter in planned.counters.items()}
                tx.write_own(own, lines)
                if own.tier:
                    planned.notes.extend(_no_peer_warnings(tx.directory, own.id, planned))
        seq = own.seq + 1 if planned.counters else own.seq
        clock = {own.id: seq} if seq else {}
        return Commit(seq if planned.counters else None, clock, found, planned.notes)

    # Exchanging -----------------------------------------------------------------------------------------

    def export(self, write: Callable[[bytes], object], *, since: Clock | None = None, form: str = "json") -> None:
        """Write the state to send, piece by piece; with `since`, only what is newer than that clock.

        `form` is ``json``, the canonical text, in constant memory; or ``toml``, in memory as a whole.
        """
        if form == "toml":
            write(_as_toml(self.export_bytes(since=since)))
            return
        with self._leaving() as (own, known):
            writer = Writer(write, self._export_head(own, known, since))
            for joined in merge_join(known, [own]):
                line = joined.after
                if line is not None and known and known.head.past:
                    line = handoffs.without_former(line, own.head.replica)
                if line is not None and since is not None:
                    name, counter = decode_own_line(line)
                    counter = delta_of(counter, since)
                    line = encode_line(name, counter) if counter else None
                if line is not None:
                    writer.line(line)
            writer.close()

    def export_to(
        self,
        path: str | os.PathLike[str],
        *,
        since: Clock | None = None,
        form: str = "json",
        overwrite: bool = False,
    ) -> None:
        """Write the state to a file, as a whole or not at all; it is on disk when this returns.

        An empty file is replaced, and a state of which everything is known here; any state with `overwrite`. Raise
        `ExistsError` for any other file, for one inside a replica's directory, and for a symbolic link that another
        user made.
        """
        shown = printable(os.fspath(path))
        with told(f"write {shown}"):
            target = self._target(path, shown, overwrite)
            if os.path.exists(path) and not os.path.isfile(path):
                with os.fdopen(_open_device(path, shown), "wb") as device:  # or a pipe: nothing there to be replaced
                    self.export(device.write, since=since, form=form)
                return
            with _draft_of(target) as (draft, fd):
                with os.fdopen(fd, "wb", closefd=False) as file:
                    self.export(file.write, since=since, form=form)
                os.fsync(fd)
                os.rename(draft, target)
            _make_durable(os.path.dirname(target), shown)

    def check_target(self, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
        """Raise what `export_to` would raise now; a file is made beside the target for it, and removed."""
        shown = printable(os.fspath(path))
        with told(f"write {shown}"):
            target = self._target(path, shown, overwrite)
            if os.path.exists(path) and not os.path.isfile(path):
                if not os.access(path, os.W_OK):
                    raise AccessError(f"cannot write {shown}: it is not writable")
                return
            with _draft_of(target):
                pass

    def _target(self, path: str | os.PathLike[str], shown: str, overwrite: bool) -> str:
        """Return the path of the file to write; raise `ExistsError`."""
        target = _followed(os.fspath(path), shown)
        if os.path.isdir(target):
            raise ExistsError(f"{shown} is a directory", "name a file in it")
        if os.path.exists(path) and stat.S_ISSOCK(os.stat(path).st_mode):
            raise ExistsError(f"{shown} is a socket", "name a file")
        if not os.path.exists(path) or os.path.isfile(path):
            self._refuse_to_replace(target, shown, overwrite)
        return target

    def share(self, write: Callable[[bytes], object], authors: Collection[str]) -> Knowledge:
        """Write a state of what this replica did itself and of what is known of `authors`; return where it stood.

        It is complete for all that its clock speaks of, and says nothing of others.
        """
        with self._leaving() as (own, known):
            self._share(own, known, write, authors)
            return self._knowledge(own, known)

    def size_of_share(self, authors: Collection[str], news: Iterable[Input] = ()) -> tuple[int, int]:
        """Return how many contributions, and about how many bytes, `share` would write once the `news` were merged.

        Nothing is noted to have left.
        """
        pieces = [0, 0]

        def count(data: bytes) -> None:
            pieces[1] += len(data)

        with ExitStack() as stack, self._sources() as (own, known):
            pieces[0] = self._share(own, known, count, authors, [open_input(item, stack) for item in news])
        return pieces[0], pieces[1]

    def _share(
        self,
        own: Source,
        known: Source | None,
        write: Callable[[bytes], object],
        authors: Collection[str],
        news: Sequence[Source] = (),
    ) -> int:
        wanted = {own.head.replica, *authors}
        writer = Writer(write, head_of_share(self._export_head(own, known, None), wanted))
        contributions = 0
        for line, number in lines_of_share(own, known, wanted, news):
            writer.line(line)
            contributions += number
        writer.close()
        return contributions

    def knowledge(self) -> Knowledge:
        """Return where this replica stands."""
        with self._both() as (own, known):
            return self._knowledge(own, known)

    def _knowledge(self, own: Source, known: Source | None) -> Knowledge:
        head = self._export_head(own, known, None)
        return Knowledge(
            own.head.replica,
            head.clock,
            head.tags,
            roster(membership_of(own, known)),
            head.settled,
            own.checksum if next(own.lines(), None) else "",
            identity.has_left(own.head),
            handoffs.is_idle(own),
        )

    @contextmanager
    def locked_to_sync(self, timeout: float | None = None) -> Iterator[None]:
        """Be the only one who carries this replica's state to and fro; raise `BusyError` after `timeout` seconds."""
        with self._open() as directory, directory.locked(SYNC_LOCK, self.lock_timeout if timeout is None else timeout):
            yield

    def export_bytes(self, *, since: Clock | None = None) -> bytes:
        """Return the state to send."""
        pieces: list[bytes] = []
        self.export(pieces.append, since=since)
        return b"".join(pieces)

    def merge(
        self,
        *states: State | Iterable[State],
        dry_run: bool = False,
        all_or_nothing: bool = False,
        details: int = 0,
        check: bool = True,
    ) -> MergeReport:
        """Join states, paths of files or bytes, to what is known here, in one commit. See `merge_inputs`.

        States that are sound are merged, also beside others that are refused. Then raise the failure that the command
        ends with: `PartialError` where some were refused, the reason where none was taken, `ForkError` where a replica
        had several writers. Its `report` says what was merged. Without `check`, only return the report.
        """
        with ExitStack() as stack:
            inputs = gathered(as_inputs(states), stack)
            report = self.merge_inputs(inputs, dry_run=dry_run, all_or_nothing=all_or_nothing, details=details)
        if check:
            raise_last(failures(report, dry_run=dry_run), report)
        return report

    def merge_bytes(
        self, *states: bytes, all_or_nothing: bool = False, details: int = 0, check: bool = True
    ) -> MergeReport:
        """Join states in memory to what is known here, in one commit. See `merge`."""
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
        processes: int = 1,
        progress: Progress | None = None,
    ) -> MergeReport:
        """Join states to what is known here, in one pass and one commit.

        An input that cannot be taken is in the report's `refused` with the reason, while the others are
        taken; with `all_or_nothing`, none is then. With `dry_run`, nothing is written. With `beyond_fence`, replicas
        from before a fence are taken: they surely were never absorbed. For the first `details`
        counters that change (True: all), the report says what they read and read now. With two `processes`,
        large states are joined on two cores; this process is forked for it, which one with threads should
        not allow. `progress` is told now and then how many bytes of the result are done.
        """
        options = MergeOptions(
            all_or_nothing=all_or_nothing,
            beyond_cutoff=beyond_fence,
            hears=hears or dry_run,
            details=details,
            processes=processes,
            progress=progress,
        )
        with ExitStack() as stack:
            tx = stack.enter_context(self._transaction(dry_run=dry_run))
            if not dry_run:
                stack.enter_context(tx.lock_known())
            return merge(tx, inputs, options)

    def seal(self) -> bool:
        """End this replica: its last commit says so, and no other follows; return whether it had not ended before.

        Raise `RefusedError` if it holds what must be handed over first.
        """
        with self._transaction() as tx, tx.lock_own() as own:
            return seal(tx, own)

    def begin_attempt(self, job: str, attempt: int) -> None:
        """Mark this replica, which has counted nothing yet, as an `attempt` of a `job`, a key.

        Of all attempts of a job that are known somewhere, only those with the largest number enter into values there.
        """
        with self._transaction() as tx, tx.lock_own() as own:
            tx.write_own(own, beginning_line(own, job, attempt))

    def begin_again(self) -> str:
        """Go on in the directory of this replica, which is sealed, under a new id, and return that.

        What was counted under the old id stays, as what was learned does. Raise `RefusedError` if it is not sealed.
        """
        with self._transaction(on_renamed=_ignore) as tx, tx.lock_known():
            if not is_sealed(tx.directory.read_own().source):
                raise RefusedError("this replica is not sealed", "it goes on as it is")
            return tx.own("sealed").id

    def absorb(
        self,
        *states: State | Iterable[State],
        fence: str | None = None,
        not_absorbed: bool = False,
        check: bool = True,
    ) -> AbsorbReport:
        """Take over what the sealed replicas in some states counted, and take the states in.

        Raise `ForkError`, with nothing changed, while this replica may have absorbed them before it was put back (or
        was copied): it has to sync or merge first. With `not_absorbed`, it surely has absorbed nothing since then.

        With `fence`, a day as YYYY-MM-DD, records of replicas that were minted before it are dropped, and files
        that speak of older ones which are not known are refused from then on.

        Refused states and forks are raised at the end as by `merge`, unless `check` is false.
        """
        with ExitStack() as stack:
            inputs = gathered(as_inputs(states), stack)  # before the lock, for a pipe may be slow
            tx = stack.enter_context(self._transaction())
            stack.enter_context(tx.lock_known())
            report = absorb(tx, inputs, fence=fence, not_absorbed=not_absorbed)
        if check:
            raise_last(failures(report.merge), report)
        return report

    def hear(self, states: Iterable[Heard]) -> None:
        """Note what all states that others have for this replica say of ids that it had before."""
        if self.unheard():
            with self._transaction() as tx, tx.lock_known():
                hear(tx, self.id, list(states), self.ended())

    def expire(self, clock: Clock, *, take_over: bool = False) -> int:
        """Forget the once-keys of the commits that a clock knows, and return how many; what they count stays.

        A key that is used again after that counts again. Raise `RefusedError` if another replica has let keys expire,
        unless with `take_over`: that one is gone then, and all that it did is known here.
        """
        found = [one for one in self.counters() if TYPES[one.tag].sent(one.state)]
        former = {one.replica for one in self.past()}
        keepers = {forks.origin(who) for one in found for who in TYPES[one.tag].keepers(one.state)}
        operation = Operation("expire", granted=take_over or keepers <= former, clock=tuple(sorted(clock.items())))
        self.commit([Request(one.name, operation, one.tag) for one in found])
        after = sum(len(TYPES[one.tag].sent(self.reading(one.name, one.tag).state)) for one in found)
        return sum(len(TYPES[one.tag].sent(one.state)) for one in found) - after

    def forget(self) -> None:
        """Delete what remembers this replica outside its directory, which is about to be deleted, too."""
        with self._open() as directory, directory.own_source() as own:
            binding.dismiss(own.head.witness)
        places.forget(self.path)

    def ended(self) -> Roster:
        """Return who has ended: replicas that are sealed, and those that were absorbed."""
        return roster(self._ended())

    def exchange(self, other: "Replica", *, check: bool = True) -> Exchanged:
        """Merge this replica and an `other` into each other until neither learns anything.

        Handoff counters take several rounds; where they do not settle, the result says so. In constant memory,
        through temporary files. Raise the failure that prevents a merge; forks are raised at the end as by `merge`,
        unless `check` is false.
        """
        if other.id == self.id:
            raise UsageError("a replica has nothing to exchange with itself", "name another replica's directory")
        done = Exchanged()
        while done.rounds < _MAX_ROUNDS:
            done.rounds += 1
            reports = [self._take_from(other), other._take_from(self)]  # noqa: SLF001  # another one of us
            done.here.append(reports[0])
            done.there.append(reports[1])
            if not any(report.changed for report in reports):
                done.settled = True
                break
        if check:
            raise_last([failure for report in (*done.here, *done.there) for failure in failures(report)], done)
        return done

    def _take_from(self, other: "Replica") -> MergeReport:
        with temporary_file(of_replica(self.path)) as file:
            other.export(file.write, since=self.clock())
            file.flush()
            path = f"/dev/fd/{file.fileno()}"
            report = self.merge_inputs([Input(other.path, path=path)], details=_TOLD)
        for reason in report.refused.values():
            raise reason
        return report

    def returned(self) -> list[Returned]:
        """Return who was declared gone for good, see `take_back`, and has made later commits."""
        with self._both() as (_, known):
            return returned(known.head.settled, known.head.clock) if known else []

    def made_twice(self) -> list[MadeTwice]:
        """Return the bcounters that several replicas created, each with something to begin with, and is not settled."""
        with self._both() as (own, known):
            settled = known.head.settled if known else ()
            found = (made_twice(one.name, one.state, settled) for one in holdings(own, known))
            return [one for one in found if one]

    def doubled(self) -> dict[str, tuple[str, ...]]:
        """Return the sealed replicas that several others absorbed, so that they count twice, and is not settled.

        The keys are the last 20 digits of their ids, which is all that is remembered of them; the values the absorbers.
        """
        with self._both() as (own, known):
            return absorbed_twice(roster(membership_of(own, known)), known.head.settled if known else ())

    def absorbed_again(self, replica: str) -> list[str]:
        """Return who absorbed a replica beside the first that did, by id: what they took counts too much."""
        return list(settling_marks(self.ended(), replica).values())

    def settle(self, replica: str) -> bool:
        """Declare settled that an id had several writers, or was absorbed twice; return whether it was not.

        What the branches of a fork lack together is for somebody who knows it to increment, and what counts twice to
        decrement. Raise `MissingError` if nothing of the kind is known.
        """
        _check_strings(name=replica)
        with self._transaction() as tx, tx.lock_known():
            refuse_sealed(tx.own().source)
            return settle(tx, replica)

    def check(self) -> list[Finding]:
        """Verify this replica's files; return what was looked at and found."""
        return check_replica(self.path)

    def compare(self, state: State) -> Order:
        """Return how this replica stands to a state, a file's path or bytes: behind it, ahead, equal or concurrent."""
        with ExitStack() as stack:
            clock, said = self._what_states_say([state], stack)
            absorbed = roster(MEMBERSHIP.join_all(self._ended(), said)).absorbed
            mine, other = self.clock(), clock
            gone = {*absorbed(mine), *absorbed(other)}
            return clocks.compare(_without(mine, gone), _without(other, gone))

    @staticmethod
    def _what_states_say(states: Iterable[State], stack: ExitStack) -> tuple[Clock, Contributions]:
        """Return the join of the clocks of some states, and what they say of who has ended. Raise what is wrong."""
        clock: Clock = {}
        said: Contributions = {}

        def take(item: Input) -> None:
            nonlocal clock, said
            with ExitStack() as passing:
                source = open_input(item, passing)
                clock = clocks.join(clock, source.head.clock)
                said = MEMBERSHIP.join_all(said, membership_in(source))

        def refuse(_: Input, reason: CrdtctlError) -> None:
            raise reason

        each_state(gathered(as_inputs(states), stack), take, refuse, stack)
        return clock, said

    @classmethod
    def clock_of(cls, *states: State) -> dict[str, int]:
        """Return the clock of states, paths of files or bytes: who knows one of them knows at least that much."""
        with ExitStack() as stack:
            return dict(cls._what_states_say(states, stack)[0])

    def missing(self, clock: Clock) -> dict[str, int]:
        """Return the entries of `clock` that are not known here; who was absorbed is."""
        lacking = clocks.missing(self.clock(), clock)
        return _without(lacking, self.ended().absorbed(lacking))

    # ----------------------------------------------------------------------------------------------------

    def _refuse_to_replace(self, target: str, shown: str, overwrite: bool) -> None:
        """Raise `ExistsError` unless the file is ours to replace."""
        parent = os.path.dirname(target)
        if os.path.exists(f"{parent}/own.json") and os.path.exists(f"{parent}/own.lock"):
            raise ExistsError(f"{shown} is inside a replica's directory", "name a file elsewhere")
        if not os.path.exists(target) or os.path.getsize(target) == 0:
            return
        with open(target, "rb") as file:
            start = file.read(64)
        if not start.startswith((HEAD_START + b"state", HEAD_START + b"delta", b"crdtctl = 1\n")):
            raise ExistsError(
                f"{shown} is there, and is not an exported state", "name another file, or delete it first"
            )
        if overwrite:
            return

        def look(item: Input) -> None:
            with ExitStack() as passing:
                there = open_input(item, passing)
                lacking = self.missing(there.head.clock)
                if lacking or self._would_merge_handoffs(there):
                    raise ExistsError(
                        f"{shown} is there, and holds what is not known here{self._said_of(lacking)}", "merge it first"
                    )

        def refuse(_: Input, reason: CrdtctlError) -> None:
            if not isinstance(reason, DataError):  # a damaged state is no loss
                raise reason

        with ExitStack() as stack:
            each_state([Input(shown, path=target, given=True)], look, refuse, stack)

    def _said_of(self, lacking: Clock) -> str:
        """Return in words which commits are lacking here."""
        if not lacking:
            return ""
        mine = self.clock()
        who, seq = next(iter(sorted(lacking.items())))
        number = seq - mine.get(who, 0)
        others = f" and of {len(lacking) - 1} more" if len(lacking) > 1 else ""
        return f": {number} commit{'' if number == 1 else 's'} of {who}{others}"

    def _would_merge_handoffs(self, there: Source) -> bool:
        """Return whether merging a state would change a locally merged entry of this replica."""
        if next(handoffs.locally_merged(there), None) is None:
            return False
        with ExitStack() as stack, self._open() as directory:
            buffer = SpillBuffer(stack, of_replica(self.path))
            for name, counter in handoffs.locally_merged(there):
                buffer.put(name, counter)
            return bool(handoffs.merge_handoffs(directory.read_own(), [buffer], lambda _: {}).lines)

    @contextmanager
    def _open(self) -> Iterator[Directory]:
        directory = Directory(self.path)
        try:
            yield directory
        finally:
            directory.close()

    @contextmanager
    def _transaction(self, *, on_renamed: OnRenamed | None = None, dry_run: bool = False) -> Iterator[Transaction]:
        with self._open() as directory:
            yield Transaction(directory, self.lock_timeout, on_renamed or self._on_renamed, dry_run)

    @contextmanager
    def _sources(self) -> Iterator[tuple[Source, Source | None]]:
        """Open both files, verified as wholes."""
        with self._both() as (own, known):
            own.verify()
            if known:
                known.verify()
            yield own, known

    @contextmanager
    def _readable(self, *, verified: bool = False) -> Iterator[tuple[Source, Source | None]]:
        """Open both files for values: attempts of jobs that do not count are left out."""
        with self._sources() if verified else self._both() as (own, known):
            hide_left_out(own, known)
            yield own, known

    @contextmanager
    def _both(self) -> Iterator[tuple[Source, Source | None]]:
        """Open both files to look things up."""
        with self._open() as directory, ExitStack() as stack:
            yield _open_both(directory, stack)

    @contextmanager
    def _leaving(self) -> Iterator[tuple[Source, Source | None]]:
        """Do the same for what is to leave this replica, and note that it does, if there is news in it.

        Where that cannot be noted, on a full disk or read-only, the state leaves all the same: a fork is found later.
        """
        with self._open() as directory, ExitStack() as stack:
            own, known = _open_both(directory, stack)
            is_ours = os.access(".", os.W_OK, dir_fd=directory.fd, effective_ids=os.access in os.supports_effective_ids)
            if is_ours and not identity.has_left(own.head):
                with ExitStack() as locked:
                    with suppress(StorageError, OutcomeUnknownError, AccessError):
                        tx = Transaction(directory, self.lock_timeout, self._on_renamed)
                        locked.enter_context(tx.mark_exported())
                    own, known = _open_both(directory, stack)
            own.verify()
            if known:
                known.verify()
            yield own, known

    def _ended(self) -> Contributions:
        with self._both() as (own, known):
            return membership_of(own, known)

    def _counter(self, name: str) -> Counter:
        with self._readable() as (own, known):
            return join_counters(own.counter(name), known.counter(name) if known else {})

    def _head(self) -> Head:
        with self._both() as (own, known):
            return self._export_head(own, known, None)

    @staticmethod
    def _export_head(own: Source, known: Source | None, since: Clock | None) -> Head:
        mine, histories = identity.outward(own)
        clock = clocks.join(mine, known.head.clock if known else {})
        tags = {**(known.head.tags if known else {}), **histories}
        settled = known.head.settled if known else ()
        if since is None:
            return Head("state", own.head.replica, clock, tags=tags, settled=settled)
        return Head("delta", own.head.replica, clock, since, tags=tags, settled=settled)


def _open_both(directory: Directory, stack: ExitStack) -> tuple[Source, Source | None]:
    """Open both files to look things up, as they stand at one moment; what was absorbed is not to be seen.

    ``own.json`` first, for what leaves it for ``known.json`` must not fall between the two. What goes the other
    way, when another replica is absorbed, must not either: then both are opened again.
    """
    while True:
        with ExitStack() as passing:
            own = passing.enter_context(directory.own_source())
            known = passing.enter_context(directory.known_source())
            if known is not None:
                with directory.own_source() as again:
                    if membership_in(again) != membership_in(own):
                        continue
                hide_absorbed(own, known)
            stack.enter_context(passing.pop_all())
            return own, known


def _without(clock: Clock, gone: Iterable[str]) -> dict[str, int]:
    gone = set(gone)
    return {author: seq for author, seq in clock.items() if author not in gone}


def _as_toml(data: bytes) -> bytes:
    if len(data) > other_layouts.MAX_BYTES // 2:
        raise RefusedError("the state is too large for TOML", "export it as json")
    source = Source(InMemory(data), len(data), ours=True)
    counters = (decode_own_line(line) for _, line in source.lines())
    return other_layouts.to_toml(source.head, counters, source.checksum).encode()


class _Known:
    """What was learned, opened when it is asked for: a plain increment does not depend on it."""

    def __init__(self, directory: Directory, own: Source, stack: ExitStack, *, verified: bool) -> None:
        self._directory = directory
        self._own = own
        self._stack = stack
        self._verify = verified
        self._is_verified = False
        self._opened = False
        self._source: Source | None = None

    def counter(self, name: str) -> Counter:
        """Return one counter; empty if nothing was learned of it."""
        if not self._opened:
            self._source = self._stack.enter_context(self._directory.known_source())
            self._opened = True
            if self._source:
                hide_absorbed(self._own, self._source)
                hide_left_out(self._own, self._source, own=False)
        if self._source and self._verify and not self._is_verified:
            self._source.verify()
            self._is_verified = True
        return self._source.counter(name) if self._source else {}

    def verified(self, name: str) -> Counter:
        """Do the same where what it says decides what is written."""
        self._verify = True
        return self.counter(name)


def _heeds_others(request: Request) -> bool:
    """Return whether what the others did decides what is written."""
    return request.operation.once is not None or request.operation.verb in ("add", "reset", "expire")


def _no_peer_warnings(directory: Directory, replica: str, planned: Plan) -> list[str]:
    """Return the warnings of a commit whose counts no known replica can take over."""
    names = [
        name
        for name, tag in planned.touched
        if tag in LOCALLY_MERGED
        and LOCALLY_MERGED[tag].pending(replica, planned.counters[name][tag][replica]).has_no_peer
    ]
    if not names:
        return []
    with directory.known_source() as known:
        return [] if known and known.head.clock else [handoffs.no_peer_warning(names)]


def _absolute(url: str | os.PathLike[str]) -> str:
    """Return a URL as it is, and a path as an absolute one: the remote is used from any directory."""
    if not isinstance(url, str | os.PathLike):
        raise UsageError(f"a remote is a URL or a path, not {type(url).__name__}")
    text = os.fspath(url)
    is_url = isinstance(url, str) and _SCHEME.match(text)
    return text if is_url else os.path.abspath(which.expanded(text))


def _followed(path: str, shown: str) -> str:
    """Return the path of the file that `path` stands for; raise `ExistsError` for a link of somebody else.

    In a folder that others can write to, a link may have been put where one of our files is expected.
    """
    try:
        path = durable.followed(path)
    except durable.ForeignLink:
        raise ExistsError(f"{shown} is a symbolic link that another user made", "name the file itself") from None
    return os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))


@contextmanager
def _draft_of(target: str) -> Iterator[tuple[str, int]]:
    """Make an empty file beside the one that is to be written; remove it in the end, unless it was renamed.

    What was written stays written where the removal fails.
    """
    draft = f"{target}.{os.getpid()}-{os.urandom(4).hex()}{durable.NEW}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        yield draft, fd
    finally:
        durable.close(fd)
        with suppress(OSError):
            os.unlink(draft)


def _open_device(path: str | os.PathLike[str], shown: str) -> int:
    """Open what is no regular file to write to it; whatever took its place meanwhile is not harmed."""
    device = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    if stat.S_ISREG(os.fstat(device).st_mode):
        os.close(device)
        raise ExistsError(f"{shown} was replaced by a file", "try again")
    return device


def _make_durable(directory: str, shown: str) -> None:
    """Put on disk that a name in `directory` is new; raise `OutcomeUnknownError`."""
    try:
        _fsync_directory(directory)
    except OSError as error:
        raise outcome_unknown(shown, error) from None


def _fsync_directory(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        durable.sync_directory(fd)
    finally:
        durable.close(fd)
