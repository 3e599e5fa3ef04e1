"""Joining in blocks has the result of joining line by line, to the byte: lines, changes, hand-offs, and refusals."""

from collections.abc import Sequence
from itertools import product
from typing import Any, NamedTuple

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from crdtctl.codec import one_author, runs, same_shape
from crdtctl.codec.block_join import join_blocks
from crdtctl.codec.header import Head
from crdtctl.codec.invalid import Invalid
from crdtctl.codec.lines import decode_line, encode_line
from crdtctl.codec.merge_join import MergedLine, merge_join
from crdtctl.codec.reader import ALL, Part, Source
from crdtctl.crdt.base import Entry
from crdtctl.crdt.counter import Counter
from tests.codec.files import file_with, opened, written
from tests.codec.refused import REFUSED
from tests.codec.states import COUNTERS, IDS, NAMES, clock_of

Counters = dict[str, Counter]
WIDTHS = {"gcounter": 2, "pncounter": 3}


class Joined(NamedTuple):
    """The result of a join: the lines, the changes among them, the hand-offs, and why which sources were refused."""

    text: bytes
    changes: list[MergedLine]
    handoffs: list[tuple[str, Any]]
    refused: dict[int, str]


class Drawn(NamedTuple):
    """Files of one join. `names` are those of their replicas that are renamed. Lines of `ours` need no check."""

    base: bytes | None
    others: list[bytes]
    names: list[dict[str, tuple[str, ...]]]
    ours: bool = False

    def opened(self) -> tuple[Source | None, list[Source]]:
        base = None if self.base is None else opened(self.base, ours=True)
        others = [opened(data, ours=self.ours) for data in self.others]
        for source, names in zip([*([base] if base else []), *others], self.names, strict=False):
            source.names = names
        return base, others


def by_line(drawn: Drawn, without: str | None, part: Part) -> Joined:
    """Join line by line, and again without each source that is refused, as a merge does."""
    base, others = drawn.opened()
    left, refused = list(others), dict[int, str]()
    while True:
        told: list[tuple[str, Any]] = []
        try:
            found = list(
                merge_join(base, left, without=without, part=part, on_handoff=lambda *one: told.append(one))  # noqa: B023
            )
        except Invalid as fault:
            refused[next(i for i, source in enumerate(others) if source is fault.source)] = fault.reason
            left.remove(fault.source)  # type: ignore[arg-type]
            continue
        there = [one for one in found if one.after is not None]
        text = b",\n".join(one.after for one in there if one.after is not None)
        return Joined(text, [one for one in there if one.after != one.before], told, refused)


def by_block(drawn: Drawn, without: str | None, part: Part, size: int) -> Joined:
    """Join in blocks of this size, as `by_line` does."""
    base, others = drawn.opened()
    left, refused = list(others), dict[int, str]()
    while True:
        told: list[tuple[str, Any]] = []
        try:
            blocks = list(
                join_blocks(base, left, without=without, part=part, on_handoff=lambda *one: told.append(one), size=size)  # noqa: B023
            )
        except Invalid as fault:
            refused[next(i for i, source in enumerate(others) if source is fault.source)] = fault.reason
            left.remove(fault.source)  # type: ignore[arg-type]
            continue
        assert all(block.text for block in blocks)
        changes = [MergedLine(*one) for block in blocks for one in zip(*block[1:], strict=True)]
        return Joined(b",\n".join(block.text for block in blocks), changes, told, refused)


# Drawing ---------------------------------------------------------------------------------------------------

LABELLED = ['c03{a="b"}', 'c03{a="c"}', 'c03{a="b",b="{"}', 'c03{a="\\\\"}', 'a"', 'a":{']
#: Names as most replicas have them, so that many files have some in common; and few that are written with escapes.
PLAIN = st.integers(0, 12).map("c{:02}".format) | st.sampled_from(["a b", "a{", "c03 ", "é", "]}},", "x~y", *LABELLED])
AUTHORS = st.sampled_from(["ann-01", "bob-02", "eve-03", "me", "ann!", "ann", 'ann"'])
SMALL = st.integers(0, 3) | st.sampled_from([10, 2**53 - 1])


NO_MAPS: Entry = ({}, {}, {}, {}, 0, {})
ENDS: list[Entry] = [(1,), (2, 96), (2, 0, "h9:1"), (2, 0, "h9:2"), (3, 8, "m0:3 d40:1,2 q8000:7")]


@st.composite
def totals(draw: st.DrawFn, authors: Sequence[str]) -> Counter:
    """Return a counter of totals alone, of one type; or of totals and periods."""
    tag = draw(st.sampled_from(["pncounter", "pncounter", "pncounter", "gcounter"]))
    ends = st.just(()) | st.sampled_from(ENDS).map(NO_MAPS.__add__) if draw(st.booleans()) else st.just(())
    return {
        tag: {
            who: (draw(st.integers(1, 4)), *(draw(SMALL) for _ in range(WIDTHS[tag] - 1)), *draw(ends))
            for who in authors
        }
    }


@st.composite
def files(draw: st.DrawFn, base: bool) -> tuple[Head, Counters]:
    """Return a file: of one replica, of several, or of anything."""
    names = draw(st.lists(PLAIN.filter(lambda name: name.strip() == name), max_size=8, unique=True))
    authors = draw(st.lists(AUTHORS, min_size=1, max_size=3, unique=True))
    kind = draw(st.sampled_from(["narrow", "narrow", "wide", "any"]))
    of_one = st.sampled_from(authors).map(lambda author: [author])
    counters: Counters = {}
    for name in names:
        if kind == "any" or draw(st.integers(0, 9)) == 0:
            counters[name] = draw(COUNTERS)
        else:
            counters[name] = draw(totals(draw(of_one) if kind == "narrow" else authors))
    if draw(st.booleans()) and kind == "any":
        counters |= draw(st.dictionaries(NAMES, COUNTERS, max_size=2))
    if not counters:
        counters = {"c": {"gcounter": {"ann": (1, 1)}}}
    return Head("known" if base else "state", "x", {**dict.fromkeys(authors, 4), **clock_of(counters)}), counters


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Return a file with one change behind its right checksum."""
    head, *lines = data.decode().split("\n")
    lines = [line.removesuffix(",") for line in lines[:-2]]
    at = draw(st.integers(0, len(lines) - 1))
    line = lines[at]
    match draw(
        st.sampled_from(["swap", "twice", "periods", "seq", "zero", "author", "cut", "space", "name", "type", "long"])
    ):
        case "swap":
            lines.append(lines.pop(at))
        case "twice":
            lines.insert(at, line)
        case "periods":
            lines[at] = line.replace('"h9:', '"h10:1 h9:').replace(",96]", ",096]")
        case "seq":
            lines[at] = line.replace(":[", ":[9")
        case "zero":
            lines[at] = line.replace(":[", ":[0")
        case "author":
            lines[at] = line.replace('":[', 'x":[')
        case "cut":
            lines[at] = line[: draw(st.integers(0, len(line)))].strip("\n") or "x"
        case "space":
            lines[at] = line.replace(",", ", ", 1)
        case "name":
            lines[at] = f'"={line[1:]}'
        case "type":
            lines[at] = line.replace("counter", "other")
        case _:
            lines[at] = line.replace("]", ",1]")
    return file_with(head.removesuffix(',"counters":{'), *lines)


@st.composite
def draws(draw: st.DrawFn, damage: bool) -> Drawn:
    """Return files, often of the same replicas at different times."""
    has_base = draw(st.booleans())
    made = [draw(files(base=has_base and number == 0)) for number in range(draw(st.integers(1, 5)))]
    for number in range(1, len(made)):
        if draw(st.integers(0, 2)) == 0:  # a later or an earlier version of the file before it
            (_, before), (head, _) = made[number - 1], made[number]
            counters = {name: draw(st.sampled_from([counter, later(counter)])) for name, counter in before.items()}
            made[number] = Head("state", "x", {**head.clock, **clock_of(counters)}), counters
    data = [written(*one) for one in made]
    for number in range(1 if has_base else 0, len(data)):
        if damage and draw(st.booleans()):
            data[number] = draw(damaged(data[number]))
    renames = st.dictionaries(AUTHORS, st.lists(IDS, max_size=2, unique=True).map(tuple), max_size=1)
    names = [draw(renames) if draw(st.integers(0, 7)) == 0 else {} for _ in data]
    ours = not damage and draw(st.integers(0, 3)) == 0
    return Drawn(data[0] if has_base else None, data[1:] if has_base else data, names, ours)


def later(counter: Counter) -> Counter:
    """Return a counter after each of its replicas counted once more."""
    return {
        tag: {who: (*row[:1], min(row[1] + 1, 2**53 - 1), *row[2:]) for who, row in rows.items()}
        if tag in WIDTHS
        else rows
        for tag, rows in counter.items()
    }


# The property ----------------------------------------------------------------------------------------------

WITHOUT = st.sampled_from([None, "me", "ann", 'quo"te'])
PARTS = st.just(ALL) | st.builds(Part, *[st.sampled_from([b"", b"c02", b"c05", b"c09", b"z"])] * 2)
SIZES = st.sampled_from([1, 40, 100, 300, 2**21])


@given(drawn=draws(damage=False), without=WITHOUT, part=PARTS, size=SIZES)
def test_blocks_have_the_result_of_lines(drawn: Drawn, without: str | None, part: Part, size: int) -> None:
    expected = by_line(drawn, without, part)
    assert expected.refused == {}
    assert by_block(drawn, without, part, size) == expected


@given(drawn=draws(damage=True), without=WITHOUT, part=PARTS, size=SIZES)
def test_blocks_refuse_what_lines_refuse_and_for_the_same_reason(
    drawn: Drawn, without: str | None, part: Part, size: int
) -> None:
    expected = by_line(drawn, without, part)
    event(f"refused: {len(expected.refused)}")
    assert by_block(drawn, without, part, size) == expected


@pytest.mark.parametrize("size", [1, 2**21])
@pytest.mark.parametrize("document", REFUSED)
def test_documents_that_must_be_refused_are_refused_in_blocks(document: str, size: int) -> None:
    data = REFUSED[document]
    good = written(Head("state", "ann", {"ann": 3}), {"a": {"gcounter": {"ann": (1, 7)}}})
    try:
        drawn = Drawn(good, [data, good], [])
        drawn.opened()[1][0].verify()
    except Invalid:
        return  # for its header or checksum: it never comes to a join
    expected = by_line(drawn, None, ALL)
    assert 0 in expected.refused
    assert by_block(drawn, None, ALL, size) == expected


LINES = [f'"c{number:02}":{{"pncounter":{{"ann":[1,2,0],"bob":[2,3,4]}}}}' for number in range(30)]
NARROW = [f'"c{number:02}":{{"gcounter":{{"ann":[1,{number}]}}}}' for number in range(30)]
CLOCK = '{"crdtctl":1,"kind":"state","replica":"ann","clock":{"ann":2,"bob":2,"me":2}'
#: One line of a file → what somebody may have made of it, or of it and the next line.
CHANGES: dict[str, tuple[str, str]] = {
    "a commit beyond the clock": ('"ann":[1', '"ann":[3'),
    "a commit of another replica beyond the clock": ("]}}", '],"me":[3,1,0]}}'),
    "commit 0": ('"ann":[1', '"ann":[0'),
    "an unknown replica": ('"ann"', '"amy"'),
    "a bracket that closes for one that opens": ('"ann":[', '"ann":]'),
    "brackets by turns, the other way round": ("[", "#"),
    "a number that begins with 0": (":[1,", ":[1,0"),
    "a number that is too large": (":[1,", ":[1,9007199254740992"),
    "one number more": ("]", ",1]"),
    "one number less": (",4]", "]"),
    "two entries in one pair of brackets": ("]", ",1],[1,2]"),
    "a space": (",", ", "),
    "no quotes": ('"', ""),
    "a line feed": (":[", ":[\n"),
    "no end": ("}}", "}"),
    "another type": ("counter", "other"),
    "a second type": ("]}}", ']},"handoff":{"ann":[1,1]}}'),
    "a second type of totals": ("]}}", ']},"zcounter":{"ann":[1,1]}}'),
    "an idempotency key": ("]}}", ',{"k":[1,2,1]}]}}'),
    "an entry of the own replica": ("]}}", '],"me":[2,1,0]}}'),
    "an own entry of an unknown commit": ("]}}", '],"me":[3,1,0]}}'),
    "an own entry that is not canonical": ("]}}", '],"me":[2,01,0]}}'),
    "an own entry in the wrong place": ('{"ann":[', '{"me":[2,1,0],"ann":['),
    "an own entry alone": ('"ann"', '"me"'),
    "a name that is not allowed": ('"c', '"=c'),
    "a name with a control character": ('"c', '"\x7fc'),
    "a reserved name": ('"c', '"=jobs'),
    "another name": ('"c', '"d'),
    "an escape": ('"c', '"\\\\c'),
    "not ASCII": ('"c', '"cé'),
    "a damaged line before one in the wrong place": ('"c', '"\x7fb'),
}


@pytest.mark.parametrize("size", [1, 500, 2**21])
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("lines", [LINES, NARROW], ids=["wide", "narrow"])
def test_a_changed_line_means_the_same_in_a_block(lines: list[str], change: str, size: int) -> None:
    for at, is_newer in product([0, 11, 28, 29], [False, True]):
        before, after = CHANGES[change]
        sound = [line.replace("[1,", "[2,1") if is_newer else line for line in lines]
        changed = list(sound)
        if after == "#":
            changed[at] = changed[at].replace("[", "#").replace("]", "[").replace("#", "]")
        else:
            changed[at] = changed[at].replace(before.replace("1", "2") if is_newer else before, after)
        if change.startswith("a damaged line") and at:
            changed[at - 1] = changed[at - 1].replace(",", ", ")
        mine, theirs, more = (file_with(CLOCK, *each) for each in (lines, changed, sound))
        for drawn in (Drawn(mine, [theirs], []), Drawn(None, [theirs], []), Drawn(mine, [theirs, more], [])):
            assert by_block(drawn, "me", ALL, size) == by_line(drawn, "me", ALL)


# The quick ways are taken ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 2**21])
def test_a_name_of_two_lines_is_refused_in_blocks(size: int) -> None:
    data = written(Head("state", "ann", {"ann": 3}), narrow("ann", {"a~b": 1, "c": 1, "d{e}": 1}))
    drawn = Drawn(None, [data.replace(b"a~b", b"a\nb")], [])
    assert by_block(drawn, None, ALL, size) == by_line(drawn, None, ALL)


def narrow(author: str, amounts: dict[str, int]) -> Counters:
    return {name: {"pncounter": {author: (1, amount, 0)}} for name, amount in amounts.items()}


NAMED = [f"c{number:03}" for number in range(100)]


def test_lines_of_one_entry_are_read_without_decoding_them_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    states = [written(Head("state", who, {who: 1}), narrow(who, dict.fromkeys(NAMED, 1))) for who in ("ann", "bob")]
    monkeypatch.setattr(Source, "decode", lambda *_: pytest.fail("a line was decoded"))
    drawn = Drawn(None, states, [])
    found = by_block(drawn, None, ALL, 2**21)
    assert len(found.changes) == 100
    assert found.changes[0].after == b'"c000":{"pncounter":{"ann":[1,1,0],"bob":[1,1,0]}}'


def test_a_line_of_more_than_totals_does_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = narrow("ann", dict.fromkeys(NAMED, 1))
    counters["c050"] = {"gset": {"ann": (1, {"x": 1})}}
    counters["c060"] = {"gcounter": {"ann": (1, 3)}}
    decoded: list[bytes] = []
    decode = Source.decode

    def noted(self: Source, line: bytes) -> tuple[str, Counter]:
        decoded.append(line)
        return decode(self, line)

    monkeypatch.setattr(Source, "decode", noted)
    found = by_block(Drawn(None, [written(Head("state", "ann", {"ann": 1}), counters)], []), None, ALL, 2**21)
    assert found.text == b",\n".join(encode_line(name, counters[name]) for name in NAMED)
    assert len(decoded) == 2


@pytest.mark.parametrize("newer", [b'"ann":[2,1,0]', b'"bob":[2,9,9]'])
def test_lines_of_one_shape_are_joined_without_decoding_them_one_by_one(
    monkeypatch: pytest.MonkeyPatch, newer: bytes
) -> None:
    counters: Counters = {name: {"pncounter": {"ann": (1, 2, 0), "bob": (2, 3, 4)}} for name in NAMED}
    mine = written(Head("known", "x", {"ann": 2, "bob": 2}), counters)
    old = b'"ann":[1,2,0]' if b"ann" in newer else b'"bob":[2,3,4]'
    theirs = written(Head("state", "x", {"ann": 2, "bob": 2}), counters).replace(old, newer)
    monkeypatch.setattr(Source, "decode", lambda *_: pytest.fail("a line was decoded"))
    found = by_block(Drawn(mine, [theirs], []), None, ALL, 2**21)
    after = b'"ann":[2,2,0],"bob":[2,3,4]' if b"ann" in newer else b'"ann":[1,2,0],"bob":[2,9,9]'
    assert found.changes[3].after == b'"c003":{"pncounter":{%b}}' % after


def test_an_own_export_adds_nothing_and_is_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    mine: Counters = {name: {"pncounter": {"ann": (1, 2, 0), "zoe": (1, 1, 1)}} for name in NAMED}
    own = {name: {"pncounter": {**counter["pncounter"], "me": (3, 3, 0)}} for name, counter in mine.items()}
    monkeypatch.setattr(Source, "decode", lambda *_: pytest.fail("a line was decoded"))
    states = [written(Head("known", "me", {"ann": 1, "zoe": 1}), mine)]
    states.append(written(Head("state", "me", {"ann": 1, "me": 3, "zoe": 1}), own))
    assert by_block(Drawn(states[0], states[1:], []), "me", ALL, 2**21).changes == []


@given(
    st.lists(
        st.sampled_from(NAMED + [name for name in LABELLED if "\\" not in name]), min_size=1, max_size=5, unique=True
    ),
    AUTHORS.filter(lambda author: '"' not in author),
    st.binary(max_size=40),
)
def test_columns_are_read_only_from_lines_that_are_written_so(names: list[str], author: str, noise: bytes) -> None:
    counters = narrow(author, dict.fromkeys(names, 5))
    text = b",\n".join(encode_line(name, counters[name]) for name in sorted(counters))
    for cut in range(0, len(text), 7):
        for data in (text[:cut] + noise + text[cut:], text[:cut] + text[cut + 1 :]):
            columns = one_author.read(data, {author: 1})
            assert columns is None or b",\n".join(one_author.lines(columns)) == data
    columns = one_author.read(text, {author: 1})
    assert columns is not None
    assert b",\n".join(one_author.lines(columns)) == text
    assert one_author.read(text, {author: 0}) is one_author.read(text, {}) is None


def test_pairs_of_another_shape_are_left_to_others() -> None:
    mine = [b'"a%02d":{"gcounter":{"ann":[1,1],"bob":[1,1]}}' % number for number in range(40)]
    theirs = [line.replace(b'"bob":[1,1]', b'"bob":[2,5]') for line in mine]
    theirs[7] = b'"a07":{"gcounter":{"ann":[1,1],"eve":[1,1]}}'
    joined = same_shape.join_pairs(mine, theirs, {"ann": 1, "bob": 2, "eve": 1})
    assert [number for number, line in enumerate(joined) if line is None and not 0 <= number < 20] == []
    assert joined[7] is None
    assert joined[39] == b'"a39":{"gcounter":{"ann":[1,1],"bob":[2,5]}}'


def test_name_has_both_types_that_two_narrow_files_give_it() -> None:
    names = [f"c{number:02}" for number in range(20)]
    of: dict[str, Counter] = {"ann": {"pncounter": {"ann": (1, 2, 0)}}, "bob": {"gcounter": {"bob": (1, 3)}}}
    files = [written(Head("state", who, {who: 1}), dict.fromkeys(names, counter)) for who, counter in of.items()]
    drawn = Drawn(None, files, [{}, {}])
    found = by_block(drawn, None, ALL, 2**16)
    assert found == by_line(drawn, None, ALL)
    assert [decode_line(line) for line in found.text.split(b",\n")] == [
        (name, {**of["ann"], **of["bob"]}) for name in names
    ]


@given(text=st.lists(st.sampled_from([b",", b"\n", b",\n", b"a"])).map(b"".join))
def test_the_lines_of_a_text_are_those_that_splitting_it_gives(text: bytes) -> None:
    assert runs.lines_of(text) == text.split(runs.SEPARATOR)


@pytest.mark.parametrize("authors", [["ann", "bob"], ["ann", "me"]])
def test_wide_lines_of_our_own_are_joined_as_text(authors: list[str]) -> None:
    rows: list[Counter] = [{"pncounter": dict.fromkeys(authors, (1, number, 0))} for number in (3, 5)]
    clock = dict.fromkeys(authors, 1)
    data = [written(Head("state", "x", clock), {"c1": row, f"d{number}": row}) for number, row in enumerate(rows)]
    drawn = Drawn(None, data, [{}, {}], ours=True)
    assert by_block(drawn, "me", ALL, 2**21) == by_line(drawn, "me", ALL)
