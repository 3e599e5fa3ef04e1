"""Several states in one file are found, and a single one is never cut."""

import json
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import concatenated, other_layouts
from crdtctl.codec.layout import InMemory
from crdtctl.codec.reader import Source
from tests.codec.golden_files import CANONICAL

SEPARATORS = [b"", b"\n", b"\r\n", b"\n\n  \n", b"\xef\xbb\xbf", b"\n\xef\xbb\xbf\n"]


def as_toml(data: bytes) -> bytes:
    source = Source(InMemory(data), len(data))
    return other_layouts.to_toml(
        source.head, (source.decode(line) for _, line in source.lines()), source.checksum
    ).encode()


STATES = [
    *CANONICAL.values(),
    *(json.dumps(json.loads(data), indent=2).encode() for data in CANONICAL.values()),
    *(json.dumps(json.loads(data)).encode() for data in CANONICAL.values()),
    *(data.replace(b"\n", b"\r\n") for data in CANONICAL.values()),
    *map(as_toml, CANONICAL.values()),
]


def cut(data: bytes) -> list[bytes]:
    return [data[start : start + size] for start, size in concatenated.parts(InMemory(data), len(data))]


@pytest.mark.parametrize("number", range(len(STATES)))
def test_a_single_state_is_whole(number: int) -> None:
    for end in (b"", b"\n", b"\r\n \n"):
        assert cut(STATES[number] + end) == [STATES[number] + end]


@given(st.lists(st.tuples(st.sampled_from(STATES), st.sampled_from(SEPARATORS)), min_size=1, max_size=5))
def test_what_was_joined_is_cut_into_the_same_states(pieces: list[tuple[bytes, bytes]]) -> None:
    found = cut(b"".join(state + separator for state, separator in pieces))
    assert len(found) == len(pieces)
    for part, (state, _) in zip(found, pieces, strict=True):
        assert part.removeprefix(b"\xef\xbb\xbf").strip(b"\r\n \xef\xbb\xbf") == state.strip()


@given(st.lists(st.sampled_from(list(CANONICAL.values())), min_size=2, max_size=4))
def test_canonical_states_are_cut_to_the_byte(states: list[bytes]) -> None:
    assert cut(b"".join(states)) == states


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
def test_states_are_found_across_the_blocks_in_which_a_file_is_read(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr(concatenated, "READ_SIZE", size)
    states = list(CANONICAL.values())[:4]
    assert cut(b"".join(states)) == states


def test_a_name_that_looks_like_a_beginning_cuts_nothing() -> None:
    for name in ("}crdtctl", '"crdtctl":1', '} "crdtctl" : 1', "crdtctl = 1", 'crc32 = "00000000" crdtctl = 1'):
        tree = {"crdtctl": 1, "counters": {name: {"x": {}}, "crdtctl": 1}, "more": {"crdtctl": {"crdtctl": 1}}}
        for data in (json.dumps(tree), json.dumps(tree, indent=1), f"crdtctl = 1\nname = {json.dumps(name)}\n"):
            if not data.startswith("{"):
                tomllib.loads(data)
            assert len(cut(data.encode())) == 1
