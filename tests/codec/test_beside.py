"""A file that is compared with ours holds nothing new only if a join of the two would change nothing."""

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from crdtctl.codec.beside import verify_beside, without_own
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.merge_join import merge_join
from crdtctl.codec.plain import DATED
from crdtctl.codec.reader import Source
from crdtctl.crdt.counter import Counter, join_counters
from tests.codec.files import opened, written
from tests.codec.states import clock_of
from tests.codec.test_block_join import damaged, totals
from tests.support.handwritten import document_with

OWN = "me-04"
NAMES = st.integers(0, 40).map("c{:02}".format) | st.integers(0, 9).map('c{:02}{{a="b"}}'.format)
FEW = st.sampled_from(["ann-01", "bob-02", "zoe-03"])


def other_of(base: dict[str, Counter], own: dict[str, Counter]) -> bytes:
    """Return the export of a replica that knows `base` and has counted `own`."""
    names = base.keys() | own.keys()
    joined = {name: join_counters(base.get(name, {}), own.get(name, {})) for name in names}
    clock = {**clock_of(base), **clock_of(own), OWN: 4}
    return written(Head("state", OWN, dict(sorted(clock.items()))), joined)


def base_of(counters: dict[str, Counter]) -> Source:
    return opened(written(Head("known", OWN, clock_of(counters)), counters), ours=True)


def changes(base: Source, other: bytes) -> list[str] | None:
    """Return the lines that a join changes; None if the other file is refused."""
    try:
        found = merge_join(base, [opened(other)], without=OWN)
        return [str(line) for line in found if line.after != line.before]
    except Invalid:
        return None


@st.composite
def exports(draw: st.DrawFn, kinds: list[str]) -> tuple[Source, bytes]:
    """Return what a replica knows, of totals, and its own export."""
    kind = draw(st.sampled_from(kinds))
    authors = st.lists(FEW, min_size=1, max_size=3, unique=True)
    known, own = dict[str, Counter](), dict[str, Counter]()
    for name in draw(st.lists(NAMES, max_size=20, unique=True)):
        known[name] = draw(authors.flatmap(totals).filter(lambda counter: kind in counter or kind == "any"))
    for name in draw(st.lists(NAMES, max_size=20, unique=True)):
        own[name] = draw(totals([OWN]).filter(lambda counter: kind in counter or kind == "any"))
    known = known or {"c": {"pncounter": {"ann-01": (1, 1, 0)}}}
    return base_of(known), other_of(known, own)


@given(made=exports(["pncounter", "any"]), data=st.data(), size=st.integers(1, 600))
def test_a_file_that_holds_nothing_new_changes_nothing(
    made: tuple[Source, bytes], data: st.DataObject, size: int
) -> None:
    base, other = made
    if data.draw(st.booleans()):
        other = data.draw(damaged(other))
    if verify_beside(base, opened(other), OWN, size=size):
        event("nothing new")
        assert changes(base, other) == []


@given(made=exports(["pncounter"]), size=st.integers(1, 600))
def test_an_own_export_of_totals_holds_nothing_new(made: tuple[Source, bytes], size: int) -> None:
    base, other = made
    assume(DATED not in other)  # entries with periods are joined
    assert verify_beside(base, opened(other), OWN, size=size)


@given(made=exports(["any"]), size=st.integers(1, 600), data=st.data())
def test_damage_to_our_own_file_is_found_whatever_the_other_holds(
    made: tuple[Source, bytes], size: int, data: st.DataObject
) -> None:
    base, other = made
    text = bytearray(base.pages.read(0, base.size))
    at = data.draw(st.integers(base.start, base.end - 1))
    text[at] ^= 1 << data.draw(st.integers(0, 6))
    try:
        source = opened(bytes(text), ours=True)
    except Invalid:  # the end is not that of a line
        return
    with pytest.raises(Invalid, match="checksum"):
        verify_beside(source, opened(other), OWN, size=size)


PLAIN = '"{0}":{{"pncounter":{{"{1}":[1,2,0]}}}}'
BASE = [PLAIN.format(name, "ann-01") for name in ("b", "d", "f")] + [PLAIN.format("x", "zoe-03")]
MINE = '"me-04":[3,1,0]'


@pytest.mark.parametrize(
    ("lines", "is_inside"),
    [
        (BASE, True),
        (BASE[:2], True),
        ([], True),
        ([BASE[0], *BASE[2:]], False),
        ([*BASE, PLAIN.format("y", "ann-01")], False),
        ([*BASE, f'"y":{{"pncounter":{{{MINE}}}}}'], True),
        ([f'"a":{{"pncounter":{{{MINE}}}}}', *BASE], True),
        ([f'"c":{{"pncounter":{{{MINE}}}}}', *BASE], False),  # not sorted
        ([BASE[0], f'"e":{{"pncounter":{{{MINE}}}}}', *BASE[1:]], False),
        ([f'"a\\\\":{{"pncounter":{{{MINE}}}}}', *BASE], False),  # an escape
        ([f'"a\\"":{{"pncounter":{{{MINE}}}}}', *BASE], True),
        ([f'"a{{b=\\"c\\"}}":{{"pncounter":{{{MINE}}}}}', *BASE], True),
        ([f'"a{{b=\\"\\"}}":{{"pncounter":{{{MINE}}}}}', *BASE], False),  # a label without a value
        ([BASE[0].replace("ann-01", 'ann\\"').replace("]}", f"],{MINE}}}"), *BASE[1:]], False),
        ([f'"a ":{{"pncounter":{{{MINE}}}}}', *BASE], False),  # not a name
        ([f'"a"a":{{"pncounter":{{{MINE}}}}}', *BASE], False),
        ([f'x"a":{{"pncounter":{{{MINE}}}}}', *BASE], False),
        ([f'"a":{{"gcounter":{{{MINE}}}}}', *BASE], False),  # a second type
        ([BASE[0].replace("]}", f"],{MINE}}}"), *BASE[1:]], True),
        ([BASE[0].replace("]}", f"],{MINE},{MINE}}}"), *BASE[1:]], False),  # twice
        ([BASE[0].replace('{"ann', f'{{{MINE},"ann'), *BASE[1:]], False),  # not sorted
        ([BASE[0].replace("]}", f"],{MINE.replace('3', '5')}}}"), *BASE[1:]], False),  # beyond the clock
        ([BASE[0].replace("]}", f"],{MINE.replace('3', '03')}}}"), *BASE[1:]], False),
        ([BASE[0].replace("]}", f"],{MINE.replace('1', '-1')}}}"), *BASE[1:]], False),
        ([BASE[0].replace("]}", f"],{MINE[:-1]}}}"), *BASE[1:]], False),  # no end of the entry
        ([BASE[0].replace("]}", f"],{MINE}}} "), *BASE[1:]], False),
        ([BASE[0].replace("]}", f"] ,{MINE}}}"), *BASE[1:]], False),
        ([BASE[0].replace("]}", f"],{MINE} }}"), *BASE[1:]], False),
        ([BASE[0].replace(':{"ann', f':{{"pncounter":[1],{MINE},"ann'), *BASE[1:]], False),
        ([BASE[0].replace('{"ann', f'{{ {MINE},"ann'), *BASE[1:]], False),
        ([*BASE[:3], BASE[3].replace('{"zoe', f'{{{MINE},"zoe')], True),
        ([*BASE[:3], BASE[3].replace("]}", f"],{MINE}}}")], False),  # not sorted
        ([BASE[0][:-1], *BASE[1:]], False),
        ([*BASE[:2], BASE[2][:-1]], False),
        ([BASE[0] + "}", *BASE[1:]], False),
    ],
)
@pytest.mark.parametrize("size", [1, 2**16])
def test_what_is_in_our_file_but_for_valid_own_entries(lines: list[str], is_inside: bool, size: int) -> None:
    head = {"crdtctl": 1, "kind": "state", "replica": OWN, "clock": {"ann-01": 1, OWN: 4, "zoe-03": 1}}
    base, other = opened(document_with(head, *BASE), ours=True), document_with(head, *lines)
    assert verify_beside(base, opened(other), OWN, size=size) == is_inside
    assert not is_inside or changes(base, other) == []


def test_lines_are_not_looked_at_below_a_clock_that_lacks_their_replica() -> None:
    made: dict[str, Counter] = {"c": {"pncounter": {"ann-01": (1, 2, 0)}}}
    assert not verify_beside(base_of(made), opened(written(Head("state", OWN, {OWN: 4}), made)), OWN)


def test_a_file_that_is_cut_while_it_is_compared_differs() -> None:
    made = {f"c{number:02}": {"pncounter": {"ann-01": (1, 2, 0)}} for number in range(9)}
    base, other = base_of(made), opened(other_of(made, {}))
    other.pages.data = other.pages.data[:-200]  # type: ignore[attr-defined]
    assert not verify_beside(base, other, OWN, size=50)


@pytest.mark.parametrize(
    "text",
    [
        b'"c":{"pncounter":{"a\\"c":[1,1,0],"a!b":[1,1,0]}}',
        b'"c":{"pncounter":{"a!b":[1,1,0],"a c":[1,1,0]}}',
        b'"c\\"":{"pncounter":{"a!b":[1,1,0]}},\n"c!":{"pncounter":{"a!b":[1,1,0]}}',
    ],
)
def test_a_quote_has_its_place_in_the_order_of_names_and_replicas(text: bytes) -> None:
    assert without_own(text, b"a!b", 9) is None
