"""Checks of arguments that programs and users pass: names, types, amounts, settings."""

from __future__ import annotations

from crdtctl.crdt import TYPES
from crdtctl.crdt.base import TOO_LARGE
from crdtctl.crdt.names import counter_advice, counter_fault, element_fault, entered_counter, key_fault, replica_fault
from crdtctl.crdt.names import entered as normalized
from crdtctl.errors import UsageError, printable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crdtctl.crdt.readings import OnDrop

#: Setting of a new counter → its name in messages.
_SETTINGS = {
    "bound": "a bound",
    "initial": "an initial value",
    "precision": "a precision",
    "every": "periods",
    "keep": "periods",
}


def check_strings(**arguments: object) -> None:
    """Raise `UsageError` for an argument that is neither a string nor None."""
    for name, value in arguments.items():
        if not isinstance(value, str) and (value is not None or name == "name"):
            raise UsageError(f"{name} must be a string, not {type(value).__name__}")


def check_type(tag: str | None) -> None:
    """Raise `UsageError` for an unknown type."""
    if tag is not None and tag not in TYPES:
        from crdtctl.suggestions import did_you_mean  # only here: types are rarely misspelt

        types = f"types are {', '.join(sorted(TYPES))}"
        guess = did_you_mean(tag, TYPES)
        raise UsageError(f"unknown type '{printable(tag)}'", f"{guess} {types}" if guess else types)


def wrong_name(name: str) -> UsageError:
    """Return the error for a wrong name of a counter."""
    return UsageError(f"{counter_fault(name)}: '{printable(name[:80])}'", counter_advice(name))


def checked_name(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return the name of a counter to write to, with the `labels` as well, in its one spelling.

    The name may be the spelling of a series, whose labels yield to those of the same keys. Raise `UsageError` for a
    wrong name or label.
    """
    name = entered_name(name, labels)
    if counter_fault(name) is not None:
        raise wrong_name(name)
    return name


def entered_name(name: str, labels: Mapping[str, str] | None = None) -> str:
    """Return the name of a counter to read, with the `labels` as well, in its one spelling, without checking it."""
    check_strings(name=name)
    name = entered_counter(name)
    if labels is None:
        return name
    from crdtctl.crdt.spelling import with_labels

    return with_labels(name, checked_labels(labels))


def checked_labels(labels: Mapping[str, str]) -> dict[str, str]:
    """Return labels in their normal form. Raise `UsageError` for a wrong key or value."""
    from crdtctl.crdt.spelling import check_label

    if not hasattr(labels, "items"):
        raise UsageError(f"labels must be a mapping, not {type(labels).__name__}")
    found = {}
    for key, value in labels.items():
        check_strings(**{"the key of a label": key, "the value of a label": value})
        if value is None:
            raise UsageError("the value of a label must be a string, not NoneType")
        value = normalized(value)
        try:
            check_label(key, value)
        except ValueError as error:
            raise UsageError(str(error)) from None
        found[key] = value
    return found


def checked_key(once: str | None) -> str | None:
    """Return an idempotency key in its normal form. Raise `UsageError` for a wrong one."""
    check_strings(once=once)
    if once is None:
        return None
    once = normalized(once)
    if (fault := key_fault(once)) is not None:
        raise UsageError(fault)
    return once


def checked_source(source: object) -> str:
    """Return the source of a reading in its normal form. Raise `UsageError` for a wrong one."""
    from crdtctl.crdt.reading_parts import source_fault

    if not isinstance(source, str):
        raise UsageError(f"a source must be a string, not {type(source).__name__}")
    source = normalized(source)
    if (fault := source_fault(source)) is not None:
        raise UsageError(fault)
    return source


def checked_on_drop(on_drop: object) -> OnDrop:
    """Return what happens to a reading that falls; raise `UsageError` if it is not one of the three."""
    from crdtctl.crdt.readings import ON_DROP

    for known in ON_DROP:
        if on_drop == known:
            return known
    raise UsageError(f"on_drop cannot be '{printable(str(on_drop)[:40])}'", f"it is one of {', '.join(ON_DROP)}")


def checked_elements(elements: Iterable[str]) -> tuple[str, ...]:
    """Return elements of a set in their normal form. Raise `UsageError` for a wrong one."""
    found = []
    for element in elements:
        check_strings(element=element)
        found.append(normalized(element))
        if (fault := element_fault(found[-1])) is not None:
            raise UsageError(fault)
    return tuple(found)


def check_replica(**ids: object) -> None:
    """Raise `UsageError` for a wrong replica id; an empty one is right."""
    check_strings(**ids)
    for replica in ids.values():
        if replica and (fault := replica_fault(str(replica))) is not None:
            raise UsageError(fault)


def check_amount(amount: object, least: int = 0) -> None:
    """Raise `UsageError` unless an amount is a whole number from `least`, of at most 100 digits."""
    if isinstance(amount, bool) or not isinstance(amount, int):
        raise UsageError("an amount must be a whole number")
    if not least <= amount < TOO_LARGE:
        raise UsageError(f"an amount must be at least {least} and have at most 100 digits")


def check_setting(tag: str | None, setting: str, number: object) -> None:
    """Raise `UsageError` unless counters of type `tag` have the `setting`, and `number` is a value for it."""
    if tag is None or setting not in TYPES[tag].settings:
        *able, last = (one for one, kind in TYPES.items() if setting in kind.settings)
        types = f"{', '.join(able)} or {last}" if able else last
        raise UsageError(f"a {tag} is not created with {_SETTINGS[setting]}, only a {types}")
    if isinstance(number, bool) or not isinstance(number, int):
        raise UsageError(f"{setting} must be a whole number")
    if abs(number) >= TOO_LARGE:
        raise UsageError(f"{setting} must have at most 100 digits")


def checked_level(tag: str, error: object) -> str:
    """Return the level of buckets for a largest relative `error`, such as 0.01 or "1%". Raise `UsageError`."""
    from crdtctl.crdt import buckets, decimals

    if "level" not in TYPES[tag].settings:
        able = " or ".join(f"a {one}" for one, kind in TYPES.items() if "level" in kind.settings)
        raise UsageError(f"a {tag} is not created with an error, only {able}")
    if isinstance(error, bool) or not isinstance(error, str | int | float):
        raise UsageError("an error must be a number")
    text = str(error).strip()
    try:
        asked = decimals.read(text.removesuffix("%")) // (100 if text.endswith("%") else 1)
    except decimals.NotANumber as fault:
        raise UsageError(f"'{printable(text[:40])}' is not an error: {fault}", "write 0.01 or 1%") from None
    for level in buckets.LEVELS:
        if decimals.read(str(buckets.ERRORS[level])) <= asked < decimals.UNIT:
            return level
    least = f"{buckets.ERRORS[buckets.FINEST]:g}"
    raise UsageError(f"an error is from {least} to 1", "it is relative: 0.01 is 1 %")


def checked_quantile(q: object) -> int:
    """Return a quantile such as 0.99, "p99" or "99%", in units of 10^-30.

    Raise `UsageError` unless it is from 0 to 1.
    """
    from crdtctl.crdt import decimals

    text = "" if isinstance(q, bool) else str(q).strip()
    digits, scale = text, 1
    if text[:1] in ("p", "P") or text.endswith("%"):
        digits, scale = text.lstrip("pP").removesuffix("%").rstrip(), 100
    try:
        found = decimals.read(digits)
    except decimals.NotANumber:
        found = -1
    if not 0 <= found <= scale * decimals.UNIT:
        raise UsageError(f"'{printable(text[:40])}' is not a quantile", "it is from 0 to 1, for example 0.99 or p99")
    return found // scale


def checked_every(every: object) -> int | None:
    """Return the rank of the name of a granularity; raise `UsageError`."""
    if every is None:
        return None
    from crdtctl.crdt.periods import RANKS  # only here and below: few counters have periods

    if every not in RANKS:
        raise UsageError(f"periods cannot be '{printable(str(every)[:40])}'", f"they are one of {', '.join(RANKS)}")
    return RANKS[str(every)]


def checked_keep(keep: object, every: int | None) -> int | None:
    """Return a length of time in seconds as quarters of an hour; raise `UsageError`."""
    if keep is None:
        return None
    from crdtctl.crdt.periods import END, LENGTHS, MAX_KEPT, NAMES, QUARTER, kept

    if isinstance(keep, bool) or not isinstance(keep, int | float) or not QUARTER <= keep < END * QUARTER:
        raise UsageError("periods are kept at least 15 minutes, and at most 230 years")
    quarters = -int(-keep // QUARTER)
    if every and kept(every, quarters) * LENGTHS[every] < quarters:
        days = MAX_KEPT * LENGTHS[every] // LENGTHS[1]
        raise UsageError(
            f"at most {MAX_KEPT:,} periods of each length are kept, which are {days} days of {NAMES[every]} periods",
            "older ones are folded into longer ones: see 'crdtctl help time'",
        )
    return quarters


def checked_time(at: object) -> int | None:
    """Return a time in seconds since 1970 as a whole number; raise `UsageError`."""
    if at is None:
        return None
    from crdtctl.crdt.periods import END, QUARTER

    if isinstance(at, bool) or not isinstance(at, int | float) or not 0 <= at < END * QUARTER:
        raise UsageError("a time must be a number of seconds since 1970, before the year 2200")
    return int(at)


def flattened(elements: Iterable[object]) -> list[str]:
    """Return elements that are given one by one or in iterables. Raise `UsageError` for anything else."""
    found: list[str] = []
    for element in elements:
        if isinstance(element, str):
            found.append(element)
        elif isinstance(element, bytes) or hasattr(element, "keys") or not hasattr(element, "__iter__"):
            raise UsageError(f"an element is a string, not {type(element).__name__}")
        else:
            found.extend(element)
    return found


def typed_numbers(numbers: Iterable[object]) -> list[str]:
    """Return numbers of any kind, or texts of them, as texts. Raise `UsageError` for anything else."""
    found = []
    for number in numbers:
        kinds = {kind.__name__ for kind in type(number).__mro__}  # a Decimal is recognised without its import
        if isinstance(number, bool) or kinds.isdisjoint(("int", "float", "str", "Decimal")):
            raise UsageError(f"a number is an int, a float, a Decimal or a string, not {type(number).__name__}")
        found.append(str(number))
    return found
