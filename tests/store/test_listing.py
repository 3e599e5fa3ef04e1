"""The quick listing of all counters is that of the full program, or is left to it."""

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec.layout import TRAILER_SIZE, InMemory, assemble, is_whole
from crdtctl.codec.plain import check_known_header, header_line, read_own_header
from crdtctl.codec.reader import Source
from crdtctl.crdt.counter import Counter
from crdtctl.errors import CrdtctlError
from crdtctl.store.counters import CounterSnapshot
from crdtctl.store.files import Directory
from crdtctl.store.listing import listing
from tests.support.plain_commands import FAR, HERE, HUB, damaged, known, own, plain_types, states


def lines(data: bytes) -> bytes:
    return data[len(header_line(data)) : -TRAILER_SIZE]


def in_full(directory: Directory, mine: bytes, theirs: bytes) -> bytes | None:
    """Return the rows of the full program; None if it refuses the files."""
    try:
        sources = [Source(InMemory(data), len(data), ours=True) if data else None for data in (mine, theirs)]
        assert sources[0] is not None
        found = [*CounterSnapshot(directory, sources[0], sources[1]).counters()]
        return b"".join([f"{one.name}\t{one.tag}\t{one.value}\n".encode() for one in found])
    except CrdtctlError:
        return None


def quick(mine: bytes, theirs: bytes) -> bytes | None:
    try:
        read_own_header(header_line(mine))
        if theirs:
            check_known_header(header_line(theirs))
        return listing(lines(mine), lines(theirs) if theirs else b"")
    except (ValueError, IndexError):
        return None


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Directory:
    return object.__new__(Directory)  # settings are in it, which nothing here asks for


@given(st.data())
def test_listing_of_any_files_is_the_full_one_or_none(directory: Directory, data: st.DataObject) -> None:
    is_odd = data.draw(st.booleans())
    tags = data.draw(plain_types)
    mine = own(data.draw(states([HERE], is_odd=is_odd, tags=tags)))
    theirs = known(data.draw(states([HUB, FAR, HERE], is_odd=is_odd, tags=tags))) if data.draw(st.booleans()) else b""
    if data.draw(st.booleans()):
        mine = data.draw(damaged(mine))
    elif theirs and data.draw(st.booleans()):
        theirs = data.draw(damaged(theirs))
    if not is_whole(mine) or (theirs and not is_whole(theirs)):
        return
    found = quick(mine, theirs)
    event("listed" if found is not None else "left")
    assert found in (None, in_full(directory, mine, theirs))


#: Lines that are not canonical, or that change how others are read.
ODD_LINES = {
    "a commit of 0": f'"b":{{"pncounter":{{"{HERE}":[0,1,0]}}}}',
    "a leading zero": f'"b":{{"pncounter":{{"{HERE}":[1,01,0]}}}}',
    "a sign": f'"b":{{"pncounter":{{"{HERE}":[1,+1,0]}}}}',
    "a negative number": f'"b":{{"pncounter":{{"{HERE}":[1,-1,0]}}}}',
    "a large number that is no text": f'"b":{{"pncounter":{{"{HERE}":[1,{2**53},0]}}}}',
    "too few numbers": f'"b":{{"pncounter":{{"{HERE}":[1,1]}}}}',
    "too many numbers": f'"b":{{"pncounter":{{"{HERE}":[1,1,0,0]}}}}',
    "another end": f'"b":{{"pncounter":{{"{HERE}":[1,1,0]}}]',
    "the name before": f'"a":{{"pncounter":{{"{HERE}":[1,1,0]}}}}',
    "a name that comes before": f'"A":{{"pncounter":{{"{HERE}":[1,1,0]}}}}',
    "an unknown type": f'"b":{{"counter":{{"{HERE}":[1,1,0]}}}}',
    "a name with a control character": f'"b\x7f":{{"pncounter":{{"{HERE}":[1,1,0]}}}}',
}


@pytest.mark.parametrize("what", ODD_LINES)
def test_listing_is_left_to_the_full_program_for_a_line_that_it_refuses(directory: Directory, what: str) -> None:
    sound = own({"a": {"pncounter": {HERE: (1, 5, 7)}}})
    data = assemble(header_line(sound)[: -len(',"counters":{\n')], [lines(sound)[:-1], ODD_LINES[what].encode()])
    assert in_full(directory, data, b"") is None
    assert quick(data, b"") is None


@pytest.mark.parametrize("name", ["=", "=jobs"])
def test_listing_is_left_to_the_full_program_if_some_counts_may_not_count(name: str) -> None:
    counters: dict[str, Counter] = {"a": {"pncounter": {HERE: (1, 5, 7)}}}
    reserved: Counter = {"membership": {HERE: (1, 1)}} if name == "=" else {"attempts": {HERE: (1, {"tests": 1})}}
    assert quick(own(counters), b"") == b"a\tpncounter\t-2\n"
    assert quick(own({**counters, name: reserved}), b"") is None
    assert quick(own(counters), known({name: reserved})) is None


def test_listing_of_repeated_replicas_counts_each_of_them() -> None:
    counter: Counter = {"pncounter": {FAR: (1, 4, 1), HUB: (1, 5, 3)}}
    theirs = known({"a": counter, "b": counter, "c": {"pncounter": {FAR: (1, 4, 1), HUB: (1, 6, 3)}}})
    mine = own({"d": {"pncounter": {HERE: (1, 1, 5)}}, "e": {"pncounter": {HERE: (2, 1, 7)}}})
    values = {"a": 5, "b": 5, "c": 6, "d": -4, "e": -6}
    assert quick(mine, theirs) == "".join(f"{name}\tpncounter\t{value}\n" for name, value in values.items()).encode()
    assert (
        quick(mine, known({"d": {"gcounter": {HUB: (1, 5)}}}))
        == b"d\tgcounter\t5\nd\tpncounter\t-4\ne\tpncounter\t-6\n"
    )
