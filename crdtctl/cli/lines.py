"""One line of a batch → its request, in the forms that `FORMS` lists."""

from __future__ import annotations

from crdtctl.cli.amounts import amount
from crdtctl.crdt.names import counter_fault
from crdtctl.crdt.spelling import end_of_spelling
from crdtctl.errors import UsageError, printable
from crdtctl.store import requests
from crdtctl.store.validation import wrong_name

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Collection
    from typing import Any, NoReturn

    from crdtctl.cli.batches import Parse
    from crdtctl.crdt.base import Verb
    from crdtctl.store.commit import Request
else:
    from crdtctl import patterns as re

_COUNTED = re.compile(r"[ \t]*([0-9]+)[ \t](.*)", re.DOTALL)
_MAY_COUNT = set(" \t0123456789")
_LOOKS_COUNTED = re.compile(r"[ \t]*[0-9]+ ")
_PAIR = re.compile(r"[^={}]+=\+?[0-9]+")
_NO_PAIRS = "in a batch, write NAME, a tab, AMOUNT"
#: Verb → the one that counts a negative amount.
_OPPOSITE: dict[Verb, Verb] = {"increment": "decrement", "decrement": "increment"}
_TEXTS = {"name", "once", "type"}
_FIELDS = {*_TEXTS, "amount", "labels", "at"}


def count_line(verb: Verb, tag: str | None, form: str = "auto") -> Parse:
    """Return the parser of a line of ``increment`` or ``decrement`` in one of the `FORMS`; it raises `UsageError`."""

    def names(line: str) -> Request:
        return requests.count(verb, line, tag=tag)

    def uniq(line: str) -> Request | None:
        found = _COUNTED.fullmatch(line)
        if not found:
            raise UsageError("not COUNT NAME, the output of 'uniq -c'")
        return requests.count(verb, found[2], amount(found[1]), tag=tag) if found[2].strip() else None

    def tsv(line: str) -> Request:
        name, tab, text = line.rpartition("\t")
        if not tab:
            return requests.count(verb, line, tag=tag)
        if not name.strip():
            raise UsageError("the name is missing")
        if "\t" in name:
            raise UsageError("not NAME, a tab and AMOUNT: there are more tabs")
        return requests.count(verb, name, amount(text), tag=tag)

    def from_json(line: str) -> Request:
        tree = json_object(line, _FIELDS, _TEXTS)
        number = tree.get("amount", 1)
        number = amount(number) if isinstance(number, str) else number
        once, labels = tree.get("once"), tree.get("labels")
        when = None if "at" not in tree else line_time(tree["at"])
        return requests.count(verb, _name(tree), number, once=once, tag=tree.get("type", tag), labels=labels, at=when)

    def statsd(line: str) -> Request:
        from crdtctl.cli.statsd import statsd_count

        name, number, labels = statsd_count(line)
        return requests.count(_OPPOSITE[verb] if number < 0 else verb, name, abs(number), tag=tag, labels=labels)

    def auto(line: str) -> Request:
        if line.startswith("{"):
            return from_json(line)
        if "\t" in line:
            return tsv(line)
        if line[:1] in _MAY_COUNT and _LOOKS_COUNTED.match(line):
            _doubt(line)
        if "{" in line:
            return requests.count(verb, *_labelled(line), tag=tag)
        name, gap, text = line.rpartition(" ")
        if not gap or text[:1] not in set("+-0123456789"):
            name, text = line, "1"
        if counter_fault(name) is not None and _PAIR.fullmatch(line):
            raise UsageError(f"{wrong_name(name).message}; {_NO_PAIRS}")
        return requests.count(verb, name, amount(text), tag=tag)

    return {"auto": auto, "names": names, "uniq": uniq, "tsv": tsv, "json": from_json, "statsd": statsd}[form]


def _labelled(line: str) -> tuple[str, int]:
    """Return the name, with labels, and the amount on a line."""
    end = end_of_spelling(line)
    rest = line[end:] if end > 0 else ""
    if rest[:1] == "=":
        raise UsageError(f"'{printable(line[:80])}' is a name with labels and an amount; {_NO_PAIRS}")
    if rest[:1] not in ("", " "):
        return line, 1
    return line.removesuffix(rest), amount(rest) if rest.strip() else 1


def _doubt(line: str) -> NoReturn:
    raise UsageError(
        f"'{printable(line[:40])}' begins with a number: write --lines uniq for COUNT NAME, the output of 'uniq -c', "
        "or --lines names for a NAME; or put a tab before the AMOUNT"
    )


def json_object(line: str, fields: Collection[str], texts: Collection[str]) -> dict[str, Any]:
    """Return the fields of a line, a JSON object; those in `texts` are strings. Raise `UsageError`."""
    import json  # only here and for statsd: names and amounts do without

    def once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(pairs)) != len(pairs):
            raise ValueError("a key is repeated")
        return dict(pairs)

    try:
        tree = json.loads(line, object_pairs_hook=once_each)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"not a JSON object: {error}") from None
    if not isinstance(tree, dict):
        raise UsageError("not a JSON object")
    unknown = sorted(set(tree).difference(fields))
    if unknown:
        raise UsageError(f"unknown field '{printable(unknown[0][:40])}'")
    for key in texts:
        if key in tree and not isinstance(tree[key], str):
            raise UsageError(f"'{key}' must be a string")
    return tree


def line_time(when: object) -> float:
    """Return the time of a line, the field 'at', in seconds since 1970; raise `UsageError`."""
    from crdtctl.cli.times import moment  # only here: few lines have a time

    if isinstance(when, bool) or not isinstance(when, str | int | float):
        raise UsageError("'at' must be a time")
    return moment(when, "'at'") if isinstance(when, str) else when


def _name(tree: dict[str, Any]) -> str:
    if "name" not in tree:
        raise UsageError("the field 'name' is missing")
    return str(tree["name"])
