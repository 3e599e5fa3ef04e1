"""What is written is read back, byte for byte and value for value, for every type."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.header import Head, decode_head, encode_head
from crdtctl.codec.layout import HEAD_END, assemble
from crdtctl.codec.lines import decode_line, decode_own_line, encode_line
from crdtctl.crdt import LOCALLY_MERGED, TYPES
from crdtctl.crdt.base import CounterType
from crdtctl.crdt.counter import Counter, delta_of, join_counters
from crdtctl.records import replace
from tests.codec.files import as_tree, compact, decoded, opened, read_canonical, specified, written
from tests.codec.states import COUNTERS, NAMES, TWO_COUNTERS, entries, states
from tests.support.histories import moments

each_type = pytest.mark.parametrize("kind", TYPES.values(), ids=TYPES)


def backwards(counter: Counter) -> Counter:
    """Return the same counter, put together in the opposite order."""
    return {tag: dict(reversed(authors.items())) for tag, authors in reversed(counter.items())}


@each_type
@given(data=st.data())
def test_a_line_is_read_back_as_it_was_written(kind: CounterType, data: st.DataObject) -> None:
    name, counter = data.draw(NAMES), {kind.tag: data.draw(entries(kind))}
    line = encode_line(name, counter)
    assert decode_line(line) == decode_own_line(line) == (name, counter)
    assert encode_line(*decode_line(line)) == encode_line(*decode_own_line(line)) == line


@each_type
@given(data=st.data())
def test_every_state_that_operations_and_merges_reach_is_read_back(kind: CounterType, data: st.DataObject) -> None:
    (moment,) = data.draw(moments(kind, 1))
    head = Head("state", "ann", moment.clock)
    counters = {"x": {kind.tag: dict(moment.state)}} if moment.state else {}
    assert read_canonical(written(head, counters)) == (head, counters)


@given(name=NAMES, counter=COUNTERS)
def test_a_line_is_written_as_specified(name: str, counter: Counter) -> None:
    assert encode_line(name, counter).decode() == f"{compact(name)}:{compact(as_tree(counter))}"


@given(name=NAMES, counter=COUNTERS)
def test_equal_counters_are_equal_bytes_however_they_came_about(name: str, counter: Counter) -> None:
    line = encode_line(name, counter)
    assert encode_line(name, backwards(counter)) == line
    assert encode_line(name, decode_line(line)[1]) == line


@given(two=TWO_COUNTERS)
def test_the_join_of_read_counters_is_the_join_of_counters(two: tuple[Counter, Counter]) -> None:
    a, b = two
    expected = {
        tag: TYPES[tag].join_all(a.get(tag, {}), b.get(tag, {})) for tag in TYPES if a.get(tag, {}) or b.get(tag, {})
    }
    assert join_counters(a, b) == expected
    read_a, read_b = decode_line(encode_line("x", a))[1], decode_line(encode_line("x", b))[1]
    assert encode_line("x", join_counters(read_a, read_b)) == encode_line("x", expected)
    assert (read_a, read_b) == (a, b)


@given(counter=COUNTERS, since=st.dictionaries(st.sampled_from(["ann", "bob"]), st.integers(1, 9)))
def test_the_delta_of_a_counter_is_what_changed_in_each_of_its_types(counter: Counter, since: dict[str, int]) -> None:
    delta = delta_of(counter, since)
    kept = {
        (tag, author): row
        for tag, authors in counter.items()
        for author, row in authors.items()
        if row[0] > since.get(author, 0) or tag in LOCALLY_MERGED
    }
    assert {(tag, author): row for tag, authors in delta.items() for author, row in authors.items()} == kept
    assert all(delta.values())


@given(state=states())
def test_a_file_is_read_back_as_it_was_written(state: tuple[Head, dict[str, Counter]]) -> None:
    head, counters = state
    data = written(head, counters)
    assert read_canonical(data) == (head, counters)
    assert written(*read_canonical(data)) == data
    assert decoded(opened(data, ours=True)) == counters


@given(state=states())
def test_a_file_is_written_as_specified(state: tuple[Head, dict[str, Counter]]) -> None:
    assert written(*state) == specified(*state)


@given(state=states())
def test_equal_states_are_equal_bytes_however_they_came_about(state: tuple[Head, dict[str, Counter]]) -> None:
    head, counters = state
    other = replace(
        head,
        clock={author: head.clock[author] for author in sorted(head.clock, reverse=True)},
        since={author: head.since[author] for author in sorted(head.since, reverse=True)},
        heard={author: head.heard[author] for author in sorted(head.heard, reverse=True)},
        histories={author: head.histories[author] for author in sorted(head.histories, reverse=True)},
    )
    shuffled = {name: backwards(counters[name]) for name in reversed(counters)}
    assert written(other, shuffled) == written(head, counters)


@given(state=states())
def test_a_header_is_read_back_as_it_was_written(state: tuple[Head, dict[str, Counter]]) -> None:
    head, _ = state
    assert decode_head(encode_head(head) + HEAD_END) == head


@given(state=states())
def test_a_file_written_at_once_and_one_written_line_by_line_are_the_same(
    state: tuple[Head, dict[str, Counter]],
) -> None:
    head, counters = state
    lines = [encode_line(name, counters[name]) for name in sorted(counters)]
    assert assemble(encode_head(head), lines) == written(head, counters)


@given(state=states())
def test_a_sound_file_says_how_many_counters_it_has_and_what_its_checksum_is(
    state: tuple[Head, dict[str, Counter]],
) -> None:
    head, counters = state
    data = written(head, counters)
    source = opened(data)
    source.verify()
    assert source.check() == len(counters)
    assert source.checksum == data[-11:-3].decode()
