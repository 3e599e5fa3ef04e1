"""The JSON Schema (draft 2020-12) of a state, made from the registry of types."""

from __future__ import annotations

from crdtctl.codec.header import FILE_KINDS
from crdtctl.codec.invalid import VERSION
from crdtctl.codec.layout import MAX_SAFE
from crdtctl.codec.values import to_wire
from crdtctl.crdt import NO_COUNTERS, TYPES, buckets
from crdtctl.crdt.base import MAX_DIGITS, MAX_TIER
from crdtctl.crdt.decimals import DIGITS
from crdtctl.crdt.hyperloglog import HASH, MAX_PRECISION, MIN_PRECISION
from crdtctl.crdt.lattice import Decimals, Elements, MapOf, Nat, Periods, PeriodsOf, Record, Registers
from crdtctl.crdt.names import MAX_BYTES, MAX_ELEMENT_BYTES, element_fault
from crdtctl.crdt.reading_parts import generation_fault, stored_source_fault
from crdtctl.crdt.series import MAX_LABELS, MAX_SPELLING_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from crdtctl.codec.header import FileKind
    from crdtctl.crdt.base import RowType
    from crdtctl.crdt.lattice import Fault, Lattice

_NAME = {
    "description": "printable, in Unicode normal form C, without white space at its ends",
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_BYTES,
    "pattern": r"^(?! )(?![\s\S]*[\u0000-\u001f\u007f-\u00a0])[\s\S]*(?<! )$",
}
#: A name; or a space, a period, a space and a name.
_SOURCE = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_BYTES + len(" d1234567 "),
    "pattern": r"^(?: [dhq](?:0|[1-9][0-9]{0,6}) )?(?! )(?![\s\S]*[\u0000-\u001f\u007f-\u00a0])[\s\S]*(?<! )$",
}
_COUNTER = f"^([^=]*|{'|'.join(NO_COUNTERS)})$"
_KEY = "[a-zA-Z_][a-zA-Z0-9_]*"
_VALUE = r"(?! )(?:[^\\\"]|\\\\|\\\")+(?<! )"
_LABEL = f'{_KEY}="{_VALUE}"'
_SERIES = {
    "description": "a name with labels, sorted by key, as Prometheus spells them",
    **_NAME,
    "maxLength": MAX_SPELLING_BYTES,
    "allOf": [{"pattern": f"^[^={{}}]{{1,{MAX_BYTES}}}(?<! ){{{_LABEL}(?:,{_LABEL}){{0,{MAX_LABELS - 1}}}}}$"}],
}
_TEXT = {"type": "string", "minLength": 1}
_HISTORY = "^[1-9][0-9]{0,15}( [1-9][0-9]{0,15}[.][0-9A-Za-z_-]{4})+$"
_SKETCH = f"^{HASH} (?:{'|'.join(map(str, range(MIN_PRECISION, MAX_PRECISION + 1)))}) [-0-9A-Z_a-z]*(?![\\s\\S])"
_SKETCH_SIZE = len(f"{HASH} {MAX_PRECISION} ") + 2**MAX_PRECISION
_DECIMAL = f"^(?!-0$)(-?(0|[1-9][0-9]{{0,{MAX_DIGITS - 1}}})([.][0-9]{{0,{DIGITS - 1}}}[1-9])?)?(?![\\s\\S])"
#: Rule for the keys of a map, or the elements of a set → its definition. Other keys are names.
_KEYS: dict[Fault, str] = {
    element_fault: "element",
    generation_fault: "generation",
    stored_source_fault: "source",
    buckets.key_fault: "bucket",
    buckets.level_fault: "level",
}
_RUN = "[mdhq](?:0|[1-9][0-9]{0,6}):[-0-9][-0-9,]*"
_PERIODS = f"^(?:{_RUN}(?: {_RUN})*)?(?![\\s\\S])"
_PERIOD_NAME = "^[mdhq](?:0|[1-9][0-9]{0,6})(?![\\s\\S])"
#: Optional field → the kinds of file that may have it.
_OPTIONAL = {
    "tags": ["state", "delta", "own", "known", "recent"],
    "base": ["own", "recent"],
    "settled": ["state", "delta", "known"],
    "receipts": ["known"],
    "past": ["known"],
    "unheard": ["known"],
    "tier": ["own", "recent"],
    "binding": ["own", "recent"],
    "witness": ["own", "recent"],
    "follows": ["own", "recent"],
    "last": ["own", "recent"],
}
_COMMIT = {"description": "number of a replica's commit", "type": "integer", "minimum": 1, "maximum": MAX_SAFE}
_CLOCK = {
    "type": "object",
    "propertyNames": {"$ref": "#/$defs/name"},
    "additionalProperties": {"$ref": "#/$defs/commit"},
}


def state_schema() -> dict[str, Any]:
    """Return the schema of state files in JSON, in any layout."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A state of crdtctl",
        "type": "object",
        "required": ["crdtctl", "kind", "replica", "clock", "counters", "crc32"],
        "additionalProperties": False,
        "properties": {
            "crdtctl": {"description": "version of this format", "const": VERSION},
            "kind": {"enum": list(FILE_KINDS)},
            "replica": {"description": "id of the replica that wrote the file", "$ref": "#/$defs/name"},
            "base": {
                "description": "nonce of an own.json that has an own.recent.json, and there also its size, the size of "
                "a block, and the CRC-32 of each block",
                "type": "string",
                "pattern": "^[0-9a-f]{12}( [1-9][0-9]{0,15} [1-9][0-9]{0,15} ([0-9a-f]{8})+)?$",
            },
            "periods": {"description": "an entry may have settings of periods", "const": 1},
            "clock": {"description": "replica → its last commit in the file", "$ref": "#/$defs/clock"},
            "tags": {
                "description": "replica → number of its export markers, and SEQ.NONCE of the kept ones, oldest first",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"type": "string", "pattern": _HISTORY},
            },
            "since": {"description": "the clock that the receiver of a delta must cover", "$ref": "#/$defs/clock"},
            "heard": {
                "description": "replica → time in UTC of the last new entry from it",
                "type": "object",
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"type": "string"},
            },
            "settled": {
                "description": "branches of resolved forks",
                "type": "array",
                "minItems": 1,
                "uniqueItems": True,
                "items": {"$ref": "#/$defs/name"},
            },
            "received": {
                "description": "replica → its last commit that forgot or renamed counters, if the writer has it",
                "minProperties": 1,
                "$ref": "#/$defs/clock",
            },
            "receipts": {
                "description": "replica that forgot or renamed counters → replica → the commit which that one has",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"minProperties": 1, "$ref": "#/$defs/clock"},
            },
            "past": {
                "description": "earlier ids of this replica: id, its last commit, reason of its end, time",
                "type": "array",
                "minItems": 1,
                "items": {
                    "type": "array",
                    "prefixItems": [{"$ref": "#/$defs/name"}, {"type": "integer"}, _TEXT, _TEXT],
                    "minItems": 4,
                    "maxItems": 4,
                },
            },
            "unheard": {
                "description": "earlier id → number of its exports, if the last one has not come back",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"$ref": "#/$defs/name"},
                "additionalProperties": {"type": "integer", "minimum": 0, "maximum": MAX_SAFE},
            },
            "tier": {
                "description": "tier of a replica that is not permanent",
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_TIER,
            },
            "binding": {"description": "file identity of own.json", **_TEXT},
            "witness": {
                "description": "path of the witness, a file outside the replica with the number of writes",
                **_TEXT,
            },
            "follows": {
                "description": "followed file → position: inode number, offset, CRC-32 of the bytes before it",
                "type": "object",
                "minProperties": 1,
                "propertyNames": _TEXT,
                "additionalProperties": {"type": "string", "pattern": "^[0-9]{1,20}[.][0-9]{1,20}[.][0-9a-f]{8}$"},
            },
            "last": {
                "description": "the effect of the last commit on each counter",
                "type": "array",
                "minItems": 1,
                "items": _TEXT,
            },
            "counters": {
                "description": "name → type → replica → entry",
                "type": "object",
                "propertyNames": {
                    "anyOf": [
                        {"allOf": [{"$ref": "#/$defs/name"}, {"pattern": _COUNTER}]},
                        {"$ref": "#/$defs/series"},
                    ]
                },
                "properties": {
                    name: {
                        "description": kind.summary,
                        "type": "object",
                        "required": [kind.tag],
                        "additionalProperties": False,
                        "properties": {kind.tag: _entries(kind)},
                    }
                    for name, kind in NO_COUNTERS.items()
                },
                "additionalProperties": {
                    "type": "object",
                    "minProperties": 1,
                    "additionalProperties": False,
                    "properties": {tag: _entries(kind) for tag, kind in sorted(TYPES.items())},
                },
            },
            "crc32": {
                "description": "CRC-32 of all bytes before the last line",
                "type": "string",
                "pattern": "^[0-9a-f]{8}$",
            },
        },
        "allOf": [
            _only_in("delta", "since"),
            _only_in("known", "heard"),
            *(_never_outside(kinds, field) for field, kinds in _OPTIONAL.items()),
            {"if": {"properties": {"kind": {"const": "recent"}}}, "then": {"required": ["base"]}},
        ],
        "$defs": {
            "name": _NAME,
            "series": _SERIES,
            "source": _SOURCE,
            "generation": {"type": "string", "pattern": "^(0|[1-9][0-9]{0,15})(?![\\s\\S])"},
            "element": {**_NAME, "maxLength": MAX_ELEMENT_BYTES},
            "bucket": {
                "description": "level and number of a bucket",
                "type": "string",
                "pattern": f"^[{buckets.LEVELS}](0|-?[1-9][0-9]{{1,4}})(?![\\s\\S])",
            },
            "level": {"description": "a level of buckets", "enum": list(buckets.LEVELS)},
            "clock": _CLOCK,
            "commit": _COMMIT,
            "number": {
                "description": "whole; a string of digits above 2^53-1",
                "anyOf": [
                    {"type": "integer", "minimum": 0, "maximum": MAX_SAFE},
                    {"type": "string", "pattern": _above(MAX_SAFE)},
                ],
            },
        },
    }


def _never_outside(kinds: list[str], field: str) -> dict[str, Any]:
    return {"if": {"properties": {"kind": {"enum": kinds}}}, "else": {"not": {"required": [field]}}}


def _above(limit: int) -> str:
    """Return the pattern of the whole numbers above `limit`, without leading zeros, of up to `MAX_DIGITS` digits."""
    digits = str(limit)
    larger = [
        f"{digits[:place]}[{int(digit) + 1}-9]" + "[0-9]" * (len(digits) - place - 1)
        for place, digit in enumerate(digits)
        if digit != "9"
    ]
    return f"^({'|'.join(larger)}|[1-9][0-9]{{{len(digits)},{MAX_DIGITS - 1}}})$"


def _only_in(kind: FileKind, field: str) -> dict[str, Any]:
    return {
        "if": {"properties": {"kind": {"const": kind}}},
        "then": {"required": [field]},
        "else": {"not": {"required": [field]}},
    }


def _entries(kind: RowType) -> dict[str, Any]:
    return {
        "description": kind.summary,
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"$ref": "#/$defs/name"},
        "additionalProperties": _entry(kind.record),
    }


def _entry(record: Record) -> dict[str, Any]:
    shape = _shape(record)
    return {**shape, "prefixItems": [{"$ref": "#/$defs/commit"}, *shape["prefixItems"][1:]]}


def _without_empty_end(parts: Sequence[Lattice], size: int) -> dict[str, Any]:
    """Return the rule that a row of this size does not end with an item that is empty or 0."""
    last = _bottom(parts[size - 1])
    last = list(last) if isinstance(last, tuple) else last
    return {
        "if": {"minItems": size, "maxItems": size},
        "then": {"prefixItems": [*[True] * (size - 1), {"not": {"const": last}}]},
    }


def _bottom(lattice: Lattice) -> Any:
    bottom = to_wire(lattice, lattice.bottom)
    return list(bottom) if isinstance(bottom, tuple) else bottom


def _shape(lattice: Lattice) -> dict[str, Any]:
    match lattice:
        case Nat():
            return {"$ref": "#/$defs/number"}
        case Elements(fault=fault):
            items = {"$ref": f"#/$defs/{_KEYS.get(fault, 'element')}"}
            return {"type": "array", "items": items, "uniqueItems": True}
        case Registers():
            form = "HASH PRECISION REGISTERS"
            return {"description": form, "type": "string", "pattern": _SKETCH, "maxLength": _SKETCH_SIZE}
        case Decimals():
            return {"description": "a decimal number; empty: none", "type": "string", "pattern": _DECIMAL}
        case Periods(totals=totals):
            form = f"runs of periods, {totals} totals each: LETTER FIRST:AMOUNT,AMOUNT…"
            return {"description": form, "type": "string", "pattern": _PERIODS}
        case PeriodsOf(part=part):
            return {
                "type": "object",
                "propertyNames": {"pattern": _PERIOD_NAME},
                "additionalProperties": {**_shape(part), "not": {"const": _bottom(part)}},
            }
        case MapOf(fault=fault, part=part):
            return {
                "type": "object",
                "propertyNames": {"$ref": f"#/$defs/{_KEYS.get(fault, 'name')}"},
                "additionalProperties": {**_shape(part), "not": {"const": _bottom(part)}},
            }
        case Record(parts=parts, required=required):
            row: dict[str, Any] = {
                "type": "array",
                "prefixItems": [_shape(part) for part in parts],
                "minItems": required,
                "maxItems": len(parts),
            }
            if required < len(parts):
                row["allOf"] = [_without_empty_end(parts, size) for size in range(required + 1, len(parts) + 1)]
            return row
        case _:  # pragma: no cover - these lattices are all there are
            raise TypeError(f"{lattice!r} has no schema")
