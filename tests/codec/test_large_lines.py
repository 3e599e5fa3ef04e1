"""A large line: its keys are sorted only if they have to be, and its text is not kept beside its data."""

import json

import pytest

from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_line, line_from_json
from crdtctl.crdt.names import are_plain

ELEMENTS = {f"visitor-{number:05}": 1 for number in range(9_000)}
BACKWARDS = dict(sorted(ELEMENTS.items(), reverse=True))
#: What is unsorted → the value of a counter: the elements, the replicas, the types.
UNSORTED = {
    "elements": {"gset": {"a": [1, BACKWARDS]}},
    "replicas": {"gset": {"b": [1, {"x": 1}], "a": [1, ELEMENTS]}},
    "types": {"pncounter": {"a": [1, 1, 0]}, "gset": {"a": [1, ELEMENTS]}},
}


def compact(value: object, *, ordered: bool = False) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=ordered).encode()


def test_sorted_line_is_read_and_is_its_own_canonical_form() -> None:
    value = {"gset": {"a": [1, ELEMENTS]}}
    line = b'"visitors":' + compact(value)
    assert decode_line(line) == ("visitors", {"gset": {"a": (1, ELEMENTS)}})
    assert line_from_json("visitors", compact(value)) == line


@pytest.mark.parametrize("value", UNSORTED.values(), ids=UNSORTED)
def test_unsorted_line_is_sorted_in_another_layout_and_refused_in_this_one(value: object) -> None:
    assert line_from_json("visitors", compact(value)) == b'"visitors":' + compact(value, ordered=True)
    with pytest.raises(Invalid, match="not canonical"):
        decode_line(b'"visitors":' + compact(value))


@pytest.mark.parametrize("faulty", [b" ", b"  x", b"\n", b"x" * 201, "é".encode()])
def test_one_text_among_many_that_is_not_plain_is_found(faulty: bytes) -> None:
    for place in (0, 5_000, 9_000):
        texts = [*ELEMENTS]
        texts.insert(place, faulty.decode())
        assert not are_plain(texts)
    assert are_plain(ELEMENTS)


def test_deeply_nested_line_is_refused() -> None:
    nested = b"[" * 700 + b"]" * 700
    value = b'{"gset":{"a":[1,{"x":%b,"y":"%b"}]}}' % (nested, b"y" * 70_000)
    with pytest.raises(Invalid, match="a counter is not JSON"):
        line_from_json("visitors", value)
