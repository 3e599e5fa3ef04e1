"""A file is read and written in pieces, and the pieces never show."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import other_layouts, reader, writer
from crdtctl.codec.checksums import combined
from crdtctl.codec.clock import decode_clock, encode_clock
from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.layout import HEAD_END
from crdtctl.codec.lines import decode_own_line, encode_line
from crdtctl.codec.own_lines import decode_own_lines
from crdtctl.codec.reader import Part, Source
from crdtctl.codec.writer import Lines, Summed, Writer
from crdtctl.crdt.counter import Counter
from tests.codec.files import file_with, opened, written
from tests.codec.states import NAMES, states

State = tuple[Head, dict[str, Counter]]
HEAD = Head("state", "ann", {"ann": 1})
MANY = {f"counter {n:05}": {"gcounter": {"ann": (1, n)}} for n in range(20_000)}
LONG = {name: {"gset": {"ann": (1, {f"element {n:06}": 1 for n in range(40_000)})}} for name in "abc"}


def lines_of(counters: dict[str, Counter]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), encode_line(name, counters[name])) for name in sorted(counters)]


@given(state=states(max_size=8), block=st.integers(1, 200))
def test_lines_are_the_same_wherever_the_blocks_that_are_read_end(state: State, block: int) -> None:
    head, counters = state
    data = written(head, counters)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "READ_SIZE", block)
        source = opened(data)
        source.verify()
        assert list(source.lines()) == lines_of(counters)


@pytest.mark.parametrize("counters", [MANY, LONG], ids=["many lines", "long lines"])
def test_lines_of_a_file_larger_than_a_block_are_read_back(counters: dict[str, Counter]) -> None:
    data = written(HEAD, counters)
    source = opened(data)
    source.verify()
    assert list(source.lines()) == lines_of(counters)


@given(state=states(max_size=8), first=NAMES | st.just(""), beyond=NAMES | st.just(""))
def test_a_part_is_the_lines_from_one_name_up_to_another(state: State, first: str, beyond: str) -> None:
    head, counters = state
    part = Part(first.encode(), beyond.encode())
    expected = [
        (name, line) for name, line in lines_of(counters) if name >= part.first and (not beyond or name < part.beyond)
    ]
    assert list(opened(written(head, counters)).lines(part)) == expected


@given(state=states(max_size=8), block=st.integers(1, 300))
def test_a_file_is_the_same_however_large_the_pieces_are_in_which_it_is_written(state: State, block: int) -> None:
    whole = written(*state)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "WRITE_SIZE", block)
        assert written(*state) == whole


def test_a_large_file_is_written_in_several_pieces() -> None:
    pieces: list[bytes] = []
    writer = Writer(pieces.append, HEAD)
    for _, line in lines_of(MANY):
        writer.line(line)
    writer.close()
    assert len(pieces) > 4
    assert max(map(len, pieces)) < 2**19
    assert b"".join(pieces) == written(HEAD, MANY)


def halves(data: bytes, head: Head, middle: bytes, block: int) -> bytes:
    """Return the file that is put together from two halves, the second of which was written apart."""
    source = opened(data)
    upper: list[bytes] = []
    apart = Lines(upper.append)
    for _, line in source.lines(Part(middle, b"")):
        apart.line(line)
    apart.flush()
    stored = b"".join(upper)
    assert apart.summed == (len(stored), zlib.crc32(stored))
    pieces: list[bytes] = []
    writer = Writer(pieces.append, head)
    for _, line in source.lines(Part(b"", middle)):
        writer.line(line)
    writer.splice((stored[at : at + block] for at in range(0, len(stored), block)), apart.summed)
    writer.close()
    return b"".join(pieces)


@given(state=states(max_size=8), middle=NAMES, block=st.integers(1, 300))
def test_two_halves_that_are_put_together_are_the_whole(state: State, middle: str, block: int) -> None:
    data = written(*state)
    assert halves(data, state[0], middle.encode(), block) == data


@given(state=states(max_size=8), count=st.integers(2, 5), block=st.integers(1, 300))
def test_a_file_cut_at_its_own_names_and_put_together_is_the_whole(state: State, count: int, block: int) -> None:
    data = written(*state)
    cuts = opened(data).cuts(count)
    assert len(cuts) < count
    assert cuts == sorted(set(cuts))
    assert {name.decode() for name in cuts} <= state[1].keys()
    for cut in cuts:
        assert halves(data, state[0], cut, block) == data


def test_lines_go_on_after_what_was_put_in_between() -> None:
    pieces: list[bytes] = []
    writer = Writer(pieces.append, Head("state", "ann", {}))
    writer.line(b'"a":1')
    more = b'"b":1,\n"c":1'
    writer.splice([more[:10], more[10:]], Summed(len(more), zlib.crc32(more)))
    writer.line(b'"d":1')
    writer.splice([], Summed(0, 0))
    writer.line(b'"e":1')
    writer.close()
    head = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{}'
    assert b"".join(pieces) == file_with(head, *[f'"{name}":1' for name in "abcde"])


def test_the_cuts_of_a_long_file_are_at_equal_distances() -> None:
    cuts = opened(written(HEAD, MANY)).cuts(4)
    for cut, expected in zip(cuts, (5_000, 10_000, 15_000), strict=True):
        assert abs(list(MANY).index(cut.decode()) - expected) < 1_000


def test_a_file_has_no_cuts_where_it_has_too_few_lines_or_damaged_ones() -> None:
    head = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":1}'
    assert opened(file_with(head)).cuts(2) == []
    assert opened(file_with(head, '"a":{"gcounter":{"ann":[1,1]}}')).cuts(2) == []
    assert opened(file_with(head, "garbage", "garbage", "garbage", "garbage")).cuts(3) == []


@given(pieces=st.lists(st.binary(max_size=300), max_size=6))
def test_the_checksums_of_pieces_combine_to_that_of_the_whole(pieces: list[bytes]) -> None:
    checksum = 0
    for piece in pieces:
        checksum = combined(checksum, zlib.crc32(piece), len(piece))
    assert checksum == zlib.crc32(b"".join(pieces))


@pytest.mark.parametrize("part", [Part(b"a", b""), Part(b"", b"a"), Part(b"a", b"b")])
def test_a_part_of_a_file_with_damaged_lines_is_not_found(part: Part) -> None:
    source = opened(file_with('{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":1}', "garbage"))
    with pytest.raises(Invalid, match="damaged"):
        list(source.lines(part))


def test_lines_that_are_not_sorted_are_noticed_in_a_part_too() -> None:
    head = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":1}'
    lines = [f'"{name}":{{"gcounter":{{"ann":[1,1]}}}}' for name in "bzdefahi"]
    for part in (Part(b"c", b""), Part(b"", b"g"), Part(b"c", b"g")):
        with pytest.raises(Invalid, match="not sorted"):
            list(opened(file_with(head, *lines)).lines(part))


def test_a_header_of_many_authors_is_read_whole() -> None:
    head = Head("state", "ann", {f"author-{n:032x}": n + 1 for n in range(20_000)})
    data = written(head, {"x": {"gcounter": {f"author-{7:032x}": (8, 1)}}})
    source = opened(data)
    assert source.head == head
    assert source.check() == 1


def test_thousands_of_ids_that_are_too_short_to_be_ours_are_refused_in_any_layout() -> None:
    head = Head("state", "ann", {f"{n:016x}": 1 for n in range(5_000)})
    data = written(head, {})
    for read in (opened, other_layouts.canonical):
        with pytest.raises(Invalid, match="too short"):
            read(data)
    with pytest.raises(Invalid, match="too short"):
        decode_clock(encode_clock(head.clock))
    assert opened(data, ours=True).head == head  # it was let in before there was this rule, or it was made by hand


class Endless:
    """Pages of a file that has no end and no lines."""

    largest = 0

    def read(self, start: int, size: int) -> bytes:
        """Return as many zero bytes as are wanted."""
        self.largest = max(self.largest, size)
        return bytes(size)


def test_a_file_without_a_first_line_is_refused_without_reading_all_of_it() -> None:
    pages = Endless()
    with pytest.raises(Invalid, match="header"):
        Source(pages, 2**60)
    assert pages.largest <= 2**27


def test_a_writer_begins_with_the_header() -> None:
    pieces: list[bytes] = []
    Writer(pieces.append, HEAD)
    assert pieces == [encode_head(HEAD) + HEAD_END]


@given(state=states(max_size=8))
def test_own_lines_are_decoded_together_as_one_by_one(state: State) -> None:
    lines = [line for _, line in lines_of(state[1])]
    if lines:
        assert decode_own_lines(b",\n".join(lines)) == [decode_own_line(line) for line in lines]


def test_own_lines_of_numbers_beside_others_are_decoded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    counters: dict[str, Counter] = {f"c{number}": {"pncounter": {"ann": (1, number, 0)}} for number in range(9)}
    counters |= {"c5": {"gset": {"ann": (1, {"x": 1})}}, "c7": {"gcounter": {"ann": (1, 5), "bob": (2, 2**60)}}}
    decoded: list[bytes] = []

    def noted(line: bytes) -> tuple[str, Counter]:
        decoded.append(line)
        return decode_own_line(line)

    monkeypatch.setattr("crdtctl.codec.own_lines.decode_own_line", noted)
    lines = [line for _, line in lines_of(counters)]
    assert dict(decode_own_lines(b",\n".join(lines))) == counters
    assert decoded == [lines[5], lines[7]]
