"""A file that was cut or damaged is refused, or says what it said: never anything else."""

import json
from collections.abc import Iterator

import pytest

from crdtctl.codec.invalid import Invalid
from tests.codec.files import read, read_canonical
from tests.codec.golden_files import CANONICAL, LAYOUTS
from tests.codec.refused import SOUND

SAMPLES = {name: CANONICAL[name] for name in ("once", "big-integers", "delta", "known")} | {"sound": SOUND}
SHORT_LAYOUTS = {name: LAYOUTS[name] for name in ("delta.pretty.json", "delta.toml", "once.toml", "empty.toml")}
each_sample = pytest.mark.parametrize("data", SAMPLES.values(), ids=SAMPLES)
each_file = pytest.mark.parametrize("data", [*CANONICAL.values(), *LAYOUTS.values()], ids=[*CANONICAL, *LAYOUTS])
each_layout = pytest.mark.parametrize("data", SHORT_LAYOUTS.values(), ids=SHORT_LAYOUTS)


def flips(data: bytes, *masks: int) -> Iterator[bytes]:
    """Yield the data with each byte changed by each mask."""
    for at in range(len(data)):
        for mask in masks:
            yield data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]


def is_refused_or_the_same(damaged: bytes, whole: object) -> bool:
    try:
        return read(damaged) == whole
    except Invalid:
        return True


@each_file
def test_a_file_that_is_cut_anywhere_is_refused(data: bytes) -> None:
    for end in range(len(data.rstrip())):
        with pytest.raises(Invalid):
            read(data[:end])


@each_file
def test_a_file_whose_beginning_is_missing_is_refused(data: bytes) -> None:
    for start in range(1, len(data), 7):
        assert is_refused_or_the_same(data[start:], read(data))


@each_sample
def test_a_canonical_file_with_any_bit_flipped_is_not_canonical(data: bytes) -> None:
    for damaged in flips(data, 1, 2, 4, 8, 16, 32, 64, 128):
        with pytest.raises(Invalid):
            read_canonical(damaged)


@each_sample
def test_a_file_with_any_byte_changed_is_refused_or_says_the_same(data: bytes) -> None:
    whole = read(data)
    for damaged in flips(data, 1, 16, 255):
        assert is_refused_or_the_same(damaged, whole)


@each_layout
def test_a_file_in_another_layout_with_any_byte_changed_is_refused_or_says_the_same(data: bytes) -> None:
    whole = read(data)
    for damaged in flips(data, 1, 16):
        assert is_refused_or_the_same(damaged, whole)


@each_sample
def test_a_file_with_a_byte_missing_or_repeated_is_refused_or_says_the_same(data: bytes) -> None:
    whole = read(data)
    for at in range(0, len(data), 3):
        assert is_refused_or_the_same(data[:at] + data[at + 1 :], whole)
        assert is_refused_or_the_same(data[:at] + data[at : at + 1] + data[at:], whole)


def test_a_file_with_two_lines_exchanged_missing_or_repeated_is_refused_or_says_the_same() -> None:
    data = CANONICAL["gcounter"]
    lines = data.splitlines(keepends=True)
    for wrong in (
        [lines[0], lines[2], lines[1], *lines[3:]],
        [lines[0], *lines[2:]],
        [*lines[:2], lines[1], *lines[2:]],
        [*lines[:3], lines[4]],
        lines[:-1],
        lines[1:],
    ):
        damaged = b"".join(wrong)
        assert is_refused_or_the_same(damaged, read(data))
        with pytest.raises(Invalid):
            read_canonical(damaged)


def test_lines_of_two_files_put_together_are_refused() -> None:
    old, new = CANONICAL["gcounter"].splitlines(keepends=True), CANONICAL["pncounter"].splitlines(keepends=True)
    for at in range(1, 4):
        with pytest.raises(Invalid):
            read(b"".join([*old[:at], *new[at:]]))


def test_a_state_that_is_valid_json_but_lower_than_it_was_is_refused() -> None:
    tree = json.loads(CANONICAL["gcounter"])
    del tree["counters"]["downloads"]["gcounter"]["hub-00112233445566778899aabbccddeeff"]
    with pytest.raises(Invalid, match="checksum"):
        read(json.dumps(tree).encode())
