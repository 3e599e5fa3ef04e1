"""Entries that are collected from many sources, as columns or by name; and texts that repeat the names of others."""

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec import one_author, rows
from crdtctl.codec.one_author import OneAuthorLines, Rows
from crdtctl.codec.table import Table

TAG = b"pncounter"
AUTHORS = st.sampled_from([b"hub", b"nas", b"p%b"])
NAMES = st.sampled_from([[b"a", b"b"], [b"a", b"b"], [b"a%d", b"b"], [b"b"], [b'a{b="c"}', b"z"]])


@st.composite
def columns(draw: st.DrawFn) -> OneAuthorLines:
    """Return lines of a source, mostly with one author."""
    names = draw(NAMES)
    authors = [draw(AUTHORS)] * len(names) if draw(st.booleans()) else [draw(AUTHORS) for _ in names]
    return OneAuthorLines(
        TAG, names, authors, [b"%d,%d,0" % (draw(st.integers(1, 3)), number) for number in range(len(names))]
    )


@given(sources=st.lists(columns(), min_size=1, max_size=6), without=st.sampled_from([b"", b"hub"]))
def test_a_table_has_the_lines_of_entries_joined_by_name(sources: list[OneAuthorLines], without: bytes) -> None:
    table = Table(TAG, without)
    entries: dict[bytes, Rows] = {}
    for one in sources:
        table.collect(one)
        one_author.collect(entries, one, without)
    names = sorted(entries)
    lines = [one_author.write(name, TAG, entries[name]) for name in names]
    found = table.lines()
    event(f"{len(lines)} lines")
    assert (list(found[0]), found[1]) == (names, lines)
    assert table.entries() == entries
    assert (list(table.lines()[0]), table.lines()[1]) == (names, lines)


def line(name: bytes, author: bytes, row: bytes) -> bytes:
    """Return a line with one entry."""
    return b'"%b":{"pncounter":{"%b":[%b]}}' % (name, author, row)


def text_of(author: bytes, *rows: bytes) -> bytes:
    """Return lines of one author, each with another name."""
    return b",\n".join([line(b"100%%-%d" % number, author, row) for number, row in enumerate(rows)])


CLOCK = {"hub": 9, "nas": 2, 'h"b': 9, 'x\\"y': 9, "x\\\\y": 9, '1","2': 9, "é": 9}
OTHER = line(b"other", b"hub", b"1,1,1")
PIECES = [
    *(b'"', b"[", b"]", b'\\"', b"\\", b",", b"0", b"01", b"9007199254740992", b"10", b"-1", b"1.0", b" ", b"%b", b"%"),
    *(b"hub", b"nas", b"pi", b"]}},\n", b'":{"', b"}},\n", "é".encode(), b"\xff", b"gcounter", b'],"nas":[1,1,1'),
]


def with_repeated_names(text: bytes) -> OneAuthorLines | None:
    """Read a text after others with the same names."""
    for _ in range(3):
        assert one_author.read(text_of(b"nas", b"1,1,1", b"2,0,5", b"1,0,0"), CLOCK) is not None
    return one_author.read(text, CLOCK)


def with_new_names(text: bytes) -> OneAuthorLines | None:
    """Read a text after others with other names."""
    for _ in range(3):
        assert one_author.read(OTHER, CLOCK) is not None
    return one_author.read(text, CLOCK)


@given(changes=st.lists(st.tuples(st.integers(0), st.integers(0, 6), st.sampled_from(PIECES)), max_size=3))
def test_a_text_with_the_names_of_others_is_read_as_one_with_new_names(changes: list[tuple[int, int, bytes]]) -> None:
    text = text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0")
    for place, size, piece in changes:
        place %= len(text)
        text = text[:place] + piece + text[place + size :]
    found = with_repeated_names(text)
    event("read" if found else "left to the codec")
    assert found == with_new_names(text)


@pytest.mark.parametrize(
    "text",
    [
        text_of(b"hub", b"3,2,1", b"9,0,70"),
        text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0", b"1,0,0"),
        text_of(b"hub", b"3,2,1", b"10,0,70", b"1,0,0"),
        text_of(b"pi", b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of(b"hub", b"3,2,1", b"09,0,70", b"1,0,0"),
        text_of(b"hub", b"3,2,1", b"9,0", b"1,0,0"),
        text_of(b'h"b', b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of(b'1","2', b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of(b'x\\"y', b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of(b"x\\\\y", b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of("é".encode(), b"3,2,1", b"9,0,70", b"1,0,0"),
        text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0").replace(b"[9,0,70]", b"]9,0,70["),
        text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0").replace(b"2,1]}},\n", b"2,1]}}, "),
        text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0").replace(b"pncounter", b"gcounter"),
        text_of(b"hub", b"3,2,1", b"9,0,70", b'1,0,0,"dated":{"1":[1]}'),
        b"",
    ],
)
def test_a_text_that_only_resembles_one_with_the_names_of_others_is_read_alike(text: bytes) -> None:
    assert with_repeated_names(text) == with_new_names(text)


def test_a_text_with_the_names_of_others_is_read() -> None:
    text = text_of(b"hub", b"3,2,1", b"9,0,70", b"1,0,0")
    names = [b"100%-0", b"100%-1", b"100%-2"]
    assert with_repeated_names(text) == (b"pncounter", names, [b"hub"] * 3, [b"3,2,1", b"9,0,70", b"1,0,0"])


NUMBERS = st.sampled_from(
    [b"0", b"1", b"10", b"01", b"00", b"", b"70", b"9007199254740991", b"9007199254740992", b"9" * 30]
)
ROW = st.lists(NUMBERS, min_size=2, max_size=3).map(b",".join) | st.text("0123,-. \n", max_size=7).map(str.encode)


@given(rows_=st.lists(ROW, min_size=1, max_size=4), tag=st.sampled_from([b"pncounter", b"gcounter"]))
def test_rows_are_checked_as_their_decoder_does(rows_: list[bytes], tag: bytes) -> None:
    array = b"[[%b]]" % b"],[".join(rows_)
    try:
        entries = rows.ROWS[tag].decode(array)
    except (msgspec.DecodeError, ValueError):
        expected = None
    else:
        expected = [entry[0] for entry in entries] if rows.encode_rows(entries) == array else None
    event("sound" if expected else "refused")
    assert one_author.seqs_of(tag, rows_) == expected
