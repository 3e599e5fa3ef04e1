"""A large state in TOML is read without the standard reader, and as it would read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import other_layouts, toml
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import MAX_ANY_LAYOUT, Invalid
from crdtctl.crdt.counter import Counter
from tests.codec.files import opened, written
from tests.codec.golden_files import LAYOUTS
from tests.codec.states import states

State = tuple[Head, dict[str, Counter]]
SENT = states().filter(lambda state: state[0].kind in ("state", "delta"))
IDS = [f"laptop-{number:032x}" for number in range(2)]


def toml_of(data: bytes) -> bytes:
    """Return a canonical file as TOML."""
    source = opened(data)
    lines = [source.decode(line) for _, line in source.lines()]
    return other_layouts.to_toml(source.head, lines, source.checksum).encode()


@pytest.fixture(scope="module")
def large() -> bytes:
    """Return a canonical state whose TOML is too large for the standard reader."""
    counters: dict[str, Counter] = {}
    for number in range(700):
        counters[f"page {number:04}"] = {
            "gset": {IDS[0]: (3, {"ada": 3, 'é = "1"': 2})},
            "pncounter": {IDS[0]: (1, number, 2**60), IDS[1]: (2, 0, 1, {"job-1": (5, 0), "x = 1, ]": (0, 2)})},
        }
    return written(Head("state", IDS[0], {IDS[0]: 3, IDS[1]: 2}), counters)


@given(state=SENT)
def test_a_state_laid_out_as_we_do_is_read_without_the_standard_reader(state: State) -> None:
    data = written(*state)
    assert other_layouts.canonical(toml.as_json(toml_of(data))) == other_layouts.canonical(toml_of(data)) == data


def test_a_large_state_is_read(large: bytes) -> None:
    text = toml_of(large)
    assert len(text) > MAX_ANY_LAYOUT
    assert other_layouts.canonical(text) == large


@given(state=SENT, data=st.data())
def test_a_state_that_was_cut_anywhere_is_refused(state: State, data: st.DataObject) -> None:
    text = toml_of(written(*state)).rstrip()
    with pytest.raises(Invalid):
        other_layouts.canonical(toml.as_json(text[: data.draw(st.integers(0, len(text) - 1))]))


def test_a_small_state_laid_out_by_hand_is_read_and_a_large_one_is_not() -> None:
    text = LAYOUTS["once.toml"]
    other_layouts.canonical(text + b"#" * (MAX_ANY_LAYOUT - len(text)))
    with pytest.raises(Invalid, match="neither a state in JSON nor one in TOML"):
        other_layouts.canonical(text + b"#" * (MAX_ANY_LAYOUT - len(text) + 1))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"[clock]\n", b"[clock] # a comment\n"),
        (b"[clock]\n", b"[clock]\nx = 2026-01-01\n"),
        (b"[clock]\n", b"[clock]\nx = 1.5\n"),
        (b"[clock]\n", b"[clock]\nx = true\n"),
        (b"[clock]\n", b"[clock]\nx = 0x10\n"),
        (b"[clock]\n", b"[clock]\nx.y = 1\n"),
        (b"[clock]\n", b"[clock]\nx = [1]\n"),
        (b"[clock]\n", b'[clock]\n"x\n'),
        (b"[clock]\n", b"[clock]\nx = 1\n\n[clock]\n"),
        (b"[clock]\n", b"[others]\nx = 1\n\n[clock]\n"),
        (b"[clock]\n", b"[other.a.b]\nx = 1\n\n[clock]\n"),
        (b"[clock]\n", b"[counters]\nx = 1\n\n[clock]\n"),
        (b"[clock]\n", b"[clock.x]\n"),
        (b"    1,\n", b"    1,,\n"),
        (b"    1,\n", b"    1.0,\n"),
        (b"    1,\n", b"    true,\n"),
        (b"job-1 = ", b'"job-1 = '),
        (b"job-1 = ", b"job-1 job-1 = "),
        (b"[checksum]", b"[checksums]"),
        (b'crc32 = "', b'crc32 = "0'),
    ],
)
def test_a_large_document_in_any_other_layout_is_refused(large: bytes, old: bytes, new: bytes) -> None:
    text = toml_of(large)
    assert old in text
    with pytest.raises(Invalid):
        other_layouts.canonical(text.replace(old, new, 1))


@pytest.mark.parametrize(
    "words",
    [
        b"x" * 10**6,
        b'"' + b'\\"' * 10**6,
        b'x = "' + b'\\"' * 10**6,
        b"x = [\n" + b"x" * 10**6 + b"{\n]",
        b"x = [\n{" + b'"\\"' * 10**6 + b"\n]",
        b"x = [\n{ k = [\n" + b"1,\n" * 10**6 + b"] },\n]",
        b"x = [\n" + b"[\n" * 10**6 + b"]\n" * 10**6 + b"]",
        b"x = [\n" + b",\n" * 10**6 + b" " * 10**6 + b"\n]",
    ],
    ids=range(8),
)
def test_no_word_takes_time_with_its_square(words: bytes) -> None:
    with pytest.raises(Invalid):  # or the time for a test is over first
        other_layouts.canonical(b"crdtctl = 1\n\n[clock]\n" + words + b'\n\n[checksum]\ncrc32 = "00000000"\n')
