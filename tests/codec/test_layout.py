"""The layout: checksums, last lines and names, in bytes."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.layout import (
    HEAD_END,
    TRAILER_SIZE,
    assemble,
    digits,
    is_trailer,
    is_whole,
    name_of,
    trailer,
    trailer_of,
    unescape,
)
from tests.codec.files import compact, file_with
from tests.codec.states import NAMES

HEAD = b'{"crdtctl":1'
BODY = HEAD + HEAD_END


def test_a_text_is_its_header_its_lines_and_their_checksum() -> None:
    body = b'{"crdtctl":1,"counters":{\n"a":{1},\n"b":{2}\n'
    expected = body + b'},"crc32":"%08x"}\n' % zlib.crc32(body)
    assert assemble(HEAD, [b'"a":{1}', b'"b":{2}']) == expected


def test_a_text_without_counters_has_two_lines() -> None:
    assert assemble(HEAD, []) == BODY + b'},"crc32":"%08x"}\n' % zlib.crc32(BODY)


@given(lines=st.lists(st.text("ab", min_size=1)))
def test_a_text_is_assembled_as_specified(lines: list[str]) -> None:
    assert assemble(HEAD, [line.encode() for line in lines]) == file_with(HEAD.decode(), *lines)


@given(pieces=st.lists(st.binary()))
def test_the_seal_of_pieces_is_the_last_line_of_them_together(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    assert (
        trailer_of(pieces) == trailer_of([whole]) == trailer_of(map(memoryview, pieces)) == trailer(zlib.crc32(whole))
    )


@given(checksum=st.integers(0, 2**32 - 1))
def test_every_last_line_has_the_form_and_size_of_one(checksum: int) -> None:
    line = trailer(checksum)
    assert is_trailer(line)
    assert len(line) == TRAILER_SIZE
    assert int(line[-11:-3], 16) == checksum


@given(body=st.binary())
def test_the_digits_of_a_text_are_those_of_its_checksum(body: bytes) -> None:
    assert digits(body + trailer_of([body])) == b"%08x" % zlib.crc32(body)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'},"crc32":"89abcdef"}',
        b'},"crc32":"89abcdef"}\n\n',
        b'},"crc32":"89ABCDEF"}\n',
        b'},"crc32":"89abcdeg"}\n',
        b'},"crc32":"89abcde"}\n',
        b'},"crc32":"089abcdef"}\n',
        b'},"crc32": 89abcdef"}\n',
        b'}, "crc3":"89abcdef"}\n',
        b'},"crc32":"89abcdef"] ',
        b'},"crc32":"89abcdef"}\r',
        b'},"crc32":"        "}\n',
    ],
)
def test_nothing_else_passes_for_a_last_line(line: bytes) -> None:
    assert not is_trailer(line)


@given(body=st.binary(min_size=1), data=st.data())
def test_a_whole_text_is_no_longer_whole_when_a_byte_is_changed_or_missing(body: bytes, data: st.DataObject) -> None:
    whole = body + trailer_of([body])
    assert is_whole(whole)
    at = data.draw(st.integers(0, len(whole) - 1))
    assert not is_whole(whole[:at])
    changed = bytearray(whole)
    changed[at] ^= data.draw(st.integers(1, 255))
    assert not is_whole(bytes(changed))
    assert not is_whole(whole + b"\n")


def test_a_last_line_alone_is_not_a_whole_text() -> None:
    assert not is_whole(trailer_of([]))
    assert not is_whole(b"")


@given(name=NAMES)
def test_the_name_on_a_line_is_found_whatever_it_holds(name: str) -> None:
    assert name_of(f'{compact(name)}:{{"gcounter":{{}}}}'.encode()) == name.encode()


@given(name=st.text('ab"\\', max_size=8))
def test_what_is_escaped_is_unescaped(name: str) -> None:
    assert unescape(compact(name)[1:-1].encode()) == name.encode()


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'"a":[1]',
        b'"a',
        b'a":{"',
        b'":{"',
        b' "a":{"gcounter"',
        b'},"crc32":"89abcdef"}\n',
        b'x"a":{"gcounter"',
        b'"a\\b',
        b"\\\\\\x",
        b'"a\\":{"b',
    ],
)
def test_other_lines_have_no_name(line: bytes) -> None:
    with pytest.raises(ValueError, match="not a line of a counter"):
        name_of(line)


def test_a_name_ends_where_its_types_begin_not_at_a_quote_that_it_holds() -> None:
    assert name_of(b'"a\\":{\\"b":{"gcounter":{') == b'a":{"b'
    assert name_of(b'"a\\\\":{"gcounter":{') == b"a\\"
    assert name_of(b'":{":{"gcounter":{') == b":{"
    assert name_of(b'"\\":{":{"gcounter":{') == b'":{'
    assert name_of(b'"\\":{\\":{":{"gcounter":{') == b'":{":{'
    assert name_of(b'"\\\\\\":{":{"gcounter":{') == b'\\":{'
