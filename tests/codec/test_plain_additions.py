"""Keys and elements that are added to a line as bytes: the same lines as those of the full codec, or none."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec import plain, plain_keys, plain_sets, plain_values
from crdtctl.codec.lines import encode_line
from crdtctl.crdt import TYPES
from crdtctl.crdt.base import Entries, Operation, OperationContext, Verb

ME, HUB = "me-00", "hub-19"
SEQ = 30
KEYS = st.sampled_from(["job-1", "job-2", "a", "b/c", "0", "job-1-x"])
ROWS = st.tuples(st.integers(0, 9), st.integers(0, 9)).filter(any)
STAMPED = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, SEQ - 1)).filter(lambda row: any(row[:2]))
ONCE = st.dictionaries(KEYS, ROWS | STAMPED, max_size=3)
MARKED = st.dictionaries(KEYS, ROWS, max_size=2)
MARKS = st.dictionaries(st.sampled_from([ME, HUB]), ROWS, max_size=2)


@st.composite
def entries(draw: st.DrawFn) -> Entries:
    """Return entries of a pncounter of this replica and of another one, with keys and marks."""
    found = {}
    for author in (ME, HUB):
        row = (draw(st.integers(1, SEQ - 1)), draw(st.integers(0, 99)), 3, draw(ONCE), draw(MARKS), draw(MARKED))
        expired = draw(st.sampled_from([{}, {}, {ME: 3}])) if author == HUB else {}
        found[author] = TYPES["pncounter"].record.make(*row, expired)
    return found


@given(entries(), KEYS, st.sampled_from(["increment", "decrement"]), st.integers(1, 9))
def test_key_on_a_line_is_the_one_of_the_full_codec(both: Entries, key: str, verb: Verb, amount: int) -> None:
    kind, others = TYPES["pncounter"], {HUB: both[HUB]}
    mine, learned = (encode_line("n", {"pncounter": {author: both[author]}}) for author in (ME, HUB))
    line = plain.read_own_line(mine, b"n", ME.encode())
    row = [amount, 0, SEQ] if verb == "increment" else [0, amount, SEQ]
    before = line.maps
    try:
        line.maps = plain_keys.counted(line.maps, learned, key.encode(), row)
    except ValueError:
        assert b'"%b"' % key.encode() in mine + learned or b"},{" in learned
        return
    if line.maps == before:
        assert both[ME][3][key][:2] == tuple(row[:2])
        return
    operation = Operation(verb, amount, once=key)
    after = kind.apply(both[ME], operation, OperationContext(ME, SEQ, lambda: others))
    assert after is not None
    assert line.encode(ME.encode(), SEQ) == encode_line("n", {"pncounter": {ME: after}})


@pytest.mark.parametrize("totals", ["2,0", "2,0,7"])
def test_key_that_was_counted_already_changes_nothing(totals: str) -> None:
    maps = b',{"a":[1,0],"job-1":[%b]}' % totals.encode()
    assert plain_keys.counted(maps, b"", b"job-1", [2, 0, SEQ]) == maps


@pytest.mark.parametrize("learned", [b"", b'"n":{"pncounter":{"hub-19":[3,1,0,{"job-1":[2,0,3]}]}}'])
@pytest.mark.parametrize("totals", ["2,0", "1,0,0", "12,0", "1"])
def test_key_with_other_totals_is_left(totals: str, learned: bytes) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        plain_keys.counted(b',{"job-1":[%b]}' % totals.encode(), learned, b"job-1", [1, 1, SEQ])


@pytest.mark.parametrize(
    ("maps", "learned"),
    [
        (b',{},{},{"job-1":[1,0]}', b""),
        (b"", b'"n":{"pncounter":{"hub-19":[3,1,0,{"job-1":[2,0,3]}]}}'),
        (b"", b'"n":{"pncounter":{"hub-19":[3,1,0,{},{},{},{"me-00":2}]}}'),
    ],
)
def test_key_of_marks_or_of_another_entry_is_left(maps: bytes, learned: bytes) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        plain_keys.counted(maps, learned, b"job-1", [1, 0, SEQ])


@pytest.mark.parametrize(
    ("names", "are"),
    [([b"a", b"b/c"], True), ([], True), ([b"a", b""], False), ([b"-a"], False), ([b"a", b"b c"], False)],
)
def test_names_are_plain_together(names: list[bytes], are: bool) -> None:  # a table
    assert plain.are_names(names) == are
    assert are == all(map(plain.is_name, names))


KEYED = st.tuples(st.integers(1, 9), st.integers(0, 99), st.integers(0, 9), ONCE).map(
    lambda row: TYPES["pncounter"].record.make(*row)
)


@given(st.dictionaries(st.sampled_from(["me-00", "hub-19", "far-00"]), KEYED, min_size=1))
def test_line_with_keys_has_the_value_of_the_full_codec(entries: Entries) -> None:
    tag, totals, keys = plain_keys.read_line(encode_line("n", {"pncounter": dict(entries)}), b"n")
    value = plain.value_of(tag, totals) + plain_keys.value_of(tag, keys)
    assert (tag, value) == (b"pncounter", TYPES["pncounter"].value(entries))
    assert [name.decode() for name in totals] == sorted(entries)


@pytest.mark.parametrize(
    "rows",
    [
        '"a":[1,2,3,{}]',
        '"a":[1,2,3,{"k":[1,0]},{"a":[1,0]}]',
        '"a":[1,2,3,{"k":[0,0]}]',
        '"a":[1,2,3,{"k":[1,0,0]}]',
        '"a":[1,2,3,{"k":[1]}]',
        '"a":[1,2,3,{"k":[1,0],"j":[1,0]}]',
        '"a":[1,2,3,{"k x":[1,0]}]',
        '"a":[0,2,3,{"k":[1,0]}]',
        '"a":[1,2,{"k":[1,0]}]',
        '"a":[1,2,3,{"k":[1,0]}],"a":[1,2,3]',
        '"b":[1,2,3,{"k":[1,0]}],"a":[1,2,3]',
        '"a":[1,2,3,{"k":[1,0]}]x"b":[1,2,3]',
        '"a":[1,2,3,{"k":[1,0]}],',
        '"a":[1,02,3,{"k":[1,0]}]',
        '"a~1.abcd":[1,2,3,{"k":[1,0]}]',
    ],
)
@pytest.mark.parametrize("tag", ["pncounter", "bcounter"])
def test_line_with_keys_that_is_not_plain_is_left(rows: str, tag: str) -> None:
    with pytest.raises((ValueError, LookupError)):
        plain_keys.read_line(f'"n":{{"{tag}":{{{rows}}}}}'.encode(), b"n")


ELEMENTS = st.lists(st.sampled_from(["ada", "grace", "mary", "a", "0", "x" * 199]), unique=True, min_size=1)
ADDED = st.dictionaries(st.sampled_from(["ada", "eve", "0-0", "zoe"]), st.integers(1, SEQ - 1))


@given(ADDED, ELEMENTS)
def test_elements_on_a_line_are_those_of_the_full_codec(there: dict[str, int], elements: list[str]) -> None:
    mine = (SEQ - 1, there)
    try:
        line = plain_sets.added(
            encode_line("n", {"gset": {ME: mine}}), b"n", ME.encode(), SEQ, sorted(one.encode() for one in elements)
        )
    except ValueError:
        assert not there.keys().isdisjoint(elements)
        return
    after = TYPES["gset"].apply(mine, Operation("add", elements=tuple(elements)), OperationContext(ME, SEQ))
    assert line == encode_line("n", {"gset": {ME: after or mine}})


@given(st.dictionaries(st.sampled_from(["me-00", "hub-19", "far-00"]), ADDED.filter(bool), min_size=1))
def test_elements_of_a_line_are_those_of_the_full_codec(added: dict[str, dict[str, int]]) -> None:
    entries: Entries = {author: (SEQ, elements) for author, elements in added.items()}
    line = encode_line("n", {"gset": dict(entries)})
    assert plain_sets.elements_of(line, b"n") == {
        author.encode(): {element.encode() for element in elements} for author, elements in added.items()
    }
    tag, value, shares = plain_values.read([line], b"n")
    assert (tag, value) == (b"gset", TYPES["gset"].value(entries))
    assert {author.decode(): share for author, share in (shares or {}).items()} == TYPES["gset"].shares(entries)


@pytest.mark.parametrize(
    "rows",
    [
        '"b":[1,{"x":1}],"a":[1,{"x":1}]',
        '"a":[1,{"x":1}],"a":[1,{"x":1}]',
        '"a":[0,{"x":1}]',
        '"a":[1,{"x":0}]',
        '"a":[1,{"x":1},{"a":1}]',
        '"a":[1,{"y":1,"x":1}]',
        '"a~1.abcd":[1,{"x":1}]',
        '"a":[{"x":1}]',
        'a":[1,{"x":1}]',
        '"a":1,{"x":1}',
        '"a":[1]',
        '"a":[1,{"%s":1}]' % ("x" * 2**15),
    ],
)
def test_set_that_is_not_plain_has_no_elements_here(rows: str) -> None:
    with pytest.raises(ValueError, match=r"^$"):
        plain_sets.elements_of(f'"n":{{"gset":{{{rows}}}}}'.encode(), b"n")


def test_counter_of_several_types_or_of_one_replica_twice_is_left() -> None:
    numbers, others = (encode_line("n", {"pncounter": {author: (1, 2, 1)}}) for author in (ME, HUB))
    assert plain_values.read([numbers, others], b"n") == (b"pncounter", 2, {ME.encode(): 1, HUB.encode(): 1})
    for line in (encode_line("n", {"gset": {HUB: (1, {"a": 1})}}), numbers):
        with pytest.raises(ValueError, match=r"^$"):
            plain_values.read([numbers, line], b"n")


def test_keys_and_periods_have_the_values_of_the_full_codec() -> None:
    rows = [(3, 7, 1, {"job-1": (3, 0)}), (3, 7, 1, {}, {}, {}, {}, 0, {}, 1, 0, "d20454:3")]
    for row, shares in zip(rows, (None, {ME.encode(): 6}), strict=True):
        line = encode_line("n", {"pncounter": {ME: row}})
        assert plain_values.read([line], b"n") == (b"pncounter", TYPES["pncounter"].value({ME: row}), shares)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b'"n":{"gset":{"me-00":[20]}}',
        b'"n":{"gset":{"me-00":[20,{"ada":0}]}}',
        b'"n":{"gset":{"me-00":[0,{"ada":1}]}}',
        b'"n":{"gset":{"me-00":[20,{"b":1,"a":2}]}}',
        b'"n":{"gset":{"me-00":[20,{"a\\"":2}]}}',
        b'"n":{"gset":{"me-00":[20,{"a":2},{"me-00":1}]}}',
        b'"n":{"gset":{"me-00":[20,{"a":2}],"you":[20,{"a":2}]}}',
        b'"n":{"gset":{"you":[20,{"a":2}]}}',
        b'"n":{"pncounter":{"me-00":[20,1,2,{"a":[1,0]}]}}',
        b'"n":{"gset":{"me-00":[20,{"%b":2}]}}' % (b"x" * 2**15),
    ],
)
def test_line_of_a_set_that_is_not_plain_is_left(line: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        plain_sets.added(line, b"n", b"me-00", SEQ, [b"new"])
