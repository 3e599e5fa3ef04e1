"""Lines with one entry of totals each: which texts are of this form, and which are left to the codec."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec import one_author, same_shape
from crdtctl.codec.lines import encode_line
from crdtctl.crdt import NO_COUNTERS, TYPES
from crdtctl.crdt.base import Entry
from crdtctl.crdt.names import stored_counter_fault
from crdtctl.crdt.series import spelled

CLOCK = {"hub": 9, "pi": 2}
LINE = b'"%b":{"pncounter":{"hub":[3,2,1]}}'


def test_lines_of_one_type_are_read_as_columns() -> None:
    found = one_author.read(b'"a":{"pncounter":{"hub":[3,2,1]}},\n"b":{"pncounter":{"pi":[1,0,7]}}', CLOCK)
    assert found == (b"pncounter", [b"a", b"b"], [b"hub", b"pi"], [b"3,2,1", b"1,0,7"])


@pytest.mark.parametrize(
    "text",
    [
        b"",
        LINE % b"",
        LINE % b" a",
        LINE % b"a ",
        LINE % b"a  b",
        LINE % b"a\x7f",
        LINE % b"a=b",
        LINE % b"=jobs",
        LINE % (b"a" * 201),
        LINE % "é".encode(),
        LINE % b"a\\\\",
        LINE % b'a\x01\\"',
        LINE % b'a\nb{b=\\"c\\"}',
        LINE % b'a{b=\\"\\"}',
        LINE % b'a{b=\\" c\\"}',
        LINE % b'a{b=\\"c \\"}',
        LINE % b'a{b=\\"c\\",b=\\"d\\"}',
        LINE % b'a{c=\\"c\\",b=\\"d\\"}',
        LINE % b'a{b=\\"c\\"},b=\\"d\\"}',
        LINE % b'a{b=\\"c\\"},\n"b{b=\\"c\\"}',
        LINE % b'a{\\"=\\"}',
        LINE % b'a\\"=\\"b',
        LINE % b'a}{b=\\"c\\"}',
        LINE % b'{b=\\"c\\"}',
        LINE % b'a{b=\\"%b\\"}' % (b"c" * 2048),
        LINE % b'%b{b=\\"c\\"}' % (b"a" * 201),
        (LINE % b"a").replace(b"hub", b'h\\"b'),
        (LINE % b"a").replace(b"pncounter", b"gset"),
        (LINE % b"a").replace(b":[3", b":{3"),
        (LINE % b"a").replace(b"]}}", b"]}} "),
        (LINE % b"a").replace(b"[3,", b"[10,"),
        (LINE % b"a").replace(b"[3,", b"[03,"),
        (LINE % b"a").replace(b"hub", b"nas"),
        (LINE % b"a").replace(b"3,2,1", b"3,2"),
    ],
)
def test_text_of_another_form_or_out_of_bounds_is_left_to_the_codec(text: bytes) -> None:
    assert one_author.read(text, CLOCK) is None


@pytest.mark.parametrize(
    "name", [b'a{b="c"}', b'a{b="c, {d}",e="="}', b'a"', b'a":{', b'a{"q"}', b'%b{b="%b"}' % (b"a" * 200, b"c" * 1842)]
)
def test_names_with_quotes_are_read_and_written_as_others(name: bytes) -> None:
    line = LINE % name.replace(b'"', b'\\"')
    found = one_author.read(line, CLOCK)
    assert found == (b"pncounter", [name], [b"hub"], [b"3,2,1"])
    assert one_author.lines(found) == [line]
    assert one_author.write(name, b"pncounter", {b"hub": b"3,2,1"}) == line
    assert one_author.entries(line, name, b"pncounter") == {b"hub": b"3,2,1"}


DATED_LINE = b'"%b":{"pncounter":{"hub":[3,2,1,{},{},{},{},0,{},%b]}}'


def test_lines_with_periods_are_read_as_columns_and_written_as_they_were() -> None:
    lines = [DATED_LINE % (b"a", b'2,0,"h9:1 h99:2-1"'), LINE % b"b", DATED_LINE % (b"c", b"2,96")]
    found = one_author.read(b",\n".join(lines), CLOCK)
    assert found is not None
    assert found.rows == [b'3,2,1,{},{},{},{},0,{},2,0,"h9:1 h99:2-1"', b"3,2,1", b"3,2,1,{},{},{},{},0,{},2,96"]
    assert one_author.lines(found) == lines
    assert [one_author.entries(line, name, found.tag) for line, name in zip(lines, found.names, strict=True)] == [
        {b"hub": row} for row in found.rows
    ]


@pytest.mark.parametrize(
    "line",
    [
        *(
            DATED_LINE % (b"a", end)
            for end in (b"", b"0", b"4", b"2,0", b"2,00", b"2,", b'2,0,""', b'2,0,"', b'2,"h9:1"')
        ),
        *(
            DATED_LINE % (b"a", b'2,0,"%b"' % text)
            for text in (b"h9:0", b"h9:1 h9:1", b"h9:1-1-1", b"h9:\xc3\xa9", b"h9")
        ),
        (DATED_LINE % (b"a", b"2"))[:-1],
        (DATED_LINE % (b"a", b"2")).replace(b"[3,", b"[03,"),
        (DATED_LINE % (b"a", b"2")).replace(b"pncounter", b"gset"),
        DATED_LINE % (b"a,{},{},{},{},0,{},", b"2"),
        b",\n".join([DATED_LINE % (b"a", b'2,0,"h9:1"'), DATED_LINE % (b"b", b'2,0,"d1:1')]),
    ],
)
def test_line_with_other_periods_is_left_to_the_codec(line: bytes) -> None:
    assert one_author.read(line, CLOCK) is None


@pytest.mark.parametrize(
    "row", [b'3,2,1,{"k":[1,0,3]}', b'"3"', b"3,{},{},{},{},0,{},x", b"3,2,1,{},{},{},{},0,{},2],"]
)
def test_line_with_more_than_numbers_and_periods_has_no_entries(row: bytes) -> None:
    line = b'"a":{"pncounter":{"hub":[3,2,1,{},{},{},{},0,{},1],"pi":[%b]}}' % row
    assert one_author.entries(line, b"a", b"pncounter") is None


def test_settings_of_many_kinds_are_read() -> None:
    lines = [DATED_LINE % (b"a%04d" % number, b"2,%d" % (number + 1)) for number in range(2000)]
    found = one_author.read(b",\n".join(lines), CLOCK)
    assert found is not None
    assert one_author.lines(found) == lines


PERIODS = st.sampled_from(["", "h9:1", "h9:2", "h8:1,2", "d1:3 h99:-1"])
ENDS: st.SearchStrategy[Entry] = st.just(()) | st.tuples(st.integers(1, 3), st.sampled_from([0, 4, 96]), PERIODS).map(
    lambda end: ({}, {}, {}, {}, 0, {}, *end)
)
VERSIONS = st.builds(
    lambda numbers, end: TYPES["pncounter"].record.make(*numbers, *end),
    st.tuples(st.integers(1, 3), st.integers(0, 12), st.sampled_from([0, 2**53 - 1])),
    ENDS,
)


def row_of(entry: Entry) -> bytes:
    return one_author.entries(encode_line("a", {"pncounter": {"hub": entry}}), b"a", b"pncounter")[b"hub"]  # type: ignore[index]


@given(a=VERSIONS, b=VERSIONS)
def test_versions_of_an_entry_with_periods_are_joined_as_their_lattice_does(a: Entry, b: Entry) -> None:
    joined = TYPES["pncounter"].record.join(a, b)
    assert one_author.join_row(row_of(a), row_of(b)) == row_of(joined)


LABEL_PIECES = st.sampled_from(
    ["a", "b", "c=", "=", "{", "}", '"', '="', '",', '"}', '{a="', " ", ",", "\\", "x" * 199, "é"]
)
TEXTS = st.lists(LABEL_PIECES, min_size=1, max_size=9).map("".join)
SPELLINGS = st.builds(spelled, TEXTS, st.dictionaries(st.sampled_from(["a", "b", "_1", "1"]), TEXTS, max_size=3))


@given(names=st.lists(SPELLINGS | TEXTS, min_size=1, max_size=3))
def test_names_are_valid_together_only_if_each_is(names: list[str]) -> None:
    if one_author.are_names([name.encode() for name in names]):
        event("labels" if any("=" in name for name in names) else "no labels")
        assert all(stored_counter_fault(name) is None and name not in NO_COUNTERS for name in names)


@pytest.mark.parametrize("names", [[b'a{b="c', b'd"}'], [b'a{b="c\\"}']])
def test_labels_that_do_not_end_are_not_valid(names: list[bytes]) -> None:
    assert not one_author.are_names(names)


def test_entries_of_a_line_are_its_numbers_by_replica() -> None:
    line = b'"a":{"pncounter":{"hub":[3,2,1],"pi":[1,0,7]}}'
    assert one_author.entries(line, b"a", b"pncounter") == {b"hub": b"3,2,1", b"pi": b"1,0,7"}


@pytest.mark.parametrize(
    "line",
    [
        b'"b":{"pncounter":{"hub":[3,2,1]}}',
        b'"a":{"gcounter":{"hub":[3,2]}}',
        b'"a":{"pncounter":{"hub":[3,2,1,{"k":[1,0]}]}}',
        b'"a":{"pncounter":{"h\\"b":[3,2,1]}}',
        b'"a":{"pncounter":{"hub":[3,2,1],"pi"}}',
        b'"a":{"pncounter":{"hub":["3"]}}',
        b'"a":{"pncounter":{"hub":3,2,1]}}',
    ],
)
def test_line_of_another_form_has_no_entries_of_numbers(line: bytes) -> None:
    assert one_author.entries(line, b"a", b"pncounter") is None


def test_no_pair_of_lines_joins_to_no_line() -> None:
    assert same_shape.join_together([], [], CLOCK) == []


@pytest.mark.parametrize("name", ["é".encode(), b"a\\\\"])
def test_pair_of_lines_with_an_escape_is_left_to_the_codec(name: bytes) -> None:
    assert same_shape.join_together([LINE % name], [LINE % name], CLOCK) is None


def test_pair_of_lines_with_labels_is_joined() -> None:
    line = LINE % b'a{b=\\"c\\"}'
    assert same_shape.join_together([line], [line.replace(b"[3", b"[4")], CLOCK) == [line.replace(b"[3", b"[4")]


def test_a_quote_in_a_replica_id_does_not_hide_a_part_of_it() -> None:
    line = (LINE % b"a").replace(b"hub", b'x\\"hub')
    assert same_shape.join_together([line], [line], CLOCK) is None


ROWS = st.lists(st.integers(0, 12), min_size=3, max_size=3).map(lambda row: b",".join(b"%d" % one for one in row))
ENTRIES = st.dictionaries(st.sampled_from([b"ann", b"anna", b"bob", b"zoe"]), ROWS, min_size=1)


@given(mine=ENTRIES, theirs=ENTRIES, is_wide=st.booleans())
def test_entries_are_joined_to_a_line_as_if_all_of_it_was_read(
    mine: dict[bytes, bytes], theirs: dict[bytes, bytes], is_wide: bool
) -> None:
    others = {b"many%04d" % number: b"1,2,3" for number in range(600 if is_wide else 0)}
    line = one_author.write(b"a", b"pncounter", {**mine, **others})
    joined = {**mine, **others}
    one_author.join(joined, theirs)
    expected = one_author.write(b"a", b"pncounter", joined)
    assert one_author.added(line, b"a", b"pncounter", theirs) == expected
    in_place = one_author.spliced(line, b"a", b"pncounter", theirs)
    assert in_place == (expected if theirs.keys() <= mine.keys() else None)


@pytest.mark.parametrize(
    "line",
    [
        b'"b":{"pncounter":{"hub":[3,2,1]}}',
        b'"a":{"gcounter":{"hub":[3,2]}}',
        b'"a":{"gcounter":{"hub":[3,2]},"pncounter":{"hub":[3,2,1]}}',
        b'"a":{"pncounter":{"hub":[3,2,1,{"k":[1,0]}]}}',
        b'"a":{"pncounter":{"h\\"b":[3,2,1],"hub":[3,2,1]}}',
        b'"a":{"pncounter":{"hub":["3"]}}',
    ],
)
def test_nothing_is_joined_in_place_to_a_line_of_more_than_numbers(line: bytes) -> None:
    assert one_author.spliced(line, b"a", b"pncounter", {b"hub": b"4,2,1"}) is None
    assert one_author.added(line, b"a", b"pncounter", {b"hub": b"4,2,1"}) is None


def test_an_entry_that_is_joined_in_place_has_as_many_numbers() -> None:
    line = b'"a":{"pncounter":{"hub":[3,2,1,5]}}'
    assert one_author.spliced(line, b"a", b"pncounter", {b"hub": b"4,2,1"}) is None


def test_pair_of_lines_of_two_types_is_left_to_the_codec() -> None:
    line = b'"a":{"gcounter":{"hub":[3,2]},"pncounter":{"hub":[3,2,1]}}'
    assert same_shape.join_together([line], [line], CLOCK) is None


@pytest.mark.parametrize("without", [b"", b"nas"])
def test_lines_of_one_author_are_collected_to_a_table(without: bytes) -> None:
    table: dict[bytes, one_author.Rows] = {b"a": {b"hub": b"3,2,1", b"pi": b"1,1,1"}, b"b": {b"pi": b"1,1,1"}}
    lines = one_author.OneAuthorLines(b"pncounter", [b"a", b"b", b"c"], [b"hub"] * 3, [b"4,1,10", b"2,2,2", b"3,3,3"])
    one_author.collect(table, lines, without)
    assert table == {
        b"a": {b"hub": b"4,2,10", b"pi": b"1,1,1"},
        b"b": {b"pi": b"1,1,1", b"hub": b"2,2,2"},
        b"c": {b"hub": b"3,3,3"},
    }


def test_lines_of_several_authors_are_collected_to_a_table_without_one_of_them() -> None:
    names, authors = [b"a", b"a2", b"b", b"c"], [b"hub", b"nas", b"hub", b"hub"]
    rows = [b"4,1,10", b"9,9,9", b"2,2,2", b"3,3,3"]
    for without, more in ((b"nas", {}), (b"", {b"a2": {b"nas": b"9,9,9"}})):
        table: dict[bytes, one_author.Rows] = {b"a": {b"hub": b"3,2,1"}, b"b": {b"pi": b"1,1,1"}}
        one_author.collect(table, one_author.OneAuthorLines(b"pncounter", names, authors, rows), without)
        assert table == {
            b"a": {b"hub": b"4,2,10"},
            b"b": {b"pi": b"1,1,1", b"hub": b"2,2,2"},
            b"c": {b"hub": b"3,3,3"},
            **more,
        }


def test_lines_of_the_author_that_is_left_out_are_not_collected() -> None:
    table: dict[bytes, one_author.Rows] = {}
    one_author.collect(table, one_author.OneAuthorLines(b"gcounter", [b"a"], [b"hub"], [b"1,1"]), b"hub")
    assert table == {}
