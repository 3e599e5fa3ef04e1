"""The JSON Schema fits every state, and nothing that is obviously none."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator

from crdtctl.codec.header import Head
from crdtctl.codec.schema import state_schema
from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import Counter
from tests.codec.files import written
from tests.codec.golden_files import CANONICAL
from tests.codec.states import states

SCHEMA = Draft202012Validator(state_schema())
ANN = "laptop-0f1e2d3c4b5a69788796a5b4c3d2e1f0"


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(state_schema())
    assert json.loads(json.dumps(state_schema())) == state_schema()


def test_the_schema_knows_every_type() -> None:
    types = state_schema()["properties"]["counters"]["additionalProperties"]["properties"]
    assert {tag: entry["description"] for tag, entry in types.items()} == {
        tag: kind.summary for tag, kind in TYPES.items()
    }


@pytest.mark.parametrize("data", CANONICAL.values(), ids=CANONICAL)
def test_golden_files_fit_the_schema(data: bytes) -> None:
    SCHEMA.validate(json.loads(data))


@given(state=states(max_size=3))
def test_every_state_fits_the_schema(state: tuple[Head, dict[str, Counter]]) -> None:
    SCHEMA.validate(json.loads(written(*state)))


def put(value: Any, *path: str | int) -> Callable[[Any], None]:
    """Return a change that puts a value somewhere."""

    def change(tree: Any) -> None:
        for key in path[:-1]:
            tree = tree[key]
        tree[path[-1]] = value

    return change


def drop(key: str) -> Callable[[Any], None]:
    """Return a change that takes a field away."""

    def change(tree: Any) -> None:
        del tree[key]

    return change


DOWNLOADS = ("counters", "downloads", "gcounter", ANN)


def named(name: str) -> Callable[[Any], None]:
    """Return a change that adds a counter of this name."""
    return put({"gcounter": {ANN: [1, 7]}}, "counters", name)


WRONG: dict[str, Callable[[Any], None]] = {
    "no version": drop("crdtctl"),
    "no kind": drop("kind"),
    "no replica": drop("replica"),
    "no clock": drop("clock"),
    "no counters": drop("counters"),
    "no checksum": drop("crc32"),
    "a newer version": put(2, "crdtctl"),
    "a version as text": put("1", "crdtctl"),
    "an unknown kind": put("stat", "kind"),
    "a label without quotes": named("a{os=bsd}"),
    "labels without a name": named('{os="bsd"}'),
    "a name that ends with white space before its labels": named('a {os="bsd"}'),
    "201 characters before labels": named("a" * 201 + '{os="bsd"}'),
    "a key with a hyphen": named('a{o-s="bsd"}'),
    "an empty value": named('a{os=""}'),
    "a value that ends with white space": named('a{os="bsd "}'),
    "a value with a needless escape": named(r'a{os="b\sd"}'),
    "a value with a control character": named('a{os="b\x1b"}'),
    "white space around labels": named('a{ os="bsd"}'),
    "text behind labels": named('a{os="bsd"}b'),
    "17 labels": named("a{" + ",".join(f'k{n}="x"' for n in range(17)) + "}"),
    "labels of 2,049 bytes": named('a{os="' + "x" * 2041 + '"}'),
    "an unknown field": put(1, "comment"),
    "an empty replica": put("", "replica"),
    "a replica that is a number": put(1, "replica"),
    "a clock that is a list": put([], "clock"),
    "a clock with a 0": put(0, "clock", ANN),
    "a clock with text": put("1", "clock", ANN),
    "a clock with a float": put(1.5, "clock", ANN),
    "a clock with 2^53": put(2**53, "clock", ANN),
    "a clock with a name that is too long": put(1, "clock", "x" * 201),
    "since in a state": put({}, "since"),
    "a delta without since": put("delta", "kind"),
    "heard in a state": put({}, "heard"),
    "known without heard": put("known", "kind"),
    "a checksum that is a number": put(12345678, "crc32"),
    "a checksum in capitals": put("89ABCDEF", "crc32"),
    "a checksum that is too short": put("89abcde", "crc32"),
    "counters that are a list": put([], "counters"),
    "a counter with an equals sign": put({"gcounter": {ANN: [1, 1]}}, "counters", "a=b"),
    "a counter without a name": put({"gcounter": {ANN: [1, 1]}}, "counters", ""),
    "a counter without a type": put({}, "counters", "x"),
    "an unknown type": put({"zcounter": {ANN: [1, 1]}}, "counters", "x"),
    "a type without an author": put({"gcounter": {}}, "counters", "x"),
    "a entry that is a number": put(1, *DOWNLOADS),
    "a entry that is too short": put([1], *DOWNLOADS),
    "a entry that is too long": put([1, 1, {"k": [1]}, {ANN: [1]}, {"k": [1]}, {"k": [1]}], *DOWNLOADS),
    "marks that are a number": put([1, 1, {"k": [1]}, 1], *DOWNLOADS),
    "marks, empty": put([1, 1, {"k": [1]}, {}], *DOWNLOADS),
    "a mark of 0": put([1, 1, {}, {ANN: [0]}], *DOWNLOADS),
    "a mark on a set that is a list": put({"gset": {ANN: [1, {"x": 1}, {ANN: [1]}]}}, "counters", "x"),
    "commit 0": put([0, 1], *DOWNLOADS),
    "commit as text": put(["9007199254740992", 1], *DOWNLOADS),
    "a float": put([1, 1.5], *DOWNLOADS),
    "true": put([1, True], *DOWNLOADS),
    "null": put([1, None], *DOWNLOADS),
    "negative": put([1, -1], *DOWNLOADS),
    "2^53, bare": put([1, 2**53], *DOWNLOADS),
    "a small number as text": put([1, "7"], *DOWNLOADS),
    "2^53-1 as text": put([1, str(2**53 - 1)], *DOWNLOADS),
    "16 digits below 2^53 as text": put([1, "8999999999999999"], *DOWNLOADS),
    "zeros as text": put([1, "0009007199254740992"], *DOWNLOADS),
    "101 digits": put([1, "1" * 101], *DOWNLOADS),
    "no idempotency keys, spelt out": put([1, 1, {}], *DOWNLOADS),
    "an idempotency key that is a number": put([1, 1, {"k": 1}], *DOWNLOADS),
    "an empty idempotency key": put([1, 1, {"": [1]}], *DOWNLOADS),
    "a set that is a list": put({"gset": {ANN: [1, [1]]}}, "counters", "x"),
    "an empty element": put({"gset": {ANN: [1, {"": 1}]}}, "counters", "x"),
    "an element that is too long": put({"gset": {ANN: [1, {"x" * 4097: 1}]}}, "counters", "x"),
    "an element that draws on the terminal": put({"gset": {ANN: [1, {"\x1b[31m": 1}]}}, "counters", "x"),
    "a name with a line feed": put({"gcounter": {ANN: [1, 1]}}, "counters", "a\nb"),
    "a name with a line feed after it": put({"gcounter": {ANN: [1, 1]}}, "counters", "a\n"),
    "a name with a space before it": put({"gcounter": {ANN: [1, 1]}}, "counters", " a"),
    "a name with a space after it": put({"gcounter": {ANN: [1, 1]}}, "counters", "a "),
    "a sketch that is a number": put({"hll": {ANN: [1, 1]}}, "counters", "x"),
    "a sketch of an unknown hash": put({"hll": {ANN: [1, "murmur3 12 "]}}, "counters", "x"),
    "a sketch of precision 17": put({"hll": {ANN: [1, "blake2b 17 "]}}, "counters", "x"),
    "a sketch with a letter that is none": put({"hll": {ANN: [1, "blake2b 12 1+3"]}}, "counters", "x"),
    "a sketch with a line feed after it": put({"hll": {ANN: [1, "blake2b 12 \n"]}}, "counters", "x"),
    "a sketch that is too long": put({"hll": {ANN: [1, "blake2b 16 " + "-" * (2**16 + 1)]}}, "counters", "x"),
    "a generation that is no number": put([1, 1, {}, {}, {}, {}, 0, {"m": {"a": [1]}}], *DOWNLOADS),
    "a generation of 17 digits": put([1, 1, {}, {}, {}, {}, 0, {"m": {"1" * 17: [1]}}], *DOWNLOADS),
    "a generation with a line feed after it": put([1, 1, {}, {}, {}, {}, 0, {"m": {"0\n": [1]}}], *DOWNLOADS),
    "a reading of nothing": put([1, 1, {}, {}, {}, {}, 0, {"m": {"0": [0]}}], *DOWNLOADS),
    "a hist of an unknown level": put({"hist": {ANN: [1, ["g"], {}]}}, "counters", "x"),
    "a hist with an unknown bucket": put({"hist": {ANN: [1, ["c"], {"g200": 1}]}}, "counters", "x"),
    "a hist with a bucket of a zero too many": put({"hist": {ANN: [1, ["c"], {"c0200": 1}]}}, "counters", "x"),
    "a hist with a bucket with a line feed": put({"hist": {ANN: [1, ["c"], {"c200\n": 1}]}}, "counters", "x"),
    "a hist with an empty bucket": put({"hist": {ANN: [1, ["c"], {"c200": 0}]}}, "counters", "x"),
    "a hist with a sum that is a number": put({"hist": {ANN: [1, ["c"], {"c200": 1}, 1]}}, "counters", "x"),
    "a hist with a sum with an exponent": put({"hist": {ANN: [1, ["c"], {"c200": 1}, "1e3"]}}, "counters", "x"),
    "a hist with a sum of minus zero": put({"hist": {ANN: [1, ["c"], {"c0": 1}, "-0"]}}, "counters", "x"),
    "a hist with a sum with a line feed": put({"hist": {ANN: [1, ["c"], {"c0": 1}, "1\n"]}}, "counters", "x"),
    "an element that nobody added": put({"gset": {ANN: [1, {"a": 0}]}}, "counters", "x"),
    "a binding in a state": put("1", "binding"),
    "a witness in a state": put("1", "witness"),
    "a last commit in a state": put(["+1 a"], "last"),
    "positions in a state": put({"add:/x": "1.2.89abcdef"}, "follows"),
    "earlier ids in a state": put([[ANN, 1, "copied", "now"]], "past"),
    "an earlier id that was not heard of in a state": put({ANN: 1}, "unheard"),
    "nothing received, spelt out": put({}, "received"),
    "a received commit 0": put({ANN: 0}, "received"),
    "receipts in a state": put({ANN: {ANN: 1}}, "receipts"),
    "no tags, spelt out": put({}, "tags"),
    "a history of nothing": put({ANN: "0"}, "tags"),
    "a history with a short tag": put({ANN: "1 1.abc"}, "tags"),
    "a history that is a number": put({ANN: 1}, "tags"),
    "nothing settled, spelt out": put([], "settled"),
    "settled twice": put([ANN, ANN], "settled"),
    "settled numbers": put([1], "settled"),
}


@pytest.mark.parametrize(
    "number", [2**53, 2**53 + 1, 9_007_199_254_741_000, 9_010_000_000_000_000, 9_999_999_999_999_999, 10**16, 10**99]
)
def test_every_number_above_what_readers_keep_fits_as_text(number: int) -> None:
    tree = json.loads(CANONICAL["gcounter"])
    put([1, str(number)], *DOWNLOADS)(tree)
    SCHEMA.validate(tree)


def test_elements_may_be_longer_than_names() -> None:
    tree = json.loads(CANONICAL["gset"])
    put({"gset": {ANN: [1, {"x" * 4096: 1}]}}, "counters", "x")(tree)
    SCHEMA.validate(tree)


@pytest.mark.parametrize("change", WRONG.values(), ids=WRONG)
def test_what_is_no_state_does_not_fit_the_schema(change: Callable[[Any], None]) -> None:
    tree = json.loads(CANONICAL["gcounter"])
    assert SCHEMA.is_valid(tree)
    change(tree)
    assert not SCHEMA.is_valid(tree)
