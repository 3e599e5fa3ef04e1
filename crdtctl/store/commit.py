"""Plan a commit: requests and the present counters give the new lines of ``own.json``. Pure."""

from __future__ import annotations

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.base import Lacking, Malformed, OperationContext, Refused
from crdtctl.crdt.counter import join_counters, without_forgotten
from crdtctl.crdt.series import name_of
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError, UsageError
from crdtctl.records import Record, replace
from crdtctl.store import type_choice as types
from crdtctl.store.changes import Change, reading
from crdtctl.store.observing import grouped, together
from crdtctl.store.settings import NameSettings, dated

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.crdt.base import Entries, Entry, Operation, Verb
    from crdtctl.crdt.counter import Counter
    from crdtctl.crdt.readings import OnFall
    from crdtctl.store.config import Config

    Lookup = Callable[[str], Counter]
    #: Called with a request that was left out, and the reason.
    OnRefused: TypeAlias = Callable[["Request", CrdtctlError], object]
else:  # for modules whose annotations are evaluated
    OnRefused = object

#: Verb → type of the counter that it makes.
DEFAULT_TYPES: dict[Verb, str] = {
    "increment": "pncounter",
    "decrement": "pncounter",
    "add": "gset",
    "observe": "pncounter",
}
#: Verb → types whose entries take it.
_TAKING: dict[Verb, tuple[str, ...]] = {
    "increment": ("gcounter", "pncounter", "bcounter", "handoff"),
    "decrement": ("pncounter", "bcounter", "handoff"),
    "add": ("gset", "hll", "hist"),
    "observe": ("gcounter", "pncounter"),
}
#: Verb → the words before the name of a counter, if the verb alone does not fit.
_PHRASES: dict[Verb, str] = {"add": "add to", "transfer": "transfer rights to", "request": "request rights to"}
#: Operations that name the replicas whose entries they are about: they are carried out for each name by itself.
OF_EACH_NAME = ("reset", "expire", "forget")
#: Maximum number of counters that a note names.
_NAMED = 3


def unknown(_: str) -> Counter:
    """Return no entries: a look-up of a counter that no replica has."""
    return {}


def none_of(_: str) -> list[tuple[str, Counter]]:
    """Return no counters: those of a name that no replica has."""
    return []


def no_settings() -> Config:
    """Return the settings of a replica that sets none."""
    from crdtctl.store.config import Config

    return Config()


class Request(Record):
    """An operation on the counter `name`; `tag` is its type, or None for the type that it has.

    If the counter has another type, it gets a second one only with `also`. With `existing`, no counter is made.
    """

    name: str
    operation: Operation
    tag: str | None = None
    also: bool = False
    existing: bool = False


class Plan(Record):
    """The counters of ``own.json`` after the commit, the names and types that it changes, and notes.

    `notes` warn of results that the user may not expect.
    """

    counters: dict[str, Counter]
    touched: list[tuple[str, str]]
    notes: list[str]


class Basis(Record):
    """The replica, of a `tier`, whose commit `seq` is planned, and its present counters.

    `own` and `known` look up a counter in one of the two files. `verified` is `known` for requests whose result depends
    on it. `config` returns the settings of the replica. `heard` is `known` for counters that may have settings of
    periods, and `now` is the time, in seconds since 1970. `series` returns the types of all counters of a name, with
    and without labels, and `of_name` the counters themselves, each once for each file. `dated` is `own` for counters
    that may have settings of periods. `known` and `verified` include the counters that are read together with one after
    renames; `alone` is `verified` without them.
    """

    replica: str
    seq: int
    own: Lookup
    known: Lookup
    verified: Lookup
    tier: int = 0
    config: Callable[[], Config] = no_settings
    heard: Lookup = unknown
    now: int = 0
    series: Callable[[str], Collection[str]] = set
    of_name: Callable[[str], Iterable[tuple[str, Counter]]] = none_of
    dated: Lookup = unknown
    alone: Lookup | None = None


def plan(basis: Basis, requests: Iterable[Request], on_refused: OnRefused | None = None) -> Plan:
    """Plan a commit of all requests. With `on_refused`, refused requests are left out, and it is called with them.

    Raise `UsageError` for a name with several types. Raise `RefusedError` if the type does not allow the operation, or
    if an idempotency key was used for another amount. Raise `ExistsError` for a counter to create that exists, or that
    exists in another type. Raise `MissingError` for a missing counter that must exist.
    """
    own, known = basis.own, basis.known
    if basis.seq > MAX_SAFE:
        raise RefusedError("this replica has made all the commits it can", "begin another one with 'crdtctl init'")
    counters: dict[str, Counter] = {}
    touched: dict[tuple[str, str], None] = {}
    unheard: dict[str, str] = {}
    #: Name → types of its counters, with and without labels, that this plan made or changed, and that were there.
    made: dict[str, set[str]] = {}
    there: dict[str, Collection[str]] = {}
    settings = NameSettings(basis.of_name, periods=(basis.heard, basis.dated) != (unknown, unknown))

    def types_of_name(name: str) -> list[str]:
        called = name_of(name)
        if called not in there:
            there[called] = basis.series(called)
        found = {*there[called], *made.get(called, ())}
        return sorted(found - LOCALLY_MERGED.keys() or found)

    def present_types(name: str) -> list[str]:
        """Return `types_of_name` without forgotten types. All counters of the name are read."""
        several: dict[str, Counter] = {}
        for one, counter in basis.of_name(name_of(name)):
            several[one] = join_counters(several.get(one, {}), counter)
        found = {tag for counter in several.values() for tag in without_forgotten(counter)}
        return [tag for tag in types_of_name(name) if tag in found or tag in made.get(name_of(name), ())]

    def default(name: str, verb: Verb) -> str:
        """Return the type of a new counter: the type of the others of its name if it is one."""
        tag = DEFAULT_TYPES.get(verb, "")
        found = types_of_name(name) if tag else []
        if not set(found).issubset(_TAKING.get(verb, ())):
            found = present_types(name)
        if len(found) > 1:
            chosen = basis.config().types.get(name_of(name))
            return chosen if chosen in found else tag
        return found[0] if found else tag

    def heard(name: str, tag: str) -> Entries:
        """Return entries whose settings of periods hold for a counter: for a series, also those of its name alone."""
        found, called = basis.heard(name).get(tag, {}), name_of(name)
        if called == name:
            return found
        return {**found, **dated(tag, [basis.heard(called), basis.dated(called), counters.get(called, {})])}

    def carry_out(group: Sequence[Request]) -> None:
        request = together(group)
        name, operation = request.name, request.operation
        mine = counters[name] if name in counters else own(name)
        present, learned = _existing(mine, known, name, operation.verb)
        tag = request.tag or _tag(name, present, learned, basis.config) or default(name, operation.verb)
        if not tag or tag not in present:
            _check_new(request, tag, present, learned(name), types_of_name, present_types)
            if tag not in learned(name):
                operation = _with_defaults(tag, settings.given(operation, name, tag), basis.config)
        elif operation.verb == "create" and not _refines(operation):
            raise ExistsError(f"there is a {tag} '{name}' already", "see 'crdtctl show'")
        if operation.once is not None:
            kind, rows = TYPES[tag], mine.get(tag, {})
            fits = kind.adds_numbers == (operation.verb == "add")  # otherwise the type refuses the operation
            sent = kind.used_keys(kind.join_all(known(name).get(tag, {}), rows)) if fits else {}
            if operation.once in sent and operation.verb == "add":
                if not kind.is_repetition(kind.join_all(known(name).get(tag, {}), rows), operation):
                    raise RefusedError(
                        f"idempotency key '{operation.once}' of '{name}' was used for other numbers before",
                        "nothing was added; what is another count needs another key",
                    )
                return
            if operation.once in sent:
                asked = operation.amount if operation.verb == "increment" else -operation.amount
                stands = kind.used_keys(rows).get(operation.once, sent[operation.once])
                if stands != asked:
                    raise RefusedError(
                        f"idempotency key '{operation.once}' of '{name}' was used for {stands:+d} before; "
                        f"{asked:+d} was not counted",
                        "nothing was changed; what is another count needs another key",
                    )
                return
        on_fall = _falling(group, on_refused) if operation.readings and on_refused else None
        here = OperationContext(
            basis.replica,
            basis.seq,
            _entries_of(basis.alone if basis.alone and operation.verb in OF_EACH_NAME else basis.verified, name, tag),
            basis.tier,
            on_fall=on_fall,
            heard=lambda: heard(name, tag),
            now=basis.now,
        )
        row = _apply(name, tag, mine.get(tag, {}).get(basis.replica), operation, here)
        if row is not None:
            if operation.verb == "decrement" and operation.amount and not mine and not known(name):
                unheard[name] = tag
            counters[name] = {**mine, tag: {basis.replica: row}}
            touched[name, tag] = None
            made.setdefault(name_of(name), set()).add(tag)
            if not mine.get(tag) or operation.verb == "create":
                settings.changed(name, tag, row)

    for group in grouped(requests):
        try:
            carry_out(group)
        except CrdtctlError as failure:
            if on_refused is None:
                raise
            for request in group:
                on_refused(request, failure)
    return Plan(counters, list(touched), [_below_zero(unheard)] if unheard else [])


def _existing(mine: Counter, known: Lookup, name: str, verb: Verb) -> tuple[Counter, Lookup]:
    """Return the own entries of a counter, and the look-up of the other ones, without forgotten types.

    If the only own entry takes the operation, it does so whether or not it is forgotten, and no other entry is read.
    """
    if len(mine) == 1 and not mine.keys().isdisjoint(_TAKING.get(verb, ())):
        return mine, known
    both = join_counters(known(name), mine)
    present = without_forgotten(both)
    if present is both:
        return mine, known
    mine = {tag: entries for tag, entries in mine.items() if tag in present}
    return mine, lambda called: {tag: entries for tag, entries in known(called).items() if tag in present}


def _refines(operation: Operation) -> bool:
    """Return whether ``create`` sets the periods of a counter, which may exist."""
    return operation.every is not None or operation.keep is not None


def _with_defaults(tag: str, operation: Operation, config: Callable[[], Config]) -> Operation:
    """Return an operation that makes a counter, with the settings of periods of new counters."""
    if not TYPES[tag].has_default_periods or operation.every is not None:
        return operation
    found = config()
    return replace(operation, every=found.every, keep=found.keep) if found.every else operation


def typed(verb: str, *words: str, option: str = "") -> str:
    """Return the command that a user types to do `verb` with these words.

    >>> typed("request", "free seats", "hub", "3"), typed("transfer", "-x", "hub", option="--granted")
    ("crdtctl request 'free seats' hub 3", 'crdtctl transfer --granted -- -x hub')
    """
    from shlex import join

    options = [option] if option else []
    if any(word.startswith("-") for word in words):
        return join(["crdtctl", verb, *options, "--", *words])
    return join(["crdtctl", verb, *words, *options])


def changes(planned: Plan, own: Lookup, before: Lookup, after: Lookup) -> list[Change]:
    """Return the values of each changed counter, with the learned entries before and after the commit."""
    return [
        Change(name, tag, reading(tag, own(name), before(name)), reading(tag, planned.counters[name], after(name)))
        for name, tag in planned.touched
    ]


def _tag(name: str, mine: Counter, known: Lookup, config: Callable[[], Config]) -> str:
    """Return the type that an operation on `name` means: the type in this replica's own file, or else a learned one.

    It is empty if the counter does not exist.
    """
    found = types.candidates(mine, {} if mine else known(name))
    if len(found) > 1:
        return types.choose(name, found, config().types)
    return found[0] if found else ""


def _check_new(
    request: Request,
    tag: str,
    mine: Counter,
    known: Counter,
    types_of_name: Callable[[str], list[str]],
    present_types: Callable[[str], list[str]],
) -> None:
    """Raise an error if this replica has no entry of type `tag` of a counter, and must not make one."""
    name, verb = request.name, request.operation.verb
    if tag in known:
        if verb == "create" and not _refines(request.operation):
            raise ExistsError(f"there is a {tag} '{name}' already", "see 'crdtctl show'")
        return
    others = sorted({*mine, *known})
    is_demanded = verb == "reset" or request.existing or (tag != "" and TYPES[tag].created_first)
    if tag and others and tag not in others and is_demanded and verb != "create":
        raise types.wrong_type(name, tag, others)
    if not tag or verb == "reset" or request.existing:
        message = f"no {request.tag or 'counter'} '{name}' here"
        raise MissingError.of_counter(name, message, "'crdtctl show' lists what there is")
    if verb != "create" and TYPES[tag].created_first:
        message = f"no {tag} '{name}' here"
        if tag in types_of_name(name):
            raise MissingError(
                f"{message}, only with other labels", f"'crdtctl show {name_of(name)} --series' lists them"
            )
        raise MissingError.of_counter(name, message, "create it, or merge a state that has it first")
    if request.also:
        return
    called = name
    if others and tag not in others:
        others = sorted(without_forgotten(join_counters(known, mine)))
    if not others and tag not in types_of_name(name):
        others, called = present_types(name), name_of(name)
    if others and tag not in others:
        first = "leave out --type (and CRDTCTL_TYPE)" if request.tag and len(others) == 1 else "choose one with --type"
        raise ExistsError(
            f"'{called}' is {types.kinds(others)} here, and would be {types.kinds([tag])} as well",
            f"{first}, take another name, or add --also to have both",
        )


def _below_zero(unheard: Mapping[str, str]) -> str:
    """Return the note on counters, name → type, that a decrement made."""
    from itertools import islice

    names = ", ".join(f"'{name}'" for name in islice(unheard, _NAMED))
    if len(unheard) > 1:
        more = f" and {len(unheard) - _NAMED} more" if len(unheard) > _NAMED else ""
        return f"{names}{more} were never counted here, and begin below zero; if others have them, merge first"
    tag = next(iter(unheard.values()))
    return (
        f"{names} was never counted here, and begins below zero as {types.kinds([tag])}; if others have it, merge first"
    )


def _entries_of(look_up: Lookup, name: str, tag: str) -> Callable[[], Entries]:
    """Return a function that looks the entries of a counter up."""
    return lambda: look_up(name).get(tag, {})


def _falling(group: Sequence[Request], on_refused: OnRefused) -> OnFall:
    """Return a function that reports the refused ones of these requests, which have one reading each."""
    return lambda place, fall: on_refused(group[place], refused("observe", group[place].name, fall))


def _apply(name: str, tag: str, row: Entry | None, operation: Operation, here: OperationContext) -> Entry | None:
    try:
        return TYPES[tag].apply(row, operation, here)
    except Malformed as fault:
        raise UsageError(f"cannot {_PHRASES[operation.verb]} '{name}': {fault}", fault.hint) from None
    except Refused as reason:
        raise refused(operation.verb, name, reason) from None


def refused(verb: Verb, name: str, reason: Refused) -> RefusedError:
    """Return the error for an operation that the type does not allow, with advice."""
    from crdtctl.crdt.readings import Fall  # only here: few requests are refused, and few counters have readings

    hint = ""
    if isinstance(reason, Lacking) and reason.holder:
        hint = f"ask for them: {typed('request', name, reason.holder, str(reason.amount))}"
    elif isinstance(reason, Fall):
        hint = "if the source restarted, add --on-drop restart; to leave out what falls, --on-drop ignore"
    return RefusedError(f"cannot {_PHRASES.get(verb, verb)} '{name}': {reason}", hint)
