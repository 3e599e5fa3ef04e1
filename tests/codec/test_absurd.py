"""JSON that is mostly brackets is refused before it is decoded; names that are mostly brackets are names."""

import json

import pytest

from crdtctl.codec import other_layouts
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.crdt.counter import Counter
from tests.codec.files import decoded, file_with, opened, written
from tests.codec.refused import HEAD

FILLED = ["[]," * 5000 + "[]", '{"a":[[]]},' * 5000 + "1", "{}," * 5000 + "[]"]


@pytest.mark.parametrize("filled", FILLED, ids=range(len(FILLED)))
def test_a_line_of_brackets_is_refused_for_that(filled: str) -> None:
    line = f'"x":{{"gcounter":{{"ann":[1,{filled}]}}}}'
    with pytest.raises(Invalid, match="far more arrays"):
        opened(file_with(HEAD, line)).check()
    with pytest.raises(Invalid, match="far more arrays"):
        other_layouts.canonical(file_with(HEAD, line).replace(b"\n", b""))


@pytest.mark.parametrize("filled", FILLED, ids=range(len(FILLED)))
def test_a_header_of_brackets_is_refused_for_that(filled: str) -> None:
    data = file_with(f'{HEAD},"since":[{filled}]')
    for read in (opened, other_layouts.canonical):
        with pytest.raises(Invalid, match="far more arrays"):
            read(data)


def test_a_set_of_brackets_is_a_set_in_every_layout() -> None:
    elements = {f"[{{[{number}": 1 for number in range(3000)} | {'"' * number: 1 for number in range(1, 200)}
    counters: dict[str, Counter] = {"[" * 200: {"gset": {"ann": (1, elements)}}}
    data = written(Head("state", "ann", {"ann": 1}), counters)
    assert decoded(opened(data)) == counters
    assert other_layouts.canonical(json.dumps(json.loads(data), indent=1).encode()) == data


def test_many_small_sets_and_once_keys_are_not_too_many_arrays() -> None:
    counters: dict[str, Counter] = {
        "sets": {"gset": {f"author-{number:032x}": (1, {}) for number in range(3000)}},
        "keys": {"pncounter": {f"author-{0:032x}": (1, 0, 0, {f"{number:04}": (1, 0) for number in range(9000)})}},
    }
    data = written(Head("state", "ann", {f"author-{number:032x}": 1 for number in range(3000)}), counters)
    assert decoded(opened(data)) == counters
    assert other_layouts.canonical(data.replace(b"\n", b"")) == data


def test_receipts_of_many_short_ids_are_refused_as_such_a_clock_is() -> None:
    ids = {f"r{number:x}": 1 for number in range(20_000)}
    data = written(Head("state", "ann", {"ann": 1}, received=ids), {"x": {"gcounter": {"ann": (1, 1)}}})
    for read in (opened, other_layouts.canonical):
        with pytest.raises(Invalid, match="too short to be made by this program"):
            read(data if read is opened else json.dumps(json.loads(data), indent=1).encode())
