"""The check of a large file decodes many lines in one go; it finds what the check of a small file finds."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import many_lines, other_layouts
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_line, line_from_json
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
_VALUES = (
    *(text.partition(":")[2].replace("[", each) for text in _LINES[:4] for each in ("[", " [ ", "[\n")),
    '{"gset":{"ann":[1]}},"n2":{"gset":{"ann":[1]}}',
    '{"gset":{"ann":[1]}}},{"n1":{"gset":{"ann":[1]}}',
    '{"gset":{"b":[1],"a":[1]}}',
    '{"gset":{"ann":[1,{"x":0}]}}',
    '{"gset":{"ann":[1,{}]}}',
    '{"pncounter":{"ann":[2,4,1]},"gcounter":{"ann":[2,4]}}',
    '{"gcounter":{"ann":[1,1.0]}}',
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


@given(st.lists(st.sampled_from(_VALUES), min_size=1, max_size=6))
def test_values_become_canonical_together_as_each_alone_or_not_at_all(texts: list[str]) -> None:
    counters = [(f"n{number}", text.encode()) for number, text in enumerate(texts)]
    found = many_lines.canonical(counters)
    try:
        expected = b",\n".join([line_from_json(*counter) for counter in counters])
    except Invalid:
        expected = None
    assert found == expected


@pytest.mark.parametrize("indent", [None, 1])
def test_a_large_state_in_another_layout_has_the_same_canonical_text(indent: int | None) -> None:
    numbered = [f'"n{number:04}":{{"pncounter":{{"ann":[1,{number},0]}}}}' for number in range(1000)]
    data = file_with(HEAD, *sorted([*numbered, A, B, f'"long":{{"gset":{{"ann":[3,{{{_MORE}}}]}}}}']))
    assert other_layouts.canonical(json.dumps(json.loads(data), indent=indent).encode()) == data
    with pytest.raises(Invalid, match="occurs twice"):
        other_layouts.canonical(data.replace(b"[1,999,0]", b'[1,999,0],"ann":[1,999,0]').replace(b"\n", b""))
    with pytest.raises(Invalid, match="whole, not negative"):
        other_layouts.canonical(data.replace(b"[1,999,0]", b"[1,-999,0]").replace(b"\n", b""))
