"""Selectors → counters of a replica. A name costs its own lines only, however many other lines there are."""

from __future__ import annotations

from crdtctl.codec.reader import ALL, NO_NAMES, Part
from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import join_counters, without_forgotten
from crdtctl.crdt.names import counter_advice, counter_fault, entered, stored_counter_fault
from crdtctl.crdt.selector import Condition, Selector, condition, equal_to, selector
from crdtctl.crdt.series import MAX_LABELS, key_fault, parts, spelled
from crdtctl.errors import MissingError, UsageError, printable
from crdtctl.records import replace
from crdtctl.store.reading import Reading
from crdtctl.store.totals import alone, grouped
from crdtctl.store.validation import check_strings, check_type

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import TypeAlias

    from crdtctl.codec.reader import Source
    from crdtctl.crdt.counter import Counter
    from crdtctl.store.counters import CounterSnapshot
    from crdtctl.store.totals import Total

    #: Label → value; or conditions as text, as in ``os!=linux`` and ``os=win*``.
    Where: TypeAlias = Mapping[str, str] | Iterable[str]
    #: A line, and the file with it.
    Line: TypeAlias = tuple[Source, bytes]

#: Maximum number of characters of a selector in a message.
_LONGEST = 200


def select(
    now: CounterSnapshot,
    names: Sequence[str],
    *,
    where: Where = (),
    by: Iterable[str] | None = None,
    each: bool = False,
    exact: bool = False,
    tag: str | None = None,
) -> list[Total]:
    """Return totals, see `Reader.select`. Raise `UsageError`."""
    check_type(tag)
    demanded, keys = conditions(where), label_keys(by)
    if exact and (demanded or keys or each):
        raise UsageError("an exact name is one counter: it has no conditions and no groups")
    if not names:
        return [*totals_of_all(now, demanded, tag, keys)]
    selectors = [chosen(now, name, demanded, exact=exact) for name in names]
    return [total for wanted in selectors for total in totals(now, wanted, keys, each=each, tag=tag)]


def totals(
    now: CounterSnapshot, wanted: Selector, keys: Sequence[str] = (), *, each: bool = False, tag: str | None = None
) -> list[Total]:
    """Return the totals of a selector for each name, type and group, or of each counter by itself."""
    readings = meant(now, wanted, find(now, wanted, tag))
    return [*map(alone, readings)] if each else grouped(readings, wanted.labels, keys)


def totals_of_all(
    now: CounterSnapshot, where: Sequence[Condition], tag: str | None, keys: Sequence[str] = ()
) -> Iterable[Total]:
    """Return the total of each counter by itself whose labels fulfil conditions, in constant memory; or of groups."""
    wanted = Selector("", tuple(where))
    found = (
        one for one in now.counters() if tag in (None, one.tag) and (not where or wanted.holds(parts(one.name)[1]))
    )
    return grouped(found, wanted.labels, keys) if keys else map(alone, found)


def conditions(where: Where) -> tuple[Condition, ...]:
    """Return conditions on labels, given as labels with their values, or as texts. Raise `UsageError`."""
    found = []
    for one in where.items() if hasattr(where, "items") else where:
        try:
            if isinstance(one, str):
                found.append(condition(one))
            else:
                key, value = one
                check_strings(name=key, value=value)
                found.append(equal_to(key, entered(value)))
        except ValueError as error:
            raise UsageError(f"'{printable(str(one)[:80])}' is not a condition: {error}") from None
    for made in found:
        _check_key(made.key)
    return tuple(found)


def label_keys(by: Iterable[str] | None) -> list[str]:
    """Return keys of labels, each once, in order, at most as many as a series has. Raise `UsageError`."""
    if isinstance(by, str):
        raise UsageError("'by' must be a list of keys, not a string")
    keys = list(dict.fromkeys(by or ()))
    if len(keys) > MAX_LABELS:
        raise UsageError(f"{len(keys)} labels were asked for, and a series has at most {MAX_LABELS}")
    for key in keys:
        try:
            _check_key(key)
        except UsageError as fault:
            raise UsageError(f"by: {fault.message}", "name the keys of labels, for example os,py") from None
    return keys


def _check_key(key: str) -> None:
    check_strings(name=key)
    if (fault := key_fault(key)) is not None:
        raise UsageError(f"{fault}: '{printable(key[:80])}'")


def chosen(now: CounterSnapshot, text: str, where: Iterable[Condition] = (), *, exact: bool = False) -> Selector:
    """Return the selector that a text means here, with further conditions. Raise `UsageError`.

    A name with special characters is a pattern only if it is not `exact` and no counter has exactly this name.
    """
    check_strings(name=text)
    text = entered(text)
    try:
        wanted = selector(text, where, exact=exact)
    except ValueError as error:
        return _of_old_name(now, text, str(error))
    if wanted.pattern is None:
        fault = counter_fault(wanted.name)
        return wanted if fault is None else _of_old_name(now, text, fault)
    is_literal = not text.startswith("{") and next(find(now, Selector(wanted.name)), None) is not None
    return Selector(wanted.name, wanted.conditions) if is_literal else wanted


def _of_old_name(now: CounterSnapshot, text: str, fault: str) -> Selector:
    """Return the selector of a name with braces but without labels, which files of early versions may contain.

    Raise `UsageError`, with the fault, for an unknown counter.
    """
    if stored_counter_fault(text) is None and now.counter(text):
        return Selector(text, exact=True)
    advice = """labels are selected as in 'tests{os="linux"}', in single quotes""" if "{" in text else ""
    raise UsageError(f"{fault}: '{printable(text[:80])}'", counter_advice(text, "--where") or advice)


def find(now: CounterSnapshot, wanted: Selector, tag: str | None = None) -> Iterator[Reading]:
    """Yield the counters that a selector means, a name without labels before its series. Only their lines are read."""
    *target, _ = now.spellings(wanted.name) if wanted.pattern is None else [wanted.name]
    for name in target:
        found = _find(now, replace(wanted, name=name), tag)
        yield from (one for one in found if TYPES[one.tag].can_be_renamed)
    yield from _find(now, wanted, tag)


def _find(now: CounterSnapshot, wanted: Selector, tag: str | None) -> Iterator[Reading]:
    """Yield the counters of a selector whose name is not an alias."""
    if wanted.pattern is not None:
        yield from _in_part(now, wanted, beginning_with(wanted.pattern.prefix.encode()), tag)
        return
    if wanted.exact or wanted.holds({}):
        name = spelled(wanted.name, wanted.labels) if wanted.exact else wanted.name
        yield from _typed(name, now.counter(name), tag)
    if not wanted.exact:
        yield from _in_part(now, wanted, beginning_with(b"%b{" % wanted.name.encode()), tag)


def meant(now: CounterSnapshot, wanted: Selector, found: Iterable[Reading]) -> list[Reading]:
    """Return those of the found counters that have the type that the name means here; all if nothing decides that."""
    readings = list(found)
    if wanted.pattern is not None or len({one.tag for one in readings}) < 2:
        return readings
    try:
        tag = now.meant(wanted.name, [one.name for one in readings])
    except UsageError:
        return readings
    return [one for one in readings if one.tag == tag] or readings


def beginning_with(prefix: bytes) -> Part:
    """Return the part of a file with the names that begin with a prefix."""
    return Part(prefix, prefix + b"\xff") if prefix else ALL  # no text in UTF-8 has this byte


def _in_part(now: CounterSnapshot, wanted: Selector, part: Part, tag: str | None) -> Iterator[Reading]:
    """Yield the counters of a selector whose lines are in one part of the files. Other lines are not decoded."""
    if now.renamed:
        for called, found in now.renamed.counters(part):
            if wanted.matches(*parts(called)):
                yield from _typed(called, found, tag)
        return
    texts = wanted.texts
    for key, lines in _joined([(source, source.lines(part)) for source in now.sources]):
        spelling = key.decode()
        if key in NO_NAMES or not all(text in spelling for text in texts):
            continue
        name, labels = parts(spelling)
        if wanted.matches(name, labels):
            counter: Counter = {}
            for source, line in lines:
                counter = join_counters(counter, source.read(line))
            yield from _typed(spelling, counter, tag)


def _joined(runs: Sequence[tuple[Source, Iterator[tuple[bytes, bytes]]]]) -> Iterator[tuple[bytes, list[Line]]]:
    """Yield each name of several sorted runs of lines, with all its lines."""
    heads = [(source, run, found) for source, run in runs if (found := next(run, None)) is not None]
    while heads:
        name = min([found[0] for _, _, found in heads])
        yield name, [(source, found[1]) for source, _, found in heads if found[0] == name]
        heads = [
            (source, run, following)
            for source, run, found in heads
            if (following := next(run, None) if found[0] == name else found) is not None
        ]


def _typed(name: str, counter: Counter, tag: str | None) -> Iterator[Reading]:
    counter = without_forgotten(counter)
    for one in sorted(counter):
        if tag in (None, one):
            yield Reading(name, one, counter[one])


def missing(now: CounterSnapshot, wanted: Selector, tag: str | None) -> MissingError:
    """Return the error for a selector that means no counter."""
    text = str(wanted)
    shown = printable(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
    if wanted.pattern is not None:
        return MissingError(f"no counter matches '{shown}'", "'crdtctl show' lists all counters")
    if wanted.conditions and next(find(now, Selector(wanted.name), tag), None) is not None:
        from shlex import quote

        hint = f"'crdtctl show {quote(printable(wanted.name))} --series' lists what there is of this name"
        return MissingError(f"no series matches '{shown}'", hint)
    if tag is not None and (present := {one.tag for one in find(now, wanted, None)}):
        from crdtctl.store.type_choice import wrong_type

        return wrong_type(str(wanted), tag, sorted(present))
    message = f"no {'counter' if tag is None else tag} '{shown}' here"
    return MissingError.of_counter(wanted.name, message, "'crdtctl show' lists what there is")
