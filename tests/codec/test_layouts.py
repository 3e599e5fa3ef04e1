"""Other layouts of a state, any JSON and TOML, are the same state; and as hard to damage unseen."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import other_layouts
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.crdt.counter import Counter
from tests.codec.files import opened, written
from tests.codec.golden_files import CANONICAL, LAYOUTS, canonical_of
from tests.codec.states import states

State = tuple[Head, dict[str, Counter]]


def leaves(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the way to every value in a tree that holds no other."""
    if isinstance(tree, dict):
        return [found for key in tree for found in leaves(tree[key], (*path, key))]
    if isinstance(tree, list):
        return [found for index, item in enumerate(tree) for found in leaves(item, (*path, index))]
    return [path]


def changed(tree: Any, path: tuple[Any, ...], change: Any) -> Any:
    """Return a tree with the value at the end of a way changed."""
    if not path:
        return change(tree)
    key, *rest = path
    if isinstance(tree, dict):
        return {k: changed(v, tuple(rest), change) if k == key else v for k, v in tree.items()}
    return [changed(item, tuple(rest), change) if index == key else item for index, item in enumerate(tree)]


def reversed_keys(tree: Any) -> Any:
    """Return a tree with the keys of every object in the opposite order."""
    if isinstance(tree, dict):
        return {key: reversed_keys(tree[key]) for key in reversed(tree)}
    return [reversed_keys(item) for item in tree] if isinstance(tree, list) else tree


def toml_of(data: bytes) -> str:
    """Return a canonical file as TOML."""
    source = opened(data)
    return other_layouts.to_toml(source.head, map(source.decode, [line for _, line in source.lines()]), source.checksum)


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_golden_file_in_another_layout_is_the_canonical_one(name: str) -> None:
    assert other_layouts.canonical(LAYOUTS[name]) == canonical_of(name)


@pytest.mark.parametrize("data", CANONICAL.values(), ids=CANONICAL)
def test_a_canonical_file_read_as_any_layout_is_itself(data: bytes) -> None:
    assert other_layouts.canonical(data) == data


@given(
    state=states(),
    indent=st.sampled_from([None, 0, 2, "\t"]),
    ascii_only=st.booleans(),
    order=st.sampled_from(["kept", "sorted", "reversed"]),
)
def test_json_that_was_laid_out_anew_is_the_same_state(
    state: State, indent: int | str | None, ascii_only: bool, order: str
) -> None:
    data = written(*state)
    tree = json.loads(data)
    again = json.dumps(
        reversed_keys(tree) if order == "reversed" else tree,
        indent=indent,
        ensure_ascii=ascii_only,
        sort_keys=order == "sorted",
    )
    assert other_layouts.canonical(again.encode()) == data
    assert other_layouts.canonical(f"\n\t {again}\r\n".encode()) == data


@given(state=states().filter(lambda state: state[0].kind in ("state", "delta")))
def test_toml_of_a_state_or_a_delta_is_the_same_state(state: State) -> None:
    data = written(*state)
    text = toml_of(data)
    assert other_layouts.canonical(text.encode()) == data
    assert text.endswith(f'[checksum]\ncrc32 = "{opened(data).checksum}"\n')


@given(state=states(max_size=2).filter(lambda state: state[0].kind in ("state", "delta")), data=st.data())
def test_toml_that_was_cut_anywhere_is_refused(state: State, data: st.DataObject) -> None:
    text = toml_of(written(*state)).rstrip().encode()
    with pytest.raises(Invalid):
        other_layouts.canonical(text[: data.draw(st.integers(0, len(text) - 1))])


def change(value: Any) -> Any:
    """Return another value of the same kind."""
    if isinstance(value, int):
        return value + 1
    return value[:-1] + ("1" if value[-1:] != "1" else "2")


@pytest.mark.parametrize("name", CANONICAL)
def test_a_file_in_another_layout_with_any_value_changed_is_refused(name: str) -> None:
    tree = json.loads(CANONICAL[name])
    for path in leaves(tree):
        again = changed(tree, path, change)
        assert again != tree
        with pytest.raises(Invalid):
            other_layouts.canonical(json.dumps(again, indent=1).encode())


@pytest.mark.parametrize("name", CANONICAL)
def test_a_file_in_another_layout_with_anything_missing_is_refused(name: str) -> None:
    tree = json.loads(CANONICAL[name])
    parents = {path[:depth] for path in leaves(tree) for depth in range(len(path)) if not isinstance(path[depth], int)}
    for parent in parents:
        keys = [path[len(parent)] for path in leaves(tree) if path[: len(parent)] == parent and len(path) > len(parent)]
        for key in set(keys):
            again = changed(tree, parent, lambda found, key=key: {k: v for k, v in found.items() if k != key})
            with pytest.raises(Invalid):
                other_layouts.canonical(json.dumps(again, indent=1).encode())


REPEATED = [
    ('"crdtctl": 1', '"crdtctl": 1, "crdtctl": 1'),
    ('"clock": {', '"clock": {}, "clock": {'),
    ('"counters": {', '"counters": {}, "counters": {'),
    ('"downloads": {', '"downloads": {}, "downloads": {'),
    ('"gcounter": {', '"gcounter": {}, "gcounter": {'),
    ('"crc32": ', '"crc32": "00000000", "crc32": '),
]


@pytest.mark.parametrize(("once", "twice"), REPEATED)
def test_two_equal_keys_are_refused_whichever_of_them_would_be_right(once: str, twice: str) -> None:
    text = json.dumps(json.loads(CANONICAL["gcounter"]), indent=1)
    assert once in text
    assert other_layouts.canonical(text.encode()) == CANONICAL["gcounter"]
    with pytest.raises(Invalid, match="twice"):
        other_layouts.canonical(text.replace(once, twice, 1).encode())


@pytest.mark.parametrize("spelling", ["40.0", "4e1", "4E+1", "NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_spelt_as_a_whole_one_is_refused(spelling: str) -> None:
    text = json.dumps(json.loads(CANONICAL["gcounter"]))
    with pytest.raises(Invalid, match=r"must be whole|not JSON"):
        other_layouts.canonical(text.replace("40", spelling, 1).encode())


def test_toml_numbers_may_be_spelt_in_every_way_that_is_whole() -> None:
    text = toml_of(CANONICAL["gcounter"])
    for spelling in ("40", "4_0", "+40", "0x28", "0b101000"):
        assert other_layouts.canonical(text.replace("40", spelling, 1).encode()) == CANONICAL["gcounter"]
    for spelling in ("40.0", "4e1", '"40"', "41", "[40]", "true"):
        with pytest.raises(Invalid):
            other_layouts.canonical(text.replace("40", spelling, 1).encode())
