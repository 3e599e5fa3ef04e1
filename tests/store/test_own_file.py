"""``own.json`` is edited line by line; the oracle is a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from crdtctl.codec.header import Head, encode_head
from crdtctl.codec.layout import assemble, is_whole
from crdtctl.codec.lines import encode_line
from crdtctl.store.own_file import MANY, OwnFile

ME = "here-00112233445566778899aabbccddeeff"

#: Names that sort before, between and after each other, some of them escaped.
names = st.one_of(
    st.sampled_from(["a", "b", "b ", "b!", "bb", "z", 'say "hi"', "back\\slash", '"', "\\", "ünï", "日本", "x" * 200]),
    st.integers(0, 99).map("n{:02}".format),
).map(str.strip)
rows = st.tuples(st.integers(1, 9), st.integers(0, 10**20), st.integers(0, 3))
counters = st.dictionaries(names, rows, max_size=60)


def lines_of(found: dict[str, tuple[int, int, int]]) -> dict[str, bytes]:
    return {name: encode_line(name, {"pncounter": {ME: row}}) for name, row in found.items()}


def whole(lines: dict[str, bytes], seq: int) -> bytes:
    return assemble(encode_head(Head("own", ME, {ME: seq} if seq else {})), [lines[name] for name in sorted(lines)])


def edited(before: dict[str, bytes], edits: dict[str, bytes]) -> bytes:
    return b"".join(OwnFile(whole(before, 7)).edited(edits, Head("own", ME, {ME: 8})))


@given(counters, counters.filter(bool))
def test_editing_gives_the_bytes_that_writing_everything_anew_would_give(
    before: dict[str, tuple[int, int, int]], edits: dict[str, tuple[int, int, int]]
) -> None:
    after = edited(lines_of(before), lines_of(edits))
    assert is_whole(after)
    assert after == whole(lines_of({**before, **edits}), 8)


@given(counters, st.data())
def test_replacing_some_of_the_lines_leaves_the_others_as_they_were(
    before: dict[str, tuple[int, int, int]], data: st.DataObject
) -> None:
    chosen = data.draw(st.lists(st.sampled_from(sorted(before)), unique=True) if before else st.just([]))
    edits = dict.fromkeys(chosen, (8, 4, 4))
    file = OwnFile(edited(lines_of(before), lines_of(edits)))
    look_up = file.counters(many=data.draw(st.booleans()))
    assert {name: look_up(name)["pncounter"][ME] for name in before} == {**before, **edits}
    assert (file.id, file.seq) == (ME, 8)


def test_many_edits_and_few_are_both_tried() -> None:
    before = {f"c{number:03}": (1, number, 0) for number in range(0, 200, 2)}
    for count in (1, MANY - 1, MANY, MANY + 1, 150):
        edits = {f"c{number:03}": (8, 0, 1) for number in range(150, 150 - count, -1)}
        assert edited(lines_of(before), lines_of(edits)) == whole(lines_of({**before, **edits}), 8)


@given(counters, st.lists(names, min_size=1))
def test_a_counter_is_found_if_and_only_if_it_is_there(
    before: dict[str, tuple[int, int, int]], wanted: list[str]
) -> None:
    file = OwnFile(whole(lines_of(before), 7))
    for name in wanted:
        expected = {"pncounter": {ME: before[name]}} if name in before else {}
        assert file.counters(many=False)(name) == file.counters(many=True)(name) == expected
