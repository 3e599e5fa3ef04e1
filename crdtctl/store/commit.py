"""Planning a commit: what is asked for, against what is there, gives the lines to write. Pure."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from shlex import join
from typing import TypeAlias

from crdtctl.codec.layout import MAX_SAFE
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Contribution, Contributions, Here, Lacking, Operation, Refused, Verb
from crdtctl.crdt.counter import Counter
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError
from crdtctl.store import types

#: The type that a verb makes where there is no counter of the name yet.
DEFAULT_TYPES: dict[Verb, str] = {"increment": "pncounter", "decrement": "pncounter", "add": "gset"}
#: So many counters are named in a note.
_NAMED = 3


@dataclass(frozen=True, slots=True)
class Request:
    """An operation on the counter `name`; `tag` is its type, or None to take what is there.

    Where the name is there as another type, it becomes a second one only if that is asked for with `also`. What must
    be `existing` makes no counter.
    """

    name: str
    operation: Operation
    tag: str | None = None
    also: bool = False
    existing: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """One counter before and after: what it read and reads, None where it was not there."""

    name: str
    tag: str
    before: int | None
    after: int | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Counters as this replica's own file will hold them after the commit; names and types that it touches.

    `notes` say what the user may not have meant.
    """

    counters: dict[str, Counter]
    touched: list[tuple[str, str]]
    notes: list[str]


Lookup = Callable[[str], Counter]
#: What is called with a request that was left out, and why.
OnRefused: TypeAlias = Callable[[Request, CrdtctlError], object]


def plan(
    replica: str,
    seq: int,
    requests: Iterable[Request],
    own: Lookup,
    known: Lookup,
    verified: Lookup | None = None,
    *,
    tier: int = 0,
    on_refused: OnRefused | None = None,
    preferred: Callable[[], Mapping[str, str]] = dict,
) -> Plan:
    """Plan commit `seq` of `replica`, which is of this `tier`: all the requests, or a failure and none of them.

    With `on_refused`, a request that is refused is left out, and reported to it.

    `own` and `known` look a counter up in this replica's two files; `verified` is `known` where what it says
    decides what is written. `preferred` gives the types that the settings choose, by name. Raise `UsageError` where a
    name has several types, `RefusedError` where the type does not allow the operation or a once-key stands for
    another amount, `ExistsError` for a counter that is to be created and is there, or that is there as another type,
    `MissingError` for one that must be there and is not.
    """
    if seq > MAX_SAFE:
        raise RefusedError("this replica has made all the commits it can", "begin another one with 'crdtctl init'")
    counters: dict[str, Counter] = {}
    touched: dict[tuple[str, str], None] = {}
    unheard: dict[str, str] = {}

    def one(request: Request) -> None:
        name, operation = request.name, request.operation
        mine = counters[name] if name in counters else own(name)
        tag = request.tag or _tag(name, operation.verb, mine, known, preferred)
        if not tag or tag not in mine:
            _check_new(request, tag, mine, known(name))
        elif operation.verb == "create":
            raise ExistsError(f"there is a {tag} '{name}' already", "see 'crdtctl show'")
        if operation.once is not None:
            kind, rows = TYPES[tag], mine.get(tag, {})
            sent = kind.sent(kind.join_all(known(name).get(tag, {}), rows))
            if operation.once in sent:
                asked = operation.amount if operation.verb == "increment" else -operation.amount
                stands = kind.sent(rows).get(operation.once, sent[operation.once])
                if stands != asked:
                    raise RefusedError(
                        f"once-key '{operation.once}' of '{name}' stands for {stands:+d} already; "
                        f"{asked:+d} was not counted",
                        "nothing was changed; what is another count needs another key",
                    )
                return
        here = Here(replica, seq, partial(_of_type, verified or known, name, tag), tier)
        row = _apply(name, tag, mine.get(tag, {}).get(replica), operation, here)
        if row is not None:
            if operation.verb == "decrement" and operation.amount and not mine and not known(name):
                unheard[name] = tag
            counters[name] = {**mine, tag: {replica: row}}
            touched[name, tag] = None

    for request in requests:
        try:
            one(request)
        except CrdtctlError as failure:
            if on_refused is None:
                raise
            on_refused(request, failure)
    return Plan(counters, list(touched), [_below_zero(unheard)] if unheard else [])


def typed(verb: str, *words: str, option: str = "") -> str:
    """Return the command that a user types to do `verb` with these words.

    >>> typed("request", "free seats", "hub", "3"), typed("transfer", "-x", "hub", option="--granted")
    ("crdtctl request 'free seats' hub 3", 'crdtctl transfer --granted -- -x hub')
    """
    options = [option] if option else []
    if any(word.startswith("-") for word in words):
        return join(["crdtctl", verb, *options, "--", *words])
    return join(["crdtctl", verb, *words, *options])


def changes(planned: Plan, own: Lookup, known: Lookup) -> list[Change]:
    """Return what each counter that is touched read and will read."""
    return [
        Change(name, tag, reading(tag, own(name), known(name)), reading(tag, planned.counters[name], known(name)))
        for name, tag in planned.touched
    ]


def _tag(name: str, verb: Verb, mine: Counter, known: Lookup, preferred: Callable[[], Mapping[str, str]]) -> str:
    """Return the type that an operation on `name` means: our own before what others made of the name.

    It is empty where there is none, and the verb makes none.
    """
    found = types.candidates(mine, {} if mine else known(name))
    if len(found) > 1:
        return types.choose(name, found, preferred())
    return found[0] if found else DEFAULT_TYPES.get(verb, "")


def _check_new(request: Request, tag: str, mine: Counter, known: Counter) -> None:
    """Raise where this replica has nothing of the type `tag` of a counter, and must not begin it."""
    name, verb = request.name, request.operation.verb
    if tag in known:
        if verb == "create":
            raise ExistsError(f"there is a {tag} '{name}' already", "see 'crdtctl show'")
        return
    if not tag or verb == "reset" or request.existing:
        message = f"no {request.tag or 'counter'} '{name}' here"
        raise MissingError.of_counter(name, message, "'crdtctl show' lists what there is")
    others = sorted({*mine, *known})
    if verb != "create" and TYPES[tag].created_first:
        message = f"no {tag} '{name}' here"
        raise MissingError.of_counter(name, message, "create it, or merge a state that has it first")
    if others and not request.also:
        raise ExistsError(
            f"'{name}' is {types.kinds(others)} here, and would be {types.kinds([tag])} as well",
            "leave out --type (and CRDTCTL_TYPE), take another name, or add --also to have both",
        )


def _below_zero(unheard: Mapping[str, str]) -> str:
    """Return the note on counters, name → type, that a decrement began."""
    names = ", ".join(f"'{name}'" for name in islice(unheard, _NAMED))
    if len(unheard) > 1:
        more = f" and {len(unheard) - _NAMED} more" if len(unheard) > _NAMED else ""
        return f"{names}{more} were never counted here, and begin below zero; if others have them, merge first"
    tag = next(iter(unheard.values()))
    return (
        f"{names} was never counted here, and begins below zero as {types.kinds([tag])}; if others have it, merge first"
    )


def _of_type(look_up: Lookup, name: str, tag: str) -> Contributions:
    return look_up(name).get(tag, {})


def _apply(name: str, tag: str, row: Contribution | None, operation: Operation, here: Here) -> Contribution | None:
    try:
        return TYPES[tag].apply(row, operation, here)
    except Refused as reason:
        hint = ""
        if isinstance(reason, Lacking) and reason.holder:
            hint = f"ask for them: {typed('request', name, reason.holder, str(reason.amount))}"
        raise RefusedError(f"cannot {operation.verb} '{name}': {reason}", hint) from None


def reading(tag: str, *counters: Counter) -> int | None:
    """Return what the join of `counters` reads as type `tag`; None if none has that type."""
    kind = TYPES[tag]
    joined: dict[str, Contribution] = {}
    for counter in counters:
        joined = kind.join_all(joined, counter.get(tag, {}))
    return kind.value(joined) if joined else None
