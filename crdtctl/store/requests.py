"""Checked requests to change a counter, with one constructor for each verb.

>>> increment("builds", 4, once="job-17").operation.amount
4
>>> transfer("seats", "hub-1", 3).tag
'bcounter'

Every constructor raises `UsageError` for a wrong argument. A counter is named by its name, by the spelling of a series
such as ``tests{os="linux"}``, or by a name and `labels`, which win over those in a spelling. A `tag` is the type of the
counter, or None for the type that it has. With `also`, a counter that has another type gets a second one.
"""

from __future__ import annotations

from crdtctl.crdt.base import Operation
from crdtctl.errors import UsageError, printable
from crdtctl.records import replace
from crdtctl.store.commit import Request
from crdtctl.store.validation import (
    check_amount,
    check_replica,
    check_setting,
    check_strings,
    check_type,
    checked_elements,
    checked_every,
    checked_keep,
    checked_key,
    checked_level,
    checked_name,
    checked_on_drop,
    checked_source,
    checked_time,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from crdtctl.crdt.base import Verb
    from crdtctl.crdt.clock import Clock
    from crdtctl.crdt.distribution import Distribution

#: Operations that only count.
_shared: dict[tuple[Verb, int], Operation] = {}
_MOST_SHARED = 1000


def create(
    name: str,
    tag: str,
    *,
    bound: int | None = None,
    initial: int | None = None,
    precision: int | None = None,
    error: str | float | None = None,
    source: str | None = None,
    every: str | None = None,
    keep: float | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
) -> Request:
    """Declare a counter. Its type decides which settings it has.

    With `every` (``day``, ``hour`` or ``15m``), it keeps periods, the finest for `keep` seconds; it may exist then.
    """
    from crdtctl.crdt.hyperloglog import MAX_PRECISION, MIN_PRECISION

    check_strings(tag=tag)
    name = checked_name(name, labels)
    check_type(tag)
    begins = initial if source is None else None
    rank = checked_every(every)
    quarters = checked_keep(keep, rank)
    settings = {"bound": bound, "initial": begins, "precision": precision, "every": rank, "keep": quarters}
    for setting, number in settings.items():
        if number is not None:
            check_setting(tag, setting, number)
    if precision is not None and not MIN_PRECISION <= precision <= MAX_PRECISION:
        raise UsageError(f"a precision is from {MIN_PRECISION} to {MAX_PRECISION}")
    if begins is not None and begins < (bound or 0):
        raise UsageError(f"a counter cannot begin at {initial}, below its bound {bound or 0}")
    level = "" if error is None else checked_level(tag, error)
    readings = () if source is None else (_first_reading(name, tag, source, initial),)
    operation = Operation(
        "create",
        bound=bound,
        initial=begins,
        precision=precision,
        level=level,
        readings=readings,
        every=rank,
        keep=quarters,
    )
    return Request(name, operation, tag, also)


def _first_reading(name: str, tag: str, source: str, total: int | None) -> tuple[str, int]:
    """Return the reading that a counter begins with."""
    from crdtctl.crdt import TYPES

    if not TYPES[tag].has_readings:
        raise UsageError(
            f"a {tag} cannot begin with the reading of a source, only a gcounter or a pncounter",
            f"create '{printable(name)}' on one replica, and merge its state on the others before they count",
        )
    if total is None:
        raise UsageError("a source needs an initial value, which is its reading")
    check_amount(total)
    return checked_source(source), total


def increment(
    name: str,
    amount: int = 1,
    *,
    once: str | None = None,
    tag: str | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
    at: float | None = None,
) -> Request:
    """Count `amount` up, a single time under the idempotency key `once` if there is one."""
    return count("increment", name, amount, once=once, tag=tag, also=also, labels=labels, at=at)


def decrement(
    name: str,
    amount: int = 1,
    *,
    once: str | None = None,
    tag: str | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
    at: float | None = None,
) -> Request:
    """Count `amount` down, a single time under the idempotency key `once` if there is one."""
    return count("decrement", name, amount, once=once, tag=tag, also=also, labels=labels, at=at)


def count(
    verb: Verb,
    name: str,
    amount: int = 1,
    *,
    once: str | None = None,
    tag: str | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
    at: float | None = None,
) -> Request:
    """Count in the direction of the `verb`, ``increment`` or ``decrement``, `at` a time in seconds since 1970."""
    check_strings(tag=tag)
    name = checked_name(name, labels)
    once = checked_key(once)
    check_amount(amount)
    check_type(tag)
    when = _time_without_key(at, once)
    is_plain = once is None and when is None
    operation = _counting(verb, amount) if is_plain else Operation(verb, amount, once=once, at=when)
    return Request(name, operation, tag, also)


def _counting(verb: Verb, amount: int) -> Operation:
    """Return an operation that only counts. Equal ones are shared: a batch may have a million of them."""
    found = _shared.get((verb, amount))
    if found is None:
        found = Operation(verb, amount)
        if len(_shared) < _MOST_SHARED:
            _shared[verb, amount] = found
    return found


def _time_without_key(at: float | None, once: str | None) -> int | None:
    """Return the time of a count, if it has one; raise `UsageError` if it also has an idempotency key."""
    when = checked_time(at)
    if once is not None and when is not None:
        raise UsageError("an amount under an idempotency key has no time", "leave out the time, or the key")
    return when


def add(
    name: str,
    elements: Iterable[str],
    *,
    once: str | None = None,
    tag: str | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
    at: float | None = None,
) -> Request:
    """Add elements to a set, or numbers to a hist, a single time under the idempotency key `once` if there is one.

    `at` is a time in seconds since 1970.
    """
    check_strings(tag=tag)
    name = checked_name(name, labels)
    once = checked_key(once)
    found = checked_elements(elements)
    check_type(tag)
    when = _time_without_key(at, once)
    return Request(name, Operation("add", elements=found, once=once, at=when), tag, also)


def add_numbers(
    name: str, numbers: Distribution, *, once: str | None = None, labels: Mapping[str, str] | None = None
) -> Request:
    """Add any number of numbers to a hist."""
    from crdtctl.crdt.hist import Hist

    return Request(checked_name(name, labels), Operation("add", numbers=(numbers,), once=checked_key(once)), Hist.tag)


def observe(
    name: str,
    total: int,
    *,
    source: str,
    on_drop: str = "refuse",
    at: float | None = None,
    tag: str | None = None,
    also: bool = False,
    labels: Mapping[str, str] | None = None,
) -> Request:
    """Record that the meter `source` reads `total`, of the period of a time `at`, in seconds since 1970.

    A reading that falls is treated as `on_drop` names.
    """
    check_strings(tag=tag)
    name = checked_name(name, labels)
    source = checked_source(source)
    check_amount(total)
    check_type(tag)
    when = checked_time(at)
    moments = () if when is None else (when,)
    operation = Operation("observe", 0, readings=((source, total),), moments=moments, on_drop=checked_on_drop(on_drop))
    return Request(name, operation, tag, also)


def add_sketch(name: str, sketch: str) -> Request:
    """Add the elements that a sketch contains to an hll."""
    from crdtctl.crdt.hll import HLL

    return Request(checked_name(name), Operation("add", sketch=sketch), HLL.tag)


def reset(name: str, *, tag: str | None = None, labels: Mapping[str, str] | None = None) -> Request:
    """Cancel everything that was counted."""
    check_strings(tag=tag)
    name = checked_name(name, labels)
    check_type(tag)
    return Request(name, Operation("reset"), tag)


def forget(
    name: str, *, tag: str | None = None, labels: Mapping[str, str] | None = None, keys_too: bool = False
) -> Request:
    """Forget everything that is known of a counter. Its idempotency keys stay used unless `keys_too`."""
    check_strings(tag=tag)
    name = checked_name(name, labels)
    check_type(tag)
    return Request(name, Operation("forget", keys_too=keys_too), tag, existing=True)


def transfer(name: str, to: str, amount: int, *, source: str = "") -> Request:
    """Give `amount` rights to the bcounter `name` to the replica `to`, from this replica or from a lost `source`."""
    from crdtctl.crdt.bcounter import BCounter

    name = checked_name(name)
    check_replica(replica=to, source=source)
    check_amount(amount, 1)
    return Request(name, Operation("transfer", amount, replica=to, source=source), BCounter.tag)


def grant(name: str, to: str = "") -> Request:
    """Give the rights that `to`, or any replica, asks for, as far as they are available."""
    from crdtctl.crdt.bcounter import BCounter

    name = checked_name(name)
    check_replica(replica=to)
    return Request(name, Operation("transfer", replica=to, granted=True), BCounter.tag)


def take_back(name: str, source: str) -> Request:
    """Take back the part of a handoff counter that is on its way to the replica `source`."""
    from crdtctl.crdt.handoff import Handoff

    name = checked_name(name)
    check_replica(source=source)
    return Request(name, Operation("transfer", source=source), Handoff.tag)


def ask(name: str, holder: str, amount: int) -> Request:
    """Ask the replica `holder` for `amount` rights to the bcounter `name`."""
    from crdtctl.crdt.bcounter import BCounter

    name = checked_name(name)
    check_replica(replica=holder)
    check_amount(amount, 1)
    return Request(name, Operation("request", amount, replica=holder), BCounter.tag)


def expire(name: str, tag: str, clock: Clock, *, take_over: bool = False) -> Request:
    """Forget the idempotency keys of the commits that a clock covers. With `take_over`, also those of lost replicas."""
    return Request(name, Operation("expire", granted=take_over, clock=tuple(sorted(clock.items()))), tag)


def repeated(found: Request, times: int) -> Request:
    """Return one request that counts as much as `times` equal ones."""
    operation = found.operation
    if operation.verb in ("add", "observe") or operation.once is not None or times == 1:
        return found
    amount = operation.amount * times
    check_amount(amount)
    counts = Operation(operation.verb, amount, at=operation.at)
    return Request(found.name, counts, found.tag, found.also, found.existing)


def under_key(found: Sequence[Request], once: str) -> list[Request]:
    """Return requests that count all of the given ones a single time under the idempotency key `once`.

    A key has one amount in each counter, so the increments and decrements of a counter are added up first. Requests
    with a key of their own keep it. Requests to add elements need none.
    """
    sums: dict[tuple[str, str | None, bool], int] = {}
    others = []
    for request in found:
        operation = request.operation
        if operation.once is None and operation.verb in ("increment", "decrement"):
            if operation.at is not None:
                raise UsageError("an amount under an idempotency key has no time", "leave out the time, or the key")
            amount = operation.amount if operation.verb == "increment" else -operation.amount
            key = request.name, request.tag, request.also
            sums[key] = sums.get(key, 0) + amount
        else:
            others.append(request)
    keyed = [
        count("decrement" if total < 0 else "increment", name, abs(total), once=once, tag=tag, also=also)
        for (name, tag, also), total in sums.items()
    ]
    return [*keyed, *others]


def relabelled(found: Request, below: Mapping[str, str], above: Mapping[str, str] | None = None) -> Request:
    """Return a request for the counter with more labels: `below` yield to those that it has, which yield to `above`."""
    from crdtctl.crdt.series import split

    name, own = split(found.name)
    return replace(found, name=checked_name(name, {**below, **own, **(above or {})}))
