"""Many files are joined line by line, and the result is the join of the states."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import encode_line
from crdtctl.codec.merge_join import merge_join, merged_blocks
from crdtctl.codec.reader import ALL, Part, Source
from crdtctl.crdt import TYPES
from crdtctl.crdt.counter import Counter
from tests.codec.files import file_with, opened, written
from tests.codec.states import IDS, NAMES, clock_of, counter_from, name_from, states
from tests.support.tape import Tape, from_tape

State = tuple[Head, dict[str, Counter]]
Counters = dict[str, Counter]
HEAD = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":3,"bob":2}'


def left_out(counters: Counters, author: str | None) -> Counters:
    """Return counters without the entries of an author."""
    return {
        name: {tag: rows for tag in counter if (rows := {a: r for a, r in counter[tag].items() if a != author})}
        for name, counter in counters.items()
    }


def joined(states: list[Counters]) -> Counters:
    """Return the join of states, entry by entry, and without the keys that have expired."""
    result: dict[str, dict[str, dict[str, Any]]] = {}
    for counters in states:
        for name, counter in counters.items():
            for tag, authors in counter.items():
                for author, row in authors.items():
                    rows = result.setdefault(name, {}).setdefault(tag, {})
                    rows[author] = TYPES[tag].join(rows[author], row) if author in rows else row
    return {n: {tag: TYPES[tag].tidied(rows) for tag, rows in counter.items()} for n, counter in result.items()}


def source_of(counters: Counters, *, ours: bool) -> Source:
    return opened(written(Head("state", "ann", clock_of(counters)), counters), ours=ours)


def related() -> st.SearchStrategy[list[Counters]]:
    """Return up to five states that have names, and often whole lines, in common."""

    def made(tape: Tape) -> list[Counters]:
        names = {name_from(tape) for _ in range(1 + tape.below(4))}
        versions = {one: [counter_from(tape) for _ in range(1 + tape.below(3))] for one in sorted(names)}
        return [
            {one: tape.choose(found) for one, found in versions.items() if tape.below(2)}
            for _ in range(1 + tape.below(5))
        ]

    return from_tape(made, 1600)


@given(
    drawn=related(),
    has_base=st.booleans(),
    ours=st.booleans(),
    without=st.none() | IDS,
    first=st.just("") | NAMES,
    beyond=st.just("") | NAMES,
)
def test_files_laid_over_each_other_are_the_join_of_their_states(
    drawn: list[Counters], has_base: bool, ours: bool, without: str | None, first: str, beyond: str
) -> None:
    base, others = (drawn[0], drawn[1:]) if has_base else ({}, drawn)
    expected = joined([base, *(left_out(counters, without) for counters in others)])
    part = Part(first.encode(), beyond.encode())
    found = list(
        merge_join(
            source_of(base, ours=True) if has_base else None,
            [source_of(counters, ours=ours) for counters in others],
            without=without,
            part=part,
        )
    )
    names = sorted(
        name
        for name in {name for counters in drawn for name in counters}
        if name.encode() >= part.first and (not beyond or name.encode() < part.beyond)
    )
    assert [one.name.decode() for one in found] == names
    for name, one in zip(names, found, strict=True):
        assert one.before == (encode_line(name, base[name]) if name in base else None)
        assert one.after == (encode_line(name, expected[name]) if name in expected else None)


@given(drawn=related(), data=st.data())
def test_the_order_of_the_files_does_not_matter_nor_how_often_each_is_given(
    drawn: list[Counters], data: st.DataObject
) -> None:
    again = data.draw(st.permutations(drawn + data.draw(st.lists(st.sampled_from(drawn)))))
    once, more = (
        [one.after for one in merge_join(None, [source_of(c, ours=False) for c in d])] for d in (drawn, again)
    )
    assert once == more


@given(state=states())
def test_a_file_laid_over_nothing_or_over_itself_is_passed_through(state: State) -> None:
    data = written(*state)
    lines = [line for _, line in opened(data).lines()]
    assert [one.after for one in merge_join(None, [opened(data)])] == lines
    over = list(merge_join(opened(data), [opened(data), opened(data)]))
    assert [one.before for one in over] == [one.after for one in over] == lines


def test_nothing_laid_over_nothing_is_nothing() -> None:
    assert list(merge_join(None, [])) == []
    assert list(merge_join(opened(file_with(HEAD)), [opened(file_with(HEAD))], part=ALL)) == []


def test_what_others_say_of_me_is_left_out_and_what_i_know_is_kept() -> None:
    base = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[1,1]}}'))
    other = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[2,2],"bob":[1,5]}}', '"b":{"gset":{"ann":[2,{"x":2}]}}'))
    a, b = merge_join(base, [other], without="ann")
    assert a.after == b'"a":{"gcounter":{"ann":[1,1],"bob":[1,5]}}'
    assert b.after is None


def test_what_was_absorbed_is_left_out_of_all_and_what_takes_part_is_told() -> None:
    base = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[1,1]}}', '"c":{"gcounter":{"bob":[1,1]}}'))
    node = '"handoff":{"ann":[1,0]}'
    other = opened(
        file_with(HEAD, f'"a":{{"gcounter":{{"ann":[2,2],"bob":[1,5]}},{node}}}', '"b":{"gset":{"bob":[2,{"x":2}]}}')
    )
    base.names = other.names = {"bob": ()}
    told: list[tuple[str, Counter]] = []
    found = {one.name: one.after for one in merge_join(base, [other], on_handoff=lambda *one: told.append(one))}
    assert found == {b"a": b'"a":{"gcounter":{"ann":[2,2]}}', b"b": None, b"c": None}
    assert told == [("a", {"handoff": {"ann": (1, 0)}})]


GOOD = '"b":{"gcounter":{"ann":[1,1]}}'
BAD_LINES = {
    "not sorted": ['"c":{"gcounter":{"ann":[1,1]}}', GOOD],
    "not JSON": [GOOD, '"c":{"gcounter":{"ann":[1,}}'],
    "newer than its clock": [GOOD, '"c":{"gcounter":{"ann":[4,1]}}'],
    "no line of a counter": ["garbage"],
}


@pytest.mark.parametrize("position", [0, 1, 2])
@pytest.mark.parametrize("lines", BAD_LINES.values(), ids=BAD_LINES)
def test_a_file_that_turns_out_invalid_on_the_way_is_named(lines: list[str], position: int) -> None:
    sources = [opened(file_with(HEAD, GOOD)), opened(file_with(HEAD, GOOD))]
    bad = opened(file_with(HEAD, *lines), label="bad.json")
    sources.insert(position, bad)
    with pytest.raises(Invalid) as caught:
        list(merge_join(None, sources))
    assert caught.value.source is bad
    assert caught.value.message == f"bad.json is not a valid state: {caught.value.reason}"


def test_a_damaged_base_is_named_too() -> None:
    base = opened(file_with(HEAD, *BAD_LINES["not sorted"]), label="known.json", ours=True)
    with pytest.raises(Invalid) as caught:
        list(merge_join(base, [opened(file_with(HEAD, GOOD))]))
    assert caught.value.source is base
    assert caught.value.message == f"known.json is damaged: {caught.value.reason}"
    assert caught.value.hint == "see 'crdtctl check'"


@given(drawn=related(), has_base=st.booleans(), data=st.data())
def test_what_is_put_under_other_names_is_as_if_it_had_stood_there(
    drawn: list[Counters], has_base: bool, data: st.DataObject
) -> None:
    put = st.dictionaries(IDS, st.lists(IDS, min_size=1, max_size=2, unique=True).map(tuple), max_size=2)
    sources, expected = [], []
    for number, counters in enumerate(drawn):
        source = source_of(counters, ours=number == 0 and has_base)
        source.names = data.draw(put)
        sources.append(source)
        for name, counter in counters.items():
            for tag, authors in counter.items():
                for author, row in authors.items():
                    expected += [{name: {tag: {after: row}}} for after in source.names.get(author, (author,))]
    base, others = (sources[0], sources[1:]) if has_base else (None, sources)
    found = {one.name.decode(): one for one in merge_join(base, others)}
    after = joined(expected)
    assert {name: one.after for name, one in found.items()} == {name: encode_line(name, after[name]) for name in after}
    for name, one in found.items():
        was_there = has_base and name in drawn[0]
        assert one.before == (encode_line(name, drawn[0][name]) if was_there else None)


NODES = '"handoff":{"eve":[9,1,[3,0,3]]}'


def test_what_takes_part_in_merging_is_told_and_not_joined() -> None:
    base = opened(file_with(HEAD, f'"a":{{{NODES}}}'), ours=True)
    first = opened(file_with(HEAD, f'"a":{{"gcounter":{{"ann":[1,1]}},{NODES}}}', f'"b":{{{NODES}}}'))
    again = opened(file_with(HEAD, f'"a":{{"gcounter":{{"ann":[2,2]}},{NODES}}}', f'"b":{{{NODES}}}'))
    told: list[tuple[str, list[str]]] = []
    a, b = merge_join(base, [first, again], on_handoff=lambda name, counter: told.append((name, sorted(counter))))
    assert told == [("a", ["handoff"]), ("a", ["handoff"]), ("b", ["handoff"]), ("b", ["handoff"])]
    assert a.after == f'"a":{{"gcounter":{{"ann":[2,2]}},{NODES}}}'.encode()
    assert (b.before, b.after) == (None, None)


def test_what_takes_part_in_merging_is_told_of_branches_as_well_and_kept_where_it_is_known() -> None:
    base = opened(file_with(HEAD, f'"a":{{{NODES}}}'), ours=True)
    other = opened(
        file_with(HEAD, '"a":{"gcounter":{"ann":[1,1]},"handoff":{"ann":[1,1]}}', '"b":{"handoff":{"ann":[2,1]}}')
    )
    base.names = {"eve": ("eve~1.aaaa",)}
    other.names = {"ann": ("ann~1.aaaa",)}
    told: list[str] = []
    a, b = merge_join(base, [other], on_handoff=lambda name, _: told.append(name))
    assert told == ["a", "b"]
    assert a.before == f'"a":{{{NODES}}}'.encode()
    assert a.after == b'"a":{"gcounter":{"ann~1.aaaa":[1,1]},"handoff":{"eve~1.aaaa":[9,1,[3,0,3]]}}'
    assert b.after is None


def test_a_line_of_which_nothing_is_told_is_passed_through() -> None:
    (a,) = merge_join(None, [opened(file_with(HEAD, GOOD))], on_handoff=lambda *_: pytest.fail("nothing takes part"))
    assert a.after == GOOD.encode()


def test_the_branches_of_a_fork_take_what_they_have_in_common() -> None:
    base = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[1,5],"bob":[2,1]}}'), ours=True)
    other = opened(file_with(HEAD, '"a":{"gcounter":{"ann":[3,7]}}'))
    base.names = {"ann": ("ann~2.aaaa", "ann~2.bbbb")}
    other.names = {"ann": ("ann~2.aaaa",)}
    (a,) = merge_join(base, [other])
    assert a.before == b'"a":{"gcounter":{"ann":[1,5],"bob":[2,1]}}'
    assert a.after == b'"a":{"gcounter":{"ann~2.aaaa":[3,7],"ann~2.bbbb":[1,5],"bob":[2,1]}}'


@pytest.mark.parametrize("many", [False, True])
def test_blocks_of_little_and_of_much_data_are_the_same_lines(many: bool) -> None:
    one = {"hub": (2, 1, 0)}
    mine: dict[str, Counter] = {"a": {"pncounter": one}, "b": {"pncounter": one}}
    theirs: dict[str, Counter] = {"b": {"pncounter": {"pi": (1, 5, 0)}}, "c": {"gset": {"pi": (1, {"ada": 1})}}}
    base, other = (opened(written(Head("state", who, clock_of(of)), of)) for who, of in (("hub", mine), ("pi", theirs)))
    blocks = list(merged_blocks(base, [other], many=many))
    assert b",\n".join(block.text for block in blocks) == b",\n".join(
        one.after for one in merge_join(base, [other]) if one.after is not None
    )
    assert [name for block in blocks for name in block.names] == [b"b", b"c"]
    (alone,) = merged_blocks(base, [], many=many)
    assert (alone.text, list(alone.names)) == (base.pages.read(base.start, base.end - 1 - base.start), [])
