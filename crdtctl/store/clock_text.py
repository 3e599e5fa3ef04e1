"""Text → clock, in every format that ``crdtctl clock`` prints."""

from __future__ import annotations

import io

from crdtctl.codec.clock import decode_clock, encode_clock
from crdtctl.codec.invalid import MAX_ANY_LAYOUT, Invalid
from crdtctl.errors import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import re
    from collections.abc import Iterable
    from typing import Any

    from crdtctl.crdt.clock import Clock
else:
    from crdtctl import patterns as re

_HINT = "give it what 'crdtctl clock' printed, or a state"
_COLUMNS = ("replica", "commits")
#: A row of a table: an id, which may hold spaces, and a number.
_ROW = re.compile(r"\s*(\S.*?)\s+([0-9]+)\s*")
_RULE = re.compile(r"[\s─━╌-]*")


def parse_clock(text: str) -> dict[str, int]:
    """Return the clock in `text`; raise `UsageError`."""
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise UsageError("the clock is empty", "did the command that printed it fail?")
    try:
        rows = _rows(text)
        return decode_clock(text if rows is None else _as_json(rows))
    except Invalid as fault:
        raise UsageError(f"that is not a clock: {fault.reason}", _HINT) from None


def _rows(text: str) -> list[tuple[str, int]] | None:
    """Return the rows of a report; None if `text` is not a report."""
    import csv  # only here: most clocks are JSON

    from crdtctl.codec import toml

    first = text.lstrip().partition("\n")[0]
    if first.startswith("{"):
        return _from_json(text)
    if "[[clock]]" in text or first.startswith("schema ="):
        if len(text) > MAX_ANY_LAYOUT:
            raise Invalid("it is TOML, and too large")
        return _from_items(toml.loads(text, float).get("clock", []))
    if "\t" in first:
        found: Iterable[Any] = (line.split("\t") for line in text.splitlines())
    elif first.strip() == ",".join(_COLUMNS):
        found = csv.reader(io.StringIO(text))
    else:
        lines = [line for line in text.splitlines() if not _RULE.fullmatch(line)]
        if lines[0].split() != list(_COLUMNS):
            raise Invalid("it is in none of the formats that 'crdtctl clock' prints")
        found = (row.groups() if (row := _ROW.fullmatch(line)) else (line,) for line in lines[1:])
    return [_row(row) for row in found if any(row) and tuple(row) != _COLUMNS]


def _from_json(text: str) -> list[tuple[str, int]] | None:
    """Return the rows of a report in JSON, or in one object a line; None if it is the clock itself."""
    import json  # only here, and below: the text of a clock is rarely read

    try:
        tree = json.loads(text)
    except (ValueError, RecursionError):
        try:
            return _from_items([json.loads(line) for line in text.splitlines() if line.strip()])
        except (ValueError, RecursionError):
            return None  # decode_clock finds the fault
    if isinstance(tree, dict) and set(tree) == set(_COLUMNS) and isinstance(tree["replica"], str):
        return _from_items([tree])
    return _from_items(tree.get("clock")) if isinstance(tree, dict) and "schema" in tree else None


def _from_items(items: object) -> list[tuple[str, int]]:
    if not isinstance(items, list) or not all(isinstance(one, dict) and set(_COLUMNS) <= set(one) for one in items):
        raise Invalid("it is a report, and not of 'crdtctl clock'")
    return [_row((one["replica"], one["commits"])) for one in items]


def _row(row: Iterable[object]) -> tuple[str, int]:
    replica, commits = [*row, "", ""][:2]
    if not isinstance(replica, str) or not re.fullmatch(r"[0-9]{1,16}", str(commits), re.ASCII):
        raise Invalid("a line of it is not a replica and a number of commits")
    return replica, int(str(commits))


def _as_json(rows: list[tuple[str, int]]) -> str:
    import json

    found = dict(rows)
    if len(found) != len(rows):
        raise Invalid("it names a replica twice")
    return json.dumps(dict(sorted(found.items())), ensure_ascii=False)


def clock_text(clock: Clock) -> str:
    """Return a clock as one line of JSON, which `parse_clock` reads."""
    return encode_clock(clock)
