"""Planning a commit: what is asked for, against what is there, gives the lines to write. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from shlex import join
from typing import TypeAlias

from crdtctl.codec.text import MAX_SAFE
from crdtctl.codec.wire import Counter
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Contribution, Contributions, Here, Lacking, Operation, Refused, Verb
from crdtctl.errors import CrdtctlError, ExistsError, MissingError, RefusedError, UsageError

#: The type that a verb makes where there is no counter of the name yet.
DEFAULT_TYPES: dict[Verb, str] = {"increment": "pncounter", "decrement": "pncounter", "add": "gset"}


@dataclass(frozen=True, slots=True)
class Request:
    """An operation on the counter `name`; `tag` is its type, or None to take what is there."""

    name: str
    operation: Operation
    tag: str | None = None


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

    `notes` say which once-keys stand for something else than was asked for.
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
) -> Plan:
    """Plan commit `seq` of `replica`, which is of this `tier`: all the requests, or a failure and none of them.

    With `on_refused`, a request that is refused is left out, and reported to it.

    `own` and `known` look a counter up in this replica's two files; `verified` is `known` where what it says
    decides what is written. Raise `UsageError` where a name has several types, `RefusedError` where the type
    does not allow the operation, `ExistsError` for a counter that is to be created and is there, `MissingError`
    for one that must be there and is not.
    """
    if seq > MAX_SAFE:
        raise RefusedError("this replica has made all the commits it can", "begin another one with 'crdtctl init'")
    counters: dict[str, Counter] = {}
    touched: dict[tuple[str, str], None] = {}
    notes: list[str] = []

    def one(request: Request) -> None:
        name, operation = request.name, request.operation
        mine = counters[name] if name in counters else own(name)
        tag = request.tag or _tag(name, operation.verb, mine, known)
        if operation.verb == "create" and (tag in mine or tag in known(name)):
            raise ExistsError(f"there is a {tag} '{name}' already", "see 'crdtctl show'")
        if not tag or (operation.verb == "reset" and tag not in mine and tag not in known(name)):
            raise MissingError(f"no {tag or 'counter'} '{name}' here", "'crdtctl show' lists what there is")
        if operation.verb != "create" and TYPES[tag].created_first and tag not in mine and tag not in known(name):
            raise MissingError(f"no {tag} '{name}' here", "create it, or merge a state that has it first")
        if operation.once is not None:
            sent = {**TYPES[tag].sent(known(name).get(tag, {})), **TYPES[tag].sent(mine.get(tag, {}))}
            if operation.once in sent:
                asked = operation.amount if operation.verb == "increment" else -operation.amount
                if sent[operation.once] != asked:
                    notes.append(
                        f"once-key '{operation.once}' of '{name}' stands for {sent[operation.once]:+d} already; "
                        f"{asked:+d} was not counted"
                    )
                return
        here = Here(replica, seq, partial(_of_type, verified or known, name, tag), tier)
        row = _apply(name, tag, mine.get(tag, {}).get(replica), operation, here)
        if row is not None:
            counters[name] = {**mine, tag: {replica: row}}
            touched[name, tag] = None

    for request in requests:
        try:
            one(request)
        except CrdtctlError as failure:
            if on_refused is None:
                raise
            on_refused(request, failure)
    return Plan(counters, list(touched), notes)


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


def _tag(name: str, verb: Verb, mine: Counter, known: Lookup) -> str:
    """Return the type that an operation on `name` means: our own before what others made of the name.

    It is empty where there is none, and the verb makes none.
    """
    tags = sorted(mine or known(name))
    if len(tags) > 1:
        raise UsageError(f"'{name}' is there as {' and '.join(tags)}", "choose one with --type")
    return tags[0] if tags else DEFAULT_TYPES.get(verb, "")


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
