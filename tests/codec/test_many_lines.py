"""The check of a large file decodes many lines in one go; it finds what the check of a small file finds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import many_lines
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_line
from crdtctl.codec.reader import READ_SIZE
from tests.codec.files import file_with, opened
from tests.codec.refused import HEAD, LINES, NAMES, NUMBERS, ROWS, A, B
from tests.support.handwritten import with_checksum

_ELEMENTS = ",".join(f'"{letter * 200}":1' for letter in "abcd")
_MORE = ",".join(f'"{number:0200}":1' for number in range(9))
#: Lines that are sorted before all others, and make a file large.
_PADDING = [f'"!{number:04}":{{"gset":{{"ann":[3,{{{_ELEMENTS}}}]}}}}' for number in range(READ_SIZE // 800)]
_START = b',"counters":{\n'
_LINES = (
    A,
    B,
    '"c":{"gset":{"ann":[1]}}',
    '"d":{"gcounter":{"ann":[1,2]}}',
    f"{A},{B}",
    f"{A}}}\n{{{B}",
    "",
    '"a',
    A[:-1],
)


def _padded(data: bytes) -> bytes:
    """Return a file with many more lines before its own, under a right checksum."""
    head, start, rest = data.partition(_START)
    body = rest[: rest.rindex(b'},"crc32"')]
    more = ",\n".join(_PADDING).encode() + (b",\n" if body.strip() else b"")
    return with_checksum(head + start + more + body)


@pytest.mark.parametrize("kind", ["line", "row", "number", "name"])
def test_a_bad_line_behind_many_good_ones_is_refused_for_the_same_reason(kind: str) -> None:
    for why, data in {"line": LINES, "row": ROWS, "number": NUMBERS, "name": NAMES}[kind].items():
        if len(data) > READ_SIZE or _START not in data:
            continue
        with pytest.raises(Invalid) as alone:
            opened(data).check()
        with pytest.raises(Invalid) as among_many:
            opened(_padded(data)).check()
        assert among_many.value.reason == alone.value.reason, why


def test_all_counters_of_a_large_file_are_counted() -> None:
    jobs = '"=jobs":{"attempts":{"ann":[1,{"build":1}]}}'
    lines = sorted([*_PADDING, A, B, f'"long":{{"gset":{{"ann":[3,{{{_MORE}}}]}}}}'])
    assert opened(file_with(HEAD, *lines)).check() == len(lines)
    assert opened(_padded(file_with(HEAD, jobs, A, B))).check() == len(_PADDING) + 2


@given(st.lists(st.sampled_from(_LINES), min_size=1, max_size=6))
def test_lines_are_decoded_together_as_each_alone_or_not_at_all(texts: list[str]) -> None:
    lines = [text.encode() for text in texts]
    found = many_lines.decoded(lines)
    try:
        expected = [decode_line(line) for line in lines]
    except Invalid:
        expected = None
    assert found == expected
